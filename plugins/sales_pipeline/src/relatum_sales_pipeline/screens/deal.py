"""One deal: its facts, its way through the stages, products, what was done, what comes next."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from relatum.api import (
    Amount,
    Form,
    Interaction,
    InteractionDraft,
    InteractionQuery,
    InvalidInput,
    Plugin,
    Problem,
    Redirect,
    RelatumError,
    Text,
    Visit,
    WebPage,
    boxes,
    now,
)
from relatum_sales_pipeline.permissions import DEALS_READ, DEALS_WRITE
from relatum_sales_pipeline.screens.reading import (
    ROOT,
    amount_of,
    id_of,
    one_id,
    stage_titles,
    titled,
    tones_by_key,
)
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.pipelines import Pipelines
from relatum_sales_pipeline.services.products import Products
from relatum_sales_pipeline.services.subjects import deal_subject
from relatum_sales_pipeline.types.deals import Deal, DealChange, LineDraft, StageEntry
from relatum_sales_pipeline.types.pipelines import Stage
from relatum_sales_pipeline.wording import SENTENCES

Long = Annotated[str, Meta(max_length=10_000)]


class ActivityForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What was done, and what comes next."""

    summary: Annotated[str, Meta(min_length=1, max_length=10_000)]
    next_step: Long = ""


class LineForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A product to be added, or the place of a line to be taken away."""

    version: Annotated[int, Meta(ge=1)] | None = None
    product: str = ""
    quantity: Annotated[str, Meta(max_length=20)] = "1"
    unit: Annotated[str, Meta(max_length=30)] = ""
    remove: Annotated[int, Meta(ge=0)] | None = None


class Step(msgspec.Struct, frozen=True):
    """A stage of the bar: ``passed``, ``now`` or nothing."""

    stage: Stage
    title: str
    state: str


class Stay(msgspec.Struct, frozen=True):
    """One entry of the history, with the days until the next."""

    entry: StageEntry
    title: str
    days: int


class Activity(msgspec.Struct, frozen=True):
    """Something that was done about the deal."""

    text: str
    kind: str
    next_step: str
    when: dt.datetime
    money: Amount | None


async def load(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    deals = Deals(plugin)
    deal = await deals.get(id_of(visit, "deal"))
    book = await Pipelines(plugin).book()
    pipeline = book.pipeline(deal.pipeline)
    titles = stage_titles(book, visit)
    found = await visit.house.interactions.find(
        InteractionQuery(subject=deal_subject(deal.id), limit=30)
    )
    activities = [_done(each) for each in found.items]
    products = [each for each in await Products(plugin).all() if each.active]
    reason = book.reason(deal.lost_reason) if deal.lost_reason else None
    return {
        "deal": deal,
        "activity": Form("activity"),
        "line": Form("line", {"quantity": "1"}),
        "title": deal.name,
        "pipeline_title": titled(pipeline, visit) if pipeline else deal.pipeline,
        "stage_title": titles[deal.pipeline, deal.stage],
        "tone": tones_by_key(book)[deal.pipeline, deal.stage],
        "reason": titled(reason, visit) if reason else "",
        "steps": _steps(pipeline.stages if pipeline else [], deal, visit),
        "stays": _stays(await deals.history(deal.id), titles, deal),
        "activities": activities,
        "next_step": next((each.next_step for each in activities if each.next_step), ""),
        "products": [(str(each.id), each.name) for each in products],
        "boxes": await boxes(visit.call, "deal.side", subject=deal),
        "actions": _actions(visit),
        "may_write": visit.may(DEALS_WRITE),
        "here": "sales_pipeline.board",
        "sentences": SENTENCES,
        "root": ROOT,
    }


def _done(interaction: Interaction) -> Activity:
    """What an interaction about a deal says, whatever its kind calls it."""
    payload: dict[str, Any] = msgspec.json.decode(interaction.payload) or {}
    said = (payload.get(name) for name in ("summary", "text", "reference", "reason"))
    return Activity(
        text=next((str(each) for each in said if each), ""),
        kind=interaction.kind,
        next_step=str(payload.get("next_step") or ""),
        when=interaction.occurred_at,
        money=interaction.money,
    )


def _steps(stages: list[Stage], deal: Deal, visit: Visit) -> list[Step]:
    """The bar: open stages up to the deal's own are passed; a won deal passed them all."""
    place = next((each.position for each in stages if each.key == deal.stage), 0)
    steps = []
    for stage in stages:
        if not stage.active and stage.key != deal.stage:
            continue
        passed = stage.outcome == "open" and (
            deal.outcome == "won" or (deal.outcome == "open" and stage.position < place)
        )
        state = "now" if stage.key == deal.stage else "passed" if passed else ""
        steps.append(Step(stage, titled(stage, visit), state))
    return steps


def _stays(history: list[StageEntry], titles: dict[tuple[str, str], str], deal: Deal) -> list[Stay]:
    """Newest first; the last stay lasts until now, or not at all when the deal is closed."""
    ends: list[dt.datetime] = [each.at for each in history[1:]]
    ends.append(now() if deal.outcome == "open" else history[-1].at)
    stays = [
        Stay(
            entry,
            titles.get((deal.pipeline, entry.to_stage), entry.to_stage),
            (end - entry.at).days,
        )
        for entry, end in zip(history, ends, strict=True)
    ]
    return stays[::-1]


def _actions(visit: Visit) -> list[Any]:
    """What plugins offer to do with a deal."""
    return [
        each
        for each in visit.house.registry.commands
        if each.slot == "deal.actions" and visit.may(each.permission)
    ]


async def record(plugin: Plugin, visit: Visit) -> Any:
    """Put down what was done about the deal, in the history of its customer."""
    form, sent = await visit.form("activity", ActivityForm)
    deal = await Deals(plugin).get(id_of(visit, "deal"))
    if sent is not None:
        by = visit.call.actor
        draft = InteractionDraft(
            kind="sales_pipeline.activity",
            customer_id=deal.customer_id,
            channel="sales",
            direction="out",
            payload={"summary": sent.summary, "next_step": sent.next_step},
            subject=deal_subject(deal.id),
            actor=by,
        )
        try:
            await visit.house.interactions.record([draft], by=by)
        except RelatumError as error:
            form.refuse(error)
        else:
            return Redirect(f"{ROOT}/deals/{deal.id}", flash="sales_pipeline.noted")
    return {**await load(plugin, visit), "activity": form}


async def change_lines(plugin: Plugin, visit: Visit) -> Any:
    """Add a product to the deal, or take one away."""
    form, sent = await visit.form("line", LineForm)
    deals = Deals(plugin)
    deal = await deals.get(id_of(visit, "deal"))
    if sent is not None:
        try:
            change = DealChange(lines=_lines(deal, sent, visit))
            await deals.change(deal.id, change, by=visit.call.actor, version=sent.version)
        except RelatumError as error:
            form.refuse(error)
        else:
            return Redirect(f"{ROOT}/deals/{deal.id}", flash="sales_pipeline.saved")
    return {**await load(plugin, visit), "line": form}


def _lines(deal: Deal, sent: LineForm, visit: Visit) -> list[LineDraft]:
    lines = [
        LineDraft(product_id=each.product_id, quantity=each.quantity, unit_amount=each.unit_amount)
        for number, each in enumerate(deal.lines)
        if number != sent.remove
    ]
    if sent.remove is None:
        product = one_id(sent.product)
        if product is None:
            raise _refused("missing", "the product is missing", "/product")
        unit = amount_of(sent.unit, deal.currency, visit, "/unit")
        lines.append(
            LineDraft(
                product_id=product,
                quantity=_quantity(sent.quantity),
                unit_amount=unit.amount if unit else None,
            )
        )
    return lines


def _quantity(text: str) -> Decimal:
    plain = text.strip().replace(",", ".")
    if not plain.replace(".", "", 1).isdigit() or not plain.isascii():
        raise _refused("bad-quantity", "this cannot be a quantity", "/quantity")
    return Decimal(plain)


def _refused(code: str, message: str, where: str) -> InvalidInput:
    problem = Problem(
        code=code, message=message, where=where, expected="a value", mend="Fill it in."
    )
    return InvalidInput("The line cannot be accepted.", problems=[problem])


DEAL = Text(en="Deal", vi="Cơ hội")
PAGES = [
    WebPage(
        id="sales_pipeline.deal",
        path="/deals/{id:str}",
        title=DEAL,
        permission=DEALS_READ,
        template="sales_pipeline/deal.html",
        load=load,
        fragments={"deal": "sales_pipeline/deal_body.html"},
    ),
    WebPage(
        id="sales_pipeline.activities",
        path="/deals/{id:str}/activities",
        title=DEAL,
        permission=DEALS_WRITE,
        template="sales_pipeline/deal.html",
        act=record,
        says={"sales_pipeline.noted": Text(en="Noted.", vi="Đã ghi lại.")},
    ),
    WebPage(
        id="sales_pipeline.lines",
        path="/deals/{id:str}/lines",
        title=DEAL,
        permission=DEALS_WRITE,
        template="sales_pipeline/deal.html",
        act=change_lines,
    ),
]
