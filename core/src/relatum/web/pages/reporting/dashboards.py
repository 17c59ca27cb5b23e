"""Dashboards: the first page, and arranging what stands on it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.access.viewer import SIGNED_IN, current_viewer
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.reports.dashboards import ARRANGE_ROLES, Move
from relatum.reports.periods import Compare, Range
from relatum.reports.types import Dashboard, Shared, Tile
from relatum.values.problems import NotFound, RelatumError
from relatum.web.filters import filtered
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import language_of, translations
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.pages.reporting.tiles import (
    Days,
    address_of,
    shown_tile,
    shown_tiles,
)
from relatum.web.pages.reporting.welcome import steps_for
from relatum.web.pages.reporting.wording import COMPARE, RANGES, SHARED, options

ANYBODY = {"permission": SIGNED_IN, **PAGE}
STANDARD = "standard"
#: An empty field of a form says nothing, so nothing has a name.
Compared = Literal["none", "before", "year_before"]
_COMPARES: dict[Compared, Compare] = {
    "none": "",
    "before": "before",
    "year_before": "year_before",
}


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which days somebody looks at; without any, those of the dashboard.

    Attributes:
        arrange: whether boxes can be moved.
        whole: wait for every box (for browsers without scripts).
    """

    range: Range | None = None
    compare: Compared | None = None
    arrange: bool = False
    whole: bool = False


class Naming(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new dashboard, with the boxes of another to begin with."""

    title: Annotated[str, Meta(min_length=1, max_length=60)]
    like: Annotated[str, Meta(max_length=40)] = STANDARD


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What can be said about a dashboard."""

    title: Annotated[str, Meta(min_length=1, max_length=60)]
    range: Range = "this_month"
    compare: Compared = "before"
    shared: Shared = "private"
    role: Annotated[str, Meta(max_length=60)] = ""
    is_default: bool = False


class Adding(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``widget:<id>`` or ``chart:<id>``."""

    what: Annotated[str, Meta(max_length=160, pattern=r"^(widget|chart):.+$")]


class Moving(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One step with one box."""

    move: Move


class Ordering(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ids of the boxes in their order."""

    order: Annotated[list[Annotated[str, Meta(max_length=20)]], Meta(max_length=60)]


class Back(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A box that was taken off, and where it was."""

    what: Annotated[str, Meta(max_length=160, pattern=r"^(widget|chart):.+$")]
    place: Annotated[int, Meta(ge=0, le=60)]
    width: Annotated[int, Meta(ge=1, le=4)]


@get("/", opt=ANYBODY, include_in_schema=False)
async def home(request: Call) -> Html:
    """What somebody begins with."""
    return await _board_page(request, await request.house.dashboards.first(current_viewer()))


@get("/dashboards/{board_id:str}", opt=ANYBODY, include_in_schema=False)
async def show_dashboard(request: Call, board_id: FromPath[str]) -> Html:
    """One dashboard."""
    return await _board_page(request, await _board(request, board_id))


@get("/dashboards/{board_id:str}/boxes/{tile_id:str}", opt=ANYBODY, include_in_schema=False)
async def show_box(request: Call, board_id: FromPath[str], tile_id: FromPath[str]) -> Html:
    """One box alone, for those that come after their page."""
    board = await _board(request, board_id)
    form, look = filtered(request, Look)
    tile = _tile(board, tile_id)
    shown = await shown_tile(request, board, tile, _days(board, look))
    return await page(
        request,
        "relatum/dashboard_one.html",
        here="home",
        forms=(form,),
        fragments={f"tile-{tile.id}": "relatum/dashboard_tile.html"},
        board=board,
        there=address_of(board),
        one=shown,
        arrange=False,
    )


@post("/dashboards", opt=ANYBODY, include_in_schema=False)
async def make_dashboard(request: Call) -> Answer[Any]:
    """A dashboard of one's own."""
    form = Form("naming")
    board = await request.house.dashboards.first(current_viewer())
    try:
        asked = form.take(await sent(request), Naming)
        board = await _board(request, asked.like)
        id = await request.house.dashboards.create(asked.title, viewer=current_viewer(), like=board)
    except RelatumError as error:
        form.refuse(error)
        return await _board_page(request, board, form)
    return Redirect(f"/dashboards/{id}?arrange=1", flash="dashboard-made")


@post("/dashboards/{board_id:str}/settings", opt=ANYBODY, include_in_schema=False)
async def change_dashboard(request: Call, board_id: FromPath[str]) -> Answer[Any]:
    """Its title, its days, who else sees it."""
    board = await _board(request, board_id)
    form, viewer = Form("settings"), current_viewer()
    boards = request.house.dashboards
    try:
        asked = form.take(await sent(request), Settings)
        id = _own_id(board)
        async with request.house.db.transaction():
            await boards.rename(
                id, asked.title, opens=asked.range, compare=_COMPARES[asked.compare], viewer=viewer
            )
            await boards.share(
                id,
                viewer=viewer,
                shared=asked.shared,
                role=asked.role,
                default=asked.is_default,
            )
    except RelatumError as error:
        form.refuse(error)
        return await _board_page(request, board, form)
    return Redirect(f"{address_of(board)}?arrange=1", flash="saved")


@post("/dashboards/{board_id:str}/boxes", opt=ANYBODY, include_in_schema=False)
async def add_box(request: Call, board_id: FromPath[str]) -> Answer[Any]:
    """Put a widget or a chart on it; on an own copy, when it is not one's own."""
    board = await _board(request, board_id)
    form, viewer = Form("adding"), current_viewer()
    try:
        asked = form.take(await sent(request), Adding)
        id = await _own_or_copy(request, board)
        await request.house.dashboards.add(id, viewer=viewer, **_what(asked.what))
    except RelatumError as error:
        form.refuse(error)
        return await _board_page(request, board, form)
    return Redirect(f"/dashboards/{id}?arrange=1", flash="box-added")


@post("/dashboards/{board_id:str}/boxes/{tile_id:str}", opt=ANYBODY, include_in_schema=False)
async def move_box(request: Call, board_id: FromPath[str], tile_id: FromPath[str]) -> Answer[Any]:
    """One step with a box."""
    board = await _board(request, board_id)
    form = Form("moving")
    try:
        asked = form.take(await sent(request), Moving)
        id = await _own_or_copy(request, board)
        await request.house.dashboards.move(id, tile_id, asked.move, viewer=current_viewer())
    except RelatumError as error:
        form.refuse(error)
        return await _board_page(request, board, form)
    there = f"/dashboards/{id}?arrange=1#tile-{tile_id}"
    if asked.move != "remove":
        return Redirect(there)
    tile = _tile(board, tile_id)
    place = [each.id for each in board.tiles].index(tile_id)
    what = f"chart:{tile.chart}" if tile.chart else f"widget:{tile.widget}"
    undo = f"/dashboards/{id}/back/{place}/{tile.width}/{what}"
    return Redirect(f"/dashboards/{id}?arrange=1", flash="box-removed", undo=undo)


@post(
    "/dashboards/{board_id:str}/back/{place:str}/{width:str}/{what:str}",
    opt=ANYBODY,
    include_in_schema=False,
)
async def put_box_back(
    request: Call,
    board_id: FromPath[str],
    place: FromPath[str],
    width: FromPath[str],
    what: FromPath[str],
) -> Answer[Any]:
    """A box that was taken off goes back where it was."""
    board = await _board(request, board_id)
    asked = Form("back").take([("what", what), ("place", place), ("width", width)], Back)
    form = Form("putting")
    boards, viewer, id = request.house.dashboards, current_viewer(), _own_id(board)
    try:
        form.take(await sent(request), Nothing)
        async with request.house.db.transaction():
            name = await boards.add(id, viewer=viewer, **_what(asked.what))
            tiles = (await boards.get(id, viewer)).tiles
            added = next(each for each in tiles if each.id == name)
            rest = [each for each in tiles if each.id != name]
            rest.insert(asked.place, msgspec.structs.replace(added, width=asked.width))
            await boards.put_back(id, rest, viewer=viewer)
    except RelatumError as error:
        form.refuse(error)
        return await _board_page(request, board, form)
    return Redirect(f"/dashboards/{id}?arrange=1", flash="undone")


@post("/dashboards/{board_id:str}/order", opt=ANYBODY, include_in_schema=False)
async def order_boxes(request: Call, board_id: FromPath[str]) -> Answer[Any]:
    """All boxes in another order, as they were dragged."""
    board = await _board(request, board_id)
    form = Form("ordering")
    try:
        asked = form.take(await sent(request), Ordering)
        id = await _own_or_copy(request, board)
        await request.house.dashboards.order(id, asked.order, viewer=current_viewer())
    except RelatumError as error:
        form.refuse(error)
        return await _board_page(request, board, form)
    return Redirect(f"/dashboards/{id}?arrange=1")


@post("/dashboards/{board_id:str}/delete", opt=ANYBODY, include_in_schema=False)
async def delete_dashboard(request: Call, board_id: FromPath[str]) -> Answer[Any]:
    """Delete one's own."""
    board = await _board(request, board_id)
    form = Form("deleting")
    try:
        form.take(await sent(request), Nothing)
        await request.house.dashboards.delete(_own_id(board), viewer=current_viewer())
    except RelatumError as error:
        form.refuse(error)
        return await _board_page(request, board, form)
    return Redirect("/", flash="dashboard-deleted", undo=f"{address_of(board)}/restore")


@post("/dashboards/{board_id:str}/restore", opt=ANYBODY, include_in_schema=False)
async def restore_dashboard(request: Call, board_id: FromPath[str]) -> Answer[Any]:
    """Take the deletion back."""
    id = id_in_path(board_id, "dashboard")
    await sent(request)
    await request.house.dashboards.restore(id, viewer=current_viewer())
    return Redirect(f"/dashboards/{id}", flash="undone")


async def _board(request: Call, board_id: str) -> Dashboard:
    boards = request.house.dashboards
    if board_id == STANDARD:
        return boards.standard(current_viewer())
    return await boards.get(id_in_path(board_id, "dashboard"), current_viewer())


def _tile(board: Dashboard, tile_id: str) -> Tile:
    for tile in board.tiles:
        if tile.id == tile_id:
            return tile
    raise NotFound(f"expected a box of this dashboard, got {tile_id[:40]!r}")


def _own_id(board: Dashboard) -> Any:
    if board.id is None:
        raise NotFound("expected a dashboard of somebody, got the one that everybody has")
    return board.id


async def _own_or_copy(request: Call, board: Dashboard) -> Any:
    """The id of the viewer's own: this one, or a copy of it."""
    viewer = current_viewer()
    if board.id is not None and board.account == viewer.account:
        return board.id
    text = translations(language_of(request)).gettext
    title = board.title or text("My overview")
    return await request.house.dashboards.create(title, viewer=viewer, like=board)


def _what(what: str) -> dict[str, Any]:
    kind, _, id = what.partition(":")
    return {"chart": id_in_path(id, "chart")} if kind == "chart" else {"widget": id}


def _days(board: Dashboard, look: Look) -> Days:
    compare = board.compare if look.compare is None else _COMPARES[look.compare]
    return Days(range=look.range or board.range, compare=compare)


async def _board_page(request: Call, board: Dashboard, form: Form | None = None) -> Html:
    house, viewer = request.house, current_viewer()
    filter_form, look = filtered(request, Look) if form is None else (Form("filter"), Look())
    days = _days(board, look)
    arrange = look.arrange or form is not None
    reasons = await request.scope["litestar_app"].readiness.reasons()  # type: ignore[attr-defined]
    if reasons:
        return await _not_ready(request, reasons)
    own = board.id is not None and board.account == viewer.account
    blank = {
        "naming": {},
        "settings": {**msgspec.structs.asdict(board), "compare": board.compare or "none"},
        "adding": {},
    }
    forms = [form if form and form.name == n else Form(n, values) for n, values in blank.items()]
    others = [] if form is None or form.name in blank else [form]
    return await page(
        request,
        "relatum/dashboard.html",
        here="home",
        forms=(filter_form, *forms, *others),
        fragments={"board": "relatum/dashboard_board.html"},
        address=address_of(board),
        there=address_of(board),
        board=board,
        boards=await house.dashboards.find(viewer) if viewer.account else [],
        own=own,
        days=days,
        tiles=await shown_tiles(request, board, days, **({"patience": None} if look.whole else {})),
        arrange=arrange,
        ranges=RANGES,
        compares=COMPARE,
        steps=await steps_for(request),
        **(await _arranging(request, board) if arrange else NOT_ARRANGING),
    )


NOT_ARRANGING: dict[str, Any] = {"widgets": [], "charts": []}


async def _arranging(request: Call, board: Dashboard) -> dict[str, Any]:
    """What can be put on a dashboard, and with whom it can be shared."""
    house, viewer = request.house, current_viewer()
    language = language_of(request)
    there = {tile.widget for tile in board.tiles}
    widgets = [
        (f"widget:{each.id}", each.title.in_language(language))
        for each in sorted(house.registry.widgets, key=lambda each: (each.order, each.id))
        if viewer.may(each.permission) and each.id not in there
    ]
    charts = [(f"chart:{each.id}", each.title) for each in await house.charts.find(viewer=viewer)]
    return {
        "widgets": widgets,
        "charts": charts,
        "roles": [(r.key, r.title.in_language(language)) for r in await house.roles.every()],
        "may_default": viewer.may(ARRANGE_ROLES),
        "range_options": options(RANGES, language),
        "compare_options": [(value or "none", t) for value, t in options(COMPARE, language)],
        "shared_options": options(SHARED, language),
    }


async def _not_ready(request: Call, reasons: list[str]) -> Html:
    return await page(request, "relatum/not_ready.html", here="home", reasons=reasons)


ROUTES = [
    home,
    show_dashboard,
    show_box,
    make_dashboard,
    change_dashboard,
    add_box,
    move_box,
    put_box_back,
    order_boxes,
    delete_dashboard,
    restore_dashboard,
]
