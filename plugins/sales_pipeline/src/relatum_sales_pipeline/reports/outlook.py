"""The forecast as people read it: by month, stage, team and person, beside what is won already."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

import msgspec

from relatum.api import Plugin, month
from relatum_sales_pipeline.forecasting import rounded, split, weighted
from relatum_sales_pipeline.reports.deal_figures import Around, Figures, lines_of, load
from relatum_sales_pipeline.reports.forecast import (
    LATER,
    NO_DATE,
    OVERDUE,
    Gaps,
    OpenDeal,
    month_of,
    next_months,
    open_among,
)
from relatum_sales_pipeline.types.pipelines import stage_part

#: Open deals from this probability on (basis points) are what a team commits to.
COMMITTED = 7_000
By = Literal["month", "stage", "team", "owner"]
#: Values of no team and no owner.
NOBODY = ""


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """Open deals put together, in minor units: all of it, weighted, and what is committed."""

    part: str
    deals: int
    best: int
    weighted: int
    commit: int


class Won(msgspec.Struct, kw_only=True):
    """Deals won in the months of a forecast; one without a value adds nothing to ``amount``."""

    deals: int = 0
    amount: int = 0

    def add(self, amount: int | None) -> None:
        self.deals += 1
        self.amount += amount or 0


class OutlookOf(msgspec.Struct, frozen=True, kw_only=True):
    """The forecast of one currency; every list of it adds up to the total exactly."""

    currency: str
    total: Outlook
    months: list[Outlook]
    stages: list[Outlook]
    teams: list[Outlook]
    owners: list[Outlook]
    won: Won
    won_by_month: dict[str, Won]
    won_by_team: dict[str, Won]


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a forecast is made of, and the forecast, one block for each currency."""

    around: Around
    deals: list[OpenDeal]
    gaps: Gaps
    months: list[str]
    blocks: list[OutlookOf]


async def outlook(plugin: Plugin, pipeline: str | None, months: int) -> Looked:
    """The forecast of one pipeline, or of all."""
    figures, around = await load(plugin)
    lines = await lines_of(plugin)

    def looked() -> Looked:
        deals, gaps = open_among(figures, lines, around, pipeline)
        listed = next_months(around.today, months)
        return Looked(
            around=around,
            deals=deals,
            gaps=gaps,
            months=listed,
            blocks=_blocks(deals, figures, around, pipeline, listed),
        )

    return await asyncio.to_thread(looked)


def part_of(deal: OpenDeal, by: By, around: Around, listed: Sequence[str]) -> str:
    """Which part of the forecast a deal belongs to."""
    if by == "month":
        found = month_of(deal, around.today)
        return found if found in (OVERDUE, NO_DATE, *listed) else LATER
    if by == "stage":
        return stage_part(around.stage(deal.figures))
    id = deal.figures.team_id if by == "team" else deal.figures.owner_id
    return NOBODY if id is None else str(id)


def _blocks(
    deals: Sequence[OpenDeal],
    figures: Sequence[Figures],
    around: Around,
    pipeline: str | None,
    listed: Sequence[str],
) -> list[OutlookOf]:
    by_currency: dict[str, list[OpenDeal]] = defaultdict(list)
    for deal in deals:
        by_currency[deal.figures.currency].append(deal)
    won: dict[str, list[Figures]] = defaultdict(list)
    for each in figures:
        if _is_won_in(each, around, pipeline, listed):
            won[each.currency].append(each)
    return [
        _block(code, by_currency[code], won[code], around, listed)
        for code in sorted({*by_currency, *won})
    ]


def _is_won_in(deal: Figures, around: Around, pipeline: str | None, listed: Sequence[str]) -> bool:
    stage = around.stage(deal)
    return (
        stage.outcome == "won"
        and pipeline in (None, stage.pipeline)
        and deal.closed_on is not None
        and listed[0] <= month(deal.closed_on) <= listed[-1]
    )


def _block(
    currency: str,
    deals: Sequence[OpenDeal],
    won: Sequence[Figures],
    around: Around,
    listed: Sequence[str],
) -> OutlookOf:
    months = {each.part: each for each in _parts(deals, "month", around, listed)}
    stages = {each.part: each for each in _parts(deals, "stage", around, listed)}
    by_month: dict[str, Won] = defaultdict(Won)
    by_team: dict[str, Won] = defaultdict(Won)
    total = Won()
    for each in won:
        assert each.closed_on is not None  # noqa: S101 - for the type checker; won deals have one
        team = NOBODY if each.team_id is None else str(each.team_id)
        for sums in (total, by_month[month(each.closed_on)], by_team[team]):
            sums.add(each.amount)
    return OutlookOf(
        currency=currency,
        total=_together("", deals),
        months=[months[name] for name in (OVERDUE, *listed, LATER, NO_DATE) if name in months],
        stages=[
            stages[part] for each in around.book.stages if (part := stage_part(each)) in stages
        ],
        teams=_parts(deals, "team", around, listed),
        owners=_parts(deals, "owner", around, listed),
        won=total,
        won_by_month=dict(by_month),
        won_by_team=dict(by_team),
    )


def _parts(
    deals: Sequence[OpenDeal], by: By, around: Around, listed: Sequence[str]
) -> list[Outlook]:
    groups: dict[str, list[OpenDeal]] = defaultdict(list)
    for deal in deals:
        groups[part_of(deal, by, around, listed)].append(deal)
    shares = split(
        {
            part: weighted((deal.amount, deal.probability) for deal in group)
            for part, group in groups.items()
        }
    )
    rows = [
        msgspec.structs.replace(_together(part, group), weighted=shares[part])
        for part, group in groups.items()
    ]
    return sorted(rows, key=lambda row: (-row.weighted, row.part))


def _together(part: str, deals: Sequence[OpenDeal]) -> Outlook:
    exact: Fraction = weighted((deal.amount, deal.probability) for deal in deals)
    return Outlook(
        part=part,
        deals=len(deals),
        best=sum(deal.amount for deal in deals),
        weighted=rounded(exact),
        commit=sum(deal.amount for deal in deals if deal.probability >= COMMITTED),
    )
