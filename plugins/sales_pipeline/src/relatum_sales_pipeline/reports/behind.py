"""The deals behind a figure of a report, by the same rules as the report counts by."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Literal
from uuid import UUID

import msgspec

from relatum.api import Plugin
from relatum_sales_pipeline.forecasting import split, weighted
from relatum_sales_pipeline.reports import ageing, conversion
from relatum_sales_pipeline.reports.deal_figures import Around, Figures, lines_of, load
from relatum_sales_pipeline.reports.forecast import OpenDeal
from relatum_sales_pipeline.reports.outlook import (
    COMMITTED,
    NOBODY,
    By,
    Looked,
    Outlook,
    outlook,
    part_of,
)
from relatum_sales_pipeline.reports.win_loss import (
    NO_PRODUCT,
    UNKNOWN,
    WinLossParams,
    is_in,
    limits_of,
    place_of,
    size_of,
)
from relatum_sales_pipeline.services.book import Book

#: What a figure says about its deals.
Figure = Literal["count", "value", "weighted"]


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """The deals behind one figure.

    Attributes:
        amounts: what each deal adds to a figure of money, in minor units; empty for a count.
        total: the figure; of money in minor units of ``currency``.
    """

    ids: list[UUID]
    total: int
    amounts: dict[UUID, int] = {}
    currency: str = ""


class ForecastPart(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of the forecast: of one month, stage, team or person, or of all."""

    currency: str
    by: By | None = None
    part: str = NOBODY
    committed: bool = False
    figure: Figure = "count"


class WonPart(msgspec.Struct, frozen=True, kw_only=True):
    """Deals that were won; what is ``None`` is not asked for.

    Attributes:
        team: its id; nothing for those without a team.
    """

    currency: str | None = None
    pipeline: str | None = None
    team: str | None = None
    closed_from: dt.date | None = None
    closed_until: dt.date | None = None
    figure: Figure = "count"


class ClosedPart(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of the analysis of wins and losses; ``by`` nothing: of all."""

    days: WinLossParams
    by: str = ""
    part: str = ""
    currency: str = ""
    outcome: str = ""


def counted(ids: list[UUID]) -> Behind:
    """What is behind a number of deals."""
    return Behind(ids=ids, total=len(ids))


async def behind_forecast(
    plugin: Plugin, part: ForecastPart, pipeline: str | None, months: int
) -> Behind:
    """The open deals behind one figure of the forecast."""
    looked = await outlook(plugin, pipeline, months)
    found = [
        deal
        for deal in looked.deals
        if deal.figures.currency == part.currency
        and (not part.committed or deal.probability >= COMMITTED)
        and _is_in_part(deal, part, looked)
    ]
    ids = [deal.figures.id for deal in found]
    if part.figure == "count":
        return counted(ids)
    exact = {
        deal.figures.id: weighted([(deal.amount, deal.probability)])
        if part.figure == "weighted"
        else Fraction(deal.amount)
        for deal in found
    }
    total = _shown(part, looked) if part.figure == "weighted" else None
    amounts = split(exact, total)
    return Behind(ids=ids, total=sum(amounts.values()), amounts=amounts, currency=part.currency)


def _is_in_part(deal: OpenDeal, part: ForecastPart, looked: Looked) -> bool:
    if part.by is None:
        return True
    return part_of(deal, part.by, looked.around, looked.months) == part.part


def _shown(part: ForecastPart, looked: Looked) -> int | None:
    """The weighted value as the forecast shows it: rounded so that its list adds up."""
    block = next((each for each in looked.blocks if each.currency == part.currency), None)
    if block is None or part.committed:
        return None
    if part.by is None:
        return block.total.weighted
    lists: Mapping[By, list[Outlook]] = {
        "month": block.months,
        "stage": block.stages,
        "team": block.teams,
        "owner": block.owners,
    }
    return next((row.weighted for row in lists[part.by] if row.part == part.part), None)


async def behind_gap(plugin: Plugin, pipeline: str | None, months: int, part: str) -> Behind:
    """The open deals without a value: those whose lines say one, or those left out."""
    gaps = (await outlook(plugin, pipeline, months)).gaps
    return counted(gaps.by_lines if part == "lines" else gaps.unknown)


async def behind_won(plugin: Plugin, part: WonPart) -> Behind:
    """The deals that were won."""
    figures, around = await load(plugin)
    days = WinLossParams(closed_from=part.closed_from, closed_until=part.closed_until)
    found = [
        deal
        for deal in figures
        if around.stage(deal).outcome == "won"
        and part.currency in (None, deal.currency)
        and part.pipeline in (None, around.stage(deal).pipeline)
        and part.team in (None, str(deal.team_id or NOBODY))
        and (is_in(deal, days) or (part.closed_from is None and part.closed_until is None))
    ]
    if part.figure == "count" or part.currency is None:
        return counted([deal.id for deal in found])
    amounts = {deal.id: deal.amount for deal in found if deal.amount is not None}
    return Behind(
        ids=[deal.id for deal in found],
        total=sum(amounts.values()),
        amounts=amounts,
        currency=part.currency,
    )


async def behind_conversion(
    plugin: Plugin, pipeline: str, stage: str, fate: conversion.Fate | None
) -> Behind:
    """The deals that reached a stage, or those of them with one fate."""
    book = await Book.load(plugin.house.db)
    reached = next(
        (each for each in book.stages if (each.pipeline, each.key) == (pipeline, stage)), None
    )
    found = []
    for deal, steps in (await conversion.passages_of(plugin)).items():
        way = [(book.stage(id), at) for id, at in steps]
        here = way[-1][0]
        became = conversion.fate(reached, way) if reached and here.pipeline == pipeline else None
        if became is not None and fate in (None, became):
            found.append(deal)
    return counted(found)


async def behind_open(plugin: Plugin, currency: str) -> Behind:
    """The open deals of one currency, with a value or without."""
    figures, around = await load(plugin)
    return counted(
        [
            deal.id
            for deal in figures
            if deal.currency == currency and around.stage(deal).outcome == "open"
        ]
    )


async def behind_ageing(plugin: Plugin, pipeline: str, stage: str, band: str) -> Behind:
    """The open deals of a stage, or those of one age."""
    figures, around = await load(plugin)
    return counted(
        [
            deal.id
            for deal in _open_in(figures, around, pipeline, stage)
            if not band or ageing.band_of(ageing.age_of(deal, around)) == band
        ]
    )


async def behind_rotting(plugin: Plugin, pipeline: str, stage: str) -> Behind:
    """The deals that rot, of one stage or of all; where nothing happened longest, first."""
    figures, around = await load(plugin)
    default = plugin.settings.rotting_days
    found = [
        deal
        for deal in _open_in(figures, around, pipeline, stage)
        if ageing.is_rotting(deal, around, around.stage(deal).rotting_days or default)
    ]
    return counted(
        [deal.id for deal in sorted(found, key=lambda deal: (ageing.last_sign(deal), deal.id))]
    )


def _open_in(
    figures: Sequence[Figures], around: Around, pipeline: str, stage: str
) -> list[Figures]:
    """Open deals of a pipeline, of one of its stages or (nothing) of all."""
    return [
        deal
        for deal in figures
        if around.stage(deal).outcome == "open"
        and around.stage(deal).pipeline == pipeline
        and stage in ("", around.stage(deal).key)
    ]


async def behind_win_loss(plugin: Plugin, part: ClosedPart) -> Behind:
    """The closed deals of one figure of the analysis."""
    figures, around = await load(plugin)
    products: dict[UUID, set[str]] = defaultdict(set)
    cost: Counter[UUID] = Counter()
    for deal_id, _, name, amount in await lines_of(plugin):
        products[deal_id].add(name)
        cost[deal_id] += amount or 0
    reasons = {reason.id: reason.key for reason in around.book.reasons}
    limits = limits_of(part.currency, plugin.settings.size_bands) if part.by == "size" else []

    def parts(deal: Figures) -> set[str]:
        if part.by == "product":
            return products[deal.id] or {NO_PRODUCT}
        if part.by == "reason":
            return {reasons[deal.lost_reason_id] if deal.lost_reason_id else UNKNOWN}
        if part.by == "size":
            is_won = around.stage(deal).outcome == "won"
            size = size_of(deal, cost[deal.id], is_won=is_won)
            if size is None or deal.currency != part.currency:
                return {""} if size is None else set()
            return {str(place_of(size, limits))}
        return {around.member(deal.owner_id)}

    return counted(
        [
            deal.id
            for deal in figures
            if is_in(deal, part.days)
            and (
                not part.outcome or (around.stage(deal).outcome == "won") == (part.outcome == "won")
            )
            and (not part.by or part.part in parts(deal))
        ]
    )
