"""``sales_pipeline.velocity``: money a day that the pipeline brings (metric library §4.21)."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated

import msgspec
from msgspec import Meta

from relatum.api import Plugin
from relatum_sales_pipeline.forecasting import rounded, sales_velocity
from relatum_sales_pipeline.rates import Days, Rate, days_of, rate
from relatum_sales_pipeline.reports.deal_figures import Around, Figures, load
from relatum_sales_pipeline.reports.money import Number, major

LEAST_WON = 5


class VelocityParams(msgspec.Struct, frozen=True, kw_only=True):
    """``days``: deals closed within so many days count; all of them when left out."""

    days: Annotated[int, Meta(ge=1, le=36_500)] | None = None


class CurrencyVelocity(msgspec.Struct, frozen=True, kw_only=True):
    """Velocity in one currency, with the four figures it is made of.

    ``per_day`` is in the major unit; ``None`` with a ``reason`` when there is too little to say.
    """

    currency: str
    per_day: Number | None
    reason: str
    open_deals: int
    win_rate: Rate
    average_won_value: Number | None
    days_to_win: Days


class Velocity(msgspec.Struct, frozen=True, kw_only=True):
    """``sales.velocity`` = open deals × win rate × average won value ÷ mean days to win."""

    as_of: dt.date
    since: dt.date | None
    currencies: list[CurrencyVelocity]


async def run(plugin: Plugin, params: VelocityParams) -> Velocity:
    """See :class:`Velocity`."""
    figures, around = await load(plugin)
    return await asyncio.to_thread(velocity, figures, around, params.days)


def velocity(figures: Sequence[Figures], around: Around, days: int | None) -> Velocity:
    """Velocity by currency. Pure."""
    since = around.today - dt.timedelta(days=days) if days else None
    groups: dict[str, dict[str, list[Figures]]] = defaultdict(lambda: defaultdict(list))
    for deal in figures:
        if deal.closed_on is None or since is None or deal.closed_on >= since:
            groups[deal.currency][around.stage(deal).outcome].append(deal)
    return Velocity(
        as_of=around.today,
        since=since,
        currencies=[_in_currency(code, groups[code]) for code in sorted(groups)],
    )


def _in_currency(currency: str, deals: dict[str, list[Figures]]) -> CurrencyVelocity:
    won = deals["won"]
    share = rate(len(won), len(won) + len(deals["lost"]))
    amounts = [deal.amount for deal in won if deal.amount is not None]
    lengths = [
        (deal.closed_on - deal.engaged_on).days
        for deal in won
        if deal.closed_on is not None and deal.engaged_on is not None
    ]
    cycle = days_of(lengths)
    average = Fraction(sum(amounts), len(amounts)) if amounts else None
    enough = len(amounts) >= LEAST_WON and len(lengths) >= LEAST_WON and sum(lengths) > 0
    per_day = None
    if enough and average is not None:
        exact = sales_velocity(
            deals=len(deals["open"]),
            win_rate=Fraction(len(won), share.denominator),
            average_value=average,
            cycle_days=Fraction(sum(lengths), len(lengths)),
        )
        per_day = major(rounded(exact), currency)
    return CurrencyVelocity(
        currency=currency,
        per_day=per_day,
        reason="" if enough else _too_little(len(amounts), len(lengths)),
        open_deals=len(deals["open"]),
        win_rate=share,
        average_won_value=None if average is None else major(rounded(average), currency),
        days_to_win=cycle,
    )


def _too_little(valued: int, timed: int) -> str:
    return (
        f"not enough data: {valued} won deals with a value and {timed} with a length, "
        f"of {LEAST_WON} each"
    )
