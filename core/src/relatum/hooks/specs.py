"""Every hook of Relatum, in one place.

A plugin implements a hook by a function of the same name in its ``plugin.py``, marked with
``hookimpl``. It may leave out arguments it does not need. There are two kinds here:

* **declare**: synchronous, no I/O, outside of any transaction, called once when the plugin is
  loaded; returns a list. An exception, a wrong type, a duplicate id, an id that does not begin with
  the plugin's own, or no answer within five seconds keeps the whole plugin out, and the report says
  why.
* **take part**: asynchronous, inside the caller's transaction, for a batch. An exception aborts the
  operation and names the plugin; a plugin over its time budget is reported, one that does not come
  back is cut off.

Plugins *react* to what happened through the handlers they declare. Order is always the same:
dependencies first, then by id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from uuid import UUID

    from relatum.contact.outbox.types import Parcel
    from relatum.customers.types import CustomerDraft
    from relatum.hooks.context import Plugin
    from relatum.hooks.declarations import (
        Channel,
        EventType,
        Handler,
        ImportTarget,
        InteractionKind,
        Job,
        LikelyDuplicate,
        OpenBusiness,
        Permission,
        QualityRule,
        Receipt,
        Refusal,
        Report,
    )
    from relatum.hooks.screens import (
        BulkAction,
        Column,
        Command,
        Metric,
        Panel,
        WebPage,
        Widget,
    )
    from relatum.interactions.types import InteractionDraft

PROJECT = "relatum"
#: Version of this page and of the manifest. A field more is a minor step; a hook or argument less
#: a major one.
CORE_API = "1.2"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def relatum_register_permissions(plugin: Plugin) -> list[Permission]:
    """Declare the rights that the plugin's routes, reports and pages ask for.

    Called first of all declaring hooks, once while the application is built.

    Returns:
        Permissions with ids ``<plugin>.<noun>.<verb>``.

    Example:
        ``[Permission(id="spa.rooms.read", title=Text(en="See rooms", vi="Xem phòng"))]``

    Since core_api 1.0.
    """
    raise NotImplementedError


@hookspec
def relatum_register_interaction_kinds(plugin: Plugin) -> list[InteractionKind]:
    """Declare kinds of interaction with the type of their payload.

    Called once while the application is built. An interaction of a kind whose plugin is switched
    off is kept and still shown, generically; new ones of that kind are refused.

    Returns:
        Kinds with ids ``<plugin>.<noun>``; the payload Struct refuses unknown fields.

    Example:
        ``[InteractionKind(id="spa.treatment", title=Text(en="Treatment", vi="Liệu trình"),
        payload=Treatment)]``

    Since core_api 1.0.
    """
    raise NotImplementedError


@hookspec
def relatum_register_event_types(plugin: Plugin) -> list[EventType]:
    """Declare facts that the plugin appends to the event log, with the type of their payload.

    Called once while the application is built. Events stay in the log when the plugin is off.

    Returns:
        Types with ids ``<plugin>.<what became true>``.

    Example:
        ``[EventType(id="spa.course_finished", title=Text(en="Course finished", vi="Hoàn thành"),
        payload=CourseFinished)]``

    Since core_api 1.0.
    """
    raise NotImplementedError


@hookspec
def relatum_register_handlers(plugin: Plugin) -> list[Handler]:
    """Declare durable subscriptions to event types.

    Called once while the application is built. Handlers run after commit, in the order of the log,
    in batches, at least once; what they write and their position commit together. A failing batch
    is tried event by event, with backoff, then the event is parked and later events of the same
    customer wait behind it.

    Returns:
        Handlers with ids ``<plugin>.<projection>``; ``handle(plugin, events)`` is a coroutine.

    Example:
        ``[Handler(id="spa.visits", events=("core.interaction_recorded",), handle=count_visits,
        reset=forget_visits)]``

    Since core_api 1.0.
    """
    raise NotImplementedError


@hookspec
def relatum_register_jobs(plugin: Plugin) -> list[Job]:
    """Declare background work: asked for in a transaction, on a schedule, or both.

    Called once while the application is built. Runs happen outside of requests, in workers, at
    least once; one that fails is tried again with growing distances, then it is a dead letter.
    While the plugin is off nothing of it runs, and what was asked for is kept.

    Returns:
        Jobs with ids ``<plugin>.<work>``; ``run(plugin, run)`` is a coroutine. At most one of
        ``every``, ``daily_at`` and ``cron``.

    Example:
        ``[Job(id="spa.reminders", title=Text(en="Reminders", vi="Nhắc hẹn"), run=remind,
        daily_at="08:00"), Job(id="spa.letter", title=Text(en="Letters", vi="Thư"), run=write,
        args=Letter)]``

    Since core_api 1.0.
    """
    raise NotImplementedError


@hookspec
def relatum_register_routes(plugin: Plugin) -> list[Any]:
    """Declare Litestar route handlers, mounted under ``/api/v1/plugins/<id>``.

    Called once while the application is built. Every handler names its permission with
    ``opt={"permission": "<plugin>.<noun>.<verb>"}``; one without is refused. Handlers are given
    ``plugin`` by dependency injection. A switched-off plugin's routes answer 404.

    Returns:
        Litestar route handlers or ``Controller`` classes.

    Example:
        ``[get("/rooms", opt={"permission": "spa.rooms.read"})(read_rooms)]``

    Since core_api 1.0.
    """
    raise NotImplementedError


@hookspec
def relatum_register_reports(plugin: Plugin) -> list[Report]:
    """Declare reports for ``relatum report <id>`` and ``GET /api/v1/reports/<id>``.

    Called once while the application is built.

    Returns:
        Reports with ids ``<plugin>.<name>``; ``run(plugin, params)`` answers with a Struct.

    Example:
        ``[Report(id="spa.rooms", title=Text(en="Use of rooms", vi="Sử dụng phòng"),
        permission="spa.rooms.read", run=rooms_report)]``

    Since core_api 1.0.
    """
    raise NotImplementedError


@hookspec
def relatum_register_import_targets(plugin: Plugin) -> list[ImportTarget]:
    """Declare what an import can write to and an export can read from.

    Called once while the application is built. See ``ImportTarget`` for what each part does.

    Returns:
        Targets with ids ``<plugin>.<nouns>``.

    Example:
        ``[RoomsTarget()]``

    Since core_api 1.0.
    """
    raise NotImplementedError


@hookspec
def relatum_register_pages(plugin: Plugin) -> list[WebPage]:
    """Declare pages at ``/p/<plugin>…`` and their places in the navigation.

    Called once while the application is built. ``load`` answers GET and ``act`` POST, both as
    coroutines ``(plugin, visit)`` in which the rows of the viewer are read; what they return fills
    the template. A page that raises is a page that says so, and no other page changes.

    Returns:
        Pages with ids ``<plugin>.<name>``.

    Example:
        ``[WebPage(id="spa.rooms", path="/rooms", title=Text(en="Rooms", vi="Phòng"),
        permission="spa.rooms.read", template="spa/rooms.html", load=rooms,
        entry=Entry(icon="bed"))]``

    Since core_api 1.1.
    """
    raise NotImplementedError


@hookspec
def relatum_register_panels(plugin: Plugin) -> list[Panel]:
    """Declare boxes on pages of core and of other plugins, by slot.

    Called once while the application is built. All panels of a page are loaded beside each other,
    each for two seconds at most; one that fails says so in its own box.

    Returns:
        Panels with ids ``<plugin>.<name>``.

    Example:
        ``[Panel(id="spa.visits", slot="customer.side", title=Text(en="Visits", vi="Lượt đến"),
        permission="spa.visits.read", template="spa/visits.html", load=last_visits)]``

    Since core_api 1.1.
    """
    raise NotImplementedError


@hookspec
def relatum_register_widgets(plugin: Plugin) -> list[Widget]:
    """Declare boxes that people put on their dashboards.

    Called once while the application is built. A widget that names a metric needs nothing else.

    Returns:
        Widgets with ids ``<plugin>.<name>``.

    Example:
        ``[Widget(id="spa.today", title=Text(en="Today", vi="Hôm nay"),
        permission="spa.visits.read", metric="spa.visits", chart="number")]``

    Since core_api 1.1.
    """
    raise NotImplementedError


@hookspec
def relatum_register_commands(plugin: Plugin) -> list[Command]:
    """Declare what the command palette offers, and buttons of customer and deal pages.

    Called once while the application is built.

    Returns:
        Commands with ids ``<plugin>.<verb>``.

    Example:
        ``[Command(id="spa.book", title=Text(en="Book a visit", vi="Đặt lịch"), icon="calendar",
        permission="spa.visits.write", path="/p/spa/book?customer={id}", slot="customer.actions")]``

    Since core_api 1.1.
    """
    raise NotImplementedError


@hookspec
def relatum_register_columns(plugin: Plugin) -> list[Column]:
    """Declare columns that people may add to the list of customers.

    Called once while the application is built. ``load`` gets all customers of a page together.

    Returns:
        Columns with ids ``<plugin>.<name>``.

    Example:
        ``[Column(id="spa.last_visit", title=Text(en="Last visit", vi="Lần đến gần nhất"),
        permission="spa.visits.read", load=last_visits_of)]``

    Since core_api 1.1.
    """
    raise NotImplementedError


@hookspec
def relatum_register_bulk_actions(plugin: Plugin) -> list[BulkAction]:
    """Declare what can be done with many chosen customers at once.

    Called once while the application is built. ``run`` is called inside a transaction.

    Returns:
        Actions with ids ``<plugin>.<verb>``.

    Example:
        ``[BulkAction(id="spa.invite", title=Text(en="Invite", vi="Mời"),
        permission="spa.visits.write", run=invite, confirm=True)]``

    Since core_api 1.1.
    """
    raise NotImplementedError


@hookspec
def relatum_register_metrics(plugin: Plugin) -> list[Metric]:
    """Declare figures over time, with the rows behind each of them.

    Called once while the application is built. Dashboards, reports and the chart builder draw them;
    whoever looks may ask a figure for its rows, and gets as many as it says.

    Returns:
        Metrics with ids ``<plugin>.<name>``.

    Example:
        ``[Metric(id="spa.visits", title=Text(en="Visits", vi="Lượt đến"), unit="count",
        permission="spa.visits.read", points=visit_points, rows=visit_rows)]``

    Since core_api 1.1.
    """
    raise NotImplementedError


@hookspec
def relatum_register_channels(plugin: Plugin) -> list[Channel]:
    """Declare the ways to reach customers that the plugin sends through.

    Called once while the application is built. Where two plugins declare one channel, the first of
    those that are on sends: dependencies first, then by id.

    Returns:
        Channels with ids ``<plugin>.<name>``.

    Example:
        ``[Channel(id="spa.sms", title=Text(en="SMS", vi="Tin nhắn SMS"), channel="sms")]``

    Since core_api 1.1.
    """
    raise NotImplementedError


@hookspec
async def relatum_send(plugin: Plugin, parcels: Sequence[Parcel]) -> list[Receipt]:
    """Hand messages over to a provider. The only place from which anything leaves the house.

    Called by the outbox, outside of any transaction, for messages of a channel that the plugin
    declares, as many as its ``batch``. Each parcel carries a ``Permit`` that the contact gate gave
    a moment ago; nobody else can make one. Before each message look at ``permit.is_fresh``: one
    that is not is answered with ``untried``. A minute may pass, then the call is cut off.

    Returns:
        One ``Receipt`` for each parcel, by the id of its message. A message without one counts as
        ``unknown``.

    An exception makes every message of the batch ``unknown``: it may have been sent, so that a
    person looks. Should the process end before the answer is noted, the same holds, unless the
    channel is idempotent: then the message is handed over again under its key.

    Example:
        ``return [Receipt(message=each.message, outcome="sent") for each in parcels]``

    Since core_api 1.1.
    """
    raise NotImplementedError


@hookspec
def relatum_register_quality_rules(plugin: Plugin) -> list[QualityRule]:
    """Declare what may be wrong with customers' records, or with what hangs on them.

    Called once while the application is built. The plugin ``data_quality`` applies the rules every
    night, and to customers that change; without it nobody asks them.

    Returns:
        Rules with ids ``<plugin>.<what is wrong>``; ``find(plugin, customers)`` is a coroutine.

    Example:
        ``[QualityRule(id="spa.no_card", title=Text(en="No card", vi="Chưa có thẻ"),
        why=Text(en="Visits do not count.", vi="Lượt đến không được tính."),
        dimension="completeness", find=without_card)]``

    Since core_api 1.1.
    """
    raise NotImplementedError


@hookspec
async def relatum_validate_interactions(
    plugin: Plugin, drafts: Sequence[InteractionDraft]
) -> list[Refusal]:
    """Say no to interactions before they are recorded.

    Called inside the transaction that will record the batch, for forms, API and imports alike, in
    dependency order. Payloads have passed their type already. Every plugin is asked.

    Returns:
        One ``Refusal`` (index into ``drafts``, problem) for each draft that must not go in; an
        empty list lets all through.

    An exception aborts the whole operation and names the plugin.

    Example:
        ``return [Refusal(n, problem) for n, draft in enumerate(drafts) if overlaps(draft)]``

    Since core_api 1.0.
    """
    raise NotImplementedError


@hookspec
async def relatum_find_duplicates(
    plugin: Plugin, drafts: Sequence[CustomerDraft]
) -> list[LikelyDuplicate]:
    """Say which customers, or earlier drafts of the batch, drafts are likely the same as.

    Called before somebody is written: by the customer form while one types and when it is saved
    (outside of any transaction), by ``POST /customers`` where duplicates are asked for (outside),
    and by imports for up to a hundred rows at once (in a preview inside the transaction that is
    taken back). Nothing may be written. In dependency order; what plugins say of one pair counts by
    the highest probability.

    Returns:
        One ``LikelyDuplicate`` for each pair that a person should see, of customers that the viewer
        of the moment sees; an empty list when there is none.

    An exception, or no answer in time, stops nothing: it is logged with the plugin's name, and
    core's own plain check answers instead.

    Example:
        ``return [LikelyDuplicate(index=0, customer=guest.id, probability=0.9,
        reasons=(Text(en="same card", vi="trùng thẻ"),))]``

    Since core_api 1.1.
    """
    raise NotImplementedError


@hookspec
async def relatum_open_business(plugin: Plugin, customers: Sequence[UUID]) -> list[OpenBusiness]:
    """Say with which customers something is not over yet, so that no schedule erases them.

    Called by whoever lists customers that have been idle for long (up to a thousand at once), by
    core before it erases such a batch, and once more inside the transaction that erases it; and by
    the preview of an erasure, which shows the answer as a warning. It sees all rows, whoever asks.
    Nothing may be written. In dependency order.

    Returns:
        One ``OpenBusiness`` for each customer of the batch with whom something is open.

    An exception, an answer of the wrong type, or none in time means that nobody of the batch is
    erased by the schedule. A person's own request to be erased is not held up by anything here.

    Example:
        ``return [OpenBusiness(customer=guest, text=Text(en="booked", vi="đã đặt lịch"))]``

    Since core_api 1.2.
    """
    raise NotImplementedError


@hookspec
async def relatum_seed_demo(plugin: Plugin, customers: Sequence[Any], seed: int) -> None:
    """Add the plugin's part of the demo company.

    Called by ``relatum demo`` after core made its customers and interactions, in dependency order,
    each plugin in a transaction of its own.

    Args:
        customers: the demo customers (``Customer``), people and organisations.
        seed: for the plugin's own random numbers, so that every demo is the same.

    An exception undoes the plugin's part and stops the demo, naming the plugin.

    Example:
        ``await make_rooms(plugin.house.db, Random(seed))``

    Since core_api 1.0.
    """
    raise NotImplementedError


DECLARING = (
    "relatum_register_permissions",
    "relatum_register_interaction_kinds",
    "relatum_register_event_types",
    "relatum_register_handlers",
    "relatum_register_jobs",
    "relatum_register_routes",
    "relatum_register_reports",
    "relatum_register_import_targets",
    "relatum_register_pages",
    "relatum_register_panels",
    "relatum_register_widgets",
    "relatum_register_commands",
    "relatum_register_columns",
    "relatum_register_bulk_actions",
    "relatum_register_metrics",
    "relatum_register_quality_rules",
    "relatum_register_channels",
)
TAKING_PART = (
    "relatum_validate_interactions",
    "relatum_find_duplicates",
    "relatum_send",
    "relatum_open_business",
    "relatum_seed_demo",
)
