"""Doing something with the chosen deals of the table: asked first, taken back by one press."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.api import (
    Form,
    InvalidInput,
    Plugin,
    Problem,
    Redirect,
    RelatumError,
    Text,
    Visit,
    WebPage,
    parse_id,
)
from relatum_sales_pipeline.permissions import DEALS_WRITE
from relatum_sales_pipeline.screens.deals import DealFilter, query_of, stages_of
from relatum_sales_pipeline.screens.reading import ROOT, one_id, people, reason_pairs
from relatum_sales_pipeline.services.bulk import MOST, Bulk, BulkDeals
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.pipelines import Pipelines
from relatum_sales_pipeline.types.deals import DealMove

Id = Annotated[str, Meta(max_length=60)]
#: Of an address.
MOST_FIELDS = 200
RENAMED = {"owner_id": "owner", "lost_reason": "reason"}


class BulkForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which deals, and what becomes of them.

    Attributes:
        all: all that fit, whatever is chosen.
        listed: the query of the table's address.
    """

    action: Literal["owner", "stage", "lost"]
    ids: Annotated[list[Id], Meta(max_length=MOST)] = []
    all: bool = False
    listed: Annotated[str, Meta(max_length=5000)] = ""
    owner: Id = ""
    stage: Id = ""
    reason: Id = ""
    competitor: Annotated[str, Meta(max_length=200)] = ""


class Pressed(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing but the button."""


async def begin(plugin: Plugin, visit: Visit) -> Any:
    """Ask what an action needs to know, and say how many deals are meant."""
    form, sent = await visit.form("bulk", BulkForm)
    if sent is None:
        raise _refused(form)
    return await _page(plugin, visit, form, sent)


async def carry_out(plugin: Plugin, visit: Visit) -> Any:
    form, sent = await visit.form("bulk", BulkForm)
    if sent is None:
        raise _refused(form)
    try:
        done = await _do(plugin, visit, sent, await _chosen(plugin, visit, sent))
    except RelatumError as error:
        error.problems = tuple(_placed(each) for each in error.problems)
        form.refuse(error, renamed=RENAMED)
        return await _page(plugin, visit, form, sent)
    undo = f"{ROOT}/deals/undo/{done.after}/{done.until}" if done.count else ""
    values = {"count": done.count}
    return Redirect(_back(sent), flash="sales_pipeline.changed", values=values, undo=undo)


async def take_back(plugin: Plugin, visit: Visit) -> Any:
    await visit.form("pressed", Pressed)
    after, until = (_number(visit, name) for name in ("after", "until"))
    count = await BulkDeals(plugin).undo(after, until, by=visit.call.actor)
    values = {"count": count}
    return Redirect(f"{ROOT}/deals", flash="sales_pipeline.many_undone", values=values)


async def _do(plugin: Plugin, visit: Visit, sent: BulkForm, ids: list[UUID]) -> Bulk:
    bulk, by = BulkDeals(plugin), visit.call.actor
    if sent.action == "owner":
        return await bulk.give(ids, one_id(sent.owner), by=by)
    if sent.action == "stage":
        if not sent.stage:
            raise _missing("stage", "the stage is missing")
        return await bulk.move(ids, DealMove(stage=sent.stage), by=by)
    if not sent.reason:
        raise _missing("reason", "the reason is missing")
    return await bulk.lose(ids, sent.reason, sent.competitor.strip(), by=by)


async def _chosen(plugin: Plugin, visit: Visit, sent: BulkForm) -> list[UUID]:
    """Those that are meant and still there; all that fit are looked up now.

    Raises:
        InvalidInput: there are none, or too many at once.
    """
    deals = Deals(plugin)
    if sent.all:
        ids = await deals.ids(query_of(_filter(sent), visit), most=MOST + 1)
    else:
        given = list(dict.fromkeys(parse_id(text) for text in sent.ids))
        there = await deals.existing(given)
        ids = [id for id in given if id in there]
    if not ids or len(ids) > MOST:
        problem = Problem(
            code="nothing-chosen" if not ids else "too-many",
            message="no deal is chosen" if not ids else "these are too many at once",
            where="/ids",
            expected=f"1 to {MOST} deals",
            got=f"more than {MOST}" if ids else "none",
            mend="Choose some in the table." if not ids else "Narrow the table first.",
        )
        raise InvalidInput("These deals cannot be changed together.", problems=[problem])
    return ids


def _filter(sent: BulkForm) -> DealFilter:
    """The filter of the table; one that cannot be read means nothing rather than everything.

    Raises:
        InvalidInput: something in it cannot be read.
    """
    return Form("listed").take(_pairs(sent), DealFilter)


async def _page(plugin: Plugin, visit: Visit, form: Form, sent: BulkForm) -> dict[str, Any]:
    book = await Pipelines(plugin).book()
    owners, _ = await people(plugin)
    count, open_ones = await _counts(plugin, visit, sent)
    return {
        "form": form,
        "sent": sent,
        "count": count,
        "open": open_ones,
        "most": MOST,
        "owners": owners,
        "stages": stages_of(book, visit, "", open_only=True),
        "reasons": reason_pairs(book, visit),
        "back": _back(sent),
        "here": "sales_pipeline.board",
        "root": ROOT,
    }


async def _counts(plugin: Plugin, visit: Visit, sent: BulkForm) -> tuple[int, int]:
    """How many deals are meant, and how many of them are open."""
    if not sent.all:
        ids = [id for text in sent.ids if (id := one_id(text)) is not None]
        return len(ids), len(await BulkDeals(plugin).open_among(ids))
    deals, query = Deals(plugin), query_of(_filter(sent), visit)
    asked = query.outcome in (None, "open")
    still = msgspec.structs.replace(query, outcome="open")
    return await deals.count(query), await deals.count(still) if asked else 0


def _back(sent: BulkForm) -> str:
    """The table as it was; what was sent is written anew: it may say anything."""
    pairs = _pairs(sent)
    return f"{ROOT}/deals?{urlencode(pairs)}" if pairs else f"{ROOT}/deals"


def _pairs(sent: BulkForm) -> list[tuple[str, str]]:
    return parse_qsl(sent.listed, max_num_fields=MOST_FIELDS)


def _number(visit: Visit, name: str) -> int:
    text = str(visit.path.get(name, ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _refused(form: Form) -> RelatumError:
    """A form that was not made by the table."""
    return form.error or InvalidInput("The form cannot be accepted.")


def _missing(field: str, message: str) -> InvalidInput:
    problem = Problem(code="missing", message=message, where=f"/{field}", mend="Choose one.")
    return InvalidInput("Something is missing.", problems=[problem])


def _placed(problem: Problem) -> Problem:
    """Without the index of the deal: what is wrong concerns the one field that all get."""
    first, _, rest = problem.where.strip("/").partition("/")
    where = f"/{rest}" if first.isdigit() else problem.where
    return msgspec.structs.replace(problem, where=where)


TITLE = Text(en="Change the chosen deals", vi="Sửa các cơ hội đã chọn")
PAGES = [
    WebPage(
        id="sales_pipeline.bulk",
        path="/deals/bulk",
        title=TITLE,
        permission=DEALS_WRITE,
        template="sales_pipeline/deals_bulk.html",
        act=begin,
    ),
    WebPage(
        id="sales_pipeline.bulk_do",
        path="/deals/bulk/do",
        title=TITLE,
        permission=DEALS_WRITE,
        template="sales_pipeline/deals_bulk.html",
        act=carry_out,
        says={
            "sales_pipeline.changed": Text(
                en="Deals changed: %(count)s.", vi="Số cơ hội đã sửa: %(count)s."
            ),
        },
    ),
    WebPage(
        id="sales_pipeline.bulk_undo",
        path="/deals/undo/{after:str}/{until:str}",
        title=TITLE,
        permission=DEALS_WRITE,
        act=take_back,
        says={
            "sales_pipeline.many_undone": Text(
                en="Deals as they were before: %(count)s.",
                vi="Số cơ hội đã trả lại như cũ: %(count)s.",
            ),
        },
    ),
]
