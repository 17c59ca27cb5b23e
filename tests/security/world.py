"""A company whose every row says by a word of its own whose it is.

Made through the services, as the house itself: the permissions of who looks come later.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from relatum.access.viewer import SYSTEM
from relatum.app.house import House
from relatum.contact.outbox.types import Content, MessageDraft
from relatum.contact.types import ConsentDraft, ContactRequest, HoldDraft, Proof
from relatum.customers.subject.types import SubjectRequest
from relatum.customers.types import (
    ContactPointDraft,
    CustomerChange,
    CustomerDraft,
    FieldDraft,
    LinkDraft,
)
from relatum.importing.plan import parse_plan
from relatum.interactions.types import Amount, InteractionDraft
from relatum.values.time import now
from relatum_sales_pipeline.services.subjects import deal_subject
from tests.security.canaries import Canaries
from tests.security.consent_world import build_requests
from tests.security.identity_world import build_pairs
from tests.security.ownership import owners_of_rows
from tests.security.people import CUSTOMERS, VIP_TAG, Customer
from tests.security.quality_world import build_quality
from tests.security.sales_world import build_sales

BY = "system"
#: Custom fields by their class.
FIELDS = {
    "nickname": None,
    "paper": "identity",
    "income": "finance",
    "illness": "health",
    "pin": "secret",
}
LINKS = (
    ("an_one", "an_company", "contact_of"),
    ("chi_one", "chi_company", "contact_of"),
    ("an_company", "chi_company", "parent_of"),
    ("chi_vip", "an_one", "referred_by"),
    ("loose", "binh_one", "influences"),
)


@dataclass
class World:
    """What was made, by label of the customer.

    Attributes:
        rows: ids of rows by table, each with the labels of all customers it belongs to.
    """

    canaries: Canaries = field(default_factory=Canaries)
    customers: dict[str, UUID] = field(default_factory=dict)
    deals: dict[str, UUID] = field(default_factory=dict)
    phones: dict[str, str] = field(default_factory=dict)
    rows: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)

    def ids(self, table: str, customers: frozenset[str], *, visible: bool) -> list[str]:
        """Ids of rows of a table that somebody who sees these customers sees, or does not see."""
        rows = self.rows.get(table, {})
        return [id for id, labels in rows.items() if (labels <= customers) is visible]


@dataclass(frozen=True)
class Belonging:
    """Ids of the people and teams that customers belong to, by their names."""

    people: dict[str, UUID]
    teams: dict[str, UUID]


async def build(house: House, belonging: Belonging, folder: Path) -> World:
    """Fill an empty house.

    Args:
        folder: an empty one, for the files of an import.
    """
    world = World()
    await house.customers.declare_fields(
        [FieldDraft(key=key, sensitivity=kind) for key, kind in FIELDS.items()]  # type: ignore[arg-type]
    )
    await _customers(house, world, belonging)
    await _merges(house, world)
    await _erasure(house)
    await _links(house, world)
    world.deals.update(await build_sales(house, world.canaries, world.customers))
    await build_pairs(house, world.customers)
    await build_quality(house, world.customers)
    await build_requests(house, world.canaries, world.customers)
    await _interactions(house, world)
    await _contacts(house, world)
    await _import(house, world, folder)
    await _projections(house)
    await _learn_ids(house, world)
    return world


async def _customers(house: House, world: World, belonging: Belonging) -> None:
    drafts = [
        _customer(world, n, label, facts, belonging)
        for n, (label, facts) in enumerate(CUSTOMERS.items())
    ]
    ids = await house.customers.create(drafts, by=BY)
    world.customers.update(zip(CUSTOMERS, ids, strict=True))
    for label, id in world.customers.items():
        nickname = world.canaries.word([label], "field nickname")
        change = CustomerChange(fields={"nickname": nickname})
        if CUSTOMERS[label].team is None:  # else the team follows the owner
            change = CustomerChange(fields={"nickname": nickname}, team=None)
        await house.customers.change(id, change, by=BY)


async def _erasure(house: House) -> None:
    """Somebody who is gone, and the receipt."""
    gone = await house.customers.create([CustomerDraft(display_name="Người Đã Đi")], by=BY)
    await house.erasing.erase(gone[0], by=BY, reason="asked to")


async def _merges(house: House, world: World) -> None:
    """Somebody else is a part of two of them."""
    for label in ("an_one", "chi_one"):
        name = f"Khách {world.canaries.word([label], 'name of who was merged')}"
        (absorbed,) = await house.customers.create([CustomerDraft(display_name=name)], by=BY)
        await house.merging.merge(
            world.customers[label], absorbed, by=BY, choices={"display_name": "survivor"}
        )


def _customer(
    world: World, n: int, label: str, facts: Customer, belonging: Belonging
) -> CustomerDraft:
    def word(place: str, sensitivity: str | None = None) -> str:
        return world.canaries.word([label], place, sensitivity)

    before = word("former nickname")
    fields = {key: word(f"field {key}", kind) for key, kind in FIELDS.items() if kind}
    return CustomerDraft(
        display_name=f"Khách {word('name')}",
        kind="organisation" if facts.organisation else "person",
        contact_points=_contact_points(world, n, label),
        tags=[word("tag"), *([VIP_TAG] if facts.vip else [])],
        fields={"nickname": before, **fields},
        external_ids={"shop": word("external id")},
        owner=belonging.people[facts.owner] if facts.owner else None,
        team=belonging.teams[facts.team] if facts.team else None,
    )


def _contact_points(world: World, n: int, label: str) -> list[ContactPointDraft]:
    def word(place: str) -> str:
        return world.canaries.word([label], place, "contact")

    # The last three digits of a masked phone are shown.
    digits = world.canaries.text(f"9127{n:02}", [label], "phone", "contact")
    world.phones[label] = f"0{digits}{n:03}"
    note = world.canaries.word([label], "label of a contact point")
    return [
        ContactPointDraft(kind="phone", raw=world.phones[label], label=note, primary=True),
        ContactPointDraft(kind="email", raw=f"{word('e-mail')}@example.com"),
        ContactPointDraft(kind="address", raw=f"{n} phố {word('address')}, Hà Nội"),
        ContactPointDraft(kind="zalo", raw=word("zalo")),
        ContactPointDraft(kind="facebook", raw=word("facebook")),
    ]


async def _links(house: House, world: World) -> None:
    drafts = [
        LinkDraft(
            source=world.customers[source],
            target=world.customers[target],
            kind=kind,  # type: ignore[arg-type]
            role=world.canaries.word([source, target], f"role of the link {kind}"),
        )
        for source, target, kind in LINKS
    ]
    await house.customers.links.create(drafts, by=BY)


async def _interactions(house: House, world: World) -> None:
    drafts = [
        draft
        for n, label in enumerate(world.customers)
        for draft in _interactions_of(world, label, n)
    ]
    anonymous = InteractionDraft(
        kind="core.visit", payload={"place": "Cửa hàng"}, handle="khach-vang-lai", channel="store"
    )
    await house.interactions.record([*drafts, anonymous], by=BY)


#: Fields of the payload of each kind that hold a word; the class of each that has one.
_PAYLOADS: dict[str, dict[str, str | None]] = {
    "core.note": {"text": None},
    "core.call": {"number": "contact", "summary": None},
    "core.message": {"subject": None, "text": None},
    "core.visit": {"place": None, "summary": None},
    "core.meeting": {"title": None, "summary": None},
    "core.purchase": {"reference": None, "item": None, "description": None},
    "core.cancellation": {"reference": None, "item": None, "description": None},
    "sales_pipeline.activity": {"summary": None, "next_step": None},
    "sales_pipeline.quote": {"reference": None, "summary": None},
    "sales_pipeline.refusal": {"reason": None},
}


def _interactions_of(world: World, label: str, n: int) -> list[InteractionDraft]:
    def word(place: str, sensitivity: str | None = None) -> str:
        return world.canaries.word([label], place, sensitivity)

    began = now() - dt.timedelta(days=n + 2)
    drafts = []
    for hour, (kind, fields) in enumerate(_PAYLOADS.items()):
        amount = 550_000_000_011 + n * 1_000_000_009 + hour * 1_013
        bought = kind in {"core.purchase", "core.cancellation"}
        if bought:
            world.canaries.text(str(amount), [label], f"money of a {kind}")
        drafts.append(
            InteractionDraft(
                kind=kind,
                customer_id=world.customers[label],
                channel="phone",
                occurred_at=began + dt.timedelta(hours=hour),
                payload={key: word(f"{key} of {kind}", kind_) for key, kind_ in fields.items()},
                money=Amount(amount, "VND") if bought else None,
                handle=word(f"handle of {kind}", "contact"),
                subject=deal_subject(world.deals[label]) if "sales" in kind else None,
                actor=word(f"actor of {kind}"),
                idempotency_key=word(f"idempotency key of {kind}"),
            )
        )
    return drafts


PLAN = """
name = "shop"
[[files]]
path = "khach.csv"
target = "core.customers"
[files.columns]
external_id = "ma"
display_name = "ten"
"""


async def _contacts(house: House, world: World) -> None:
    """Everybody consented, complains, and was asked for: each with words of their own."""
    for label, id in world.customers.items():
        word = world.canaries.word
        wording = f"Tôi đồng ý nhận tin {word([label], 'wording of a consent')}"
        proof = Proof(method="form", wording=wording, where=word([label], "place of a consent"))
        await house.contact.consents.grant(
            [ConsentDraft(customer=id, purpose="advertising", proof=proof)], by=BY
        )
        hold = HoldDraft(customer=id, reason=word([label], "reason of a hold"))
        await house.contact.wishes.hold(hold, by=BY)
        ask = SubjectRequest(why=word([label], "reason of a subject export"))
        await house.subjects.request(id, ask, viewer=SYSTEM, person="System")
        reference = word([label], "reference of a verdict")
        await house.contact.gate.decide(
            [ContactRequest(customer=id, channel="email", purpose="survey", reference=reference)]
        )
        content = Content(
            subject=word([label], "subject of a message"), text=word([label], "text of a message")
        )
        draft = MessageDraft(customer=id, channel="email", purpose="service", content=content)
        await house.contact.outbox.send([draft], by=BY)


async def _import(house: House, world: World, folder: Path) -> None:
    """Rename everybody by an import: its journal keeps the former names."""
    canaries = world.canaries
    rows = ["ma,ten"]
    for label in world.customers:
        name = canaries.word([label], "name after the import")
        rows.append(f"{canaries.word([label], 'external id')},Khách {name}")
    (folder / "khach.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    outcome = await house.imports.apply(parse_plan(PLAN), folder)
    assert outcome.counts.updated == len(world.customers), outcome


async def _projections(house: House) -> None:
    """What follows from the events: purchases of won deals, last activities, snapshots."""
    while await house.handlers.run_once():
        pass
    for job in list(house.registry.jobs):
        if job.id.startswith("sales_pipeline."):
            assert await house.jobs.run_now(job.id)
    while await house.handlers.run_once():
        pass


async def _learn_ids(house: House, world: World) -> None:
    """Know every row by its id: whose it is, and that the id itself is a canary."""
    labels = {str(id): label for label, id in world.customers.items()}
    for table, rows in (await owners_of_rows(house.db)).items():
        known = {
            id: frozenset(labels[each] for each in owners if each in labels)
            for id, owners in rows.items()
        }
        world.rows[table] = known
        for id, owners in known.items():
            if owners and len(id) == 36:
                world.canaries.text(id, owners, f"id in {table}")
