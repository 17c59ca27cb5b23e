"""The tables of background work: runs that wait or go on, runs that are over, schedules."""

from piccolo.columns import (
    UUID,
    BigSerial,
    Boolean,
    Integer,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table


class QueuedRun(Table, tablename="core_queue"):
    """One run that waits, goes on, or is a dead letter.

    The first columns are those of PgQueuer's jobs. ``status`` is ``queued``, ``picked`` or
    ``failed``.
    """

    id = BigSerial(primary_key=True)
    priority = Integer(default=0)
    queue_manager_id = UUID(default=None, null=True)
    created = Timestamptz(default=None, null=False)
    updated = Timestamptz(default=None, null=False)
    heartbeat = Timestamptz(default=None, null=False)
    #: not before; moved on by tries that failed, and while there is no seat for the run's key
    execute_after = Timestamptz(default=None, null=False)
    status = Varchar(length=12, default="queued")
    #: of a queued one: 0 can run, 1 waits for its time, 2 waits for a seat among runs of its key
    stage = SmallInt(default=0)
    entrypoint = Varchar(length=160)
    #: ``<job>\n<unique>``; taken while the run waits or goes on
    dedupe_key = Text(default=None, null=True)
    #: the arguments as JSON
    payload = Text(default=None, null=True)
    #: on whose request the run was asked for, as JSON
    headers = Text(default=None, null=True)
    #: tries that are over; deliveries that ended in a crash count with the next one
    attempts = Integer(default=0)

    run = UUID(default=None, null=False)
    limit_key = Varchar(length=200)
    #: how often a worker has taken it since a try last came to an end
    deliveries = Integer(default=0)
    due_at = Timestamptz(default=None, null=False)
    started_at = Timestamptz(default=None, null=True)
    finished_at = Timestamptz(default=None, null=True)
    error = Text(default="")
    #: somebody has asked a running one to stop
    stopping = Boolean(default=False)
    progress = Text(default=None, null=True)


class FinishedRun(Table, tablename="core_job_done"):
    """One run that is over, for as long as its job keeps it."""

    run = UUID(primary_key=True, default=None)
    job = Varchar(length=160)
    state = Varchar(length=12)
    key = Varchar(length=200)
    unique_text = Varchar(length=200)
    priority = Integer(default=0)
    args = Text(default=None, null=True)
    result = Text(default=None, null=True)
    error = Text(default="")
    attempts = Integer(default=0)
    enqueued_at = Timestamptz(default=None, null=False)
    due_at = Timestamptz(default=None, null=False)
    started_at = Timestamptz(default=None, null=True)
    finished_at = Timestamptz(default=None, null=False)
    expires_at = Timestamptz(default=None, null=False)


class JobState(Table, tablename="core_job"):
    """One job with a schedule: when it ran, when it is due, what went wrong."""

    id = Varchar(length=160, primary_key=True, default=None)
    last_started_at = Timestamptz(default=None, null=True)
    last_finished_at = Timestamptz(default=None, null=True)
    due_at = Timestamptz(default=None, null=False)
    failures = Integer(default=0)
    error = Text(default="")
    #: the schedule that ``due_at`` was reckoned by; empty before there was this column
    schedule = Varchar(length=200)
