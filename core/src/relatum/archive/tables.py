"""The index of archive files. Only this room writes it; whoever erases or exports reads it."""

from piccolo.columns import BigInt, Integer, Text, Timestamptz, Varchar
from piccolo.table import Table


class StoredArchive(Table, tablename="core_archive"):
    """One file: the rows of one table that were recorded in one month.

    A file consists of pieces. The first ``gone`` of them are no longer in the database.
    """

    #: kind and month: ``core_event-2026-01``
    id = Varchar(length=60, primary_key=True, default=None)
    #: the table
    kind = Varchar(length=40, default="")
    #: of ``recorded_at`` in UTC, ``YYYY-MM``
    month = Varchar(length=7, default="")
    #: its name in the archive's folder
    file = Varchar(length=120, default="")
    rows = BigInt(default=0)
    pieces = Integer(default=0)
    gone = Integer(default=0)
    #: the least and the greatest key, and the greatest that is gone (empty: none is)
    first_key = Varchar(length=40, default="")
    last_key = Varchar(length=40, default="")
    gone_key = Varchar(length=40, default="")
    #: the last event that needs what is in the file: itself, or one that tells of an interaction
    upto = BigInt(default=0)
    first_at = Timestamptz(default=None, null=False)
    last_at = Timestamptz(default=None, null=False)
    bytes = BigInt(default=0)
    #: of the file, and of the rows in it whatever the file looks like
    sha256 = Varchar(length=64, default="")
    digest = Varchar(length=64, default="")
    #: of Relatum, as in the file
    version = Varchar(length=40, default="")
    #: leaving, archived, restoring, restored
    state = Varchar(length=20, default="leaving")
    #: rows of the month that stayed because something points at them
    held = BigInt(default=0)
    by = Varchar(length=120, default="")
    why = Text(default="")
    made_at = Timestamptz(default=None, null=False)
    changed_at = Timestamptz(default=None, null=False)
