"""Tables of erasures. Only ``service`` writes them; nothing in them names anybody in plain."""

from typing import ClassVar

from piccolo.columns import JSON, UUID, Date, ForeignKey, OnDelete, Text, Timestamptz, Varchar
from piccolo.table import Table


class StoredErasure(Table, tablename="core_erasure"):
    """The receipt of one erasure."""

    id = UUID(primary_key=True, default=None)
    #: the id that the customer had; there is nobody with it any more
    customer = UUID(default=None, null=False, db_column_name="customer_id", index=True)
    #: that one and those absorbed
    ids = JSON(default="[]")
    erased_at = Timestamptz(default=None, null=False, index=True)
    by = Varchar(length=120, default="")
    reason = Varchar(length=500, default="")
    tables = JSON(default="[]")
    kept = JSON(default="[]")
    backups = JSON(default="[]")
    notes = JSON(default="[]")


class KeptForLaw(Table, tablename="core_erased_kept"):
    """What the law obliges to keep of a row that lost its name: encrypted, and for nobody to see
    but those who see every customer."""

    across_customers: ClassVar[bool] = True

    id = UUID(primary_key=True, default=None)
    erasure = ForeignKey(
        StoredErasure,
        default=None,
        null=False,
        on_delete=OnDelete.cascade,
        db_column_name="erasure_id",
        index=True,
    )
    table_name = Varchar(length=120, default="")
    key = Varchar(length=200, default="")
    #: columns and their values as JSON, encrypted for this row
    content = Text(default="")
    law = Varchar(length=300, default="")
    until = Date(default=None, null=False, db_column_name="until_day", index=True)
