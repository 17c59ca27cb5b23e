"""Tables of consent. Only the services of this plugin write them."""

from typing import ClassVar

from piccolo.columns import UUID, Boolean, Date, Integer, Timestamptz, Varchar
from piccolo.columns import Text as LongText
from piccolo.table import Table

from relatum.api import CustomerRef, OnErase, RowRef, Text


class StoredLink(Table, tablename="consent_link"):
    """A link to the preference page of one customer. The secret part of it is kept nowhere."""

    labels: ClassVar = {
        "": Text(en="Links to the preference page", vi="Liên kết đến trang tuỳ chọn"),
    }

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=False, derived=True)
    made_at = Timestamptz(default=None, null=False)
    made_by = Varchar(length=100, default="")
    expires_at = Timestamptz(default=None, null=False)
    revoked_at = Timestamptz(default=None, null=True)
    revoked_by = Varchar(length=100, default="")


class StoredRequest(Table, tablename="consent_request"):
    """What a person asks about their data, and how far it is.

    It outlives the customer as the proof that the request was met, and so holds no words of theirs.
    """

    labels: ClassVar = {
        "": Text(en="Requests about the data", vi="Yêu cầu về dữ liệu"),
    }

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=True, on_erase=OnErase.anonymise)
    kind = Varchar(length=20, default="")
    state = Varchar(length=20, default="received", index=True)
    source = Varchar(length=20, default="")
    processors = Boolean(default=False)
    received_at = Timestamptz(default=None, null=False)
    recorded_by = Varchar(length=100, default="")
    answer_on = Date(default=None, null=False)
    stop_on = Date(default=None, null=True)
    due_on = Date(default=None, null=False)
    extended_days = Integer(default=0)
    identity_method = Varchar(length=20, default="")
    identity_by = Varchar(length=100, default="")
    identity_at = Timestamptz(default=None, null=True)
    carried_out_at = Timestamptz(default=None, null=True)
    result = Varchar(length=100, default="")
    closed_at = Timestamptz(default=None, null=True)
    closed_by = Varchar(length=100, default="")
    told_overdue_at = Timestamptz(default=None, null=True)


class StoredStep(Table, tablename="consent_step"):
    """One step of a request, in words; goes with the customer."""

    labels: ClassVar = {
        "": Text(en="What was done about a request", vi="Các bước xử lý yêu cầu"),
        "step": Text(en="Step", vi="Bước"),
    }

    id = UUID(primary_key=True, default=None)
    request = RowRef(to=StoredRequest, db_column_name="request_id", null=False, index=True)
    customer = CustomerRef(db_column_name="customer_id", null=False)
    step = Varchar(length=20, default="")
    words = LongText(default="")
    at = Timestamptz(default=None, null=False)
    by = Varchar(length=100, default="")


class StoredBreach(Table, tablename="consent_breach"):
    """A breach of personal data, and whether the authority was told in time. Names no customer."""

    id = UUID(primary_key=True, default=None)
    title = Varchar(length=200, default="")
    kinds = Varchar(length=500, default="")
    people = Integer(default=0)
    discovered_at = Timestamptz(default=None, null=False)
    notify_by = Timestamptz(default=None, null=False)
    recorded_at = Timestamptz(default=None, null=False)
    recorded_by = Varchar(length=100, default="")
    notified_at = Timestamptz(default=None, null=True)
    notified_by = Varchar(length=100, default="")
    notice = LongText(default="")
    closed_at = Timestamptz(default=None, null=True)
    closed_by = Varchar(length=100, default="")
    outcome = LongText(default="")
    told_overdue_at = Timestamptz(default=None, null=True)


class StoredDue(Table, tablename="consent_retention"):
    """Somebody on the list of a retention schedule, and what became of it.

    It outlives the customer as the proof that they were erased by which rule.
    """

    labels: ClassVar = {
        "": Text(en="Erasure on schedule", vi="Xoá theo lịch"),
        "last_at": Text(en="Last activity", vi="Hoạt động gần nhất"),
        "erase_on": Text(en="To be erased from", vi="Xoá từ ngày"),
        "kept_until": Text(en="Kept until", vi="Giữ đến ngày"),
    }

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=True, on_erase=OnErase.anonymise)
    rule = Varchar(length=40, default="")
    state = Varchar(length=20, default="due", index=True)
    last_at = Timestamptz(default=None, null=False)
    listed_at = Timestamptz(default=None, null=False)
    erase_on = Date(default=None, null=False)
    kept_until = Date(default=None, null=True)
    reason = LongText(default="")
    decided_by = Varchar(length=100, default="")
    decided_at = Timestamptz(default=None, null=True)
    stays = Varchar(length=20, default="")
    ended_at = Timestamptz(default=None, null=True)
    receipt = UUID(default=None, null=True)
