"""``sales_pipeline.forecast``: what open deals may bring, weighted by their probability."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.api import Plugin, month
from relatum_sales_pipeline.forecasting import rounded, split, weighted
from relatum_sales_pipeline.reports.deal_figures import Around, Figures, lines_of, load
from relatum_sales_pipeline.reports.money import Number, major
from relatum_sales_pipeline.reports.summary import no_such_pipeline

OVERDUE = "overdue"
LATER = "later"
NO_DATE = "no date"


class ForecastParams(msgspec.Struct, frozen=True, kw_only=True):
    """``months`` are listed one by one from this one on; the plugin's setting when left out."""

    pipeline: str | None = None
    months: Annotated[int, Meta(ge=1, le=60)] | None = None


class ForecastRow(msgspec.Struct, frozen=True, kw_only=True):
    """Open deals put together: how many, worth what, weighted what (in the major unit)."""

    name: str
    deals: int
    value: Number
    weighted: Number


class CurrencyForecast(msgspec.Struct, frozen=True, kw_only=True):
    """The forecast in one currency. Every list adds up to the totals exactly."""

    currency: str
    deals: int
    value: Number
    weighted: Number
    by_month: list[ForecastRow]
    by_stage: list[ForecastRow]
    by_team: list[ForecastRow]
    by_owner: list[ForecastRow]


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """The weighted forecast of the open deals, one block for each currency.

    Months are those of the expected day of closing; ``overdue`` is before this month, ``later``
    after the months listed, ``no date`` where none is expected.
    """

    as_of: dt.date
    currencies: list[CurrencyForecast]
    notes: list[str]


class OpenDeal(msgspec.Struct, frozen=True):
    """What the forecast needs of an open deal; ``amount`` in minor units."""

    figures: Figures
    amount: int
    probability: int


class Gaps(msgspec.Struct):
    """Open deals without a value: those whose lines say one, and those left out."""

    by_lines: list[UUID] = []
    unknown: list[UUID] = []

    def notes(self) -> Iterable[str]:
        """What is to be said about them."""
        if self.by_lines:
            count = len(self.by_lines)
            yield f"{count} open deals have no value; the prices of their lines are taken"
        if self.unknown:
            count = len(self.unknown)
            yield f"{count} open deals have neither a value nor priced lines; they are left out"


async def run(plugin: Plugin, params: ForecastParams) -> Forecast:
    """See :class:`Forecast`.

    Raises:
        InvalidInput: there is no such pipeline.
    """
    deals, around, gaps = await open_deals(plugin, params.pipeline)
    months = params.months or plugin.settings.forecast_months
    return await asyncio.to_thread(forecast, deals, around, months, list(gaps.notes()))


async def open_deals(plugin: Plugin, pipeline: str | None) -> tuple[list[OpenDeal], Around, Gaps]:
    """Open deals with their value, or what their lines cost, and which of them have none.

    Raises:
        InvalidInput: there is no such pipeline.
    """
    figures, around = await load(plugin)
    if pipeline is not None and around.book.pipeline(pipeline) is None:
        known = ", ".join(each.key for each in around.book.pipelines)
        raise no_such_pipeline(pipeline, known)
    lines = await lines_of(plugin)
    deals, gaps = await asyncio.to_thread(open_among, figures, lines, around, pipeline)
    return deals, around, gaps


def open_among(
    figures: Sequence[Figures],
    lines: Sequence[tuple[UUID, UUID, str, int | None]],
    around: Around,
    pipeline: str | None,
) -> tuple[list[OpenDeal], Gaps]:
    """The open ones of all deals. Pure."""
    costs: dict[UUID, list[int | None]] = defaultdict(list)
    for deal, _, _, amount in lines:
        costs[deal].append(amount)
    deals, gaps = [], Gaps()
    for each in figures:
        stage = around.stage(each)
        if stage.outcome != "open" or pipeline not in (None, stage.pipeline):
            continue
        value = each.amount
        if value is None:
            priced = [amount for amount in costs[each.id] if amount is not None]
            if not priced or len(priced) < len(costs[each.id]):
                gaps.unknown.append(each.id)
                continue
            value = sum(priced)
            gaps.by_lines.append(each.id)
        deals.append(OpenDeal(each, value, stage.probability))
    return deals, gaps


def forecast(deals: Sequence[OpenDeal], around: Around, months: int, notes: list[str]) -> Forecast:
    """The forecast of open deals. Pure."""
    by_currency: dict[str, list[OpenDeal]] = defaultdict(list)
    for deal in deals:
        by_currency[deal.figures.currency].append(deal)
    return Forecast(
        as_of=around.today,
        currencies=[
            _in_currency(code, by_currency[code], around, months) for code in sorted(by_currency)
        ],
        notes=notes,
    )


def month_of(deal: OpenDeal, today: dt.date) -> str:
    """``2026-11`` of the expected closing, or that there is none or it is past."""
    expected = deal.figures.expected_close
    if expected is None:
        return NO_DATE
    return OVERDUE if month(expected) < month(today) else month(expected)


def _in_currency(
    currency: str, deals: Sequence[OpenDeal], around: Around, months: int
) -> CurrencyForecast:
    listed = next_months(around.today, months)
    order = [OVERDUE, *listed, LATER, NO_DATE]

    def month_name(deal: OpenDeal) -> str:
        name = month_of(deal, around.today)
        return LATER if name > listed[-1] and name[:1].isdigit() else name

    def stage_name(deal: OpenDeal) -> str:
        return around.stage(deal.figures).title

    rows = _Rows(currency, deals)
    stages = [stage.title for pipeline in around.book.pipelines for stage in pipeline.stages]
    return CurrencyForecast(
        currency=currency,
        deals=len(deals),
        value=major(sum(deal.amount for deal in deals), currency),
        weighted=major(rounded(weighted(_parts(deals))), currency),
        by_month=sorted(rows.by(month_name), key=lambda row: order.index(row.name)),
        by_stage=sorted(rows.by(stage_name), key=lambda row: stages.index(row.name)),
        by_team=_largest_first(rows.by(lambda deal: around.team(deal.figures.team_id))),
        by_owner=_largest_first(rows.by(lambda deal: around.member(deal.figures.owner_id))),
    )


class _Rows:
    def __init__(self, currency: str, deals: Sequence[OpenDeal]) -> None:
        self._currency = currency
        self._deals = deals

    def by(self, name_of: Callable[[OpenDeal], str]) -> list[ForecastRow]:
        """One row for each name; the weighted values add up to the total's."""
        groups: dict[str, list[OpenDeal]] = defaultdict(list)
        for deal in self._deals:
            groups[name_of(deal)].append(deal)
        exact: dict[str, Fraction] = {
            name: weighted(_parts(group)) for name, group in groups.items()
        }
        shares = split(exact)
        return [
            ForecastRow(
                name=name,
                deals=len(group),
                value=major(sum(deal.amount for deal in group), self._currency),
                weighted=major(shares[name], self._currency),
            )
            for name, group in groups.items()
        ]


def _parts(deals: Sequence[OpenDeal]) -> list[tuple[int, int]]:
    return [(deal.amount, deal.probability) for deal in deals]


def _largest_first(rows: list[ForecastRow]) -> list[ForecastRow]:
    return sorted(rows, key=lambda row: (-row.weighted, row.name))


def next_months(today: dt.date, count: int) -> list[str]:
    """This month and those after it: ``2026-11``."""
    first = today.year * 12 + today.month - 1
    return [f"{n // 12:04}-{n % 12 + 1:02}" for n in range(first, first + count)]
