"""A plugin that reads customers in every way it can, wherever core lets it run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency

from relatum import api

NAME = __name__.split(".")[0].removeprefix("relatum_")
MAY = f"{NAME}.things.read"
TITLE = api.Text(en="Reader", vi="Đọc")
#: The purposes that it reads for; none named is whatever it declares.
PURPOSES = ("", "relations", "advertising", "service", "nowhere")
#: door, purpose, way → keys of custom fields that had a value
SEEN: dict[tuple[str, str, str], set[str]] = {}
#: door, purpose → contact points as they were read
CONTACTS: dict[tuple[str, str], set[str]] = {}

NAMED: dict[str, Any] = {"title": TITLE, "permission": MAY}


async def look(plugin: api.Plugin, door: str) -> None:
    """Read everything for each purpose."""
    for purpose in PURPOSES:
        if not purpose:
            await _look(plugin, door, purpose)
            continue
        async with plugin.for_purpose(purpose):
            await _look(plugin, door, purpose)


async def _look(plugin: api.Plugin, door: str, purpose: str) -> None:
    house: Any = plugin.house

    def saw(way: str, some: Any) -> None:
        kept = {each[0] if isinstance(each, tuple) else each for each in some}
        SEEN.setdefault((door, purpose, way), set()).update(kept)

    page = await house.customers.find(api.CustomerQuery())
    saw("find", [key for one in page.items for key in one.fields])
    got = [await house.customers.get(one.id) for one in page.items]
    saw("get", [key for one in got for key in one.fields])
    keys = [each.key for each in await house.customers.fields()]
    filtered = [
        key
        for key in keys
        if (await house.customers.find(api.CustomerQuery(fields={key: f"value-{key}"}))).items
    ]
    saw("filter", filtered)
    await _look_with_sql(house, saw)
    with api.as_the_house():
        rows = await house.db.fetch("SELECT c.* FROM core_customer AS c")
        saw("house", [key for key in keys if f"value-{key}" in str(rows)])
    points = await house.db.fetch("SELECT raw FROM core_contact_point")
    CONTACTS.setdefault((door, purpose), set()).update(raw for (raw,) in points)


async def _look_with_sql(house: Any, saw: Any) -> None:
    keys = [each.key for each in await house.customers.fields()]
    for way, statement in {
        "sql": "SELECT fields FROM core_customer",
        "sql all": "SELECT * FROM core_customer",
        "sql quoted": 'SELECT "core_customer"."fields" FROM "core_customer"',
        "sql log": "SELECT payload FROM core_event",
        "sql journal": "SELECT before, content FROM core_merge_row",
        "sql import": "SELECT before FROM core_import_batch",
    }.items():
        rows = await house.db.fetch(statement)
        saw(way, [key for key in keys if f"value-{key}" in str(rows)])


def _note_given(door: str, some: Any) -> None:
    """What came with the call itself."""
    SEEN.setdefault((door, "", "given"), set()).update(
        key for one in some for key in getattr(one, "fields", {})
    )


async def run_job(plugin: api.Plugin, run: api.Run) -> None:
    await look(plugin, "job")


async def run_atomic(plugin: api.Plugin, run: api.Run) -> None:
    await look(plugin, "atomic job")


async def handle(plugin: api.Plugin, events: Sequence[api.Event]) -> None:
    told = [each.data().get("changes", {}).get("fields") or [] for each in events]
    held = {key for before_after in told for one in before_after for key in one}
    SEEN.setdefault(("handler", "", "given"), set()).update(held)
    await look(plugin, "handler")


async def load(plugin: api.Plugin, visit: api.Visit) -> dict[str, Any]:
    if visit.subject is not None:
        _note_given("panel", [visit.subject])
    await look(plugin, "page" if visit.subject is None else "panel")
    return {}


async def act(plugin: api.Plugin, visit: api.Visit) -> Any:
    await look(plugin, "act")
    return api.Redirect(f"/p/{NAME}")


async def column(plugin: api.Plugin, visit: api.Visit, some: Any) -> Mapping[UUID, api.Cell]:
    _note_given("column", some)
    await look(plugin, "column")
    return {each.id: api.Cell(text="x") for each in some}


async def bulk(plugin: api.Plugin, visit: api.Visit, ids: Sequence[UUID], fields: Any) -> api.Done:
    await look(plugin, "bulk")
    return api.Done(count=len(ids))


async def points(plugin: api.Plugin, visit: api.Visit, query: api.MetricQuery) -> list[api.Point]:
    await look(plugin, "metric")
    return [api.Point(value=2, rows=2, start=query.first if query.period else None)]


async def rows(plugin: Any, visit: Any, query: Any, after: str, limit: int) -> list[api.Row]:
    await look(plugin, "rows")
    return []


class Said(msgspec.Struct):
    """An answer."""

    ok: bool = True


@get("/look", opt={"permission": MAY}, operation_id=f"{NAME}.look")
async def route(plugin: NamedDependency[api.Plugin]) -> Said:
    await look(plugin, "route")
    return Said()


async def report(plugin: api.Plugin, params: Any) -> Said:
    await look(plugin, "report")
    return Said()


class Thing(msgspec.Struct):
    """A record."""

    word: str


class Things:
    """Somewhere imports write to."""

    id = f"{NAME}.things"
    title = TITLE
    record = Thing
    key = ("word",)
    aliases: Mapping[str, tuple[str, ...]] = {}
    permission = MAY
    write_permission = MAY

    async def prepare(self, plugin: api.Plugin, records: Any, scope: Any) -> api.Prepared:
        await look(plugin, "prepare")
        return api.Prepared()

    async def write(self, plugin: api.Plugin, records: Any, scope: Any) -> api.Written:
        await look(plugin, "write")
        return api.Written(created={"nothing": [api.new_id()]})

    async def finish(self, plugin: api.Plugin, scope: Any) -> Sequence[Any]:
        await look(plugin, "finish")
        return []

    async def undo(self, plugin: api.Plugin, written: Any, scope: Any) -> Sequence[Any]:
        await look(plugin, "undo")
        return []

    async def export(self, plugin: api.Plugin) -> AsyncIterator[list[Thing]]:
        await look(plugin, "export")
        yield [Thing(word="one")]


@api.hookimpl
def relatum_register_permissions(plugin: api.Plugin) -> list[api.Permission]:
    return [api.Permission(id=MAY, title=TITLE, roles=("sales",))]


@api.hookimpl
def relatum_register_jobs(plugin: api.Plugin) -> list[api.Job]:
    return [
        api.Job(id=f"{NAME}.job", title=TITLE, run=run_job),
        api.Job(id=f"{NAME}.atomic", title=TITLE, run=run_atomic, atomic=True),
    ]


@api.hookimpl
def relatum_register_handlers(plugin: api.Plugin) -> list[api.Handler]:
    return [api.Handler(id=f"{NAME}.handler", events=("core.customer_updated",), handle=handle)]


@api.hookimpl
def relatum_register_routes(plugin: api.Plugin) -> list[Any]:
    return [route]


@api.hookimpl
def relatum_register_reports(plugin: api.Plugin) -> list[api.Report]:
    return [api.Report(id=f"{NAME}.report", run=report, **NAMED)]


@api.hookimpl
def relatum_register_import_targets(plugin: api.Plugin) -> list[Any]:
    return [Things()]


@api.hookimpl
def relatum_register_pages(plugin: api.Plugin) -> list[api.WebPage]:
    template = f"{NAME}/page.html"
    return [
        api.WebPage(id=f"{NAME}.page", path="/", template=template, load=load, act=act, **NAMED)
    ]


@api.hookimpl
def relatum_register_panels(plugin: api.Plugin) -> list[api.Panel]:
    template = f"{NAME}/panel.html"
    return [
        api.Panel(id=f"{NAME}.panel", slot="customer.side", template=template, load=load, **NAMED)
    ]


@api.hookimpl
def relatum_register_columns(plugin: api.Plugin) -> list[api.Column]:
    return [api.Column(id=f"{NAME}.column", load=column, **NAMED)]


@api.hookimpl
def relatum_register_bulk_actions(plugin: api.Plugin) -> list[api.BulkAction]:
    return [api.BulkAction(id=f"{NAME}.bulk", run=bulk, **NAMED)]


@api.hookimpl
def relatum_register_metrics(plugin: api.Plugin) -> list[api.Metric]:
    return [api.Metric(id=f"{NAME}.figure", unit="count", points=points, rows=rows, **NAMED)]


@api.hookimpl
async def relatum_find_duplicates(
    plugin: api.Plugin, drafts: Sequence[Any]
) -> list[api.LikelyDuplicate]:
    _note_given("hook", drafts)
    await look(plugin, "hook")
    return []
