"""The forecast of today beside the one that was put down on an earlier day."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from relatum.api import Plugin
from relatum_sales_pipeline.reports.forecast import LATER, NO_DATE, OVERDUE
from relatum_sales_pipeline.reports.outlook import NOBODY, Looked, Outlook, OutlookOf
from relatum_sales_pipeline.services.snapshots import SnapshotRow, Snapshots
from relatum_sales_pipeline.types.pipelines import stage_part


class Sums(msgspec.Struct, kw_only=True):
    """Open deals put together, in minor units."""

    deals: int = 0
    amount: int = 0
    weighted: int = 0

    def add(self, deals: int, amount: int, weighted: int) -> None:
        self.deals += deals
        self.amount += amount
        self.weighted += weighted


class Change(msgspec.Struct, frozen=True):
    """One part of the forecast on both days."""

    part: str
    then: Sums
    now: Sums


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The forecast of one currency on both days.

    Attributes:
        stages: in their order; none when the earlier day was before stages were put down.
    """

    currency: str
    total: Change
    months: list[Change]
    stages: list[Change]
    teams: list[Change]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What has changed since a day; nothing to compare with when ``taken_on`` is ``None``.

    Months are called as they were on that day, so that a month which has passed since is one of
    its own and what was expected in it may be overdue now.
    """

    taken_on: dt.date | None
    currencies: list[Compared]


async def compare(plugin: Plugin, looked: Looked, until: dt.date) -> Comparison:
    """Beside the newest forecast that was put down on that day or before it.

    Args:
        looked: the forecast of all pipelines; one of a single pipeline is never put down.
    """
    taken_on, rows = await Snapshots(plugin).latest(until)
    if taken_on is None:
        return Comparison(taken_on=None, currencies=[])
    now = {block.currency: block for block in looked.blocks}
    order = [stage_part(each) for each in looked.around.book.stages]
    then: dict[str, list[SnapshotRow]] = defaultdict(list)
    for row in rows:
        then[row.currency].append(row)
    return Comparison(
        taken_on=taken_on,
        currencies=[
            _compared(code, then[code], now.get(code), looked.months, order)
            for code in sorted({*now, *then})
        ],
    )


def _compared(
    currency: str,
    then: Sequence[SnapshotRow],
    now: OutlookOf | None,
    listed: Sequence[str],
    stages: Sequence[str],
) -> Compared:
    def month_of(row: SnapshotRow) -> str:
        if not row.month:
            return NO_DATE
        return LATER if row.month[:1].isdigit() and row.month > listed[-1] else row.month

    def team_of(row: SnapshotRow) -> str:
        return NOBODY if row.team_id is None else str(row.team_id)

    months = _changes(_sums(then, month_of), now.months if now else [])
    teams = _changes(_sums(then, team_of), now.teams if now else [])
    places = {OVERDUE: 0, LATER: 2, NO_DATE: 3}
    whole = _sums(then, lambda row: "").get("", Sums())
    return Compared(
        currency=currency,
        total=Change("", whole, _of(now.total) if now else Sums()),
        months=sorted(months, key=lambda each: (places.get(each.part, 1), each.part)),
        stages=_by_stage(then, now, stages),
        teams=sorted(teams, key=lambda each: (-each.now.weighted, -each.then.weighted, each.part)),
    )


def _by_stage(
    then: Sequence[SnapshotRow], now: OutlookOf | None, order: Sequence[str]
) -> list[Change]:
    """Stages in their order; those that are there no more come last."""
    if any(not row.stage for row in then):
        return []
    changes = _changes(_sums(then, lambda row: row.stage), now.stages if now else [])
    places = {part: place for place, part in enumerate(order)}
    return sorted(changes, key=lambda each: (places.get(each.part, len(places)), each.part))


def _sums(rows: Iterable[SnapshotRow], part_of: Callable[[SnapshotRow], str]) -> dict[str, Sums]:
    found: dict[str, Sums] = defaultdict(Sums)
    for row in rows:
        found[part_of(row)].add(row.deals, row.amount, row.weighted)
    return found


def _changes(then: Mapping[str, Sums], now: Sequence[Outlook]) -> list[Change]:
    today = {row.part: _of(row) for row in now}
    return [
        Change(part, then.get(part, Sums()), today.get(part, Sums())) for part in {**then, **today}
    ]


def _of(row: Outlook) -> Sums:
    return Sums(deals=row.deals, amount=row.best, weighted=row.weighted)
