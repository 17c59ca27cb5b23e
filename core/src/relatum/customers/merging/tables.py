"""Tables of merges. Only ``service`` and the journal write them."""

from typing import ClassVar

from piccolo.columns import (
    JSON,
    UUID,
    BigInt,
    BigSerial,
    ForeignKey,
    Integer,
    OnDelete,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table

from relatum.db.columns import CustomerRef


class StoredMerge(Table, tablename="core_merge"):
    """Two customers that were made one.

    ``customer`` is where the absorbed one lives now: a reference like any other, so that a later
    merge of the survivor takes it along and every absorbed id leads to somebody in one step.
    """

    id = UUID(primary_key=True, default=None)
    #: in which order merges that count have been made (or made again); grows
    number = BigInt(default=0, index=True)
    customer = CustomerRef(db_column_name="customer_id", null=False)
    survivor = UUID(default=None, null=False, db_column_name="survivor_id")
    absorbed = UUID(default=None, null=False, db_column_name="absorbed_id", index=True)
    #: as the absorbed one was called, to be shown
    name = Varchar(length=300, default="")
    choices = JSON(default="{}")
    reason = Varchar(length=500, default="")
    evidence = JSON(default="{}")
    by = Varchar(length=120, default="")
    merged_at = Timestamptz(default=None, null=False)
    undone_by = Varchar(length=120, default=None, null=True)
    undone_at = Timestamptz(default=None, null=True)
    undone_because = Varchar(length=500, default="")


class MergedRow(Table, tablename="core_merge_row"):
    """What a merge did to one row; written in the order in which it was done.

    ``move``: the column pointed at ``before`` and points at ``after``. ``set``: the column had
    another value. ``aside``: the row had a twin, whose key is ``after``; ``content`` is all of it.
    """

    #: rows of contact data, whole
    across_customers: ClassVar[bool] = True

    id = BigSerial(primary_key=True)
    merge = ForeignKey(
        StoredMerge,
        default=None,
        null=False,
        on_delete=OnDelete.cascade,
        db_column_name="merge_id",
    )
    step = Integer(default=0)
    act = Varchar(length=10, default="")
    table_name = Varchar(length=120, default="")
    key = Varchar(length=200, default="")
    column = Varchar(length=120, default="", db_column_name="column_name")
    before = Text(default=None, null=True)
    after = Text(default=None, null=True)
    content = Text(default=None, null=True)
