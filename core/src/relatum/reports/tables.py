"""Tables of reports: charts and dashboards that people keep, and files made of them on a schedule.

Figures are never kept in them but in the files: those are what their owner saw at that moment.
"""

from piccolo.columns import (
    JSON,
    UUID,
    Boolean,
    Bytea,
    ForeignKey,
    Integer,
    OnDelete,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table


class StoredChart(Table, tablename="core_chart"):
    """A question to a metric and how its answer is drawn."""

    id = UUID(primary_key=True, default=None)
    account = UUID(db_column_name="account_id", null=False, default=None, index=True)
    title = Varchar(length=100, default="")
    spec = JSON(default="{}")
    #: ``private``, ``role`` or ``everybody``
    shared = Varchar(length=10, default="private")
    #: the key of the role it is shared with
    role = Varchar(length=60, default="")
    created_at = Timestamptz(default=None, null=False)
    updated_at = Timestamptz(default=None, null=False)
    #: set when it was deleted; it can be taken back
    deleted_at = Timestamptz(default=None, null=True)


class StoredDashboard(Table, tablename="core_dashboard"):
    """Charts and widgets in an order."""

    id = UUID(primary_key=True, default=None)
    account = UUID(db_column_name="account_id", null=False, default=None, index=True)
    title = Varchar(length=60, default="")
    tiles = JSON(default="[]")
    #: the name of the stretch of days that it opens with
    range = Varchar(length=20, default="this_month")
    compare = Varchar(length=20, default="before")
    shared = Varchar(length=10, default="private")
    role = Varchar(length=60, default="")
    #: it is what people of its role see who have arranged none themselves
    is_default = Boolean(default=False)
    position = Integer(default=0)
    created_at = Timestamptz(default=None, null=False)
    updated_at = Timestamptz(default=None, null=False)
    deleted_at = Timestamptz(default=None, null=True)


class StoredSchedule(Table, tablename="core_report_schedule"):
    """A chart or a dashboard that is written into a file again and again."""

    id = UUID(primary_key=True, default=None)
    account = UUID(db_column_name="account_id", null=False, default=None, index=True)
    #: ``chart`` or ``dashboard``
    kind = Varchar(length=10, default="chart")
    subject = UUID(db_column_name="subject_id", null=False, default=None)
    format = Varchar(length=5, default="xlsx")
    language = Varchar(length=2, default="vi")
    #: ``day``, ``week`` or ``month``
    every = Varchar(length=5, default="week")
    #: of the week (Monday is 1) or of the month; the last one where a month is shorter
    day = SmallInt(default=1)
    #: ``HH:MM`` by the company's clock
    at = Varchar(length=5, default="07:00")
    #: days for which files are kept
    keep_days = SmallInt(default=90)
    due_at = Timestamptz(default=None, null=True, index=True)
    created_at = Timestamptz(default=None, null=False)


class StoredFile(Table, tablename="core_report_file"):
    """What a schedule came to once."""

    id = UUID(primary_key=True, default=None)
    schedule = ForeignKey(
        references=StoredSchedule,
        db_column_name="schedule_id",
        on_delete=OnDelete.cascade,
        null=False,
    )
    due_at = Timestamptz(default=None, null=False)
    made_at = Timestamptz(default=None, null=False)
    expires_at = Timestamptz(default=None, null=False, index=True)
    name = Varchar(length=200, default="")
    content = Bytea(default=b"")
    size = Integer(default=0)
    #: why there is none
    error = Text(default="")
