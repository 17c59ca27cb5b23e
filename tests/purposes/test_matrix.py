"""Every door, every purpose, every way to read, every field: exactly what may be had is had.

What may be had is worked out here from the words of the rule alone: a field is for some purposes or
for any; a plugin gets it while it works for one of them, and for none that its manifest does not
declare.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import NamedTuple
from uuid import UUID

import msgspec
import pytest

from core.tests.web.browsing import Browser, signed_in
from relatum.access.viewer import SYSTEM
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.customers.types import (
    ContactPointDraft,
    CustomerChange,
    CustomerDraft,
    FieldDraft,
)
from relatum.hooks.screens import MetricQuery
from relatum.importing.export import export_all
from relatum.importing.plan import parse_plan
from relatum.plugins.discovery import discover
from relatum.reports.running import run_report
from relatum.web.bulk_changes import BulkChanges
from relatum.web.visit import Visit
from relatum_sdk.temporary import make_plugin

SOURCE = (Path(__file__).parent / "reader" / "plugin.py").read_text(encoding="utf-8")
FORM = (
    '{% extends "relatum/base.html" %}{% import "relatum/ui.html" as ui with context %}'
    "{% block title %}x{% endblock %}{% block heading %}x{% endblock %}{% block content %}"
    '<form method="post" action="/p/ID">{{ ui.csrf() }}<button>x</button></form>'
    "{% endblock %}"
)
#: field → the purposes it is bound to; none is any
FIELDS: Mapping[str, frozenset[str]] = {
    "free": frozenset(),
    "for_relations": frozenset({"relations"}),
    "for_advertising": frozenset({"advertising"}),
    "for_service": frozenset({"service"}),
    "for_two": frozenset({"advertising", "service"}),
}
#: plugin → purpose → classes of data that its manifest names for it
PLUGINS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "silent": {},
    "seller": {"relations": frozenset({"finance"})},
    "caller": {"relations": frozenset(), "advertising": frozenset({"contact"})},
}
PURPOSES = ("", "relations", "advertising", "service", "nowhere")
#: Copies of whole rows: they are withheld as a whole, so less than what may be had is right.
COPIES = ("sql journal", "sql import")
WAYS = ("find", "get", "filter", "sql", "sql all", "sql quoted", "sql log", "house", *COPIES)
DOORS = (
    *("job", "atomic job", "handler", "page", "act", "panel", "column", "bulk", "metric", "rows"),
    *("route", "report", "prepare", "write", "finish", "undo", "export", "hook"),
)
PHONE = "0901234567"


def may(plugin: str, purpose: str, field: str) -> bool:
    if purpose:
        return purpose in PLUGINS[plugin] and (not FIELDS[field] or purpose in FIELDS[field])
    return not FIELDS[field] or any(each in PLUGINS[plugin] for each in FIELDS[field])


def manifest_of(plugin: str) -> str:
    entries = (
        f'[[processing]]\nid = "{purpose}"\ntitle = {{ en = "x", vi = "x" }}\n'
        f'purpose = "{purpose}"\nbasis = "consent"\ndata = {sorted(data)}\n'
        'subjects = ["customers"]\n'
        for purpose, data in PLUGINS[plugin].items()
    )
    lines = "".join(entries).replace("'", '"')
    return f'id = "{plugin}"\ncore_api = ">=1.2,<2"\nkind = "function"\n{lines}'


class World(NamedTuple):
    house: House
    customer: UUID
    readers: Mapping[str, ModuleType]
    folder: Path


@pytest.fixture
async def world(
    tmp_path: Path, relatum_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """Three plugins that read everything, and one customer who has a value of every field."""
    folder = tmp_path / "site"
    for id in PLUGINS:
        files = {"templates/page.html": FORM.replace("ID", id), "templates/panel.html": "x"}
        make_plugin(folder, id, plugin_py=SOURCE, manifest=manifest_of(id), files=files)
    monkeypatch.syspath_prepend(str(folder))
    settings = Settings(home=tmp_path, database=relatum_database_url, durability="normal")
    found = [each for each in discover() if each.id in PLUGINS]
    async with await House.open(settings, discover=lambda: found) as house:
        for each in house.plugins.states():
            assert each.state == "enabled", each.problems
        customer = await furnish(house, tmp_path)
        await house.handlers.run_once()
        readers = {id: sys.modules[f"relatum_{id}.plugin"] for id in PLUGINS}
        for each in readers.values():
            each.SEEN.clear()
            each.CONTACTS.clear()
        yield World(house, customer, readers, tmp_path)
    for name in [name for name in sys.modules if name.startswith(tuple(map(_package, PLUGINS)))]:
        del sys.modules[name]


def _package(plugin: str) -> str:
    return f"relatum_{plugin}"


async def furnish(house: House, folder: Path) -> UUID:
    """A customer who was changed, merged and imported over, so that copies of the row exist."""
    await house.customers.declare_fields(
        [FieldDraft(key=key, title_en=key, purposes=sorted(for_)) for key, for_ in FIELDS.items()]
    )
    fields = {key: f"value-{key}" for key in FIELDS}
    first, second = await house.customers.create(
        [
            CustomerDraft(
                display_name="Nguyễn Văn An",
                fields=fields,
                external_ids={"shop": "A1"},
                contact_points=[ContactPointDraft(kind="phone", raw=PHONE)],
            ),
            CustomerDraft(display_name="Nguyễn An", fields=dict.fromkeys(FIELDS, "old")),
        ],
        by="system",
    )
    await change_and_back(house, first)
    await house.merging.merge(first, second, by="system")
    (folder / "in").mkdir()
    (folder / "in" / "customers.csv").write_text("id,name\nA1,Nguyễn An An\n", encoding="utf-8")
    plan = parse_plan(
        'name = "shop"\n[[files]]\npath = "customers.csv"\ntarget = "core.customers"\n'
        '[files.columns]\nexternal_id = "id"\ndisplay_name = "name"\n'
    )
    outcome = await house.imports.apply(plan, folder / "in")
    assert outcome.counts.updated == 1, outcome
    return first


async def change_and_back(house: House, customer: UUID) -> None:
    for free in ("changed", "value-free"):
        change = CustomerChange(fields={"free": free})
        await house.customers.change(customer, change, by="system")


# -- going through every door ----------------------------------------------------------------------


async def through_background(world: World, plugin: str) -> None:
    house = world.house
    assert await house.jobs.run_now(f"{plugin}.job")
    assert await house.jobs.run_now(f"{plugin}.atomic")
    await change_and_back(house, world.customer)
    await house.handlers.run_once()
    await run_report(house.registry, f"{plugin}.report", None)
    draft = CustomerDraft(display_name="Nguyễn An", fields=dict.fromkeys(FIELDS, "new"))
    await house.dispatcher.take_part("relatum_find_duplicates", drafts=[draft])
    await through_imports(world, plugin)


async def through_imports(world: World, plugin: str) -> None:
    folder = world.folder / f"things-{plugin}"
    folder.mkdir()
    (folder / "things.csv").write_text("word\none\n", encoding="utf-8")
    plan = parse_plan(
        f'name = "things"\n[[files]]\npath = "things.csv"\ntarget = "{plugin}.things"\n'
        '[files.columns]\nword = "word"\n'
    )
    outcome = await world.house.imports.apply(plan, folder)
    await world.house.imports.undo(outcome.id)
    await export_all(world.house, world.folder / f"out-{plugin}", targets=[f"{plugin}.things"])


async def through_screens(world: World, plugin: str, browser: Browser) -> None:
    house = world.house
    page = await browser.page(f"/p/{plugin}")
    assert (await browser.send(page, f"/p/{plugin}")).status_code == 303
    await browser.page(f"/customers/{world.customer}")
    await browser.page(f"/customers?columns={plugin}.column")
    answer = await browser.answer(f"/api/v1/plugins/{plugin}/look")
    assert answer.status_code == 200, answer.text
    action = house.registry.bulk_actions.get(f"{plugin}.bulk")
    await BulkChanges(house).act(action, [world.customer], None, "en")
    query = MetricQuery(first=dt.date(2025, 1, 1), until=dt.date(2025, 2, 1))
    visit = Visit(house.registry.plugins["core"], house, SYSTEM, "en")
    await house.figures.read(f"{plugin}.figure", visit, query)
    await house.figures.rows(f"{plugin}.figure", visit, query)


def is_withheld_whole(way: str, purpose: str, expected: set[str]) -> bool:
    """A payload in the log may tell anything that is masked for a purpose, so all of it is."""
    return (way in COPIES and expected != set(FIELDS)) or (way == "sql log" and bool(purpose))


def check(world: World, plugin: str, doors: tuple[str, ...]) -> int:
    """Compare every cell with the rule; returns how many there were."""
    reader, cells = world.readers[plugin], 0
    for door in doors:
        for purpose in PURPOSES:
            expected = {field for field in FIELDS if may(plugin, purpose, field)}
            for way in WAYS:
                seen = reader.SEEN[door, purpose, way]
                cells += len(FIELDS)
                if is_withheld_whole(way, purpose, expected):
                    assert not seen, (plugin, door, purpose, way, seen)
                    continue
                assert seen == expected, (plugin, door, purpose, way)
            shown = {PHONE} == reader.CONTACTS[door, purpose]
            contact = not purpose or "contact" in PLUGINS[plugin].get(purpose, frozenset())
            assert shown is contact, (plugin, door, purpose, reader.CONTACTS[door, purpose])
        if (door, "", "given") in reader.SEEN:
            given = reader.SEEN[door, "", "given"]
            assert given == {field for field in FIELDS if may(plugin, "", field)}, (plugin, door)
    return cells


async def test_every_cell_of_the_matrix(world: World) -> None:
    browser = await signed_in(world.house)
    cells = 0
    for plugin in PLUGINS:
        await through_background(world, plugin)
        await through_screens(world, plugin, browser)
        cells += check(world, plugin, DOORS)
    await browser.client.aclose()
    assert cells == len(PLUGINS) * len(DOORS) * len(PURPOSES) * len(WAYS) * len(FIELDS)
    for reader in world.readers.values():
        given = {door for door, _, way in reader.SEEN if way == "given"}
        assert given == {"handler", "panel", "column", "hook"}
    await everything_withheld_is_told(world)


async def everything_withheld_is_told(world: World) -> None:
    """One line for each plugin and purpose from which something was withheld, and no other."""
    found = await world.house.db.fetch(
        "SELECT payload FROM core_event WHERE type = 'core.purposes.withheld'"
    )
    told = [msgspec.json.decode(payload) for (payload,) in found]
    expected = {}
    for plugin, declared in PLUGINS.items():
        for purpose in PURPOSES:
            fields = [field for field in sorted(FIELDS) if not may(plugin, purpose, field)]
            named = declared.get(purpose, frozenset())
            every = {"contact", "identity", "finance", "health", "secret"}
            classes = sorted(every - named) if purpose else []
            if fields or classes:
                expected[plugin, purpose] = fields, classes
    assert len(told) == len(expected), "each once a day"
    assert {
        (each["plugin"], each["purpose"]): (each["fields"], each["classes"]) for each in told
    } == expected
    assert {tuple(each["declared"]) for each in told if each["plugin"] == "caller"} == {
        ("advertising", "relations")
    }
