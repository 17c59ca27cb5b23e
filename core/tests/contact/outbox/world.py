"""A house whose post office is a list."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from relatum.app.house import House
from relatum.config.settings import Contact as ContactSettings
from relatum.contact.outbox.types import Content, MessageDraft, Parcel
from relatum.contact.service import Contact
from relatum.contact.types import ConsentDraft, Proof
from relatum.customers.types import ContactPointDraft, CustomerDraft
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import Channel, Receipt
from relatum.hooks.specs import hookimpl
from relatum.values.text import Text
from relatum.values.time import now

NOON = dt.datetime(2026, 3, 4, 12, 0, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")).astimezone(dt.UTC)
PROOF = Proof(method="form", wording="I want to hear of offers.", where="https://shop.example/yes")


class Clock:
    """A clock that stands until it is set; or the real one."""

    def __init__(self, moment: dt.datetime | None = NOON) -> None:
        self.moment = moment

    def __call__(self) -> dt.datetime:
        return self.moment or now()


class Office:
    """Takes parcels and says of each what it is told to say."""

    def __init__(self) -> None:
        self.sent: list[tuple[dt.datetime, Parcel]] = []
        self.answer: Callable[[Parcel], str] = lambda parcel: "sent"
        self.seconds = 0.0
        #: set when it has thirty
        self.busy = asyncio.Event()

    async def take(self, parcels: Sequence[Parcel]) -> list[Receipt]:
        receipts = []
        for parcel in parcels:
            await asyncio.sleep(self.seconds)
            if not parcel.permit.is_fresh:
                outcome = "untried"
            else:
                self.sent.append((now(), parcel))
                if len(self.sent) == 30:
                    self.busy.set()
                outcome = self.answer(parcel)
            if outcome != "nothing":
                receipts.append(
                    Receipt(message=parcel.message, outcome=outcome, detail="said so")  # type: ignore[arg-type]
                )
        return receipts


def post_office(
    house: House, *, channel: str = "email", idempotent: bool = False, batch: int = 5
) -> Office:
    """Let in a plugin that sends one channel through an office of the test's own."""
    office = Office()
    module: Any = ModuleType("post")

    @hookimpl
    def relatum_register_channels(plugin: Plugin) -> list[Channel]:
        title = Text(en="Post", vi="Bưu điện")
        declared = Channel(
            id="post.one", title=title, channel=channel, idempotent=idempotent, batch=batch
        )
        return [declared]

    @hookimpl
    async def relatum_send(plugin: Plugin, parcels: Sequence[Parcel]) -> list[Receipt]:
        return await office.take(parcels)

    module.relatum_register_channels = relatum_register_channels
    module.relatum_send = relatum_send
    plugin = Plugin("post", version="1.0")
    house.gate.set({*house.gate.on, "post"})
    assert not house.dispatcher.add(plugin, module)
    assert not house.dispatcher.declare(plugin)
    plugin.move_in(house)
    return office


def contact_of(house: House, clock: Clock) -> Contact:
    """The room with a clock of the test's own and without own caps."""
    contact = Contact(
        *(house.db, house.events, house.keys),
        settings=ContactSettings(per_day=0, per_week=0, gap_hours=0),
        country="VN",
        clock=clock,
        public_url="https://crm.example",
    )
    contact.outbox.open(house.jobs, house.registry, house.dispatcher, house.interactions)
    house.contact = contact
    return contact


async def people(house: House, contact: Contact, count: int, *, consent: bool = True) -> list[UUID]:
    """So many people, each with an e-mail address and a phone of their own."""
    drafts = [
        CustomerDraft(
            display_name=f"Khách {n}",
            contact_points=[
                ContactPointDraft(kind="email", raw=f"k{n}@example.com"),
                ContactPointDraft(kind="phone", raw=f"09123{n:05}"),
            ],
        )
        for n in range(count)
    ]
    ids = await house.customers.create(drafts, by="test")
    if consent:
        granted = [ConsentDraft(customer=id, purpose="advertising", proof=PROOF) for id in ids]
        await contact.consents.grant(granted, by="test")
    return ids


def draft(customer: UUID, **changes: Any) -> MessageDraft:
    """An offer by e-mail."""
    wanted: dict[str, Any] = {
        "channel": "email",
        "purpose": "advertising",
        "content": Content(subject="Ưu đãi", text="Giảm 10 %."),
    }
    return MessageDraft(customer=customer, **(wanted | changes))
