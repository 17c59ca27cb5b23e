"""The pages of plugins as routes below ``/p/<plugin>``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from litestar import get, post
from litestar.di import NamedDependency

from relatum.hooks.context import Plugin
from relatum.hooks.screens import WebPage
from relatum.http.answers import Answer
from relatum.http.calls import Call
from relatum.http.permissions import SIGN_IN
from relatum.values.problems import PluginError
from relatum.web.forms import Form
from relatum.web.layout import PAGE, page
from relatum.web.visit import Visit

if TYPE_CHECKING:
    from litestar.handlers import HTTPRouteHandler

    from relatum.hooks.registry import Registry


def routes_of(pages: Iterable[WebPage]) -> list[HTTPRouteHandler]:
    """A route for each page that loads, and one for each that acts."""
    pages = list(pages)
    return [
        *(_showing(each) for each in pages if each.load is not None),
        *(_acting(each) for each in pages if each.act is not None),
    ]


def _showing(shown: WebPage) -> HTTPRouteHandler:
    load = shown.load
    assert load is not None  # noqa: S101 - for the type checker; the caller looked

    async def show(request: Call, plugin: NamedDependency[Plugin]) -> Answer[Any]:
        visit = Visit.of(request, plugin)
        return await _answer(visit, shown, await load(plugin, visit))

    opt = _opt(shown, shown.permission)
    return get(shown.path, opt=opt, include_in_schema=False)(show)


def _acting(shown: WebPage) -> HTTPRouteHandler:
    act = shown.act
    assert act is not None  # noqa: S101 - for the type checker; the caller looked

    async def send(request: Call, plugin: NamedDependency[Plugin]) -> Answer[Any]:
        visit = Visit.of(request, plugin)
        return await _answer(visit, shown, await act(plugin, visit))

    opt = _opt(shown, shown.act_permission or shown.permission)
    return post(shown.path, opt=opt, include_in_schema=False)(send)


def _opt(shown: WebPage, permission: str) -> dict[str, Any]:
    limit = {"limit": SIGN_IN} if shown.limited else {}
    return {"permission": permission, **limit, **PAGE}


async def _answer(visit: Visit, shown: WebPage, found: Any) -> Answer[Any]:
    """A whole answer as it is; values in the template of the page."""
    if isinstance(found, Answer):
        return found
    if not isinstance(found, Mapping):
        raise PluginError(
            f"expected the page {shown.id} to answer with values for its template or with a "
            f"Redirect, got {type(found).__name__}; mend its function"
        )
    values = {"title": visit.say(shown.title), **found, "visit": visit}
    here = values.pop("here", "") or _place(shown, visit.house.registry)
    forms = tuple(each for each in values.values() if isinstance(each, Form))
    kept = {name: value for name, value in values.items() if not isinstance(value, Form)}
    return await page(
        visit.call,
        kept.pop("template", shown.template),
        here=here,
        forms=forms,
        fragments=shown.fragments,
        **kept,
    )


def _place(shown: WebPage, registry: Registry) -> str:
    """The place of the navigation that a page belongs to: its own, or the plugin's first."""
    if shown.entry is not None:
        return shown.id
    prefix = shown.id.partition(".")[0] + "."
    return next(
        (each.id for each in registry.pages if each.entry and each.id.startswith(prefix)), ""
    )
