"""The table of deals: filters, order, and changes to many at once."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from relatum.api import (
    Form,
    InvalidInput,
    Page,
    Plugin,
    Text,
    Visit,
    WebPage,
    next_page,
)
from relatum_sales_pipeline.permissions import DEALS_READ, DEALS_WRITE
from relatum_sales_pipeline.screens.reading import (
    ROOT,
    address,
    amount_of,
    one_id,
    people,
    pipeline_pairs,
    reason_pairs,
    stage_titles,
    titled,
    tones_by_key,
)
from relatum_sales_pipeline.services.book import Book
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.pipelines import Pipelines
from relatum_sales_pipeline.types.deals import Deal, DealQuery

SORTS = ("name", "value", "expected_close", "stage_since", "created_at", "updated_at")
COLUMNS = ("customer", "stage", "value", "expected", "owner", "team", "since", "closed")
EXPORT = "core.exports.write"
SHOWN = ["customer", "stage", "value", "expected", "owner"]


class DealFilter(msgspec.Struct, kw_only=True):
    """What stands in the address of the table."""

    q: Annotated[str, Meta(max_length=200)] = ""
    pipeline: str = ""
    stage: str = ""
    outcome: str = ""
    owner: str = ""
    team: str = ""
    customer: str = ""
    product: str = ""
    lost_reason: str = ""
    minimum: str = ""
    maximum: str = ""
    expected_from: dt.date | None = None
    expected_until: dt.date | None = None
    closed_from: dt.date | None = None
    closed_until: dt.date | None = None
    rotting: bool = False
    columns: list[str] = []
    sort: Annotated[str, Meta(max_length=40)] = "-updated_at"
    cursor: Annotated[str, Meta(max_length=2000)] | None = None


async def load(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    form, asked = visit.query(DealFilter)
    book = await Pipelines(plugin).book()
    page, count = await _find(plugin, visit, form, asked)
    owners, teams = await people(plugin)
    return {
        "filter": form,
        "asked": asked,
        "deals": page.items,
        "next": next_page(visit.call, page.next),
        "titles": stage_titles(book, visit),
        "tones": tones_by_key(book),
        "pipelines": pipeline_pairs(book, visit),
        "stages": stages_of(book, visit, asked.pipeline),
        "owners": owners,
        "teams": teams,
        "reasons": reason_pairs(book, visit),
        "columns": columns_of(asked),
        "count": count,
        "listed": address(visit).removeprefix("?"),
        "orders": {name: _order(visit, asked.sort, name) for name in SORTS},
        "narrowed": _narrowed(asked),
        "may_write": visit.may(DEALS_WRITE),
        "may_export": visit.may(EXPORT),
        "here": "sales_pipeline.board",
        "root": ROOT,
    }


async def _find(
    plugin: Plugin, visit: Visit, form: Form, asked: DealFilter
) -> tuple[Page[Deal], int]:
    deals = Deals(plugin)
    try:
        query = query_of(asked, visit)
        return await deals.find(query), await deals.count(query)
    except InvalidInput as error:
        form.refuse(error)
        return Page([], None), 0


def query_of(asked: DealFilter, visit: Visit) -> DealQuery:
    """The filter as the services know it.

    Raises:
        InvalidInput: an amount cannot be read.
    """
    currency = visit.plugin.settings.currency or visit.currency
    least = amount_of(asked.minimum, currency, visit, "/minimum")
    most = amount_of(asked.maximum, currency, visit, "/maximum")
    outcome: Any = asked.outcome if asked.outcome in ("open", "won", "lost") else None
    return DealQuery(
        q=asked.q,
        pipeline=asked.pipeline or None,
        stage=asked.stage or None,
        outcome=outcome,
        owner_id=one_id(asked.owner),
        team_id=one_id(asked.team),
        customer_id=one_id(asked.customer),
        product_id=one_id(asked.product),
        lost_reason=asked.lost_reason or None,
        minimum=least.amount if least else None,
        maximum=most.amount if most else None,
        expected_from=asked.expected_from,
        expected_until=asked.expected_until,
        closed_from=asked.closed_from,
        closed_until=asked.closed_until,
        rotting=True if asked.rotting else None,
        sort=asked.sort,
        cursor=asked.cursor,
    )


def columns_of(asked: DealFilter) -> list[str]:
    """The columns that are shown, in their order."""
    return [name for name in COLUMNS if name in (asked.columns or SHOWN)]


def _narrowed(asked: DealFilter) -> bool:
    plain = msgspec.structs.asdict(DealFilter(sort=asked.sort, cursor=asked.cursor))
    return any(getattr(asked, name) != plain[name] for name in plain if name != "columns")


def stages_of(
    book: Book, visit: Visit, pipeline: str, *, open_only: bool = False
) -> list[tuple[str, str]]:
    """Stages to choose from; those of all pipelines while none is chosen, each key once."""
    wanted = [stage for stage in book.stages if not pipeline or stage.pipeline == pipeline]
    shown = [each for each in wanted if each.active and (each.outcome == "open" or not open_only)]
    return list({stage.key: titled(stage, visit) for stage in shown}.items())


def _order(visit: Visit, sort: str, name: str) -> dict[str, str]:
    """Where a heading leads, and how the table is sorted by it now."""
    now = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
    wanted = f"-{name}" if now == "ascending" else name
    return {"href": address(visit, sort=wanted), "sorted": now}


PAGES = [
    WebPage(
        id="sales_pipeline.deals",
        path="/deals",
        title=Text(en="Deals", vi="Cơ hội"),
        permission=DEALS_READ,
        template="sales_pipeline/deals.html",
        load=load,
        fragments={"results": "sales_pipeline/deals_results.html"},
    )
]
