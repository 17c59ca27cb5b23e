"""A small world of customers for the laws of merging, and what it must look like, said otherwise.

The expectations know nothing of journals: they unite plain sets (union-find over who is one with
whom). The tables ``zz_…`` are of a plugin that core has never seen: no class of it is imported, so
that it might as well be switched off.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from relatum.app.house import House
from relatum.customers.types import (
    ContactPointDraft,
    CustomerChange,
    CustomerDraft,
    FieldDraft,
    LinkDraft,
)
from relatum.interactions.types import InteractionDraft
from relatum.values.ids import new_id

BY = "person:tester"
TABLES = (
    (
        "CREATE TABLE zz_card (id UUID PRIMARY KEY, customer_id UUID NOT NULL REFERENCES "
        "core_customer (id) ON DELETE RESTRICT, programme VARCHAR(20) NOT NULL, "
        "points INTEGER NOT NULL, "
        "UNIQUE (customer_id, programme))"
    ),
    (
        "CREATE TABLE zz_stamp (id INTEGER PRIMARY KEY, card_id UUID NOT NULL REFERENCES "
        "zz_card (id) ON DELETE CASCADE, word VARCHAR(20) NOT NULL)"
    ),
    "CREATE UNIQUE INDEX zz_stamp_once ON zz_stamp (card_id, lower(word)) WHERE word <> ''",
    (
        "CREATE TABLE zz_note (id UUID PRIMARY KEY, customer_id UUID REFERENCES core_customer (id) "
        "ON DELETE RESTRICT, word VARCHAR(20) NOT NULL)"
    ),
    (
        "CREATE TABLE zz_pair (id UUID PRIMARY KEY, giver_id UUID NOT NULL REFERENCES "
        "core_customer (id) ON DELETE RESTRICT, "
        "taker_id UUID NOT NULL REFERENCES core_customer (id) "
        "ON DELETE RESTRICT)"
    ),
    (
        "CREATE TABLE zz_state (customer_id UUID PRIMARY KEY REFERENCES core_customer (id) "
        "ON DELETE RESTRICT, mark VARCHAR(20) NOT NULL)"
    ),
)
PHONES = ("0901234501", "0901234502", "0901234503", "0901234504")
MAILS = ("a@example.com", "b@example.com", "c@example.com")
TAGS = ("vip", "mới", "cũ")
ROLES = ("prospect", "customer", "partner")
CITIES = (None, "Huế", "Hà Nội")
WORDS = ("x", "X", "y", "")

#: Everything that a merge may touch, and what of it must be as before: all but what only grows.
SNAPSHOT = {
    "core_customer": ("version", "updated_at"),
    "core_contact_point": (),
    "core_customer_role": (),
    "core_customer_tag": (),
    "core_external_id": (),
    "core_customer_link": (),
    "core_interaction": (),
    "core_rule_member": ("id", "updated_at"),
    "zz_card": (),
    "zz_stamp": (),
    "zz_note": (),
    "zz_pair": (),
    "zz_state": (),
}


class World:
    """Customers with everything that can hang on them."""

    def __init__(self, house: House, chance: random.Random) -> None:
        self.house = house
        self.db = house.db
        self.chance = chance
        self.ids: list[UUID] = []
        self.names: list[str] = []

    @staticmethod
    async def build(house: House) -> None:
        """The tables of the unknown plugin, the custom fields, a rule."""
        for sql in TABLES:
            await house.db.engine.run_ddl(sql)
        await house.customers.declare_fields(
            [FieldDraft(key="city"), FieldDraft(key="pin", sensitivity="secret")]
        )

    async def fill(self, number: int) -> None:
        """So many customers, and rows of every table between them."""
        chance = self.chance
        drafts = [self._draft(n) for n in range(number)]
        self.ids = await self.house.customers.create(drafts, by=BY)
        self.names = [draft.display_name for draft in drafts]
        some = lambda: chance.choice(self.ids)  # noqa: E731
        links = {(some(), some(), chance.choice(["contact_of", "manages"])) for _ in range(number)}
        await self.house.customers.links.create(
            [LinkDraft(source=s, target=t, kind=kind) for s, t, kind in sorted(links) if s != t],
            by=BY,
        )
        await self.house.interactions.record(
            [
                InteractionDraft(kind="core.note", customer_id=some(), payload={"text": "x"})
                for _ in range(number)
            ],
            by=BY,
        )
        await self._fill_unknown(number)

    def _draft(self, n: int) -> CustomerDraft:
        chance = self.chance
        points = [("phone", each) for each in chance.sample(PHONES, chance.randint(0, 2))]
        points += [("email", each) for each in chance.sample(MAILS, chance.randint(0, 1))]
        chance.shuffle(points)
        fields = {"city": chance.choice(CITIES), "pin": chance.choice([None, "1", "2"])}
        return CustomerDraft(
            display_name=f"Khách {chance.choice('abc')}{n}",
            kind=chance.choice(["person", "organisation"]),
            contact_points=[ContactPointDraft(kind=kind, raw=raw) for kind, raw in points],  # type: ignore[arg-type]
            tags=chance.sample(TAGS, chance.randint(0, 2)),
            roles=chance.sample(ROLES, chance.randint(1, 2)),  # type: ignore[arg-type]
            fields={key: value for key, value in fields.items() if value},
            external_ids={s: f"{n}" for s in ("erp", "shop") if chance.random() < 0.5},
        )

    async def _fill_unknown(self, number: int) -> None:
        chance, db = self.chance, self.db
        cards = [
            (new_id(), id, programme, chance.randint(1, 9))
            for id in self.ids
            for programme in ("gold", "blue")
            if chance.random() < 0.5
        ]
        await db.insert("zz_card", ("id", "customer_id", "programme", "points"), cards)
        stamps = {
            (card[0], word.lower() or str(n)): word
            for n in range(number * 2)
            for card in cards
            if chance.random() < 0.3 and (word := chance.choice(WORDS)) is not None
        }
        await db.insert(
            "zz_stamp",
            ("id", "card_id", "word"),
            [(n, card, word) for n, ((card, _), word) in enumerate(stamps.items())],
        )
        await db.insert(
            "zz_note",
            ("id", "customer_id", "word"),
            [(new_id(), chance.choice([None, *self.ids]), str(n)) for n in range(number)],
        )
        await db.insert(
            "zz_pair",
            ("id", "giver_id", "taker_id"),
            [(new_id(), chance.choice(self.ids), chance.choice(self.ids)) for _ in range(number)],
        )
        held = [(id, f"m{n}") for n, id in enumerate(self.ids) if chance.random() < 0.6]
        await db.insert("zz_state", ("customer_id", "mark"), held)

    # -- looking ---------------------------------------------------------------------------------

    async def snapshot(self) -> dict[str, list[dict[str, str]]]:
        """Every row as it is stored, without what only grows."""
        found = {}
        plus = "+" if self.db.kind == "sqlite" else ""
        for table, left_out in SNAPSHOT.items():
            columns = [name for name in await self._columns(table) if name not in left_out]
            selected = ", ".join(f'{plus}"{column}"' for column in columns)
            rows = await self.db.fetch(f"SELECT {selected} FROM {table}")
            found[table] = sorted(
                (dict(zip(columns, map(str, row), strict=True)) for row in rows),
                key=lambda row: tuple(row.values()),
            )
        return found

    async def _columns(self, table: str) -> list[str]:
        sql = (
            "SELECT name FROM pragma_table_info(?) ORDER BY cid"
            if self.db.kind == "sqlite"
            else "SELECT column_name::text FROM information_schema.columns WHERE table_name = ? "
            "ORDER BY ordinal_position"
        )
        return [name for (name,) in await self.db.fetch(sql, table)]

    async def dangling(self) -> int:
        """References that lead nowhere, asked of the database."""
        if self.db.kind == "sqlite":
            return len(await self.db.fetch("PRAGMA foreign_key_check"))
        return 0  # PostgreSQL looked at each when it was written


async def reach_of(world: World) -> dict[UUID, set[Any]]:
    """By customer everything that is reached from it, as words that do not tell one row from
    another that says the same.
    """
    found: dict[UUID, set[Any]] = defaultdict(set)
    async for customer, said in _said(world):
        found[customer].add(said)
    return dict(found)


async def _said(world: World) -> AsyncIterator[tuple[UUID, tuple[Any, ...]]]:
    plain = (
        ("point", "SELECT customer_id, kind, normalised FROM core_contact_point"),
        ("tag", "SELECT customer_id, tag FROM core_customer_tag"),
        ("role", "SELECT customer_id, role FROM core_customer_role"),
        ("external", "SELECT customer_id, source, external_id FROM core_external_id"),
        ("interaction", "SELECT customer_id, CAST(id AS VARCHAR) FROM core_interaction"),
        ("note", "SELECT customer_id, word FROM zz_note WHERE customer_id IS NOT NULL"),
        ("card", "SELECT customer_id, programme FROM zz_card"),
        (
            "stamp",
            (
                "SELECT c.customer_id, c.programme, lower(s.word), "
                "CASE WHEN s.word = '' THEN s.id END FROM zz_stamp s "
                "JOIN zz_card c ON c.id = s.card_id"
            ),
        ),
        ("giver", "SELECT giver_id, giver_id, taker_id, CAST(id AS VARCHAR) FROM zz_pair"),
        ("taker", "SELECT taker_id, giver_id, taker_id, CAST(id AS VARCHAR) FROM zz_pair"),
        ("state", "SELECT customer_id, 'held' FROM zz_state"),
    )
    links = "SELECT source_id, target_id, kind FROM core_customer_link"
    *found, linked = await world.db.fetch_together(*((sql, ()) for _, sql in plain), (links, ()))
    for (word, _), rows in zip(plain, found, strict=True):
        for customer, *rest in rows:
            yield customer, (word, *rest)
    for source, target, kind in linked:
        yield source, ("link", source, target, kind)
        yield target, ("link", source, target, kind)


async def rename(world: World, id: UUID, name: str) -> None:
    """Somebody edits a customer, as a form does."""
    await world.house.customers.change(id, CustomerChange(display_name=name), by=BY)


async def add_note(world: World, id: UUID, word: str) -> None:
    """The unknown plugin writes a row."""
    await world.db.insert("zz_note", ("id", "customer_id", "word"), [(new_id(), id, word)])
