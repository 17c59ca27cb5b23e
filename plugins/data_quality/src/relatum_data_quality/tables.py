"""Tables of data quality. Only the services of this plugin write them."""

from typing import ClassVar

from piccolo.columns import UUID, Boolean, Date, Integer, Real, Timestamptz, Varchar
from piccolo.columns import Text as LongText
from piccolo.table import Table

from relatum.api import CustomerRef, Text


class StoredFinding(Table, tablename="data_quality_finding"):
    """What one rule found in one customer, and what became of it.

    The value itself is not kept: ``fingerprint`` tells whether it is still the same.
    """

    labels: ClassVar = {
        "": Text(en="What is to be mended in the record", vi="Điều cần sửa trong hồ sơ"),
        "rule": Text(en="", vi=""),
        "dimension": Text(en="Kind of fault", vi="Loại lỗi"),
        "dimension=completeness": Text(en="Completeness", vi="Đầy đủ"),
        "dimension=validity": Text(en="Validity", vi="Hợp lệ"),
        "dimension=uniqueness": Text(en="Uniqueness", vi="Duy nhất"),
        "dimension=freshness": Text(en="Freshness", vi="Cập nhật"),
        "dimension=consistency": Text(en="Consistency", vi="Nhất quán"),
        "severity=error": Text(en="Error", vi="Lỗi"),
        "severity=warning": Text(en="Warning", vi="Cảnh báo"),
        "severity=note": Text(en="Note", vi="Lưu ý"),
        "state=mended": Text(en="mended", vi="đã sửa"),
        "state=accepted": Text(en="accepted as it is", vi="chấp nhận giữ nguyên"),
        "state=gone": Text(en="gone by itself", vi="tự hết"),
    }

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=False, derived=True)
    rule = Varchar(length=120, default="", index=True)
    dimension = Varchar(length=20, default="")
    severity = Varchar(length=10, default="")
    field = Varchar(length=60, default="")
    certain = Boolean(default=False)
    fingerprint = Varchar(length=24, default="")
    state = Varchar(length=10, default="open")
    reason = Varchar(length=500, default="")
    found_at = Timestamptz(default=None, null=False)
    changed_at = Timestamptz(default=None, null=True)
    changed_by = Varchar(length=200, default="")
    #: the customer's version that the mend made; it can be taken back while it is the last
    version = Integer(default=None, null=True)


class StoredScore(Table, tablename="data_quality_score"):
    """How good one record is, from 0 to 1; ``quality`` is the index from 0 to 100."""

    labels: ClassVar = {
        "": Text(en="How good the record is", vi="Chất lượng của hồ sơ"),
        "completeness": Text(en="Completeness", vi="Đầy đủ"),
        "validity": Text(en="Validity", vi="Hợp lệ"),
        "uniqueness": Text(en="Uniqueness", vi="Duy nhất"),
        "freshness": Text(en="Freshness", vi="Cập nhật"),
        "consistency": Text(en="Consistency", vi="Nhất quán"),
        "quality": Text(en="Index, out of 100", vi="Chỉ số, trên 100"),
        "stale": Text(en="Out of date", vi="Đã cũ"),
        "incomplete": Text(en="Incomplete", vi="Còn thiếu"),
    }

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=False, derived=True)
    completeness = Real(default=0.0)
    validity = Real(default=0.0)
    uniqueness = Real(default=0.0)
    freshness = Real(default=0.0)
    consistency = Real(default=0.0)
    quality = Real(default=0.0)
    stale = Boolean(default=False)
    incomplete = Boolean(default=False)
    #: where it came from: the first of its external sources; empty when it was typed in
    source = Varchar(length=60, default="")


class StoredVerification(Table, tablename="data_quality_verification"):
    """When a field of a customer was last changed or confirmed."""

    labels: ClassVar = {
        "": Text(en="When data was verified", vi="Các lần xác minh dữ liệu"),
    }

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=False, derived=True)
    field = Varchar(length=60, default="")
    at = Timestamptz(default=None, null=False)
    confirmed = Boolean(default=False)
    by = Varchar(length=200, default="", db_column_name="actor")


class StoredDay(Table, tablename="data_quality_day"):
    """The means of one day: of all customers, or of those of one owner, team or source."""

    #: of everybody, so that only those who see everybody see it
    across_customers = True

    id = UUID(primary_key=True, default=None)
    day = Date(default=None, null=False)
    dimension = Varchar(length=10, default="all")
    part = Varchar(length=80, default="")
    customers = Integer(default=0)
    completeness = Real(default=0.0)
    validity = Real(default=0.0)
    uniqueness = Real(default=0.0)
    freshness = Real(default=0.0)
    consistency = Real(default=0.0)
    quality = Real(default=0.0)


class StoredProposal(Table, tablename="data_quality_proposal"):
    """A value from outside for a field of a customer, until a person takes or leaves it."""

    labels: ClassVar = {
        "": Text(en="Values from outside", vi="Dữ liệu từ bên ngoài"),
    }

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=False, derived=True)
    source = Varchar(length=60, default="")
    field = Varchar(length=80, default="")
    value = LongText(default="")
    state = Varchar(length=10, default="open")
    made_at = Timestamptz(default=None, null=False)
    made_by = Varchar(length=200, default="")
    decided_at = Timestamptz(default=None, null=True)
    decided_by = Varchar(length=200, default="")


class StoredOwnRule(Table, tablename="data_quality_own_rule"):
    """A rule that the company made for itself; removed ones stay for their titles."""

    id = UUID(primary_key=True, default=None)
    kind = Varchar(length=20, default="")
    field = Varchar(length=60, default="")
    people = Varchar(length=20, default="")
    role = Varchar(length=20, default="")
    tag = Varchar(length=60, default="")
    severity = Varchar(length=10, default="warning")
    weight = Integer(default=1)
    title_en = Varchar(length=120, default="")
    title_vi = Varchar(length=120, default="")
    #: bounds, words and days, as JSON
    terms = LongText(default="{}")
    active = Boolean(default=True)
    version = Integer(default=1)
    changed_at = Timestamptz(default=None, null=False)
    changed_by = Varchar(length=200, default="")
    removed_at = Timestamptz(default=None, null=True)
