"""A small business with a past, put straight into its history."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from relatum.access.viewer import SYSTEM, Viewer
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.customers.types import CustomerDraft
from relatum.importing.acting import viewer_of
from relatum.interactions.types import Amount, InteractionDraft
from relatum.web.visit import Visit
from relatum_sdk.people import make_person

BEGIN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
DAYS = 500
KINDS = ("core.call", "core.message", "core.visit", "core.meeting", "core.purchase", "core.note")


class Past(msgspec.Struct, kw_only=True):
    """The house, who works in it and what was put there, for independent counting.

    ``customers``: id → (created, owner, tags); ``interactions``: (customer, kind, direction,
    moment, amount, currency).
    """

    house: House
    viewers: list[Viewer]
    customers: dict[UUID, tuple[dt.datetime, UUID | None, list[str]]]
    interactions: list[tuple[UUID | None, str, str, dt.datetime, int | None, str | None]]

    def visit(self, viewer: Viewer = SYSTEM) -> Visit:
        """A look without a request."""
        return Visit(self.house.registry.plugins["core"], self.house, viewer, "en")


@pytest.fixture
async def past(relatum_database_url: str, tmp_path: Path) -> AsyncIterator[Past]:
    """Core alone with 60 customers and 600 interactions in some 500 days."""
    settings = Settings(
        home=tmp_path, database=relatum_database_url, safe_mode=True, durability="normal"
    )
    async with await House.open(settings) as house:
        yield await _lived(house)


async def _lived(house: House) -> Past:
    chance = random.Random(5)
    sellers = [await make_person(house, "sales") for _ in range(3)]
    drafts = [_customer(chance, number, sellers) for number in range(60)]
    ids = await house.customers.create(drafts, by="system")
    customers = {}
    for id, draft in zip(ids, drafts, strict=True):
        created = _moment(chance)
        await house.db.execute("UPDATE core_customer SET created_at = ? WHERE id = ?", created, id)
        if draft.owner == sellers[2]:  # some belong to nobody
            await house.db.execute("UPDATE core_customer SET owner_id = NULL WHERE id = ?", id)
        owner = None if draft.owner == sellers[2] else draft.owner
        customers[id] = (created, owner, list(draft.tags))
    said = [_interaction(chance, ids) for _ in range(600)]
    await house.interactions.record(said, by="system")
    return Past(
        house=house,
        viewers=[SYSTEM, *[await viewer_of(house, each, "") for each in sellers[:2]]],
        customers=customers,
        interactions=[
            (
                each.customer_id,
                each.kind,
                each.direction,
                each.occurred_at,
                each.money.amount if each.money else None,
                each.money.currency if each.money else None,
            )
            for each in said
        ],
    )


def _moment(chance: random.Random) -> dt.datetime:
    # many at the edges of days by the clock of Viet Nam, where wrong zones show
    day = BEGIN + dt.timedelta(days=chance.randrange(DAYS))
    hour = chance.choice((0, 16, 17, 23))
    return day.replace(hour=hour, minute=chance.choice((0, 59)), second=chance.choice((0, 59)))


def _customer(chance: random.Random, number: int, sellers: list[UUID]) -> CustomerDraft:
    return CustomerDraft(
        display_name=f"Khách {number}",
        kind=chance.choice(("person", "organisation")),
        roles=chance.sample(["prospect", "customer", "partner"], chance.randrange(1, 3)),
        tags=chance.sample(["vip", "mới", "cũ"], chance.randrange(3)),
        external_ids={"sổ": str(number)} if number % 3 else {},
        owner=chance.choice(sellers),
    )


def _interaction(chance: random.Random, ids: list[UUID]) -> InteractionDraft:
    kind = chance.choice(KINDS)
    money = None
    if kind == "core.purchase" and chance.random() < 0.9:
        kind = chance.choice(("core.purchase", "core.purchase", "core.cancellation"))
        money = Amount(chance.randrange(1, 10_000_000), chance.choice(("VND", "VND", "USD")))
    payloads = {"core.note": {"text": "x"}}
    return InteractionDraft(
        kind=kind,
        customer_id=None if chance.random() < 0.05 else chance.choice(ids),
        channel=chance.choice(("phone", "zalo", "")),
        direction=chance.choice(("in", "out", "observed")),
        occurred_at=_moment(chance),
        payload=payloads.get(kind, {}),
        money=money,
    )
