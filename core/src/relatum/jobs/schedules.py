"""Schedules: when a job is due by the company's clock, and asking for its runs when it is.

The due time of a job and the runs that its passing asks for are written in one transaction, so
that of several processes one does it, and a crash neither loses nor doubles a time.
"""

from __future__ import annotations

import datetime as dt
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from relatum.db.guarding import as_the_house
from relatum.jobs.changes import SCHEDULED
from relatum.jobs.types import JobRequest, ScheduleStatus
from relatum.values.time import format_duration, now

if TYPE_CHECKING:
    from uuid import UUID

    from relatum.db.database import Database
    from relatum.hooks.declarations import Job
    from relatum.hooks.registry import Registry

log = logging.getLogger("relatum.jobs")

#: A time of a job that skips what it missed still counts for so long.
LATE = dt.timedelta(minutes=1)
#: Missed times that are made up for at once; the rest follow with the next look.
MOST_MISSED = 1_000
#: The unique key of a scheduled run: while one waits or goes on, no other is added.
UNIQUE = SCHEDULED
DAY = dt.timedelta(days=1)

Enqueue = Callable[[str, Sequence[JobRequest]], Awaitable["list[UUID]"]]

#: Clocks of processes differ by so much at most; a due time further away than its schedule and
#: this is one of a wrong clock.
LEEWAY = dt.timedelta(minutes=1)

#: No zone has ever moved its clock by more at once, save for days that were left out.
_AROUND = dt.timedelta(hours=3)


def has_schedule(job: Job) -> bool:
    """Whether it runs by itself."""
    return job.every is not None or job.daily_at is not None or job.cron is not None


def next_time(job: Job, after: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The first time of the job's schedule that is later than ``after``; UTC.

    A time of the clock that is skipped in spring is an hour later by it (02:30 becomes 03:30); one
    that comes twice in autumn counts the first time, except for a ``cron`` of every hour.

    Raises:
        ValueError: the job has no schedule, or its ``cron`` never comes.
    """
    if job.every is not None:
        return after + job.every
    if job.daily_at is not None:
        hour, _, minute = job.daily_at.partition(":")
        return _next_daily(int(hour), int(minute), after, zone)
    if job.cron is not None:
        return _next_cron(job.cron, after, zone)
    raise ValueError(f"expected a job with a schedule, got {job.id}")


def _next_daily(hour: int, minute: int, after: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    local = after.astimezone(zone)
    for days in itertools.count(-1):
        day = local.date() + dt.timedelta(days=days)
        time = dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
        if (found := time.astimezone(dt.UTC)) > after:
            return found
    raise AssertionError  # pragma: no cover - the days never end


def _next_cron(cron: str, after: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    shown = after.astimezone(zone).replace(tzinfo=None)
    calm = _calm(after, zone)
    folds = (0, 1) if cron.split()[1].startswith("*") else (0,)
    found: list[dt.datetime] = []
    for time in _clock_times(cron, shown if calm else shown - _AROUND):
        moments = [time.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in folds]
        # of a time that is skipped the second reading is an hour before it, and means nothing
        found += [moment for moment in moments if moment > after and moment >= moments[0]]
        # where the clock is moved, what it shows later may come earlier
        if found and (calm or time > shown + _AROUND):
            return min(found)
    raise ValueError(f"expected a cron that comes again, got {cron!r}")


def _calm(after: dt.datetime, zone: ZoneInfo) -> bool:
    """Whether the clock is not put forward or back around a moment."""
    return (after - _AROUND).astimezone(zone).utcoffset() == (after + _AROUND).astimezone(
        zone
    ).utcoffset()


def _clock_times(cron: str, begin: dt.datetime) -> Iterator[dt.datetime]:
    """What the clock shows when a cron is due, in the clock's order, after ``begin``."""
    from croniter import CroniterBadDateError, croniter

    times = croniter(cron, begin, ret_type=dt.datetime)
    try:
        while True:
            yield times.get_next(dt.datetime)
    except CroniterBadDateError:
        return


def missed_times(
    job: Job, due: dt.datetime, moment: dt.datetime, zone: ZoneInfo
) -> tuple[list[dt.datetime], dt.datetime]:
    """The times to make up for, oldest first, and the next one after them.

    Args:
        due: the first time that has passed.
    """
    if job.missed == "each":
        times = [due]
        following = next_time(job, due, zone)
        while following <= moment and len(times) < MOST_MISSED:
            times.append(following)
            following = next_time(job, following, zone)
        return times, following
    last, following = _last_before(job, due, moment, zone)
    if job.missed == "skip":
        return ([last] if moment - last <= LATE else []), following
    return [due], following


def _last_before(
    job: Job, due: dt.datetime, moment: dt.datetime, zone: ZoneInfo
) -> tuple[dt.datetime, dt.datetime]:
    """The last time that has passed, and the next one."""
    if job.every is not None:
        last = due + (moment - due) // job.every * job.every
        return last, last + job.every
    # a job may have lain still for years: look back from now, further and further
    last, reach = due, dt.timedelta(minutes=10)
    while moment - reach > due:
        found = next_time(job, moment - reach, zone)
        if found <= moment:
            last = found
            break
        reach *= 6
    while (following := next_time(job, last, zone)) <= moment:
        last = following
    return last, following


def text_of(job: Job, zone: ZoneInfo) -> str:
    """A schedule in words, by which a change of it is noticed too."""
    if job.every is not None:
        return f"every {format_duration(job.every.total_seconds(), 'en')}"
    if job.daily_at is not None:
        return f"daily at {job.daily_at} ({zone.key})"
    return f"cron {job.cron} ({zone.key})"


class Schedules:
    """The schedules of all jobs that are declared here."""

    def __init__(self, db: Database, registry: Registry, *, time_zone: str) -> None:
        self._db = db
        self._registry = registry
        self.go_by(time_zone)

    def go_by(self, time_zone: str) -> None:
        """From now on the times of schedules are those of this zone."""
        self._zone = ZoneInfo(time_zone)

    async def tick(self, enqueue: Enqueue) -> int:
        """Ask for the runs of everything that is due; returns how many were asked for."""
        moment = now()
        asked = 0
        known = await self._known()
        for job in [job for job in self._registry.jobs if has_schedule(job)]:
            try:
                due = await self._due(job, known.get(job.id), moment)
                if due <= moment:
                    asked += await self._make_up(job, due, moment, enqueue)
            except Exception:
                log.exception("the schedule of %s is left out for now", job.id)
        return asked

    async def next_due(self) -> dt.datetime | None:
        """When the next job whose plugin is on is due; ``None`` when none has a schedule."""
        known = await self._known()
        on = {job.id for job in self._registry.jobs if has_schedule(job)}
        return min((due for id, (due, _) in known.items() if id in on), default=None)

    async def _known(self) -> dict[str, tuple[dt.datetime, str]]:
        with as_the_house():
            rows = await self._db.fetch("SELECT id, due_at, schedule FROM core_job")
        return {id: (due, schedule) for id, due, schedule in rows}

    async def _due(
        self, job: Job, known: tuple[dt.datetime, str] | None, moment: dt.datetime
    ) -> dt.datetime:
        """When it is due; noted when it is new, or its schedule has changed."""
        text = text_of(job, self._zone)
        believed = moment + (job.every or DAY) + LEEWAY
        if known is not None and known[1] == text and known[0] <= believed:
            return known[0]
        first = next_time(job, moment, self._zone)
        if known is not None and known == (first, text):
            return first
        with as_the_house():
            if known is None:
                await self._db.execute(
                    "INSERT INTO core_job (id, due_at, schedule) VALUES (?, ?, ?) "
                    "ON CONFLICT (id) DO NOTHING",
                    *(job.id, first, text),
                )
                return first
            # what was due stays due; a time of the old schedule that is still to come does not, nor
            # one that was noted while the clock of a machine was wrong
            before, old = known
            due = before if before <= moment or (not old and before <= first) else first
            await self._db.execute(
                "UPDATE core_job SET due_at = ?, schedule = ? WHERE id = ? AND due_at = ?",
                *(due, text, job.id, before),
            )
            return due

    async def _make_up(
        self, job: Job, due: dt.datetime, moment: dt.datetime, enqueue: Enqueue
    ) -> int:
        times, following = missed_times(job, due, moment, self._zone)
        each = job.missed == "each"
        async with self._db.transaction():
            with as_the_house():
                moved = await self._db.execute(
                    "UPDATE core_job SET due_at = ? WHERE id = ? AND due_at = ?",
                    *(following, job.id, due),
                )
            if moved != 1:
                return 0  # another process was faster
            requests = [
                JobRequest(at=time, unique=f"@{time.isoformat()}" if each else UNIQUE)
                for time in times
            ]
            if requests:
                await enqueue(job.id, requests)
        return len(times)

    async def statuses(self) -> list[ScheduleStatus]:
        """Every job with a schedule, by id; also those of plugins that are off."""
        with as_the_house():
            rows = await self._db.fetch(
                "SELECT id, schedule, due_at, last_started_at, last_finished_at, failures, error "
                "FROM core_job"
            )
        stored = {row[0]: row[1:] for row in rows}
        declared = {job.id: job for job in self._registry.jobs.declared()}
        ids = {id for id, job in declared.items() if has_schedule(job)}
        ids |= stored.keys() - declared.keys()
        return [self._status(id, declared.get(id), stored.get(id)) for id in sorted(ids)]

    def _status(self, id: str, job: Job | None, stored: tuple[Any, ...] | None) -> ScheduleStatus:
        schedule, due, started, finished, failures, error = stored or ("", None, None, None, 0, "")
        return ScheduleStatus(
            id=id,
            title=id if job is None else job.title.en,
            schedule=schedule if job is None else text_of(job, self._zone),
            missed="" if job is None else job.missed,
            on=self._registry.jobs.find(id) is not None,
            due_at=due,
            last_started_at=started,
            last_finished_at=finished,
            failures=failures,
            error=error,
        )
