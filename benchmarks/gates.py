"""Eight plugins want to contact two thousand customers for a month: does the gate hold?

The clock is the benchmark's own. Customers consent, take consents back, wish for quiet, complain
and refuse while requests come; what the gate permits is noted with its moment. Afterwards a judge
that shares nothing with the gate but the history goes through every contact that was made and every
one that was not.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import tempfile
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from benchmarks.measures import Condition, Measure, Reading
from relatum.app.house import House
from relatum.config.settings import Contact as ContactSettings
from relatum.config.settings import Settings
from relatum.contact.service import Contact
from relatum.contact.types import (
    ConsentDraft,
    ContactRequest,
    HoldDraft,
    Preference,
    Proof,
    RefusalDraft,
    WithdrawalDraft,
)
from relatum.customers.types import ContactPointDraft, CustomerDraft

SEED = 20_261_122
REQUESTS = 100_000
CUSTOMERS = 2_000
DAYS = 30
#: Requests whose time is taken one by one.
SINGLES = 1_000
CHANNELS = ("sms", "email", "call", "zalo", "chat")
PLUGINS = tuple(f"plugin_{letter}" for letter in "abcdefgh")
PURPOSES = ("advertising", "advertising", "advertising", "survey", "care", "service")
BEGIN = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
TICK = dt.timedelta(minutes=15)
HOUR = dt.timedelta(hours=1)
#: Hours east of UTC of the law's clock; Viet Nam has no summer time.
EAST = dt.timedelta(hours=7)
PER_DAY, PER_WEEK, GAP = 2, 5, HOUR
PROOF = Proof(method="form", wording="I want to hear from you.", where="https://shop.example/yes")


@dataclass
class Person:
    """What the judge knows of a customer: everything that was ever said, with its moment."""

    id: UUID
    phone: str
    email: str
    said: dict[str, list[tuple[dt.datetime, bool]]] = field(default_factory=dict)
    quiet: tuple[int, int] | None = None
    complaints: list[tuple[dt.datetime, dt.datetime | None]] = field(default_factory=list)
    restricted_from: dt.datetime | None = None

    def address(self, channel: str) -> str:
        return {"sms": self.phone, "call": self.phone, "email": self.email}.get(
            channel, f"{channel}:{self.id}"
        )

    def consented(self, purpose: str, at: dt.datetime) -> bool:
        words = [yes for moment, yes in self.said.get(purpose, ()) if moment <= at]
        return bool(words and words[-1])

    def complains(self, at: dt.datetime) -> bool:
        return any(a <= at and (b is None or at < b) for a, b in self.complaints)


@dataclass
class Sent:
    """One contact that was made."""

    at: dt.datetime
    person: Person
    channel: str
    purpose: str
    body: str
    sender: str


@dataclass
class World:
    """The month as it went."""

    house: House
    contact: Contact
    moment: dt.datetime = BEGIN
    people: list[Person] = field(default_factory=list)
    refused: dict[str, dt.datetime] = field(default_factory=dict)
    asked: dict[UUID, tuple[ContactRequest, Person]] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    unnamed: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)


def gate_violations() -> Reading:
    """The month, judged; and what one decision takes."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_month(Path(folder)))


async def _month(home: Path) -> Reading:
    settings = Settings(home=home, safe_mode=True)
    async with await House.open(settings) as house:
        await house.migrate_apply()
        world = World(house, None)  # type: ignore[arg-type] - it needs the world's clock
        caps = ContactSettings(per_day=PER_DAY, per_week=PER_WEEK, gap_hours=GAP / HOUR)
        world.contact = Contact(
            *(house.db, house.events, house.keys),
            settings=caps,
            country="VN",
            clock=lambda: world.moment,
        )
        chance = random.Random(SEED)
        await _people(world, chance)
        await _live(world, chance)
        single = await _singles(world, chance)
    wrong = Counter(judge(world))
    allowed = len(world.sent)
    return Reading(
        value=sum(wrong.values()),
        heads=["outcome or rule", "times"],
        rows=[*world.outcomes.most_common(), *world.rules.most_common()],
        conditions=[
            Condition("denied or deferred without a rule", world.unnamed, "", 0),
            Condition("one decision, p95", single, "ms", 5.0),
            Condition("contacts made", allowed, "", REQUESTS * 0.05, "at least"),
        ],
        notes=[f"{allowed} contacts were made", *(f"{what}: {n}" for what, n in wrong.items())],
    )


async def _people(world: World, chance: random.Random) -> None:
    """Every fourth number belongs to two people; every second person consents to advertising."""
    drafts, numbers = [], []
    for n in range(CUSTOMERS):
        number = f"+8490{(n - 1 if n % 4 == 3 else n):07d}"
        numbers.append((number, f"person{n}@shop.example"))
        points = [("phone", number), ("email", numbers[-1][1])]
        points += [("zalo", f"zalo-{n}"), ("other", f"chat-{n}")]
        drafts.append(
            CustomerDraft(
                display_name=f"Người {n}",
                contact_points=[
                    ContactPointDraft(kind=kind, raw=raw)  # type: ignore[arg-type]
                    for kind, raw in points
                ],
            )
        )
    ids = await world.house.customers.create(drafts, by="benchmark")
    world.people = [
        Person(id=id, phone=phone, email=email)
        for id, (phone, email) in zip(ids, numbers, strict=True)
    ]
    for purpose, share in (("advertising", 0.7), ("survey", 0.8), ("care", 0.8)):
        await _say(world, [p for p in world.people if chance.random() < share], purpose, yes=True)
    for person in chance.sample(world.people, CUSTOMERS // 5):
        start = chance.randrange(24) * 60
        person.quiet = (start, (start + chance.randrange(1, 12) * 60) % 1440)
        wish = Preference(quiet_from=_clock(start), quiet_until=_clock(person.quiet[1]))
        await world.contact.wishes.prefer(person.id, wish, by="benchmark")


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


async def _say(world: World, people: Iterable[Person], purpose: str, *, yes: bool) -> None:
    some = list(people)
    for person in some:
        person.said.setdefault(purpose, []).append((world.moment, yes))
    if yes:
        await world.contact.consents.grant(
            [ConsentDraft(customer=p.id, purpose=purpose, proof=PROOF) for p in some],
            by="benchmark",
        )
    else:
        await world.contact.consents.withdraw(
            [WithdrawalDraft(customer=p.id, purpose=purpose) for p in some], by="benchmark"
        )


async def _live(world: World, chance: random.Random) -> None:
    ticks = int(dt.timedelta(days=DAYS) / TICK)
    planned: dict[int, list[UUID]] = defaultdict(list)
    for tick in range(ticks):
        world.moment = BEGIN + tick * TICK
        await _change(world, chance, tick)
        await _send(world, planned.pop(tick, []))
        wanted = REQUESTS * (tick + 1) // ticks - REQUESTS * tick // ticks
        for id, at in await _ask(world, chance, wanted):
            planned[max(tick, int((at - BEGIN) / TICK))].append(id)
        await _send(world, planned.pop(tick, []))


async def _change(world: World, chance: random.Random, tick: int) -> None:
    """What people say while requests come; all of it before the requests of the same moment."""
    if tick % 4 == 0:
        one, other = chance.sample(world.people, 2)
        await _say(world, [one], "advertising", yes=False)
        await _say(world, [other], "advertising", yes=True)
    if tick % 16 == 0:
        person = chance.choice(world.people)
        if not person.complains(world.moment):
            hold = await world.contact.wishes.hold(HoldDraft(customer=person.id), by="benchmark")
            person.complaints.append((world.moment, None))
            if chance.random() < 0.5:
                await world.contact.wishes.lift(hold, by="benchmark")
                person.complaints[-1] = (world.moment, world.moment)
    if tick % 64 == 0:
        number = chance.choice(world.people).phone
        world.refused.setdefault(number, world.moment)
        await world.contact.wishes.refuse([RefusalDraft(kind="phone", address=number)])
    if tick % 96 == 0:
        person = chance.choice(world.people)
        if person.quiet is None:
            person.restricted_from = person.restricted_from or world.moment
            wish = Preference(restricted=True)
            await world.contact.wishes.prefer(person.id, wish, by="benchmark")


async def _ask(world: World, chance: random.Random, wanted: int) -> list[tuple[UUID, dt.datetime]]:
    """Some requests at once; the verdicts that allow, with their moments."""
    pairs = []
    for _ in range(wanted):
        person = world.people[min(int(chance.expovariate(1 / (CUSTOMERS / 6))), CUSTOMERS - 1)]
        later = chance.choice((0, 0, 0, 1, 6, 30, 90)) * TICK
        request = ContactRequest(
            customer=person.id,
            channel=chance.choice(CHANNELS),
            purpose=chance.choice(PURPOSES),
            at=world.moment + later,
            body=chance.choice(("[QC] Offer", "[AD] Offer", "[QC] Offer", "Offer")),
            sender=chance.choice(("SPA HOA", "SPA HOA", "0901234567")),
            plugin=chance.choice(PLUGINS),
        )
        pairs.append((request, person))
    verdicts = await world.contact.gate.decide([request for request, _ in pairs])
    allowed = []
    for verdict, pair in zip(verdicts, pairs, strict=True):
        world.outcomes[verdict.outcome] += 1
        if verdict.outcome == "allow":
            world.asked[verdict.id] = pair
            allowed.append((verdict.id, verdict.at))
            continue
        world.unnamed += not verdict.reasons
        world.rules.update(reason.rule for reason in verdict.reasons[:1])
    return allowed


async def _send(world: World, verdicts: list[UUID]) -> None:
    """What a channel does: a permit for each contact that is due, and only then it goes out."""
    if not verdicts:
        return
    for permit in await world.contact.gate.use(verdicts):
        request, person = world.asked[permit.verdict]
        world.sent.append(
            Sent(
                at=world.moment,
                person=person,
                channel=request.channel,
                purpose=request.purpose,
                body=request.body,
                sender=request.sender,
            )
        )


async def _singles(world: World, chance: random.Random) -> float:
    """The 95th percentile of one decision, stored, in milliseconds."""
    taken = []
    for _ in range(SINGLES):
        person = chance.choice(world.people)
        request = ContactRequest(customer=person.id, channel="email", purpose="advertising")
        started = time.perf_counter()
        await world.contact.gate.decide([request])
        taken.append((time.perf_counter() - started) * 1000)
    return sorted(taken)[int(len(taken) * 0.95)]


# -- the judge -----------------------------------------------------------------------------------


def judge(world: World) -> Iterable[str]:
    """Every breach of a rule among the contacts that were made, named."""
    by_address: dict[tuple[str, str], list[dt.datetime]] = defaultdict(list)
    by_person: dict[UUID, list[dt.datetime]] = defaultdict(list)
    for sent in sorted(world.sent, key=lambda each: each.at):
        yield from _alone(sent, world)
        if sent.purpose == "advertising":
            by_address[sent.person.address(sent.channel), sent.channel].append(sent.at)
        if sent.purpose != "service":
            by_person[sent.person.id].append(sent.at)
    for (_, channel), moments in by_address.items():
        most = {"sms": 3, "email": 3, "call": 1}.get(channel)
        if most:
            yield from _too_many(moments, most, dt.timedelta(days=1), f"cap of {channel}")
    for moments in by_person.values():
        yield from _too_many(moments, PER_DAY, dt.timedelta(days=1), "own cap of a day")
        yield from _too_many(moments, PER_WEEK, dt.timedelta(days=7), "own cap of a week")
        yield from _too_many(moments, 1, GAP, "gap")


def _alone(sent: Sent, world: World) -> Iterable[str]:
    person, local = sent.person, sent.at + EAST
    minute = local.hour * 60 + local.minute
    if person.restricted_from is not None and person.restricted_from <= sent.at:
        yield "restricted"
    if sent.purpose == "service":
        return
    if not person.consented(sent.purpose, sent.at):
        yield f"no consent to {sent.purpose}"
    if sent.channel in {"sms", "call"} and world.refused.get(person.phone, _LATER) <= sent.at:
        yield "on the list of refusal"
    if person.complains(sent.at):
        yield "open complaint"
    if person.quiet is not None and person.restricted_from is None:
        start, end = person.quiet
        inside = start <= minute < end if start < end else minute >= start or minute < end
        if inside and start != end:
            yield "quiet hours"
    if sent.purpose == "advertising":
        yield from _law(sent, minute)


_LATER = dt.datetime.max.replace(tzinfo=dt.UTC)


def _law(sent: Sent, minute: int) -> Iterable[str]:
    if sent.channel == "sms":
        if not 420 <= minute < 1320:
            yield "hours of SMS"
        if sent.body[:4] not in {"[QC]", "[AD]"}:
            yield "label"
        if sent.sender.isdigit() or not sent.sender:
            yield "sender"
    if sent.channel == "call" and not 480 <= minute < 1020:
        yield "hours of calls"


def _too_many(
    moments: list[dt.datetime], most: int, span: dt.timedelta, what: str
) -> Iterable[str]:
    for place, moment in enumerate(moments):
        if bisect_left(moments, moment + span) - place > most:
            yield what


MEASURES = [
    Measure(
        id="gate.violations",
        title="100,000 requests of 8 plugins within 30 days: contacts that break a rule",
        unit="contacts",
        limit=0,
        goal="at most",
        run=gate_violations,
    )
]
