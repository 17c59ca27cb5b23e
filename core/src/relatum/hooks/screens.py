"""What plugins add to the screens. They declare data and functions that load data, never HTML.

One name everywhere: the id of the plugin is the prefix of its templates
(``spa/rooms.html`` is ``templates/rooms.html`` in its package), its gettext domain
(``locales/vi/LC_MESSAGES/spa.po``), the prefix of its static files (``/static/spa/…``) and of its
pages (``/p/spa/…``).

Functions get the plugin and a :class:`~relatum.web.visit.Visit`: who is looking, in which language,
and what was asked for. What they return fills their template.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec

from relatum.hooks.declarations import SIGNED_IN
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.customers.types import Customer
    from relatum.hooks.context import Plugin
    from relatum.web.visit import Visit

#: Values for a template, or a whole answer (``Redirect``).
Loader = Callable[["Plugin", "Visit"], Awaitable[Any]]

#: Where panels can stand. ``customer.*`` and ``deal.side`` panels find the one that is shown in
#: ``visit.subject``.
Slot = Literal["customer.side", "customer.main", "deal.side", "reports", "settings"]
Group = Literal["work", "insight", "settings"]
Period = Literal["day", "week", "month", "quarter", "year"]
Unit = Literal["count", "money", "share", "days", "number"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the navigation.

    Attributes:
        icon: name of a Tabler icon that ``relatum-assets`` packs.
        group: ``work`` stands at the top, ``insight`` below, ``settings`` on the page of settings.
        order: among the places of the group; core's are 10, 20, …
        key: the letter that leads there after G; the first to ask for one gets it.
        phone: whether it is wanted in the bar at the bottom of a phone (which holds five).
    """

    icon: str
    group: Group = "work"
    order: int = 100
    key: str = ""
    phone: bool = False


class WebPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page at ``/p/<plugin><path>``.

    ``load`` answers GET with the values of the template. ``act`` answers POST (a form, with the
    proof of its origin checked already): with a ``Redirect``, or with values to show the page
    again, forms with problems among them (the answer is then 422).

    Attributes:
        path: with parameters in Litestar's manner, ``/deals/{id:str}``; found in ``visit.path``.
        template: ``<plugin>/<name>.html``; extends ``relatum/base.html``.
        act_permission: that ``act`` asks for; the one of the page when empty.
        entry: its place in the navigation; ``None`` for pages that others lead to.
        fragments: templates that stand for the whole page when htmx asks for a part, by the id of
            the element that they fill.
        says: what a ``Redirect`` from here may say, by ``<plugin>.<code>``; ``%(name)s`` are holes.
        limited: each look and each form counts like an attempt to sign in from its address: for
            pages that a secret in the address opens to whoever has it (permission ``public``).
    """

    id: str
    path: str
    title: Text
    permission: str
    template: str = ""
    load: Loader | None = None
    act: Loader | None = None
    act_permission: str = ""
    entry: Entry | None = None
    fragments: Mapping[str, str] = {}
    says: Mapping[str, Text] = {}
    limited: bool = False


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """A box on a page of core or of another plugin.

    ``load`` has five seconds; a panel that fails says so in its box and nothing else changes. A
    panel whose ``load`` returns ``None`` is left out.

    Attributes:
        lazy: loaded by the browser after the page (or on demand without JavaScript).
        live: ids of event types of the customer after which it is loaded again.
    """

    id: str
    slot: Slot
    title: Text
    permission: str
    template: str
    load: Loader
    icon: str = ""
    order: int = 100
    lazy: bool = False
    live: tuple[str, ...] = ()


class Widget(msgspec.Struct, frozen=True, kw_only=True):
    """A box that people put on their dashboards (slot ``dashboard``). Fails like a panel.

    Attributes:
        width: of four columns.
        metric: id of a metric that it draws; then it needs no ``template`` and no ``load``.
        shown: whether it is on dashboards that nobody has arranged.
    """

    id: str
    title: Text
    permission: str
    template: str = ""
    load: Loader | None = None
    icon: str = ""
    order: int = 100
    width: int = 1
    metric: str = ""
    chart: Literal["line", "bars", "rows", "number"] = "number"
    shown: bool = False


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """Something to do, offered by the command palette.

    With slot ``customer.actions`` it is a button of the customer page as well (and only there),
    ``deal.actions`` one of a deal.

    Attributes:
        path: where it leads; ``{id}`` stands for the customer (or deal) in slots that have one.
        words: other words by which it is found.
        post: it is sent by POST rather than followed.
        danger: it leads to what cannot be taken back, and looks so in the menu of a customer.
    """

    id: str
    title: Text
    permission: str
    path: str
    icon: str = ""
    slot: Literal["", "customer.actions", "deal.actions"] = ""
    words: str = ""
    order: int = 100
    post: bool = False
    danger: bool = False


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """What a column says of one customer."""

    text: str
    tone: Literal["", "good", "warning", "bad", "info"] = ""
    href: str = ""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column that people may add to the list of customers (slot ``list.columns``).

    ``load`` gets the customers of one page together and has a second; customers that it leaves out
    have an empty cell.
    """

    id: str
    title: Text
    permission: str
    load: Callable[[Plugin, Visit, Sequence[Customer]], Awaitable[Mapping[UUID, Cell]]]
    order: int = 100
    number: bool = False


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a bulk action. ``undo`` is a path that takes it back when posted to."""

    count: int
    undo: str = ""


class BulkAction(msgspec.Struct, frozen=True, kw_only=True):
    """Something done with the chosen customers of a list (slot ``list.bulk``).

    ``run`` gets up to a thousand customers at a time inside a transaction.

    Attributes:
        fields: a Struct of what is asked before it is done; ``None`` asks for nothing.
        labels: what the form calls each field of it.
        confirm: whether it is asked if it is really meant.
    """

    id: str
    title: Text
    permission: str
    run: Callable[[Plugin, Visit, Sequence[UUID], Any], Awaitable[Done]]
    fields: type[msgspec.Struct] | None = None
    labels: Mapping[str, Text] = {}
    icon: str = ""
    order: int = 100
    confirm: bool = False


class MetricQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a metric is asked for.

    Attributes:
        first: the first day, by the company's clock.
        until: the day after the last.
        period: by which the time is cut; ``None`` for one figure over all of it.
        by: the dimension by which it is cut; empty for none.
        only: dimension → value, to look at one part.
    """

    first: dt.date
    until: dt.date
    period: Period | None = None
    by: str = ""
    only: Mapping[str, str] = {}


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One figure.

    Attributes:
        start: the first day of its period; ``None`` when time is not cut.
        part: the value of the dimension (an id); empty when nothing is cut.
        value: in the metric's unit; money in minor units; ``None`` where there is too little data.
        rows: how many rows it rests on; the rows that drilling down shows are as many.
        currency: of money.
    """

    value: int | float | None
    rows: int
    start: dt.date | None = None
    part: str = ""
    currency: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row behind a figure.

    Attributes:
        id: unique among the rows of the figure; a cursor.
        href: where it is shown.
        value: its part in a sum, in the metric's unit.
    """

    id: str
    title: str
    href: str = ""
    when: dt.datetime | None = None
    value: int | float | None = None
    currency: str = ""
    detail: str = ""


class Dimension(msgspec.Struct, frozen=True, kw_only=True):
    """Something by which a metric can be cut; ``names`` says what its values are called."""

    id: str
    title: Text
    names: Callable[[Plugin, Visit, Sequence[str]], Awaitable[Mapping[str, str]]] | None = None


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """A figure over time that widgets, reports and the chart builder draw.

    Attributes:
        points: the figures, only those of rows that the viewer sees; periods without rows may be
            left out.
        rows: the rows behind exactly one figure, in the order of ``Row.id``, at most ``limit``
            beyond ``after``. Their count equals ``Point.rows`` (AC-REP-1).
        direction: whether more of it is good news.
    """

    id: str
    title: Text
    permission: str
    unit: Unit
    points: Callable[[Plugin, Visit, MetricQuery], Awaitable[Sequence[Point]]]
    rows: Callable[[Plugin, Visit, MetricQuery, str, int], Awaitable[Sequence[Row]]]
    dimensions: tuple[Dimension, ...] = ()
    direction: Literal["up", "down", "none"] = "up"
    description: Text | None = None


#: What everybody who is signed in may see.
ANYBODY = SIGNED_IN

__all__ = [
    "ANYBODY",
    "BulkAction",
    "Cell",
    "Column",
    "Command",
    "Dimension",
    "Done",
    "Entry",
    "Group",
    "Loader",
    "Metric",
    "MetricQuery",
    "Panel",
    "Period",
    "Point",
    "Row",
    "Slot",
    "Unit",
    "WebPage",
    "Widget",
]
