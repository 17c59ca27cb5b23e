"""A house with a past: customers, events and interactions of several months, and its archive."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from relatum.app.house import House
from relatum.archive import leaving
from relatum.archive.kinds import KINDS, Row, rows_of
from relatum.customers.types import CustomerDraft
from relatum.db.guarding import as_the_house
from relatum.events import log as log_module
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import Handler
from relatum.interactions import service as interactions_module
from relatum.interactions.types import Amount, InteractionDraft

MONTHS = ("2025-01", "2025-02", "2025-03")


class Past:
    """Makes history at chosen moments, and says what is in the database and in the archive."""

    def __init__(self, house: House, clock: Clock) -> None:
        self.house = house
        self.clock = clock
        self.customers: list[UUID] = []
        #: seq of every event that a handler of :meth:`follow` saw
        self.seen: list[int] = []

    @property
    def folder(self) -> Path:
        return self.house.archive.folder

    async def people(self, count: int) -> list[UUID]:
        """New customers, each with an event."""
        drafts = [CustomerDraft(display_name=f"Nguyễn Văn {n}") for n in range(count)]
        ids = await self.house.customers.create(drafts, by="system")
        self.customers += ids
        return ids

    async def record(self, month: str, count: int, *, keys: str = "") -> list[UUID]:
        """Interactions of a month, each with an event; with idempotency keys when asked for."""
        ids: list[UUID] = []
        for n in range(count):
            self.clock.set(month, n)
            draft = InteractionDraft(
                kind="core.note" if n % 3 else "core.purchase",
                customer_id=self.customers[n % len(self.customers)] if n % 5 else None,
                payload={"text": f"Ghi chú «{n}» \t\u2028"} if n % 3 else {"item": f"hàng {n}"},
                money=Amount(n * 1000, "VND") if n % 2 else None,
                idempotency_key=f"{keys}{month}:{n}" if keys else None,
                actor="person:x" if n % 4 else None,
            )
            ids += await self.house.interactions.record([draft], by=f"import:{n}")
        return ids

    async def today(self) -> None:
        """Something happens now, and everything is sealed."""
        self.clock.moment = None
        await self.people(1)
        await self.house.seals.seal()

    async def lived(self, *, each: int = 25, keys: str = "") -> None:
        """Three months, then today."""
        self.clock.set(MONTHS[0], 0)
        await self.people(3)
        for month in MONTHS:
            await self.record(month, each, keys=keys)
        await self.today()

    def follow(self, name: str, *types: str, **options: Any) -> Handler:
        """A handler that notes what it sees."""

        async def handle(plugin: Plugin, events: Sequence[Any]) -> None:
            self.seen += [event.seq for event in events]

        async def reset(plugin: Plugin) -> None:
            self.seen.clear()

        handler = Handler(id=f"core.{name}", events=types, handle=handle, reset=reset, **options)
        self.house.registry.handlers.put(handler)
        return handler

    async def stored(self, kind: str) -> list[Row]:
        """What the database has, as stored."""
        with as_the_house():
            table = KINDS[kind]
            db = self.house.db
            return rows_of(await db.fetch(f"{table.select(db.kind)} ORDER BY {table.key}"))

    async def everything(self) -> dict[str, list[Row]]:
        """Every row, wherever it is; without the events that tell of archiving itself."""
        found = {kind: await self.stored(kind) for kind in KINDS}
        for entry in await self.house.archive.files():
            _, rows = await self.house.archive.show(entry.kind, entry.month, rows=entry.rows)
            kind = KINDS[entry.kind]
            gone = [
                row for row in rows if entry.gone_key and not kind.before(entry.gone_key, row[0])
            ]
            found[entry.kind] += gone
        for kind, rows in found.items():
            key = KINDS[kind].key_of
            keys = [row[0] for row in rows]
            assert len(set(keys)) == len(keys), f"{kind}: a row is in both places"
            rows.sort(key=lambda row: key(row[0]))
        found["core_event"] = [
            row for row in found["core_event"] if not row[1].startswith("core.archive.")
        ]
        return found

    async def sound(self) -> None:
        """The log is as it was sealed."""
        found = await self.house.audit.check()
        assert (found.accused, found.broken, found.files) == ([], [], [])
        assert found.sound
        assert found.unread == 0


class Clock:
    """The time that new events and interactions get; the real one while ``moment`` is empty."""

    def __init__(self) -> None:
        self.moment: dt.datetime | None = None

    def set(self, month: str, n: int) -> None:
        """The ``n``-th moment of a month; every third without microseconds."""
        begin = dt.datetime.fromisoformat(f"{month}-01T00:00:00+00:00")
        step = dt.timedelta(minutes=17, microseconds=0 if n % 3 == 0 else 123_450 + n % 7)
        self.moment = begin + n * step

    def __call__(self) -> dt.datetime:
        return self.moment or dt.datetime.now(dt.UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(log_module, "now", clock)
    monkeypatch.setattr(interactions_module, "now", clock)
    return clock


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows in a piece, so that a month has several."""
    monkeypatch.setattr(leaving, "PIECE", 10)


@pytest.fixture
async def past(core_house: House, clock: Clock, small_pieces: None) -> Past:
    return Past(core_house, clock)


Make = Callable[[], Awaitable[None]]
