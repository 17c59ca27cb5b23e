"""Moving a deal: at once, with questions where it is won or lost, and back again."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta

from relatum.api import (
    Answer,
    Conflict,
    Form,
    InvalidInput,
    Plugin,
    Problem,
    Redirect,
    RelatumError,
    Text,
    Visit,
    WebPage,
)
from relatum_sales_pipeline.permissions import DEALS_READ, DEALS_WRITE
from relatum_sales_pipeline.screens.reading import (
    ROOT,
    amount_of,
    id_of,
    reason_pairs,
    titled,
    typed,
)
from relatum_sales_pipeline.services.book import Book, stage_of
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.pipelines import Pipelines
from relatum_sales_pipeline.types.deals import Deal, DealMove
from relatum_sales_pipeline.types.pipelines import Stage
from relatum_sales_pipeline.wording import SENTENCES

Short = Annotated[str, Meta(max_length=200)]


class MoveForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where to, from which version, and what is asked on winning or losing."""

    stage: Annotated[str, Meta(min_length=1, max_length=60)]
    version: Annotated[int, Meta(ge=1)] | None = None
    back: Annotated[str, Meta(max_length=20)] = ""
    asked: bool = False
    lost_reason: Annotated[str, Meta(max_length=60)] | None = None
    competitor: Short = ""
    value: Short = ""
    closed_on: dt.date | None = None
    note: Annotated[str, Meta(max_length=1000)] = ""


class MoveAsked(msgspec.Struct, kw_only=True):
    """What stands in the address of the questions."""

    stage: Annotated[str, Meta(max_length=60)] = ""
    version: int | None = None
    back: Annotated[str, Meta(max_length=20)] = ""


class Told(msgspec.Struct, omit_defaults=True):
    """What the board's script is told of a move."""

    text: str
    undo: str = ""


class BackForm(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing but the button."""


async def ask(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    _, asked = visit.query(MoveAsked)
    deal = await Deals(plugin).get(id_of(visit, "deal"))
    values = {
        "stage": asked.stage,
        "version": asked.version or deal.version,
        "back": asked.back,
        "competitor": deal.competitor,
        "value": typed(deal.value or deal.lines_value, visit),
        "lost_reason": deal.lost_reason,
    }
    return await _page(plugin, visit, deal, Form("move", values), asked.stage)


async def _page(
    plugin: Plugin, visit: Visit, deal: Deal, form: Form, stage_key: str
) -> dict[str, Any]:
    book = await Pipelines(plugin).book()
    stage = _stage(book, deal, stage_key)
    return {
        "move": form,
        "deal": deal,
        "stage": stage,
        "stage_title": titled(stage, visit) if stage else stage_key,
        "reasons": reason_pairs(book, visit),
        "back": str(form.value("back")),
        "here": "sales_pipeline.board",
        "sentences": SENTENCES,
        "root": ROOT,
    }


async def act(plugin: Plugin, visit: Visit) -> Any:
    """Move; the board's script is answered with what to say, a person with a page."""
    scripted = visit.call.header(b"x-board") is not None
    deals = Deals(plugin)
    deal = await deals.get(id_of(visit, "deal"))
    form, sent = await visit.form("move", MoveForm)
    book = await Pipelines(plugin).book()
    if sent is not None:
        stage = _stage(book, deal, sent.stage)
        if stage is not None and stage.outcome != "open" and not sent.asked:
            return Redirect(
                f"{ROOT}/deals/{deal.id}/move?stage={stage.key}"
                f"&version={sent.version or deal.version}&back={sent.back}"
            )
        try:
            move = _move(sent, stage, deal, visit)
            moved = await deals.move(deal.id, move, by=visit.call.actor, version=sent.version)
        except RelatumError as error:
            form.refuse(error)
        else:
            return _done(visit, deal, moved, book, sent, scripted=scripted)
    if scripted:
        return Answer(Told(_why(form, visit)), status=form.status)
    if isinstance(form.error, Conflict):
        form.hold({"version": (await deals.get(deal.id)).version})
    return await _page(plugin, visit, deal, form, str(form.value("stage")))


def _move(sent: MoveForm, stage: Stage | None, deal: Deal, visit: Visit) -> DealMove:
    value = amount_of(sent.value, deal.currency, visit, "/value")
    lost = stage is not None and stage.outcome == "lost"
    if lost and not sent.lost_reason:
        raise InvalidInput(
            "A lost deal says why.",
            problems=[
                Problem(
                    code="missing",
                    message="the reason is missing",
                    where="/lost_reason",
                    expected="a reason",
                    mend="Choose one.",
                )
            ],
        )
    return DealMove(
        stage=sent.stage,
        closed_on=sent.closed_on,
        lost_reason=sent.lost_reason if lost else None,
        competitor=sent.competitor if lost else UNSET,
        value=UNSET if value is None or lost else value,
        note=sent.note,
    )


def _done(visit: Visit, was: Deal, is_: Deal, book: Book, sent: MoveForm, *, scripted: bool) -> Any:
    stage = _stage(book, is_, is_.stage)
    name = titled(stage, visit) if stage else is_.stage
    undo = f"{ROOT}/deals/{is_.id}/back/{is_.version}/{was.stage}" if was.outcome == "open" else ""
    if scripted:
        said = visit.text("“%(name)s” is now in %(stage)s.", name=is_.name, stage=name)
        return Answer(Told(said, undo))
    path = f"{ROOT}/board?pipeline={is_.pipeline}" if sent.back == "board" else _address(is_)
    values = {"name": is_.name[:80], "stage": name}
    return Redirect(path, flash="sales_pipeline.moved", undo=undo, values=values)


async def take_back(plugin: Plugin, visit: Visit) -> Any:
    """Take a move back, unless somebody changed the deal since."""
    await visit.form("back", BackForm)
    id, stage = id_of(visit, "deal"), str(visit.path.get("stage", ""))
    version = str(visit.path.get("version", ""))
    deal = await Deals(plugin).move(
        id,
        DealMove(stage=stage[:60]),
        by=visit.call.actor,
        version=int(version) if version.isdigit() and len(version) < 10 else 0,
    )
    referer = (visit.call.header(b"referer") or "").partition("?")[0]
    board = referer.endswith(f"{ROOT}/board")
    path = f"{ROOT}/board?pipeline={deal.pipeline}" if board else _address(deal)
    return Redirect(path, flash="sales_pipeline.taken_back")


def _stage(book: Book, deal: Deal, key: str) -> Stage | None:
    pipeline = book.pipeline(deal.pipeline)
    return stage_of(pipeline, key) if pipeline else None


def _address(deal: Deal) -> str:
    return f"{ROOT}/deals/{deal.id}"


def _why(form: Form, visit: Visit) -> str:
    if isinstance(form.error, Conflict):
        return visit.text("Somebody changed this deal meanwhile. Look at it again.")
    if any(field == "lost_reason" for field, _ in form.problems):
        return visit.text("Say why the deal is lost.")
    return visit.text("The deal could not be moved: look at what you entered.")


PAGES = [
    WebPage(
        id="sales_pipeline.move",
        path="/deals/{id:str}/move",
        title=Text(en="Move the deal", vi="Chuyển cơ hội"),
        permission=DEALS_READ,
        act_permission=DEALS_WRITE,
        template="sales_pipeline/move.html",
        load=ask,
        act=act,
        fragments={"question": "sales_pipeline/move_form.html"},
        says={
            "sales_pipeline.moved": Text(
                en="“%(name)s” is now in %(stage)s.", vi="“%(name)s” đã sang %(stage)s."
            ),
        },
    ),
    WebPage(
        id="sales_pipeline.back",
        path="/deals/{id:str}/back/{version:str}/{stage:str}",
        title=Text(en="Take the move back", vi="Hoàn tác"),
        permission=DEALS_WRITE,
        act=take_back,
        says={"sales_pipeline.taken_back": Text(en="Taken back.", vi="Đã hoàn tác.")},
    ),
]
