"""What is added to the pages of customers: panels, columns, commands, actions on many."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import (
    BulkAction,
    Cell,
    Column,
    Command,
    Customer,
    Done,
    Panel,
    Plugin,
    Text,
    Visit,
)
from relatum_sales_pipeline.events import (
    DEAL_CHANGED,
    DEAL_CREATED,
    DEAL_STAGE_CHANGED,
    LEAD_CREATED,
    LEAD_STATUS_CHANGED,
)
from relatum_sales_pipeline.permissions import (
    DEALS_READ,
    DEALS_WRITE,
    LEADS_READ,
    LEADS_WRITE,
    REPORTS_READ,
    SETUP_READ,
)
from relatum_sales_pipeline.screens.reading import ROOT, stage_titles, tones_by_key
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.leads import Leads
from relatum_sales_pipeline.services.pipelines import Pipelines
from relatum_sales_pipeline.types.deals import Deal, DealDraft, DealQuery
from relatum_sales_pipeline.types.leads import LeadQuery

SHOWN = 6
OPEN_OF = (
    "SELECT d.customer_id, d.currency, count(*), sum(d.amount) FROM sales_pipeline_deal d "
    "WHERE d.closed_on IS NULL AND d.customer_id IN ({}) GROUP BY d.customer_id, d.currency"
)


async def deals_of(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """The newest deals of the customer on the page."""
    book = await Pipelines(plugin).book()
    query = DealQuery(customer_id=visit.subject.id, limit=SHOWN + 1)
    page = await Deals(plugin).find(query)
    return {
        "deals": page.items[:SHOWN],
        "more": len(page.items) > SHOWN,
        "titles": stage_titles(book, visit),
        "tones": tones_by_key(book),
        "may_write": visit.may(DEALS_WRITE),
        "root": ROOT,
    }


async def leads_of(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """The newest leads of the customer on the page."""
    page = await Leads(plugin).find(LeadQuery(customer_id=visit.subject.id, limit=SHOWN))
    return {"leads": page.items, "may_write": visit.may(LEADS_WRITE), "root": ROOT}


async def siblings(plugin: Plugin, visit: Visit) -> dict[str, Any] | None:
    """Other deals of the customer of the deal on the page."""
    deal: Deal = visit.subject
    if deal.customer_id is None:
        return None
    page = await Deals(plugin).find(DealQuery(customer_id=deal.customer_id, limit=SHOWN + 1))
    others = [each for each in page.items if each.id != deal.id][:SHOWN]
    if not others:
        return None
    book = await Pipelines(plugin).book()
    return {
        "deals": others,
        "more": False,
        "titles": stage_titles(book, visit),
        "tones": tones_by_key(book),
        "may_write": False,
        "root": ROOT,
    }


async def _open_of(
    plugin: Plugin, customers: Sequence[Customer]
) -> tuple[Counter[UUID], dict[UUID, list[tuple[int, str]]]]:
    rows = await plugin.house.db.fetch_in(OPEN_OF, [each.id for each in customers])
    counts: Counter[UUID] = Counter()
    sums: dict[UUID, list[tuple[int, str]]] = defaultdict(list)
    for customer, currency, count, amount in rows:
        counts[customer] += count
        if amount:
            sums[customer].append((int(amount), currency))
    return counts, sums


async def open_deals(
    plugin: Plugin, visit: Visit, customers: Sequence[Customer]
) -> Mapping[UUID, Cell]:
    counts, _ = await _open_of(plugin, customers)
    return {
        id: Cell(text=visit.number(count), href=f"{ROOT}/deals?customer={id}&outcome=open")
        for id, count in counts.items()
    }


async def open_value(
    plugin: Plugin, visit: Visit, customers: Sequence[Customer]
) -> Mapping[UUID, Cell]:
    _, sums = await _open_of(plugin, customers)
    return {
        id: Cell(text=" + ".join(visit.money(amount, code) for amount, code in sorted(each)))
        for id, each in sums.items()
    }


class DealEach(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What the deals of many customers are called."""

    name: str


async def deal_each(plugin: Plugin, visit: Visit, ids: Sequence[UUID], fields: DealEach) -> Done:
    """A deal for each of the customers, in the first stage."""
    drafts = [DealDraft(name=fields.name, customer_id=id) for id in ids]
    await Deals(plugin).create(drafts, by=visit.viewer.actor)
    return Done(count=len(drafts))


DEALS = Text(en="Deals", vi="Cơ hội")
PANELS = [
    Panel(
        id="sales_pipeline.deals_of",
        slot="customer.side",
        title=DEALS,
        permission=DEALS_READ,
        template="sales_pipeline/panel_deals.html",
        load=deals_of,
        icon="columns-3",
        order=20,
        live=(DEAL_CREATED, DEAL_CHANGED, DEAL_STAGE_CHANGED),
    ),
    Panel(
        id="sales_pipeline.leads_of",
        slot="customer.side",
        title=Text(en="Leads", vi="Khách hàng tiềm năng"),
        permission=LEADS_READ,
        template="sales_pipeline/panel_leads.html",
        load=leads_of,
        icon="target",
        order=30,
        live=(LEAD_CREATED, LEAD_STATUS_CHANGED),
    ),
    Panel(
        id="sales_pipeline.siblings",
        slot="deal.side",
        title=Text(en="Other deals of this customer", vi="Cơ hội khác của khách hàng này"),
        permission=DEALS_READ,
        template="sales_pipeline/panel_deals.html",
        load=siblings,
        icon="columns-3",
    ),
]
COLUMNS = [
    Column(
        id="sales_pipeline.open_deals",
        title=Text(en="Open deals", vi="Cơ hội đang mở"),
        permission=DEALS_READ,
        load=open_deals,
        number=True,
    ),
    Column(
        id="sales_pipeline.open_value",
        title=Text(en="Value of open deals", vi="Giá trị đang mở"),
        permission=DEALS_READ,
        load=open_value,
        number=True,
    ),
]
BULK_ACTIONS = [
    BulkAction(
        id="sales_pipeline.deal_each",
        title=Text(en="Make a deal for each", vi="Tạo cơ hội cho từng khách hàng"),
        permission=DEALS_WRITE,
        run=deal_each,
        fields=DealEach,
        labels={"name": Text(en="Name of each deal", vi="Tên của mỗi cơ hội")},
        icon="columns-3",
        confirm=True,
    )
]


def _go(id: str, en: str, vi: str, path: str, permission: str, icon: str) -> Command:
    title = Text(en=en, vi=vi)
    return Command(
        id=f"sales_pipeline.{id}", title=title, permission=permission, path=path, icon=icon
    )


COMMANDS = [
    Command(
        id="sales_pipeline.deal_with",
        title=Text(en="New deal", vi="Cơ hội mới"),
        permission=DEALS_WRITE,
        path=f"{ROOT}/deals/new?customer={{id}}",
        icon="columns-3",
        slot="customer.actions",
    ),
    Command(
        id="sales_pipeline.lead_with",
        title=Text(en="New lead", vi="Thêm khách hàng tiềm năng"),
        permission=LEADS_WRITE,
        path=f"{ROOT}/leads/new?customer={{id}}",
        icon="target",
        slot="customer.actions",
    ),
    _go("add_deal", "New deal", "Cơ hội mới", f"{ROOT}/deals/new", DEALS_WRITE, "plus"),
    _go(
        "add_lead",
        "New lead",
        "Thêm khách hàng tiềm năng",
        f"{ROOT}/leads/new",
        LEADS_WRITE,
        "plus",
    ),
    _go("to_table", "Table of deals", "Bảng cơ hội", f"{ROOT}/deals", DEALS_READ, "table"),
    _go(
        "to_rotting",
        "Deals that rot",
        "Cơ hội nguội lạnh",
        f"{ROOT}/deals?rotting=on",
        DEALS_READ,
        "clock",
    ),
    _go(
        "to_wins",
        "Wins and losses",
        "Phân tích thắng thua",
        f"{ROOT}/wins",
        REPORTS_READ,
        "chart-bar",
    ),
    _go("to_setup", "Pipelines", "Quy trình bán hàng", f"{ROOT}/setup", SETUP_READ, "settings"),
]
