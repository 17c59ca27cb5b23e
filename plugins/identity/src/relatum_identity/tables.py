"""Tables of identity. Only the services of this plugin write them."""

from typing import ClassVar

from piccolo.columns import JSON, UUID, Integer, Real, Timestamptz, Varchar
from piccolo.columns import Text as LongText
from piccolo.table import Table

from relatum.api import CustomerRef, Text


class StoredPair(Table, tablename="identity_pair"):
    """Two customers that are, or may be, one; what speaks for it, and what was decided.

    ``evidence`` maps a field to its level of likeness and its weight in bits; no value of either.
    """

    labels: ClassVar = {
        "": Text(en="Records that may be the same customer", vi="Hồ sơ có thể trùng"),
        "proposal": Text(en="", vi=""),
        "evidence": Text(en="", vi=""),
        "weight": Text(en="", vi=""),
        "rule": Text(en="", vi=""),
        "probability": Text(en="Probability", vi="Xác suất"),
        "state=candidate": Text(en="to be decided", vi="chờ quyết định"),
        "state=merged": Text(en="merged", vi="đã gộp"),
        "state=auto_merged": Text(en="merged by itself", vi="tự động gộp"),
        "state=distinct": Text(en="not the same", vi="không trùng"),
        "state=unmerged": Text(en="taken back", vi="đã hoàn tác"),
    }

    id = UUID(primary_key=True, default=None)
    first = CustomerRef(db_column_name="first_id", null=False, derived=True)
    second = CustomerRef(db_column_name="second_id", null=False, derived=True)
    state = Varchar(length=20, default="candidate")
    proposal = Varchar(length=10, default="review")
    probability = Real(default=0.0)
    weight = Real(default=0.0)
    evidence = JSON(default="{}")
    rule = Varchar(length=40, default="")
    rules_version = Varchar(length=20, default="")
    found_at = Timestamptz(default=None, null=False)
    decided_at = Timestamptz(default=None, null=True)
    decided_by = Varchar(length=200, default="")
    merge = UUID(default=None, null=True, db_column_name="merge_id")


class StoredKey(Table, tablename="identity_key"):
    """A fingerprint of something that doubles have in common; the value cannot be read from it."""

    labels: ClassVar = {
        "": Text(en="Codes made to find duplicates", vi="Mã dùng để tìm hồ sơ trùng"),
        "key": Text(en="", vi=""),
    }

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=False, derived=True)
    key = Varchar(length=60, default="", index=True)


class StoredChange(Table, tablename="identity_waiting"):
    """A customer who changed since a sweep looked."""

    labels: ClassVar = {
        "": Text(en="Records waiting for that search", vi="Hồ sơ chờ tìm trùng"),
    }

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=False, derived=True)
    since = Timestamptz(default=None, null=False)


class StoredModel(Table, tablename="identity_model"):
    """What a sweep learned; pairs are judged by the newest."""

    id = UUID(primary_key=True, default=None)
    kind = Varchar(length=20, default="person")
    learned_at = Timestamptz(default=None, null=False)
    records = Integer(default=0)
    model = LongText(default="{}")
