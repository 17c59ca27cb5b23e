"""A log with one event type of a plugin `probe`, and a table that its handlers write to."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import msgspec
import pytest

from relatum.db.database import Database
from relatum.events import parking as parking_module
from relatum.events.log import EventLog
from relatum.events.runner import HandlerRunner
from relatum.events.types import Event, NewEvent
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import EventType, Handler
from relatum.hooks.gate import Gate
from relatum.hooks.registry import Registry
from relatum.values.text import Text
from relatum_sdk import pytest_plugin
from relatum_sdk.databases import Databases, PostgresDatabases, SqliteDatabases
from relatum_sdk.pytest_plugin import SERVER_VARIABLE

Handle = Callable[[Plugin, Sequence[Event]], Awaitable[None]]


class Happened(msgspec.Struct, frozen=True):
    n: int


class Other(msgspec.Struct, frozen=True):
    n: int


class Scene:
    """One process: a database, a log, a runner, and the handlers of the plugin ``probe``."""

    Happened = Happened
    Other = Other

    def __init__(self, db: Database) -> None:
        self.db = db
        self.gate = Gate({"probe"})
        self.registry = Registry(self.gate)
        self.registry.plugins["probe"] = Plugin("probe", version="1.0")
        for id, payload in (("probe.happened", Happened), ("probe.other", Other)):
            self.registry.event_types.put(
                EventType(id=id, title=Text(en=id, vi=id), payload=payload)
            )
        self.log = EventLog(db, self.registry)
        self.runner = HandlerRunner(db, self.log, self.registry)

    async def append(self, *pairs: tuple[UUID | None, int]) -> None:
        """One event for each pair of customer and number."""
        await self.log.append(
            [NewEvent(type="probe.happened", payload=Happened(n), customer=c) for c, n in pairs],
            by="system",
        )

    async def append_other(self, *numbers: int) -> None:
        """Events of another type."""
        await self.log.append(
            [NewEvent(type="probe.other", payload=Other(n)) for n in numbers], by="system"
        )

    def declare(self, name: str, handle: Handle | None = None, **options: Any) -> Handler:
        """A handler of the plugin; by default one that writes down what it sees."""
        options.setdefault("events", ("probe.happened",))
        handler = Handler(
            id=f"probe.{name}",
            handle=handle or self.writer(name),
            reset=self.resetter(name),
            **options,
        )
        self.registry.handlers.put(handler)
        return handler

    def writer(self, name: str, *, before: Callable[[Event], None] | None = None) -> Handle:
        """Writes every event down, after asking ``before`` (which may raise)."""

        async def handle(plugin: Plugin, events: Sequence[Event]) -> None:
            for event in events:
                await self.db.execute(
                    "INSERT INTO probe_seen (handler, seq, customer_id, n) VALUES (?, ?, ?, ?)",
                    name,
                    event.seq,
                    str(event.customer) if event.customer else None,
                    event.read(Happened).n,
                )
                if before is not None:
                    before(event)

        return handle

    def resetter(self, name: str) -> Callable[[Plugin], Awaitable[None]]:
        async def reset(plugin: Plugin) -> None:
            await self.db.execute("DELETE FROM probe_seen WHERE handler = ?", name)

        return reset

    async def seen(self, name: str) -> list[int]:
        """The numbers a handler wrote down, in the order of writing."""
        rows = await self.db.fetch(
            "SELECT n FROM probe_seen WHERE handler = ? ORDER BY place", name
        )
        return [row[0] for row in rows]

    async def seen_of(self, name: str, customer: UUID) -> list[int]:
        rows = await self.db.fetch(
            "SELECT n FROM probe_seen WHERE handler = ? AND customer_id = ? ORDER BY place",
            name,
            str(customer),
        )
        return [row[0] for row in rows]

    async def logged(self) -> list[int]:
        """The numbers in the log, in its order."""
        rows = await self.db.fetch("SELECT payload FROM core_event ORDER BY seq")
        return [msgspec.json.decode(row[0])["n"] for row in rows]

    async def position(self, name: str) -> int:
        row = await self.db.fetch_one(
            "SELECT position FROM core_handler WHERE id = ?", f"probe.{name}"
        )
        return row[0] if row else 0

    async def empty(self) -> None:
        """Back to an empty log without handlers (between examples of a law)."""
        for table in ("core_event", "core_handler", "core_parked_event", "probe_seen"):
            await self.db.execute(f"DELETE FROM {table}")
        self.registry.handlers.remove_all_of("probe")
        self.runner = HandlerRunner(self.db, self.log, self.registry)


class Clock:
    """The time that the runner sees."""

    def __init__(self) -> None:
        self.moment = dt.datetime(2026, 11, 22, 8, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.moment

    def forward(self, seconds: float) -> None:
        self.moment += dt.timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(parking_module, "now", clock)
    return clock


# Whoever changes the tables of a database makes it useless for the next test, and a new one costs
# ten times as much as one that is emptied. So the table of the probe is in the template.
@pytest.fixture(scope="session")
def _relatum_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    databases = SqliteDatabases(tmp_path_factory.mktemp("probes"), _migrate_with_probe)
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def _relatum_postgresql() -> Iterator[Databases]:
    databases = PostgresDatabases(os.environ[SERVER_VARIABLE], _migrate_with_probe)
    yield databases
    databases.close()


def _migrate_with_probe(url: str) -> None:
    pytest_plugin._migrate(url)
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, _add_probe(url)).result()


async def _add_probe(url: str) -> None:
    database = await Database.open(url)
    place = "BIGSERIAL" if database.kind == "postgresql" else "INTEGER"
    await database.execute(
        f"CREATE TABLE probe_seen (place {place} PRIMARY KEY, handler TEXT, seq BIGINT, "
        "customer_id TEXT, n BIGINT)"
    )
    await database.close()


@pytest.fixture
async def scene(relatum_database_url: str) -> AsyncIterator[Scene]:
    database = await Database.open(relatum_database_url)
    yield Scene(database)
    await database.close()


@pytest.fixture
async def other_process(
    scene: Scene, relatum_database_url: str
) -> AsyncIterator[Callable[[], Awaitable[Scene]]]:
    """Makes further scenes on the same database, each with connections of its own."""
    opened: list[Database] = []

    async def make() -> Scene:
        opened.append(await Database.open(relatum_database_url))
        return Scene(opened[-1])

    yield make
    for database in opened:
        await database.close()
