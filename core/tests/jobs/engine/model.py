"""The queue as a list in memory: slow, obvious, and written without a look at the SQL."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Status = Literal["queued", "picked", "failed"]


@dataclass
class Run:
    """One run that is not over."""

    number: int
    run: UUID
    job: str
    key: str
    unique: str
    priority: int
    after: dt.datetime
    status: Status = "queued"
    attempts: int = 0
    deliveries: int = 0
    owner: UUID | None = None
    heartbeat: dt.datetime | None = None
    stopping: bool = False

    @property
    def order(self) -> tuple[int, int]:
        return -self.priority, self.number

    def settle(self, status: Status, attempts: int, deliveries: int = 0) -> None:
        """No worker has it any more."""
        self.status, self.attempts, self.deliveries, self.owner = (
            status,
            attempts,
            deliveries,
            None,
        )


class Model:
    """What the queue should hold, and what it should give."""

    def __init__(self, limits: Mapping[str, int], *, stale: dt.timedelta, deliveries: int) -> None:
        self.limits = limits
        self.stale = stale
        self.most_deliveries = deliveries
        self.runs: dict[UUID, Run] = {}
        self.done: dict[UUID, str] = {}
        self._count = 0

    def ask(
        self, run: UUID, job: str, key: str, unique: str, priority: int, after: dt.datetime
    ) -> None:
        self._count += 1
        self.runs[run] = Run(self._count, run, job, key, unique, priority, after)

    def standing(self, job: str, unique: str) -> Run | None:
        """The run that has this text now."""
        for each in self.runs.values():
            if unique and (each.job, each.unique) == (job, unique) and each.status != "failed":
                return each
        return None

    def seats(self) -> Counter[tuple[str, str]]:
        return Counter((r.job, r.key) for r in self.runs.values() if r.status == "picked")

    def candidates(self, worker: UUID, jobs: Iterable[str], moment: dt.datetime) -> list[Run]:
        """What could be taken if seats did not matter, in order."""
        names = set(jobs)
        return sorted(
            (r for r in self.runs.values() if r.job in names and self._free(r, worker, moment)),
            key=lambda r: r.order,
        )

    def _free(self, run: Run, worker: UUID, moment: dt.datetime) -> bool:
        if run.status == "queued":
            return run.after <= moment
        if run.status == "failed" or run.owner == worker or run.heartbeat is None:
            return False
        return run.heartbeat < moment - self.stale

    def doomed(self, run: Run) -> bool:
        """It is not to run again."""
        return run.stopping or run.deliveries >= self.most_deliveries

    def ideal(self, candidates: Iterable[Run]) -> list[Run]:
        """Those that can go on at the same time, in order."""
        seats = self.seats()
        chosen = []
        for run in candidates:
            place = run.job, run.key
            if run.status == "picked":
                chosen.append(run)
            elif not self.limits[run.job] or seats[place] < self.limits[run.job]:
                seats[place] += 1
                chosen.append(run)
        return chosen

    def take(self, run: UUID, worker: UUID, moment: dt.datetime) -> None:
        one = self.runs[run]
        one.status, one.owner, one.heartbeat = "picked", worker, moment
        one.deliveries += 1

    def mine(self, run: UUID, worker: UUID) -> Run | None:
        """The run, if that worker has it."""
        one = self.runs.get(run)
        return one if one and one.status == "picked" and one.owner == worker else None

    def over(self, run: UUID, state: str) -> None:
        """It is over; once."""
        if self.runs.pop(run, None) is not None:
            self.done[run] = state
