"""What can be said about a handler at any moment, from any process."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.events.log import EventLog
    from relatum.events.positions import Range
    from relatum.hooks.declarations import Handler

#: A rate that nobody has written down anew for so long says nothing any more.
FRESH = dt.timedelta(seconds=15)


class ReplayProgress(msgspec.Struct, kw_only=True, frozen=True):
    """How far a handler is on its way from the beginning of the log.

    ``of`` counts the events of its types that there were when it began, ``done`` those it has
    taken. ``rate`` is in events a second, 0 while nobody works at it; ``ends_at`` is an estimate
    from it.
    """

    done: int
    of: int
    rate: float
    started_at: dt.datetime
    ends_at: dt.datetime | None


class HandlerStatus(msgspec.Struct, kw_only=True, frozen=True):
    """Where one handler stands.

    ``lag`` counts events of its types that it has not taken yet, ``lag_seconds`` is the age of the
    oldest of them; ``waiting`` parked events that will be tried again by themselves or wait behind
    such a one; ``given_up`` those that need somebody; ``parked_seconds`` is how long ago the oldest
    of both was parked. ``shards`` is the number of ranges into which its customers are divided at
    this moment. ``replay`` is there while it comes from the beginning of the log.
    """

    id: str
    position: int
    lag: int
    waiting: int
    given_up: int
    error: str
    lag_seconds: float = 0.0
    parked_seconds: float = 0.0
    shards: int = 1
    paused: bool = False
    replay: ReplayProgress | None = None


async def status_of(
    db: Database, events: EventLog, handler: Handler, ranges: Sequence[Range]
) -> HandlerStatus:
    """The status of a handler with these ranges."""
    moment = now()
    replay = _progress(ranges, moment)
    # what a replay has before it was counted when it began
    lag, until = (0, 0) if replay is None else (replay.of - replay.done, _until(ranges))
    oldest = None
    for each in ranges:
        count, first = await events.left(
            each.position,
            types=handler.events,
            where=each.condition(db.kind),
            counted_after=until,
        )
        lag += count
        oldest = min(filter(None, (oldest, first)), default=None)
    parked = await db.fetch(
        "SELECT retry_at, attempts, error, parked_at FROM core_parked_event "
        "WHERE handler = ? ORDER BY seq",
        handler.id,
    )
    errors = [row[2] for row in parked if row[1]]
    return HandlerStatus(
        id=handler.id,
        position=min((each.position for each in ranges), default=0),
        lag=lag,
        lag_seconds=_age(oldest, moment),
        waiting=sum(row[0] is not None for row in parked),
        given_up=sum(row[0] is None for row in parked),
        parked_seconds=_age(min((row[3] for row in parked), default=None), moment),
        error=errors[0] if errors else "",
        shards=max(len(ranges), 1),
        paused=any(each.paused for each in ranges),
        replay=replay,
    )


def _age(since: dt.datetime | None, moment: dt.datetime) -> float:
    return max(0.0, round((moment - since).total_seconds(), 3)) if since is not None else 0.0


def _until(ranges: Sequence[Range]) -> int:
    """Where the log ended when the handler began at its beginning."""
    return next((each.replay_until or 0 for each in ranges if each.lo == 0), 0)


def _progress(ranges: Sequence[Range], moment: dt.datetime) -> ReplayProgress | None:
    first = next((each for each in ranges if each.lo == 0), None)
    if first is None or first.started_at is None:
        return None
    until, total = _until(ranges), first.replay_total or 0
    done = sum(each.handled for each in ranges)
    if done >= total or min(each.position for each in ranges) >= until:
        return None
    rate = sum(each.rate for each in ranges if moment - each.updated_at < FRESH)
    left = dt.timedelta(seconds=(total - done) / rate) if rate else None
    return ReplayProgress(
        done=done,
        of=total,
        rate=round(rate, 1),
        started_at=first.started_at,
        ends_at=moment + left if left is not None else None,
    )
