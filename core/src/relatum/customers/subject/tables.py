"""The table of subject exports. Only ``records`` writes it."""

from typing import ClassVar

from piccolo.columns import UUID, BigInt, Integer, Text, Timestamptz, Varchar
from piccolo.table import Table

from relatum.db.columns import CustomerRef
from relatum.values.text import Text as Label


class StoredSubjectExport(Table, tablename="core_subject_export"):
    """One archive that somebody asked for. Its file goes when its row does."""

    labels: ClassVar[dict[str, Label]] = {
        "": Label(en="Archives of this data", vi="Các lần xuất hồ sơ này"),
    }

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=False)
    state = Varchar(length=20, default="queued", index=True)
    language = Varchar(length=5, default="vi")
    why = Varchar(length=300, default="")
    account = UUID(default=None, null=True, db_column_name="account_id")
    by = Varchar(length=120, default="")
    person = Varchar(length=300, default="")
    rows = BigInt(default=None, null=True)
    size = BigInt(default=None, null=True)
    sha256 = Varchar(length=64, default="")
    error = Text(default="")
    attempts = Integer(default=0)
    created_at = Timestamptz(default=None, null=False)
    finished_at = Timestamptz(default=None, null=True)
    expires_at = Timestamptz(default=None, null=False)
