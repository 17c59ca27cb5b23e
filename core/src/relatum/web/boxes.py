"""Panels and widgets of plugins: loaded beside each other, each on its own.

One that raises, hangs or has a broken template says so in its own box; the page and the others are
as they would be without it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from markupsafe import Markup

from relatum.access.viewer import current_viewer
from relatum.customers.types import Customer
from relatum.hooks.isolation import within
from relatum.hooks.screens import Panel, Slot, Widget
from relatum.telemetry.logs import about
from relatum.web.languages import Language, language_of
from relatum.web.layout import Shell, shell_for
from relatum.web.visit import Visit

if TYPE_CHECKING:
    from relatum.app.house import House
    from relatum.hooks.context import Plugin
    from relatum.http.calls import Call

log = logging.getLogger("relatum.web")

#: Seconds that one panel may load.
LIMIT = 5.0
PATH = "/panels"


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """A panel or widget as it is shown.

    Attributes:
        html: its content; nothing when it failed or comes later.
        url: where it can be had alone; empty when only its page has it.
        live: after which sorts of event it is to be loaded again.
    """

    id: str
    title: str
    icon: str
    html: Markup | None
    failed: bool = False
    lazy: bool = False
    url: str = ""
    live: tuple[str, ...] = ()
    width: int = 1

    @property
    def element(self) -> str:
        """The id of its element on the page."""
        return element_of(self.id)


class _Loaded(msgspec.Struct):
    """What a declared box brought."""

    declared: Panel | Widget
    visit: Visit
    values: dict[str, Any] | None = None
    failed: bool = False


def element_of(panel_id: str) -> str:
    """The id of a panel's element."""
    return f"panel-{panel_id.replace('.', '-')}"


async def boxes(request: Call, slot: Slot, *, subject: Any = None) -> list[Box]:
    """The panels of a slot that the viewer may see, in their order.

    Args:
        subject: what the page shows; panels find it in ``visit.subject``.
    """
    panels = [
        panel
        for panel in request.house.registry.panels
        if panel.slot == slot and current_viewer().may(panel.permission)
    ]
    panels.sort(key=lambda panel: (panel.order, panel.id))
    return await loaded(request, panels, subject=subject)


async def loaded(
    request: Call,
    declared: Sequence[Panel | Widget],
    *,
    subject: Any = None,
    at_once: bool = False,
) -> list[Box]:
    """Boxes with their content, loaded beside each other; those with nothing to say are left out.

    Args:
        at_once: load those too that would come after the page.
    """
    house, language = request.house, language_of(request)
    later = [] if at_once else [each for each in declared if _comes_later(each, subject)]
    now = [
        _Loaded(each, Visit.of(request, house.registry.plugin_of(each.id), subject))
        for each in declared
        if each not in later
    ]
    await asyncio.gather(*(_load(each) for each in now))
    state = request.scope["state"]
    shell = shell_for(house, state, current_viewer(), language)
    shown = await asyncio.to_thread(_rendered, house, language, shell, now)
    shown += [_box(each, language, subject, None, lazy=True) for each in later]
    place = {each.id: number for number, each in enumerate(declared)}
    return sorted(shown, key=lambda box: place[box.id])


def _comes_later(declared: Panel | Widget, subject: Any) -> bool:
    return isinstance(declared, Panel) and declared.lazy and bool(_url(declared, subject))


def _url(declared: Panel | Widget, subject: Any) -> str:
    """Where a panel can be had alone."""
    if isinstance(subject, Customer) and isinstance(declared, Panel):
        return f"{PATH}/{declared.id}/{subject.id}"
    return ""


async def _load(one: _Loaded) -> None:
    declared, plugin = one.declared, one.visit.plugin
    try:
        async with plugin.at_work():
            one.visit.subject = plugin.given(one.visit.subject)
            if declared.load is None:
                one.values = {}
                return
            loading: Coroutine[Any, Any, Any] = declared.load(plugin, one.visit)  # type: ignore[assignment]
            values = await within(LIMIT, loading)
        one.values = None if values is None else dict(values)
    except Exception as error:  # noqa: BLE001 - whatever it is stays in the box
        _note(plugin, declared.id, error)
        one.failed = True


def _rendered(house: House, language: Language, shell: Shell, some: Sequence[_Loaded]) -> list[Box]:
    """In one go beside the event loop; a template that fails is a box that failed."""
    shown = []
    for one in some:
        html = None
        if one.values is None and not one.failed:
            continue
        if one.values is not None:
            try:
                html = _html(house, language, shell, one)
            except Exception as error:  # noqa: BLE001 - whatever it is stays in the box
                _note(one.visit.plugin, one.declared.id, error)
        shown.append(_box(one.declared, language, one.visit.subject, html))
    return shown


def _html(house: House, language: Language, shell: Shell, one: _Loaded) -> Markup:
    values = {"visit": one.visit, "subject": one.visit.subject, "shell": shell}
    text = house.renderer.render(
        one.declared.template, language, **{**(one.values or {}), **values}
    )
    return Markup(text)  # noqa: S704 - rendered with everything escaped


def _box(
    declared: Panel | Widget,
    language: Language,
    subject: Any,
    html: Markup | None,
    *,
    lazy: bool = False,
) -> Box:
    return Box(
        id=declared.id,
        title=declared.title.in_language(language),
        icon=declared.icon,
        html=html,
        failed=html is None and not lazy,
        lazy=lazy,
        url=_url(declared, subject),
        live=declared.live if isinstance(declared, Panel) else (),
        width=declared.width if isinstance(declared, Widget) else 1,
    )


def _note(plugin: Plugin, declared: str, error: Exception) -> None:
    with about(plugin=plugin.id):
        log.error("%s of %s %s failed", declared, plugin.id, plugin.version, exc_info=error)
