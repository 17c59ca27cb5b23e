"""What is checked of the pages, panels, widgets, commands, columns and metrics of plugins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, get_args

from relatum.hooks.declarations import PUBLIC, SIGNED_IN
from relatum.hooks.faults import (
    bad,
    coroutine_faults,
    id_faults,
    is_struct,
    permission_faults,
    title_faults,
)
from relatum.hooks.gate import CORE, owner
from relatum.hooks.screens import (
    BulkAction,
    Column,
    Command,
    Dimension,
    Entry,
    Group,
    Metric,
    Panel,
    Slot,
    Unit,
    WebPage,
    Widget,
)
from relatum.values.problems import Problem
from relatum.values.text import Text

#: Names of one part, so that a plugin's address cannot leave its own.
PATH = re.compile(r"/|(?:/(?:[a-z0-9][a-z0-9_-]*|\{[a-z_]+:(?:str|int|uuid)\}))+")
#: Where a command may lead on this server.
PLACE = re.compile(r"/(?!/)[A-Za-z0-9_{}/?=&.%-]*")
ICON = re.compile(r"(?:[a-z0-9]+(?:-[a-z0-9]+)*)?")
CHARTS = ("line", "bars", "rows", "number")


def _named(item: Any) -> Iterator[Problem]:
    yield from id_faults(item)
    yield from title_faults(item)
    yield from permission_faults(item, also=(SIGNED_IN,))


def _icon(item: Any) -> Iterator[Problem]:
    if not isinstance(item.icon, str) or not ICON.fullmatch(item.icon):
        yield bad(item, "icon", "the name of an icon, such as calendar-event")


def template_faults(item: Any, field: str = "template") -> Iterator[Problem]:
    """A template of the plugin itself (core's are in the folder ``relatum``)."""
    name, mine = getattr(item, field), owner(str(item.id))
    prefix = f"{'relatum' if mine == CORE else mine}/"
    plain = isinstance(name, str) and name.startswith(prefix) and name.endswith(".html")
    if not plain or ".." in name or "\\" in name:
        yield bad(item, field, f"a template such as {prefix}page.html")


def _page(item: WebPage) -> Iterator[Problem]:
    yield from id_faults(item)
    yield from title_faults(item)
    yield from permission_faults(item, also=(SIGNED_IN, PUBLIC))
    if not isinstance(item.path, str) or not PATH.fullmatch(item.path):
        yield bad(item, "path", "a path such as /rooms or /rooms/{id:str}")
    if item.load is None and item.act is None:
        yield bad(item, "load", "load, act or both", "say what the page shows or does")
    for field in ("load", "act"):
        if getattr(item, field) is not None:
            yield from coroutine_faults(item, field, 2)
    if item.load is not None or item.template:
        yield from template_faults(item)
    if item.entry is not None:
        yield from _entry(item)
    if "{" in str(item.path) and item.entry is not None:
        yield bad(item, "entry", "no place in the navigation for a page with parameters")


def _entry(item: WebPage) -> Iterator[Problem]:
    entry: object = item.entry
    fits = isinstance(entry, Entry) and entry.group in get_args(Group)
    if not fits or not ICON.fullmatch(str(item.entry.icon if item.entry else "")):
        yield bad(item, "entry", f"an Entry with an icon, in one of {', '.join(get_args(Group))}")


def _panel(item: Panel) -> Iterator[Problem]:
    yield from _named(item)
    yield from _icon(item)
    yield from template_faults(item)
    yield from coroutine_faults(item, "load", 2)
    if item.slot not in get_args(Slot):
        yield bad(item, "slot", f"one of {', '.join(get_args(Slot))}")


def _widget(item: Widget) -> Iterator[Problem]:
    yield from _named(item)
    yield from _icon(item)
    if item.metric:
        if item.chart not in CHARTS:
            yield bad(item, "chart", f"one of {', '.join(CHARTS)}")
    else:
        yield from template_faults(item)
        yield from coroutine_faults(item, "load", 2)
    if item.width not in (1, 2, 3, 4):
        yield bad(item, "width", "1 to 4 columns")


def _command(item: Command) -> Iterator[Problem]:
    yield from _named(item)
    yield from _icon(item)
    if not isinstance(item.path, str) or not PLACE.fullmatch(item.path):
        yield bad(item, "path", "a path of this server such as /p/spa/book?customer={id}")
    elif "{id}" in item.path and not item.slot:
        yield bad(item, "path", "no {id} outside of a slot")
    if item.slot not in ("", "customer.actions", "deal.actions"):
        yield bad(item, "slot", "'', 'customer.actions' or 'deal.actions'")


def _column(item: Column) -> Iterator[Problem]:
    yield from _named(item)
    yield from coroutine_faults(item, "load", 3)


def _bulk_action(item: BulkAction) -> Iterator[Problem]:
    yield from _named(item)
    yield from _icon(item)
    yield from coroutine_faults(item, "run", 4)
    if item.fields is not None and not is_struct(item.fields):
        yield bad(item, "fields", "a subclass of msgspec.Struct, or None")


def _metric(item: Metric) -> Iterator[Problem]:
    yield from _named(item)
    yield from coroutine_faults(item, "points", 3)
    yield from coroutine_faults(item, "rows", 5)
    if item.unit not in get_args(Unit):
        yield bad(item, "unit", f"one of {', '.join(get_args(Unit))}")
    if not isinstance(item.dimensions, tuple) or not all(map(_is_dimension, item.dimensions)):
        yield bad(item, "dimensions", "a tuple of Dimension, each with an id and a title")


def _is_dimension(value: object) -> bool:
    return isinstance(value, Dimension) and bool(value.id) and isinstance(value.title, Text)


SCREENS: dict[str, tuple[type, Callable[[Any], Iterator[Problem]]]] = {
    "relatum_register_pages": (WebPage, _page),
    "relatum_register_panels": (Panel, _panel),
    "relatum_register_widgets": (Widget, _widget),
    "relatum_register_commands": (Command, _command),
    "relatum_register_columns": (Column, _column),
    "relatum_register_bulk_actions": (BulkAction, _bulk_action),
    "relatum_register_metrics": (Metric, _metric),
}
