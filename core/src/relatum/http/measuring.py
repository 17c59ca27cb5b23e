"""The figures of a process for Prometheus: what is counted anyway, and how things stand now."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from relatum.access.viewer import SYSTEM, acting_as
from relatum.db.guarding import as_the_house
from relatum.http.answers import Answer, Sent, length_of
from relatum.telemetry.metrics import CONTENT_TYPE, written
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.app.house import House

log = logging.getLogger("relatum.metrics")

Values = dict[tuple[str, ...], float]

#: Queues, handlers and plugins are looked at once in so many seconds, whoever asks.
REMEMBERED = 5.0


class Measured(Answer[bytes]):
    """Figures that are written down already."""

    __slots__ = ()

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """Send them as they are."""
        kind = (b"content-type", CONTENT_TYPE.encode())
        return Sent(self.status, [kind, length_of(self.content), *self.raw], self.content)


class Measuring:
    """Of one application. What cannot be looked at is left out, and named in the figures."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._looked = float("-inf")
        self._lock = asyncio.Lock()

    async def written(self) -> bytes:
        """Everything, in the text format of Prometheus."""
        async with self._lock:
            if time.monotonic() - self._looked > REMEMBERED:
                await self._look()
                self._looked = time.monotonic()
        metrics = self._house.metrics
        metrics.note_process(self._house.process)
        counts = self._house.db.engine.connections()
        metrics.connections.values = {(state,): float(n) for state, n in counts.items()}
        return await asyncio.to_thread(written, metrics)

    async def _look(self) -> None:
        # for everybody alike, whoever asks
        with acting_as(SYSTEM), as_the_house():
            for part in (self._queues, self._schedules, self._handlers, self._plugins):
                name = part.__name__.strip("_")
                failed = 0.0
                try:
                    await part()
                except Exception as error:  # noqa: BLE001 - the other figures are told all the same
                    log.warning("figures of %s cannot be told: %r", name, error)
                    failed = 1.0
                self._house.metrics.failed_parts.values[name,] = failed
        database, role = self._house.db.kind, self._house.process.role
        info: Values = {(role, version("relatum"), database): 1.0}
        self._house.metrics.process_info.values = info

    async def _queues(self) -> None:
        metrics = self._house.metrics
        metrics.job_runs.values, metrics.job_oldest_seconds.values = {}, {}
        runs: Values = {}
        oldest: Values = {}
        for status in await self._house.jobs.queues():
            for state in ("waiting", "running", "failed"):
                runs[status.job, state] = float(getattr(status, state))
            # runs of a plugin that is off wait for it to be switched on, not for a worker
            oldest[status.job,] = status.oldest_seconds if status.on else 0.0
        metrics.job_runs.values, metrics.job_oldest_seconds.values = runs, oldest

    async def _schedules(self) -> None:
        metrics, moment = self._house.metrics, now()
        metrics.schedule_overdue_seconds.values, metrics.schedule_failures.values = {}, {}
        overdue: Values = {}
        failures: Values = {}
        for status in await self._house.jobs.schedules():
            if status.on:
                overdue[status.id,] = seconds_overdue(status.due_at, moment)
                failures[status.id,] = float(status.failures)
        metrics.schedule_overdue_seconds.values = overdue
        metrics.schedule_failures.values = failures

    async def _handlers(self) -> None:
        metrics = self._house.metrics
        events: Values = {}
        seconds: Values = {}
        parked: Values = {}
        replays: Values = {}
        for gauge in (metrics.handler_lag_events, metrics.handler_lag_seconds):
            gauge.values = {}
        metrics.handler_parked.values, metrics.handler_replay_left.values = {}, {}
        for status in await self._house.handlers.status():
            events[status.id,] = float(status.lag)
            seconds[status.id,] = status.lag_seconds
            parked[status.id, "retrying"] = float(status.waiting)
            parked[status.id, "given_up"] = float(status.given_up)
            replay = status.replay
            replays[status.id,] = float(replay.of - replay.done) if replay is not None else 0.0
        metrics.handler_lag_events.values, metrics.handler_lag_seconds.values = events, seconds
        metrics.handler_parked.values, metrics.handler_replay_left.values = parked, replays

    async def _plugins(self) -> None:
        metrics = self._house.metrics
        states = self._house.plugins.states()
        metrics.plugins.values = {(each.id, each.state): 1.0 for each in states}
        metrics.plugin_overruns.values = {(each.id,): float(len(each.overruns)) for each in states}


def seconds_overdue(due: dt.datetime | None, moment: dt.datetime) -> float:
    """How long ago a schedule was due; 0 when it is not yet, or never."""
    return max(0.0, (moment - due).total_seconds()) if due is not None else 0.0
