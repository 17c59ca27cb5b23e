"""``/api/v1``: consents, wishes and holds of customers, and what the contact gate says."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import delete, get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from relatum.contact.profile import Purpose, Word
from relatum.contact.types import (
    ANY_CHANNEL,
    ConsentDraft,
    ConsentEntry,
    ContactRequest,
    Hold,
    HoldDraft,
    HoldKind,
    Method,
    Preference,
    Proof,
    RefusalDraft,
    Verdict,
    WithdrawalDraft,
)
from relatum.http.answers import Answer
from relatum.http.calls import Call, id_in_path

READ = "core.contact.read"
WRITE = "core.contact.write"
HOLD = "core.contact.hold"
TAGS = ["contact"]

Channel = Annotated[str, Meta(pattern=r"^(\*|[a-z][a-z0-9_]{0,39})$")]


class ConsentGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A consent of the customer of the address: for one purpose, with what proves it."""

    purpose: Word
    proof: Proof
    channel: Channel = ANY_CHANNEL
    given_at: dt.datetime | None = None
    expires_at: dt.datetime | None = None


class ConsentTakenBack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A consent that the customer of the address takes back."""

    purpose: Word
    channel: Channel = ANY_CHANNEL
    method: Method = "message"
    note: Annotated[str, Meta(max_length=500)] = ""
    given_at: dt.datetime | None = None


class HoldPlaced(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the customer of the address is not to be contacted for now."""

    kind: HoldKind = "complaint"
    reason: Annotated[str, Meta(max_length=500)] = ""


class ContactWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contact that is wanted; the gate decides. ``reference`` makes asking again safe."""

    customer: UUID
    channel: Word
    purpose: Word
    address: Annotated[str, Meta(max_length=500)] = ""
    at: dt.datetime | None = None
    body: Annotated[str, Meta(max_length=10_000)] = ""
    sender: Annotated[str, Meta(max_length=100)] = ""
    reference: Annotated[str, Meta(max_length=200)] = ""


class WantedBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Contacts that are wanted, decided in this order: what one allows counts for the next."""

    items: Annotated[list[ContactWanted], Meta(min_length=1, max_length=1_000)]


class RefusalBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Addresses that refuse, of the national register or by their own word."""

    items: Annotated[list[RefusalDraft], Meta(min_length=1, max_length=1_000)]


class AddressAllowed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address that is to be taken off the list."""

    kind: Annotated[str, Meta(pattern="^(phone|email)$")]
    address: Annotated[str, Meta(min_length=3, max_length=500)]


class Consents(msgspec.Struct, frozen=True):
    """The ledger of one customer, the newest line first."""

    items: list[ConsentEntry]


class Holds(msgspec.Struct, frozen=True):
    """Holds that stand."""

    items: list[Hold]


class Verdicts(msgspec.Struct, frozen=True):
    """Verdicts of the gate."""

    items: list[Verdict]


class Made(msgspec.Struct, frozen=True):
    """The id of what was written."""

    id: UUID


class Changed(msgspec.Struct, frozen=True):
    """How many addresses are on the list now that were named, or were taken off it."""

    changed: int


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The regulation profile that counts, and the purposes it knows."""

    profile: str
    purposes: list[Purpose]


@get("/contact-rules", opt={"permission": READ}, tags=TAGS)
async def read_contact_rules(request: Call) -> Answer[Rules]:
    """The purposes that customers are contacted for, and the profile of the law."""
    request.refuse_query()
    profile = request.house.contact.profile
    return Answer(Rules(profile=profile.name, purposes=list(profile.purposes)))


@get("/customers/{customer_id:str}/consents", opt={"permission": READ}, tags=TAGS)
async def read_consents(request: Call, customer_id: FromPath[str]) -> Answer[Consents]:
    """What a customer agreed to and took back, each with its proof."""
    request.refuse_query()
    id = await _seen(request, customer_id)
    return Answer(Consents(await request.house.contact.consents.of(id)))


@post("/customers/{customer_id:str}/consents", opt={"permission": WRITE}, tags=TAGS)
async def give_consent(
    request: Call, customer_id: FromPath[str], data: JSONBody[ConsentGiven]
) -> Answer[Made]:
    """Write down a consent; without an act of the customer and its proof there is none."""
    request.refuse_query()
    draft = ConsentDraft(customer=await _seen(request, customer_id), **msgspec.structs.asdict(data))
    (id,) = await request.house.contact.consents.grant([draft], by=request.actor)
    return Answer(Made(id), status=201)


@post("/customers/{customer_id:str}/withdrawals", opt={"permission": WRITE}, tags=TAGS)
async def take_consent_back(
    request: Call, customer_id: FromPath[str], data: JSONBody[ConsentTakenBack]
) -> Answer[Made]:
    """Write down that a consent was taken back; what is planned by it stops."""
    request.refuse_query()
    draft = WithdrawalDraft(
        customer=await _seen(request, customer_id), **msgspec.structs.asdict(data)
    )
    (id,) = await request.house.contact.consents.withdraw([draft], by=request.actor)
    return Answer(Made(id), status=201)


@get("/customers/{customer_id:str}/contact-preference", opt={"permission": READ}, tags=TAGS)
async def read_preference(request: Call, customer_id: FromPath[str]) -> Answer[Preference]:
    """How a customer wants to be contacted."""
    request.refuse_query()
    id = await _seen(request, customer_id)
    return Answer(await request.house.contact.wishes.preference_of(id))


@put("/customers/{customer_id:str}/contact-preference", opt={"permission": WRITE}, tags=TAGS)
async def set_preference(
    request: Call, customer_id: FromPath[str], data: JSONBody[Preference]
) -> Answer[Preference]:
    """Write down how a customer wants to be contacted."""
    request.refuse_query()
    id = await _seen(request, customer_id)
    await request.house.contact.wishes.prefer(id, data, by=request.actor)
    return Answer(data)


@get("/customers/{customer_id:str}/contact-holds", opt={"permission": READ}, tags=TAGS)
async def read_holds(request: Call, customer_id: FromPath[str]) -> Answer[Holds]:
    """What keeps a customer from being contacted for now."""
    request.refuse_query()
    id = await _seen(request, customer_id)
    return Answer(Holds(await request.house.contact.wishes.holds_of(id)))


@post("/customers/{customer_id:str}/contact-holds", opt={"permission": HOLD}, tags=TAGS)
async def place_hold(
    request: Call, customer_id: FromPath[str], data: JSONBody[HoldPlaced]
) -> Answer[Made]:
    """Hold everything but what the customer ordered, until the hold is lifted."""
    request.refuse_query()
    draft = HoldDraft(
        customer=await _seen(request, customer_id), kind=data.kind, reason=data.reason
    )
    id = await request.house.contact.wishes.hold(draft, by=request.actor)
    return Answer(Made(id), status=201)


@delete("/contact-holds/{hold_id:str}", opt={"permission": HOLD}, tags=TAGS, status_code=204)
async def lift_hold(request: Call, hold_id: FromPath[str]) -> None:
    """Lift a hold; it stays in the history."""
    request.refuse_query()
    await request.house.contact.wishes.lift(id_in_path(hold_id, "hold"), by=request.actor)


@get("/customers/{customer_id:str}/contact-verdicts", opt={"permission": READ}, tags=TAGS)
async def read_verdicts(request: Call, customer_id: FromPath[str]) -> Answer[Verdicts]:
    """The latest fifty decisions about a customer, with their reasons."""
    request.refuse_query()
    id = await _seen(request, customer_id)
    return Answer(Verdicts(await request.house.contact.gate.of(id)))


@post("/contact-verdicts", opt={"permission": WRITE}, tags=TAGS)
async def decide_contacts(request: Call, data: JSONBody[WantedBatch]) -> Answer[Verdicts]:
    """Ask the gate about contacts; verdicts are stored, and those that allow count."""
    request.refuse_query()
    wanted = [ContactRequest(plugin="api", **msgspec.structs.asdict(each)) for each in data.items]
    return Answer(Verdicts(await request.house.contact.gate.decide(wanted)), status=201)


@get("/contact-verdicts/{verdict_id:str}", opt={"permission": READ}, tags=TAGS)
async def read_verdict(request: Call, verdict_id: FromPath[str]) -> Answer[Verdict]:
    """One decision."""
    request.refuse_query()
    return Answer(await request.house.contact.gate.get(id_in_path(verdict_id, "verdict")))


@delete("/contact-verdicts/{verdict_id:str}", opt={"permission": WRITE}, tags=TAGS, status_code=204)
async def release_verdict(request: Call, verdict_id: FromPath[str]) -> None:
    """Give an allowed contact back that will not be made; it stays in the history."""
    request.refuse_query()
    verdict = await request.house.contact.gate.get(id_in_path(verdict_id, "verdict"))
    await request.house.contact.gate.release([verdict.id])


@post("/contact-refusals", opt={"permission": HOLD}, tags=TAGS)
async def refuse_addresses(request: Call, data: JSONBody[RefusalBatch]) -> Answer[Changed]:
    """Put addresses on the list of refusal; only keyed hashes of them are kept."""
    request.refuse_query()
    return Answer(Changed(await request.house.contact.wishes.refuse(data.items)), status=201)


@post("/contact-refusals/lifted", opt={"permission": HOLD}, tags=TAGS)
async def allow_address(request: Call, data: JSONBody[AddressAllowed]) -> Answer[Changed]:
    """Take an address off the list of refusal."""
    request.refuse_query()
    gone = await request.house.contact.wishes.allow_again(data.kind, data.address)
    return Answer(Changed(int(gone)))


async def _seen(request: Call, customer_id: str) -> UUID:
    """The customer of the address, when the viewer sees it."""
    return (await request.house.customers.get(id_in_path(customer_id, "customer"))).id


ROUTES = [
    read_contact_rules,
    read_consents,
    give_consent,
    take_consent_back,
    read_preference,
    set_preference,
    read_holds,
    place_hold,
    lift_hold,
    read_verdicts,
    decide_contacts,
    read_verdict,
    release_verdict,
    refuse_addresses,
    allow_address,
]
