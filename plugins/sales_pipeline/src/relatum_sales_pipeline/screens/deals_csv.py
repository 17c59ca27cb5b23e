"""The deals of the table as CSV: those that fit, in their order, with the columns it shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.api import (
    Amount,
    CsvDownload,
    Form,
    Plugin,
    Refused,
    RelatumError,
    Text,
    Visit,
    WebPage,
    exponent,
    local_day,
    now,
)
from relatum_sales_pipeline.permissions import DEALS_READ
from relatum_sales_pipeline.screens.deals import EXPORT, DealFilter, columns_of, query_of
from relatum_sales_pipeline.screens.reading import ROOT, address, stage_titles
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.pipelines import Pipelines
from relatum_sales_pipeline.types.deals import Deal

TARGET = "sales_pipeline.deals"
BATCH = 500
Cells = Callable[[Deal], list[str]]


class WhyForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the file is for; it is kept."""

    why: Annotated[str, Meta(min_length=3, max_length=300)]


async def load(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    _demand(visit)
    return await _page(plugin, visit, _asked(visit), Form("why"))


async def take_out(plugin: Plugin, visit: Visit) -> Any:
    """Send the file, when it may go out without a second person."""
    _demand(visit)
    asked = _asked(visit)
    form, sent = await visit.form("why", WhyForm)
    if sent is None:
        return await _page(plugin, visit, asked, form)
    ids, records = await _ids(plugin, visit, asked)
    try:
        mark = await visit.house.exports.take_at_once(
            TARGET,
            records,
            filters=_filters(asked),
            why=sent.why,
            viewer=visit.viewer,
            person=_person(visit),
        )
    except RelatumError as error:
        form.refuse(error)
        return await _page(plugin, visit, asked, form)
    titles = stage_titles(await Pipelines(plugin).book(), visit)
    columns = _columns(asked, visit, titles)
    day = local_day(now(), visit.time_zone)
    heads = [head for names, _ in columns for head in names]
    name = f"{visit.text('Deals')} {day}"
    return CsvDownload(name, heads, _rows(plugin, ids, [cells for _, cells in columns]), mark)


async def _rows(
    plugin: Plugin, ids: Sequence[UUID], columns: Sequence[Cells]
) -> AsyncIterator[list[list[str]]]:
    deals = Deals(plugin)
    for start in range(0, len(ids), BATCH):
        found = await deals.get_many(ids[start : start + BATCH])
        yield [[cell for cells in columns for cell in cells(deal)] for deal in found]


async def _ids(plugin: Plugin, visit: Visit, asked: DealFilter) -> tuple[list[UUID], int]:
    """What goes out and how many that are; more than could go out are only counted."""
    deals, query = Deals(plugin), query_of(asked, visit)
    count = await deals.count(query)
    if count > visit.house.settings.exports.approval_above:
        return [], count
    ids = await deals.ids(query, most=max(count, 1))
    return ids, len(ids)


def _columns(
    asked: DealFilter, visit: Visit, titles: dict[tuple[str, str], str]
) -> list[tuple[list[str], Cells]]:
    """Headings and cells; an amount is a plain number with its currency beside it."""
    known: dict[str, tuple[list[str], Cells]] = {
        "customer": ([visit.text("Customer")], lambda deal: [deal.customer or ""]),
        "stage": (
            [visit.text("Stage")],
            lambda deal: [titles.get((deal.pipeline, deal.stage), deal.stage)],
        ),
        "value": (
            [visit.text("Value"), visit.text("Currency")],
            lambda deal: _money(deal.value or deal.lines_value),
        ),
        "expected": ([visit.text("Expected")], lambda deal: [_day(deal.expected_close)]),
        "owner": ([visit.text("Owner")], lambda deal: [deal.owner or ""]),
        "team": ([visit.text("Team")], lambda deal: [deal.team or ""]),
        "since": (
            [visit.text("In the stage since")],
            lambda deal: [_day(local_day(deal.stage_since, visit.time_zone))],
        ),
        "closed": ([visit.text("Closed")], lambda deal: [_day(deal.closed_on)]),
    }
    first: tuple[list[str], Cells] = ([visit.text("Deal")], lambda deal: [deal.name])
    return [first, *(known[name] for name in columns_of(asked))]


def _money(amount: Amount | None) -> list[str]:
    if amount is None:
        return ["", ""]
    places = exponent(amount.currency)
    return [f"{Decimal(amount.amount).scaleb(-places):f}", amount.currency]


def _day(day: object) -> str:
    return str(day) if day is not None else ""


def _demand(visit: Visit) -> None:
    """The page asks for the right to export; what is exported asks for its own."""
    if not visit.may(DEALS_READ):
        raise Refused(f"expected the permission {DEALS_READ}, got none; ask an administrator")


def _asked(visit: Visit) -> DealFilter:
    """The filter in the address; one that cannot be read takes nothing out.

    Raises:
        InvalidInput: something in it cannot be read.
    """
    form, asked = visit.query(DealFilter)
    if form.error is not None:
        raise form.error
    return asked


def _filters(asked: DealFilter) -> dict[str, Any]:
    plain = msgspec.to_builtins(DealFilter())
    given = msgspec.to_builtins(asked)
    return {name: value for name, value in given.items() if value not in (plain[name], None)}


def _person(visit: Visit) -> str:
    identity = visit.call.identity
    return identity.name if identity is not None else visit.call.actor


async def _page(plugin: Plugin, visit: Visit, asked: DealFilter, form: Form) -> dict[str, Any]:
    return {
        "form": form,
        "count": await Deals(plugin).count(query_of(asked, visit)),
        "listed": address(visit),
        "limit": visit.house.settings.exports.approval_above,
        "here": "sales_pipeline.board",
        "root": ROOT,
    }


PAGES = [
    WebPage(
        id="sales_pipeline.deals_csv",
        path="/deals/csv",
        title=Text(en="Deals as CSV", vi="Tải cơ hội dạng CSV"),
        permission=EXPORT,
        template="sales_pipeline/deals_csv.html",
        load=load,
        act=take_out,
    )
]
