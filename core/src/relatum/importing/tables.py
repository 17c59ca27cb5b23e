"""The journal of imports, and what people ask for: uploads, imports, exports."""

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


class StoredUpload(Table, tablename="core_upload"):
    """A file that somebody brought; it lies in the folder ``uploads`` under its id."""

    id = UUID(primary_key=True, default=None)
    #: whose it is; empty for the system
    account_id = UUID(default=None, null=True)
    by = Varchar(length=120, default="")
    #: as it was called, without folders
    name = Varchar(length=200, default="")
    #: csv, jsonl or xlsx, by its content
    kind = Varchar(length=10, default="")
    size = BigInt(default=0)
    #: SHA-256, hexadecimal
    digest = Varchar(length=64, default="")
    created_at = Timestamptz(default=None, null=False)
    expires_at = Timestamptz(default=None, null=False)


class StoredImportRequest(Table, tablename="core_import_request"):
    """An import that somebody asked for; its entry in the journal has the same id."""

    #: findings quote the data of the file
    across_customers = True

    id = UUID(primary_key=True, default=None)
    account_id = UUID(default=None, null=True)
    by = Varchar(length=120, default="")
    plan = JSON(default="{}")
    #: ready, previewing, applying, applied, failed, undoing, undone
    state = Varchar(length=20, default="ready")
    #: the last preview, outcome or undoing, and what went wrong
    preview = JSON(default=None, null=True)
    outcome = JSON(default=None, null=True)
    undone = JSON(default=None, null=True)
    error = Text(default="")
    problems = JSON(default="[]")
    #: how often it was begun since somebody last asked
    attempts = Integer(default=0)
    #: how far it is, while it is being worked on
    progress = JSON(default=None, null=True)
    created_at = Timestamptz(default=None, null=False)
    updated_at = Timestamptz(default=None, null=False)


class StoredExport(Table, tablename="core_export"):
    """An export that somebody asked for, who let it go, and what was taken out."""

    id = UUID(primary_key=True, default=None)
    account_id = UUID(default=None, null=True)
    by = Varchar(length=120, default="")
    #: of the person, as it stands in the watermark
    person = Varchar(length=200, default="")
    target = Varchar(length=120, default="")
    form = Varchar(length=10, default="")
    filters = JSON(default="{}")
    why = Text(default="")
    #: queued, running, waiting, ready, refused, lapsed, failed, deleted
    state = Varchar(length=20, default="queued")
    records = BigInt(default=None, null=True)
    size = BigInt(default=None, null=True)
    decided_account_id = UUID(default=None, null=True)
    decided_by = Varchar(length=120, default="")
    decided_why = Text(default="")
    decided_at = Timestamptz(default=None, null=True)
    #: so many records were let go; empty while nobody has to
    approved_records = BigInt(default=None, null=True)
    attempts = Integer(default=0)
    error = Text(default="")
    created_at = Timestamptz(default=None, null=False)
    finished_at = Timestamptz(default=None, null=True)
    #: when the request lapses, or the file is deleted
    expires_at = Timestamptz(default=None, null=False)
