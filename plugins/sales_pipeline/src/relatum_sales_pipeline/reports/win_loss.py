"""``sales_pipeline.win_loss``: who wins what, and why the rest is lost."""

from __future__ import annotations

import asyncio
import datetime as dt
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec

from relatum.api import Plugin, exponent
from relatum_sales_pipeline.rates import Rate, rate
from relatum_sales_pipeline.reports.deal_figures import Around, Figures, lines_of, load
from relatum_sales_pipeline.reports.money import Number, major

UNKNOWN = "(not said)"
NO_PRODUCT = "(no product)"


class WinLossParams(msgspec.Struct, frozen=True, kw_only=True):
    """Days of closing, both included."""

    closed_from: dt.date | None = None
    closed_until: dt.date | None = None


class WinLossRow(msgspec.Struct, frozen=True, kw_only=True):
    """Closed deals put together, with their win rate."""

    name: str
    won: int
    lost: int
    win_rate: Rate


class ReasonRow(msgspec.Struct, frozen=True, kw_only=True):
    """Lost deals of one reason; ``share`` of all lost ones."""

    reason: str
    title: str
    lost: int
    share: Rate


class SizeBand(msgspec.Struct, frozen=True, kw_only=True):
    """Closed deals of one size, in the major unit of one currency; no limit is no bound.

    ``band`` is its place among those of the currency, from 0.
    """

    currency: str
    band: int
    above: Number | None
    up_to: Number | None
    won: int
    lost: int
    win_rate: Rate


class WinLoss(msgspec.Struct, frozen=True, kw_only=True):
    """Why deals end as they do.

    A deal with several products counts once for each. The size of a deal is its value; of a lost
    deal without value, what its lines cost. ``sizeless`` have neither and are in no band.
    """

    overall: Rate
    by_reason: list[ReasonRow]
    by_product: list[WinLossRow]
    by_agent: list[WinLossRow]
    by_size: list[SizeBand]
    sizeless: int
    notes: list[str]


async def run(plugin: Plugin, params: WinLossParams) -> WinLoss:
    """See :class:`WinLoss`."""
    figures, around = await load(plugin)
    lines = await lines_of(plugin)
    bands = plugin.settings.size_bands
    return await asyncio.to_thread(win_loss, figures, around, lines, bands, params)


def win_loss(
    figures: Sequence[Figures],
    around: Around,
    lines: Sequence[tuple[UUID, UUID, str, int | None]],
    bands: Mapping[str, list[int]],
    params: WinLossParams,
) -> WinLoss:
    """The analysis of closed deals. Pure."""
    closed = [deal for deal in figures if is_in(deal, params)]
    won = {deal.id for deal in closed if around.stage(deal).outcome == "won"}
    products: dict[UUID, set[str]] = defaultdict(set)
    cost: Counter[UUID] = Counter()
    for deal_id, _, name, amount in lines:
        products[deal_id].add(name)
        cost[deal_id] += amount or 0
    by_product = [
        (name, deal.id in won) for deal in closed for name in products[deal.id] or {NO_PRODUCT}
    ]
    by_agent = [(around.member(deal.owner_id), deal.id in won) for deal in closed]
    sized, sizeless = _sized(closed, won, cost)
    return WinLoss(
        overall=rate(len(won), len(closed)),
        by_reason=_by_reason([deal for deal in closed if deal.id not in won], around),
        by_product=_rows(by_product),
        by_agent=_rows(by_agent),
        by_size=_by_size(sized, bands),
        sizeless=sizeless,
        notes=[f"{sizeless} closed deals have neither value nor prices; they have no size"]
        if sizeless
        else [],
    )


def is_in(deal: Figures, params: WinLossParams) -> bool:
    """Whether a deal was closed in these days."""
    if deal.closed_on is None:
        return False
    return (params.closed_from is None or params.closed_from <= deal.closed_on) and (
        params.closed_until is None or deal.closed_on <= params.closed_until
    )


def _rows(named: Iterable[tuple[str, bool]]) -> list[WinLossRow]:
    counts: dict[str, Counter[bool]] = defaultdict(Counter)
    for name, is_won in named:
        counts[name][is_won] += 1
    rows = [
        WinLossRow(
            name=name,
            won=count[True],
            lost=count[False],
            win_rate=rate(count[True], count.total()),
        )
        for name, count in counts.items()
    ]
    return sorted(rows, key=lambda row: (-(row.won + row.lost), row.name))


def _by_reason(lost: Sequence[Figures], around: Around) -> list[ReasonRow]:
    counts = Counter(deal.lost_reason_id for deal in lost)
    titles = {reason.id: reason for reason in around.book.reasons}
    rows = [
        ReasonRow(
            reason=titles[id].key if id else UNKNOWN,
            title=titles[id].title if id else UNKNOWN,
            lost=count,
            share=rate(count, len(lost)),
        )
        for id, count in counts.items()
    ]
    return sorted(rows, key=lambda row: (-row.lost, row.reason))


def _sized(
    closed: Sequence[Figures], won: set[UUID], cost: Mapping[UUID, int]
) -> tuple[list[tuple[str, int, bool]], int]:
    """Currency, size in minor units and whether it was won; and how many have no size."""
    sized = []
    for deal in closed:
        size = size_of(deal, cost.get(deal.id, 0), is_won=deal.id in won)
        if size is not None:
            sized.append((deal.currency, size, deal.id in won))
    return sized, len(closed) - len(sized)


def size_of(deal: Figures, cost: int, *, is_won: bool) -> int | None:
    """The size of a closed deal in minor units; ``None`` when it has neither value nor prices."""
    size = deal.amount or (0 if is_won else cost)
    return size if size or (deal.amount is not None and is_won) else None


def limits_of(currency: str, bands: Mapping[str, list[int]]) -> list[int]:
    """Where one band of sizes ends and the next begins, in minor units, ascending."""
    unit = 10 ** exponent(currency)
    return sorted({limit * unit for limit in bands.get(currency, bands.get("USD", []))})


def place_of(size: int, limits: Sequence[int]) -> int:
    """The band that a size is in, from 0; a limit belongs to the band that it ends."""
    return bisect_left(limits, size)


def _by_size(
    sized: Sequence[tuple[str, int, bool]], bands: Mapping[str, list[int]]
) -> list[SizeBand]:
    rows: list[SizeBand] = []
    for currency in sorted({currency for currency, _, _ in sized}):
        limits = limits_of(currency, bands)
        counts: dict[int, Counter[bool]] = defaultdict(Counter)
        for code, size, is_won in sized:
            if code == currency:
                counts[place_of(size, limits)][is_won] += 1
        rows += [_band(currency, limits, place, counts[place]) for place in sorted(counts)]
    return rows


def _band(currency: str, limits: Sequence[int], place: int, count: Counter[bool]) -> SizeBand:
    return SizeBand(
        currency=currency,
        band=place,
        above=major(limits[place - 1], currency) if place else None,
        up_to=major(limits[place], currency) if place < len(limits) else None,
        won=count[True],
        lost=count[False],
        win_rate=rate(count[True], count.total()),
    )
