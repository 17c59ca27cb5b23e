"""Saved views of the list: keeping, arranging, sharing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.access.viewer import current_viewer
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.values.problems import InvalidInput, Problem, RelatumError
from relatum.web.flashes import declare_flashes
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import marked
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.pages.customers.asking import HERE, Asked, asked_in, asked_of, pairs_in
from relatum.web.pages.customers.list import LIST, with_view
from relatum.web.saved_views import LONGEST_QUERY, SavedViews, Shared, Title, ViewDraft

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relatum.web.saved_views import View

READ = {"permission": "core.customers.read", **PAGE}
VIEWS = "/views"
ONE = "/views/{view_id:str}"
#: Not kept in a view.
_OF_THE_MOMENT = frozenset({"view", "cursor", "columns"})

declare_flashes(
    {
        "view-saved": marked("The view is saved."),
        "view-deleted": marked("The view is deleted."),
        "view-default": marked("The list opens with it from now on."),
    }
)


class Saving(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A view to be kept.

    Attributes:
        listed: the query of the list's address.
    """

    title: Title
    shared: Shared = "private"
    team: UUID | None = None
    is_default: bool = False
    listed: Annotated[str, Meta(max_length=LONGEST_QUERY)] = ""


class Renaming(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Another title, other people."""

    title: Title
    shared: Shared = "private"
    team: UUID | None = None


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a view shows from now on."""

    listed: Annotated[str, Meta(max_length=LONGEST_QUERY)] = ""


@get("/views/new", opt=READ, include_in_schema=False)
async def new_view(request: Call) -> Html:
    """Keep the list as it is."""
    views = await _views(request).of(current_viewer())
    asked, view = with_view(asked_in(request), views)
    listed = urlencode(asked.pairs())
    own = view if view is not None and view.mine else None
    form = Form("view", {"listed": listed, "shared": "private"})
    return await _new_page(request, form, own)


@post(VIEWS, opt=READ, include_in_schema=False)
async def save_view(request: Call) -> Answer[Any]:
    """Keep a new view and open it."""
    form = Form("view")
    views, viewer = _views(request), current_viewer()
    try:
        saving = form.take(await sent(request), Saving)
        _refuse_no_team(saving.shared, saving.team)
        id = await views.save(_draft(saving, saving.listed), viewer)
        if saving.is_default:
            await views.open_with(id, viewer)
    except RelatumError as error:
        form.refuse(error)
        return await _new_page(request, form, None)
    return Redirect(f"{HERE}?view={id}", flash="view-saved")


@get(VIEWS, opt=READ, include_in_schema=False)
async def show_views(request: Call) -> Html:
    """Every view that somebody sees, and what they may do with it."""
    request.refuse_query(("lang",))
    return await _views_page(request)


@post(ONE, opt=READ, include_in_schema=False)
async def change_view(request: Call, view_id: FromPath[str]) -> Answer[Any]:
    """Give a view another title or other people."""
    id = id_in_path(view_id, "saved view")
    form = Form(f"view-{id}")
    views, viewer = _views(request), current_viewer()
    try:
        renaming = form.take(await sent(request), Renaming)
        _refuse_no_team(renaming.shared, renaming.team)
        view = await views.get(id, viewer)
        draft = ViewDraft(
            title=renaming.title,
            query=view.query,
            columns=view.columns,
            shared=renaming.shared,
            team=renaming.team,
        )
        await views.change(id, draft, viewer)
    except RelatumError as error:
        form.refuse(error)
        return await _views_page(request, form)
    return Redirect(VIEWS, flash="saved")


@post("/views/{view_id:str}/content", opt=READ, include_in_schema=False)
async def update_view(request: Call, view_id: FromPath[str]) -> Answer[Any]:
    """Let a view show what the list shows now."""
    id = id_in_path(view_id, "saved view")
    views, viewer = _views(request), current_viewer()
    listed = Form("content").take(await sent(request), Content).listed
    view = await views.get(id, viewer)
    draft = ViewDraft(title=view.title, shared=view.shared, team=view.team)
    query, columns = _kept(asked_of(pairs_in(listed)))
    await views.change(id, msgspec.structs.replace(draft, query=query, columns=columns), viewer)
    return Redirect(f"{HERE}?view={id}", flash="view-saved")


@post("/views/{view_id:str}/pin", opt=READ, include_in_schema=False)
async def pin_view(request: Call, view_id: FromPath[str]) -> Answer[Any]:
    """Put it among the tabs."""
    views, viewer = _views(request), current_viewer()
    return await _act(request, view_id, lambda id: views.pin(id, viewer, pinned=True))


@post("/views/{view_id:str}/unpin", opt=READ, include_in_schema=False)
async def unpin_view(request: Call, view_id: FromPath[str]) -> Answer[Any]:
    """Take it from the tabs."""
    views, viewer = _views(request), current_viewer()
    return await _act(request, view_id, lambda id: views.pin(id, viewer, pinned=False))


@post("/views/{view_id:str}/default", opt=READ, include_in_schema=False)
async def open_with_view(request: Call, view_id: FromPath[str]) -> Answer[Any]:
    """Let the list open with it."""
    views, viewer = _views(request), current_viewer()
    return await _act(
        request, view_id, lambda id: views.open_with(id, viewer), flash="view-default"
    )


@post("/views/{view_id:str}/plain", opt=READ, include_in_schema=False)
async def open_without_view(request: Call, view_id: FromPath[str]) -> Answer[Any]:
    """Let the list open without any view."""
    views, viewer = _views(request), current_viewer()
    return await _act(request, view_id, lambda _: views.open_with(None, viewer))


@post("/views/{view_id:str}/delete", opt=READ, include_in_schema=False)
async def delete_view(request: Call, view_id: FromPath[str]) -> Answer[Any]:
    """Delete it; it can be taken back."""
    views, viewer = _views(request), current_viewer()
    id = id_in_path(view_id, "saved view")
    Form("delete").take(await sent(request), Nothing)
    await views.delete(id, viewer)
    return Redirect(VIEWS, flash="view-deleted", undo=f"{VIEWS}/{id}/restore")


@post("/views/{view_id:str}/restore", opt=READ, include_in_schema=False)
async def restore_view(request: Call, view_id: FromPath[str]) -> Answer[Any]:
    """Take a deletion back."""
    views, viewer = _views(request), current_viewer()
    return await _act(request, view_id, lambda id: views.restore(id, viewer), flash="undone")


async def _act(
    request: Call,
    view_id: str,
    act: Callable[[UUID], Awaitable[None]],
    *,
    flash: str = "saved",
) -> Answer[Any]:
    Form("act").take(await sent(request), Nothing)
    await act(id_in_path(view_id, "saved view"))
    return Redirect(VIEWS, flash=flash)


def _views(request: Call) -> SavedViews:
    return SavedViews(request.house.db, LIST)


def _draft(saving: Saving, listed: str) -> ViewDraft:
    query, columns = _kept(asked_of(pairs_in(listed)))
    return ViewDraft(
        title=saving.title,
        query=query,
        columns=columns,
        shared=saving.shared,
        team=saving.team,
    )


def _kept(asked: Asked) -> tuple[str, list[str]]:
    pairs = [pair for pair in asked.pairs() if pair[0] not in _OF_THE_MOMENT]
    return urlencode(pairs), asked.columns


def _refuse_no_team(shared: Shared, team: UUID | None) -> None:
    if shared == "team" and team is None:
        problem = Problem(code="missing", message="no team is chosen", where="/team")
        raise InvalidInput("The view cannot be kept yet.", problems=[problem])


async def _new_page(request: Call, form: Form, own: View | None) -> Html:
    return await page(
        request,
        "relatum/view_new.html",
        here="customers",
        address=VIEWS,
        forms=(form,),
        own=own,
        teams=await _teams(request),
        listed=str(form.value("listed")),
    )


async def _views_page(request: Call, refused: Form | None = None) -> Html:
    views = await _views(request).of(current_viewer())
    forms = {
        view.id: Form(f"view-{view.id}", msgspec.structs.asdict(view))
        for view in views
        if view.mine
    }
    if refused is not None:
        forms = {id: refused if form.name == refused.name else form for id, form in forms.items()}
    owners = await request.house.accounts.get_many(list({view.account for view in views}))
    return await page(
        request,
        "relatum/views.html",
        here="customers",
        address=VIEWS,
        forms=tuple(forms.values()),
        views=views,
        form_of=forms,
        teams=await _teams(request),
        owners={one.id: one.name for one in owners},
    )


async def _teams(request: Call) -> list[tuple[str, str]]:
    """The teams that the viewer is in."""
    account = current_viewer().account
    teams = await request.house.roles.teams.every()
    return [(str(team.id), team.name) for team in teams if account in team.members]


ROUTES = [
    new_view,
    save_view,
    show_views,
    change_view,
    update_view,
    pin_view,
    unpin_view,
    open_with_view,
    open_without_view,
    delete_view,
    restore_view,
]
