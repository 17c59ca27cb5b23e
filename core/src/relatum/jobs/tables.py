"""The table of jobs and their last run."""

from piccolo.columns import Integer, Text, Timestamptz, Varchar
from piccolo.table import Table


class JobState(Table, tablename="core_job"):
    """One declared job: when it ran, when it is due, what went wrong."""

    id = Varchar(length=160, primary_key=True, default=None)
    last_started_at = Timestamptz(default=None, null=True)
    last_finished_at = Timestamptz(default=None, null=True)
    due_at = Timestamptz(default=None, null=False)
    failures = Integer(default=0)
    error = Text(default="")
