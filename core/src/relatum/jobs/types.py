"""Runs of jobs: as they are asked for, as a job's function sees them, as they are reported."""

from __future__ import annotations

import datetime as dt
from typing import Any, Generic, Literal, Protocol, TypeVar
from uuid import UUID

import msgspec

A = TypeVar("A")

#: ``waiting``: for its time, a worker, or its turn among runs of one key. ``failed``: a dead
#: letter; nothing happens until somebody tries it again or drops it.
RunState = Literal["waiting", "running", "succeeded", "failed", "cancelled"]


class JobRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One run that is asked for.

    Attributes:
        args: an instance of the job's ``args``; ``None`` for a job without.
        at: not before this moment; ``None`` is at once.
        key: of the runs with one key, at most ``Job.at_once`` go on at the same time.
        unique: while a run of this job with the same text waits or goes on, no other is added;
            empty for no such limit. At most 200 characters, as ``key``.
        priority: higher ones first, from -1000 to 1000; ``None`` is the job's own.
    """

    args: msgspec.Struct | None = None
    at: dt.datetime | None = None
    key: str = ""
    unique: str = ""
    priority: int | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run is. ``total`` is 0 while it is not known."""

    done: int = 0
    total: int = 0
    note: str = ""


class Run(Protocol, Generic[A]):
    """What a job's function is given besides its plugin.

    Attributes:
        id: of the run, the same in every attempt: the key by which whatever lies outside of the
            database recognises a repetition.
        args: the arguments, validated.
        key: as asked for.
        attempt: 1 the first time.
        due: when it was due; for a scheduled run the time of the schedule, also when it is late.
    """

    id: UUID
    args: A
    key: str
    attempt: int
    due: dt.datetime

    async def report(self, done: int, total: int = 0, note: str = "") -> None:
        """Tell how far it is; written at most twice a second."""
        ...

    @property
    def cancelled(self) -> bool:
        """Somebody has asked to stop: finish soon and return. A run that awaits is cut off."""
        ...


class JobRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run as it stands.

    Attributes:
        result: what the job's function returned, as plain data; kept as long as ``Job.keep``.
        attempts: how often it failed or began; deliveries after a crash count too.
        error: of the last attempt, without secrets.
    """

    id: UUID
    job: str
    plugin: str
    state: RunState
    key: str
    unique: str
    priority: int
    attempts: int
    enqueued_at: dt.datetime
    due_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    progress: Progress | None
    error: str
    args: Any = None
    result: Any = None


class ScheduleStatus(msgspec.Struct, kw_only=True, frozen=True):
    """A job with a schedule: when it ran, when it is due, and what went wrong the last time.

    ``on`` is false while its plugin is off: it is kept, and does not run. ``failures`` counts tries
    that failed in a row.
    """

    id: str
    title: str
    schedule: str
    missed: str
    on: bool
    due_at: dt.datetime | None
    last_started_at: dt.datetime | None
    last_finished_at: dt.datetime | None
    failures: int
    error: str


class QueueStatus(msgspec.Struct, kw_only=True, frozen=True):
    """How many runs of one job stand where. ``oldest_seconds``: how long the oldest one that
    could run has waited; 0 when none has."""

    job: str
    on: bool
    waiting: int
    running: int
    failed: int
    oldest_seconds: float
