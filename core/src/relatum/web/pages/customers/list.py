"""The list of customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from litestar import get

from relatum.access.viewer import current_viewer
from relatum.customers.types import CustomerQuery, FieldDraft
from relatum.http.answers import Html
from relatum.http.calls import Call
from relatum.values.problems import InvalidInput
from relatum.web.languages import language_of, marked, translations
from relatum.web.layout import PAGE, page
from relatum.web.pages.customers import asking
from relatum.web.pages.customers.asking import EVERYTHING, HERE, Asked, asked_in, asked_of
from relatum.web.pages.customers.bulk import actions_of
from relatum.web.pages.customers.card import KINDS, ROLES, title_of
from relatum.web.pages.customers.colleagues import Colleagues, colleagues
from relatum.web.pages.customers.columns import Columns
from relatum.web.reading import zone_here
from relatum.web.saved_views import SavedViews, View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relatum.customers.types import Turn

READ = {"permission": "core.customers.read", **PAGE}
LIST = "customers"
#: Counted exactly up to here; up to there when for each somebody has to look for the last contact.
MOST_COUNTED, MOST_LOOKED_UP = 10_000, 2_000
_SAID = {
    "kind": marked("Kind"),
    "role": marked("Role"),
    "tag": marked("Tag"),
    "owner": marked("Owner"),
    "team": marked("Team"),
    "created_first": marked("Created from"),
    "created_last": marked("Created until"),
    "updated_first": marked("Changed from"),
    "updated_last": marked("Changed until"),
    "quiet": marked("Days without contact"),
}


@get(HERE, opt=READ, include_in_schema=False)
async def show_customers(request: Call) -> Html:
    """The customers that somebody sees, filtered, ordered and arranged as the address says."""
    house, viewer = request.house, current_viewer()
    views = await SavedViews(house.db, LIST).of(viewer)
    asked, view = with_view(asked_in(request), views)
    zone = zone_here(house)
    try:
        query = asked.query(viewer, zone)
        turn, count = await house.customers.survey(query, most=_most(query))
    except InvalidInput as error:
        asked.form.refuse(error)
        asked = Asked(filter=asking.Filter(), fields={}, form=asked.form)
        query = asked.query(viewer, zone)
        turn, count = await house.customers.survey(query, most=_most(query))
    return await _page(request, asked, view, views, query, turn, count)


async def _page(
    request: Call,
    asked: Asked,
    view: View | None,
    views: Sequence[View],
    query: CustomerQuery,
    turn: Turn,
    count: int,
) -> Html:
    house, viewer, language = request.house, current_viewer(), language_of(request)
    fields = await house.customers.fields()
    names = await colleagues(house, viewer, turn.items, chosen=query.owner)
    columns = Columns(request, fields, language)
    chosen = columns.chosen(asked.columns or (view.columns if view else []))
    rows, failed = await columns.rows(turn.items, chosen, names)
    text = translations(language).gettext
    return await page(
        request,
        "relatum/customers.html",
        here="customers",
        address=HERE,
        fragments={"results": "relatum/customers_results.html"},
        forms=(asked.form,),
        asked=asked,
        view=view,
        views=views,
        changed=view is not None and differs(asked, view),
        columns=chosen,
        spare=[each for each in columns.there.values() if each not in chosen],
        rows=rows,
        failed=failed,
        count=count,
        most=_most(query),
        next=turn.next,
        previous=turn.previous,
        listed=urlencode(asked.pairs()),
        names=names,
        me=str(viewer.account),
        fields=[
            (field, title_of(field, language), [(each, each) for each in field.choices])
            for field in fields
            if field.sensitivity != "secret"
        ],
        roles=[(id, text(title)) for id, title in ROLES.items()],
        kinds=[(id, text(title)) for id, title in KINDS.items()],
        actions=actions_of(request, language),
        chips=chips(asked, names, fields, request),
        tags=sorted({tag for one in turn.items for tag in one.tags}),
    )


def _most(query: CustomerQuery) -> int:
    return MOST_COUNTED if query.quiet_since is None else MOST_LOOKED_UP


def with_view(asked: Asked, views: Sequence[View]) -> tuple[Asked, View | None]:
    """What is asked for when a view is named alone, or when nothing is and there is a default."""
    named = asked.filter.view
    alone = not [name for name, _ in asked.pairs(view=None)] and not asked.filter.cursor
    if named == EVERYTHING:
        return asked, None
    if not named and not asked.form.problems:
        view = next((each for each in views if each.is_default), None) if alone else None
    else:
        view = next((each for each in views if str(each.id) == named), None)
    if view is None or not alone:
        return asked, view
    return opened(view), view


def opened(view: View) -> Asked:
    """A view as if its whole address had been asked for."""
    pairs = parse_qsl(view.query, keep_blank_values=False)
    shown = [("columns", ",".join(view.columns))] if view.columns else []
    return asked_of([*pairs, *shown, ("view", str(view.id))])


def differs(asked: Asked, view: View) -> bool:
    """Whether filters, order or columns are others than those of the view."""
    return sorted(asked.pairs(view=None)) != sorted(opened(view).pairs(view=None))


def chips(
    asked: Asked, names: Colleagues, fields: Sequence[FieldDraft], request: Call
) -> list[tuple[str, str, str]]:
    """The filters besides the search: title, value, and the list without it."""
    language = language_of(request)
    text = translations(language).gettext
    titles = {field.key: title_of(field, language) for field in fields}
    found = []
    for name, value in asked.pairs(cursor=None):
        if name in _SAID:
            said = _said(name, value, names, text)
            found.append((text(_SAID[name]), said, asked.without(name)))
        elif name.startswith(asking.FIELD):
            key, _, bound = name.removeprefix(asking.FIELD).partition(".")
            sign = {"from": "≥ ", "until": "≤ "}.get(bound, "")
            found.append((titles.get(key, key), f"{sign}{value}", asked.without(name)))
    return found


def _said(name: str, value: str, names: Colleagues, text: Any) -> str:
    if name == "role":
        return str(text(ROLES.get(value, value)))
    if name == "kind":
        return str(text(KINDS.get(value, value)))
    if name == "owner":
        known = {asking.ME: text("me"), asking.NOBODY: text("nobody")}
        return str(known.get(value) or names.name(_id(value)))
    if name == "team":
        return names.team(_id(value))
    return value


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


ROUTES = [show_customers]
