"""``sales_pipeline.summary``: deals by stage, what was won by whom and when, how long it took."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from relatum.api import InvalidInput, Plugin, Problem, quarter
from relatum_sales_pipeline.rates import Days, Rate, days_of, rate
from relatum_sales_pipeline.reports.deal_figures import Around, Figures, load
from relatum_sales_pipeline.reports.money import Number, major


class SummaryParams(msgspec.Struct, frozen=True, kw_only=True):
    """Which deals count.

    Attributes:
        pipeline: the key of one; all of them when left out.
        closed_from, closed_until: days of closing, both included. They choose among won and lost
            deals; open deals are always counted.
        currency: whose figures come first; that of the most won deals when left out.
    """

    pipeline: str | None = None
    closed_from: dt.date | None = None
    closed_until: dt.date | None = None
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None = None


class CurrencyBlock(msgspec.Struct, frozen=True, kw_only=True):
    """What was won in one more currency, in its major unit."""

    currency: str
    won_value: Number
    won_value_by_quarter: dict[str, Number]
    won_value_by_region: dict[str, Number]
    won_value_by_agent: dict[str, Number]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Where deals stand and what was won.

    Values are in the major unit of ``currency`` (dollars, not cents): whole numbers where they are
    whole, decimals otherwise. Deals in other currencies are in ``other_currencies``, never
    converted.

    Attributes:
        deals_by_stage: title of the stage → number of deals; stages of one title in several
            pipelines are counted together, stages without deals are left out.
        won_value_by_quarter: ``2017-Q1`` → value, by day of closing.
        won_value_by_region: region of the deal's team → value.
        won_value_by_agent: owner → value.
        win_rate: won ÷ (won + lost); ``None`` when nothing was closed.
        win_rate_detail: the same with its counts and 95 % Wilson interval.
        days_to_win, days_to_lose: from the day work on a deal began to the day it was closed.
        notes: what was left out of which figure, and why.
    """

    deals_by_stage: dict[str, int]
    won_value: Number
    won_value_by_quarter: dict[str, Number]
    won_value_by_region: dict[str, Number]
    won_value_by_agent: dict[str, Number]
    win_rate: float | None
    win_rate_detail: Rate
    days_to_win: Days
    days_to_lose: Days
    currency: str
    other_currencies: list[CurrencyBlock]
    notes: list[str]


async def run(plugin: Plugin, params: SummaryParams) -> Summary:
    """See :class:`Summary`.

    Raises:
        InvalidInput: there is no such pipeline.
    """
    figures, around = await load(plugin)
    if params.pipeline is not None and around.book.pipeline(params.pipeline) is None:
        known = ", ".join(pipeline.key for pipeline in around.book.pipelines)
        raise no_such_pipeline(params.pipeline, known)
    settings = plugin.settings
    fallback = params.currency or settings.currency or plugin.house.settings.company.currency
    return await asyncio.to_thread(summarise, figures, around, params, fallback)


def no_such_pipeline(got: str, known: str) -> InvalidInput:
    """The error for a key that no pipeline has."""
    problem = Problem(
        code="unknown-pipeline",
        message="there is no such pipeline",
        where="pipeline",
        expected=f"one of {known}",
        got=got[:80],
        mend="Choose one of these.",
    )
    return InvalidInput(f"There is no pipeline {got[:80]!r}.", problems=[problem])


def summarise(
    figures: Sequence[Figures], around: Around, params: SummaryParams, fallback: str
) -> Summary:
    """The figures of the summary, in one pass. Pure."""
    chosen = [deal for deal in figures if _counts(deal, around, params)]
    outcomes = defaultdict(list)
    for deal in chosen:
        outcomes[around.stage(deal).outcome].append(deal)
    won, lost = outcomes["won"], outcomes["lost"]
    blocks = _blocks(won, around, params.currency, fallback)
    share = rate(len(won), len(won) + len(lost))
    return Summary(
        deals_by_stage=_by_stage(chosen, around),
        won_value=blocks[0].won_value,
        won_value_by_quarter=blocks[0].won_value_by_quarter,
        won_value_by_region=blocks[0].won_value_by_region,
        won_value_by_agent=blocks[0].won_value_by_agent,
        win_rate=share.value,
        win_rate_detail=share,
        days_to_win=days_of(_lengths(won)),
        days_to_lose=days_of(_lengths(lost)),
        currency=blocks[0].currency,
        other_currencies=blocks[1:],
        notes=list(_notes(won, lost, around)),
    )


def _counts(deal: Figures, around: Around, params: SummaryParams) -> bool:
    stage = around.stage(deal)
    if params.pipeline is not None and stage.pipeline != params.pipeline:
        return False
    if deal.closed_on is None:
        return True
    return (params.closed_from is None or params.closed_from <= deal.closed_on) and (
        params.closed_until is None or deal.closed_on <= params.closed_until
    )


def _by_stage(deals: Sequence[Figures], around: Around) -> dict[str, int]:
    """Titles in the order of their pipelines and stages."""
    counts = Counter(around.stage(deal).title for deal in deals)
    titles = [stage.title for pipeline in around.book.pipelines for stage in pipeline.stages]
    return {title: counts[title] for title in dict.fromkeys(titles) if counts[title]}


def _blocks(
    won: Sequence[Figures], around: Around, first: str | None, fallback: str
) -> list[CurrencyBlock]:
    """One block for each currency: the one asked for, else that of the most won deals, first."""
    by_currency: dict[str, list[Figures]] = defaultdict(list)
    for deal in won:
        by_currency[deal.currency].append(deal)
    order = sorted(by_currency, key=lambda code: (-len(by_currency[code]), code))
    if first is not None or not order:
        leading = first or fallback
        order = [leading, *(code for code in order if code != leading)]
    return [_block(code, by_currency.get(code, []), around) for code in order]


def _block(currency: str, won: Sequence[Figures], around: Around) -> CurrencyBlock:
    quarters: Counter[str] = Counter()
    regions: Counter[str] = Counter()
    agents: Counter[str] = Counter()
    for deal in won:
        amount = deal.amount or 0
        if deal.closed_on is not None:
            quarters[quarter(deal.closed_on)] += amount
        regions[around.region(deal.team_id)] += amount
        agents[around.member(deal.owner_id)] += amount
    return CurrencyBlock(
        currency=currency,
        won_value=major(sum(deal.amount or 0 for deal in won), currency),
        won_value_by_quarter=_shown(sorted(quarters.items()), currency),
        won_value_by_region=_shown(_largest_first(regions), currency),
        won_value_by_agent=_shown(_largest_first(agents), currency),
    )


def _largest_first(sums: Counter[str]) -> list[tuple[str, int]]:
    return sorted(sums.items(), key=lambda item: (-item[1], item[0]))


def _shown(sums: Iterable[tuple[str, int]], currency: str) -> dict[str, Number]:
    return {name: major(amount, currency) for name, amount in sums}


def _lengths(deals: Iterable[Figures]) -> list[int]:
    return [
        (deal.closed_on - deal.engaged_on).days
        for deal in deals
        if deal.closed_on is not None and deal.engaged_on is not None
    ]


def _notes(won: Sequence[Figures], lost: Sequence[Figures], around: Around) -> Iterable[str]:
    valueless = sum(deal.amount is None for deal in won)
    if valueless:
        yield f"{valueless} won deals have no value; they count as won, but not in won values"
    for name, deals in (("won", won), ("lost", lost)):
        missing = len(deals) - len(_lengths(deals))
        if missing:
            yield (
                f"{missing} {name} deals do not say when work on them began; they are left out "
                f"of the days to {'win' if name == 'won' else 'lose'}"
            )
    homeless = sum(around.region(deal.team_id) == "(none)" for deal in won)
    if homeless:
        yield f"{homeless} won deals have no team with a region; they are under (none)"
    currencies = sorted({deal.currency for deal in won})
    if len(currencies) > 1:
        yield f"won values are in {', '.join(currencies)}; they are not converted into each other"
