"""The journal of imports. Only ``journal`` writes it."""

from piccolo.columns import (
    JSON,
    UUID,
    BigInt,
    Boolean,
    Bytea,
    ForeignKey,
    Integer,
    OnDelete,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table


class StoredImport(Table, tablename="core_import"):
    """One import: a plan applied to the files of a folder."""

    id = UUID(primary_key=True, default=None)
    name = Varchar(length=60, default="")
    title = Text(default="")
    #: the plan as JSON, so that undoing needs no file
    plan = JSON(default="{}")
    #: of plan and files together; the same import continues where it was interrupted
    digest = Varchar(length=64, default="")
    files = JSON(default="[]")
    folder = Text(default="")
    #: running, applied, undoing, undone
    state = Varchar(length=20, default="running")
    by = Varchar(length=120, default="")
    #: the last event before the import, so that undoing knows what came after
    log_position = BigInt(default=0)
    started_at = Timestamptz(default=None, null=False)
    finished_at = Timestamptz(default=None, null=True)
    undone_at = Timestamptz(default=None, null=True)


class StoredBatch(Table, tablename="core_import_batch"):
    """What one transaction of an import changed; written in that transaction."""

    #: former values of whichever customers the import changed
    across_customers = True

    id = UUID(primary_key=True, default=None)
    import_entry = ForeignKey(
        references=StoredImport,
        db_column_name="import_id",
        on_delete=OnDelete.restrict,
        null=False,
        index=False,
    )
    number = Integer(default=0)
    #: place of the file in the import, from 0
    file = Integer(default=0)
    target = Varchar(length=120, default="")
    #: rows of the file that are settled after this batch
    rows = BigInt(default=0)
    #: whether the file is, too
    done = Boolean(default=False)
    #: new ids by table, 16 bytes each, as MessagePack
    created = Bytea(default=b"")
    #: former values of changed rows by table
    before = JSON(default="{}")
    counts = JSON(default="{}")
    proposals = JSON(default="[]")
    #: bytes in the files of rejected rows and findings
    sizes = JSON(default="[]")
    undone = Boolean(default=False)
    at = Timestamptz(default=None, null=False)
