"""Deals: finding, creating, changing, moving them; their history; the forecast."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from relatum.api import (
    Answer,
    BatchResult,
    Call,
    Interaction,
    InteractionDraft,
    InteractionQuery,
    InvalidInput,
    Page,
    Plugin,
    expected_version,
    id_in_path,
    of_one,
    paged,
    take_batch,
    under_items,
    versioned,
)
from relatum_sales_pipeline.kinds import Activity
from relatum_sales_pipeline.permissions import DEALS_READ, DEALS_WRITE, REPORTS_READ
from relatum_sales_pipeline.reports import forecast
from relatum_sales_pipeline.routes.verbs import get, patch, post
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.snapshots import SnapshotRow, Snapshots
from relatum_sales_pipeline.services.subjects import deal_subject
from relatum_sales_pipeline.types.deals import (
    Deal,
    DealChange,
    DealDraft,
    DealMove,
    DealQuery,
    StageEntry,
)

MOST_MOVES = 1000


class DealBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Deals to be created together."""

    items: list[DealDraft]


class MoveOfDeal(DealMove, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A move with the deal it is of."""

    deal_id: UUID


class MoveBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Moves to be made together, all or none."""

    items: Annotated[list[MoveOfDeal], Meta(min_length=1, max_length=MOST_MOVES)]


class Moved(msgspec.Struct, frozen=True):
    """The deals that went somewhere."""

    items: list[Deal]


class History(msgspec.Struct, frozen=True):
    """How a deal came to its stage, oldest first."""

    items: list[StageEntry]


class ActivityDraft(Activity, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something a seller did about a deal; now when it does not say when."""

    occurred_at: Annotated[dt.datetime, Meta(tz=True)] | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """The forecast as it stood on a day."""

    taken_on: dt.date | None
    items: list[SnapshotRow]


class SnapshotQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The newest snapshot up to a day; the newest of all when left out."""

    until: dt.date | None = None


@get("/deals", opt={"permission": DEALS_READ, "query": DealQuery})
async def find_deals(request: Call, plugin: NamedDependency[Plugin]) -> Answer[Page[Deal]]:
    """Deals that fit, one page at a time."""
    return paged(request, await Deals(plugin).find(request.query_as(DealQuery)))


@post("/deals", opt={"permission": DEALS_WRITE})
async def create_deal(
    request: Call, plugin: NamedDependency[Plugin], data: JSONBody[DealDraft]
) -> Answer[Deal]:
    """Create one deal."""
    request.refuse_query()
    deals = Deals(plugin)
    try:
        (id,) = await deals.create([data], by=request.actor)
    except InvalidInput as error:
        raise of_one(error) from error
    deal = await deals.get(id)
    location = (b"location", f"/api/v1/plugins/sales_pipeline/deals/{id}".encode())
    return versioned(request, deal, deal.version, status=201, headers=[location])


@post("/deals/batch", opt={"permission": DEALS_WRITE, "body": DealBatch, "flags": ("partial",)})
async def create_deals(request: Call, plugin: NamedDependency[Plugin]) -> Answer[BatchResult]:
    """Create many deals: all or none, or with `?partial=true` the acceptable ones."""
    deals = Deals(plugin)
    return await take_batch(
        request,
        DealDraft,
        deals.check,
        lambda drafts: deals.create(drafts, by=request.actor),
    )


@post("/deals/moves", opt={"permission": DEALS_WRITE}, status_code=200)
async def move_deals(
    request: Call, plugin: NamedDependency[Plugin], data: JSONBody[MoveBatch]
) -> Answer[Moved]:
    """Move many deals, all or none."""
    request.refuse_query()
    deals = Deals(plugin)
    moves = [(each.deal_id, _move(each)) for each in data.items]
    try:
        moved = await deals.move_many(moves, by=request.actor)
    except InvalidInput as error:
        raise under_items(error) from error
    return Answer(Moved(await deals.get_many(moved)))


@get("/deals/{deal_id:str}", opt={"permission": DEALS_READ})
async def read_deal(
    request: Call, plugin: NamedDependency[Plugin], deal_id: FromPath[str]
) -> Answer[Deal]:
    """One deal; `ETag` names the version."""
    request.refuse_query()
    deal = await Deals(plugin).get(id_in_path(deal_id, "deal"))
    return versioned(request, deal, deal.version)


@patch("/deals/{deal_id:str}", opt={"permission": DEALS_WRITE, "versioned": True})
async def change_deal(
    request: Call,
    plugin: NamedDependency[Plugin],
    deal_id: FromPath[str],
    data: JSONBody[DealChange],
) -> Answer[Deal]:
    """Change the named fields; with `If-Match` only if nobody else changed the deal."""
    request.refuse_query()
    id, version = id_in_path(deal_id, "deal"), expected_version(request)
    try:
        deal = await Deals(plugin).change(id, data, by=request.actor, version=version)
    except InvalidInput as error:
        raise of_one(error) from error
    return versioned(request, deal, deal.version)


@post(
    "/deals/{deal_id:str}/move",
    opt={"permission": DEALS_WRITE, "versioned": True},
    status_code=200,
)
async def move_deal(
    request: Call,
    plugin: NamedDependency[Plugin],
    deal_id: FromPath[str],
    data: JSONBody[DealMove],
) -> Answer[Deal]:
    """Move a deal to another stage; with `If-Match` only if nobody else changed it."""
    request.refuse_query()
    id, version = id_in_path(deal_id, "deal"), expected_version(request)
    try:
        deal = await Deals(plugin).move(id, data, by=request.actor, version=version)
    except InvalidInput as error:
        raise of_one(error) from error
    return versioned(request, deal, deal.version)


@get("/deals/{deal_id:str}/history", opt={"permission": DEALS_READ})
async def read_history(
    request: Call, plugin: NamedDependency[Plugin], deal_id: FromPath[str]
) -> Answer[History]:
    """How a deal came to its stage, oldest first."""
    request.refuse_query()
    return Answer(History(await Deals(plugin).history(id_in_path(deal_id, "deal"))))


@get(
    "/deals/{deal_id:str}/activities",
    opt={"permission": DEALS_READ, "query": InteractionQuery, "fixed": ("subject",)},
)
async def read_activities(
    request: Call, plugin: NamedDependency[Plugin], deal_id: FromPath[str]
) -> Answer[Page[Interaction]]:
    """Every interaction about a deal, newest first."""
    id = id_in_path(deal_id, "deal")
    query = request.query_as(InteractionQuery, subject=deal_subject(id))
    page = await plugin.house.interactions.find(query)
    if not page.items:
        await Deals(plugin).get(id)
    return paged(request, page)


@post("/deals/{deal_id:str}/activities", opt={"permission": DEALS_WRITE})
async def record_activity(
    request: Call,
    plugin: NamedDependency[Plugin],
    deal_id: FromPath[str],
    data: JSONBody[ActivityDraft],
) -> Answer[Interaction]:
    """Record something that was done about a deal, in the history of its customer."""
    request.refuse_query()
    deal = await Deals(plugin).get(id_in_path(deal_id, "deal"))
    draft = InteractionDraft(
        kind="sales_pipeline.activity",
        customer_id=deal.customer_id,
        channel="sales",
        direction="out",
        occurred_at=data.occurred_at,
        payload={"summary": data.summary, "next_step": data.next_step},
        subject=deal_subject(deal.id),
        actor=request.actor,
    )
    interactions = plugin.house.interactions
    try:
        (id,) = await interactions.record([draft], by=request.actor)
    except InvalidInput as error:
        raise of_one(error) from error
    return Answer(await interactions.get(id), status=201)


@get("/forecast", opt={"permission": REPORTS_READ, "query": forecast.ForecastParams})
async def read_forecast(
    request: Call, plugin: NamedDependency[Plugin]
) -> Answer[forecast.Forecast]:
    """The weighted forecast of the open deals, by month, stage, team and owner."""
    return Answer(await forecast.run(plugin, request.query_as(forecast.ForecastParams)))


@get("/forecast/snapshot", opt={"permission": REPORTS_READ, "query": SnapshotQuery})
async def read_snapshot(request: Call, plugin: NamedDependency[Plugin]) -> Answer[Snapshot]:
    """The forecast as it stood when it was last put down."""
    query = request.query_as(SnapshotQuery)
    taken_on, rows = await Snapshots(plugin).latest(query.until)
    return Answer(Snapshot(taken_on, rows))


def _move(each: MoveOfDeal) -> DealMove:
    names = DealMove.__struct_fields__
    return DealMove(**{name: getattr(each, name) for name in names})


ROUTES = [
    find_deals,
    create_deal,
    create_deals,
    move_deals,
    read_deal,
    change_deal,
    move_deal,
    read_history,
    read_activities,
    record_activity,
    read_forecast,
    read_snapshot,
]
