"""The gate on each database: what is stored, what counts, who may use it."""

from __future__ import annotations

import asyncio
import datetime as dt
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec
import pytest

from relatum.app.house import House
from relatum.config.settings import Contact as ContactSettings
from relatum.contact.gate import Permit
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
from relatum.values.problems import InvalidInput, NotFound

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NOON = dt.datetime(2026, 3, 4, 12, 0, tzinfo=HANOI).astimezone(dt.UTC)
PROOF = Proof(method="form", wording="I want to hear of offers.", where="https://shop.example/yes")
PHONE = "0912 345 678"


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.moment = NOON

    def __call__(self) -> dt.datetime:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def contact(core_house: House, clock: Clock) -> Contact:
    """The room with a clock of the test's own and without own caps."""
    return Contact(
        *(core_house.db, core_house.events, core_house.keys),
        settings=ContactSettings(per_day=0, per_week=0, gap_hours=0),
        country="VN",
        clock=clock,
    )


async def person(house: House, phone: str = PHONE) -> UUID:
    points = [
        ContactPointDraft(kind="phone", raw=phone),
        ContactPointDraft(kind="email", raw="a@b.vn"),
    ]
    (id,) = await house.customers.create(
        [CustomerDraft(display_name="Lan", contact_points=points)], by="test"
    )
    return id


def offer(customer: UUID, **changes: object) -> ContactRequest:
    wanted = ContactRequest(
        customer=customer, channel="sms", purpose="advertising", body="[QC] Sale", sender="SPA"
    )
    return msgspec.structs.replace(wanted, **changes)


async def consenting(house: House, contact: Contact, phone: str = PHONE) -> UUID:
    id = await person(house, phone)
    await contact.consents.grant(
        [ConsentDraft(customer=id, purpose="advertising", proof=PROOF)], by="test"
    )
    return id


async def test_a_verdict_is_stored_and_explains_itself(core_house: House, contact: Contact) -> None:
    id = await person(core_house)
    (verdict,) = await contact.gate.decide([offer(id)])
    assert (verdict.outcome, verdict.policy) == ("deny", "vn-2026/1")
    assert [reason.rule for reason in verdict.reasons] == ["consent"]
    assert await contact.gate.get(verdict.id) == verdict
    assert await contact.gate.of(id) == [verdict]


async def test_what_is_allowed_counts_at_once_also_within_a_batch(
    core_house: House, contact: Contact, clock: Clock
) -> None:
    id = await consenting(core_house, contact)
    asked = [offer(id, address=spelling) for spelling in (PHONE, "+84 912345678", "", PHONE)]
    verdicts = await contact.gate.decide(asked)
    assert [verdict.outcome for verdict in verdicts] == ["allow", "allow", "allow", "defer"]
    assert verdicts[3].until == NOON + dt.timedelta(days=1)
    clock.moment = NOON + dt.timedelta(days=1)
    (verdict,) = await contact.gate.decide([offer(id)])
    assert verdict.outcome == "allow"


async def test_two_people_with_one_number_have_one_cap(core_house: House, contact: Contact) -> None:
    people = [await consenting(core_house, contact) for _ in range(2)]
    verdicts = await contact.gate.decide([offer(people[n % 2]) for n in range(4)])
    assert [verdict.outcome for verdict in verdicts] == ["allow"] * 3 + ["defer"]


async def test_askers_at_the_same_moment_do_not_share_a_place(
    core_house: House, contact: Contact
) -> None:
    id = await consenting(core_house, contact)
    answers = await asyncio.gather(*(contact.gate.decide([offer(id)]) for _ in range(8)))
    outcomes = sorted(verdict.outcome for (verdict,) in answers)
    assert outcomes == ["allow"] * 3 + ["defer"] * 5


async def test_what_was_queued_stops_when_the_consent_is_taken_back(
    core_house: House, contact: Contact, clock: Clock
) -> None:
    id = await consenting(core_house, contact)
    verdicts = await contact.gate.decide([offer(id, at=NOON + dt.timedelta(hours=1))])
    clock.moment = NOON + dt.timedelta(minutes=30)
    await contact.consents.withdraw(
        [WithdrawalDraft(customer=id, purpose="advertising")], by="test"
    )
    clock.moment = NOON + dt.timedelta(hours=1)
    assert await contact.gate.use([verdicts[0].id]) == []
    assert await contact.gate.use([verdicts[0].id]) == [], "not after another try either"


async def test_a_permit_is_given_once_and_names_the_address(
    core_house: House, contact: Contact
) -> None:
    id = await consenting(core_house, contact)
    (verdict,) = await contact.gate.decide([offer(id)])
    (permit,) = await contact.gate.use([verdict.id])
    assert (permit.customer, permit.channel, permit.address) == (id, "sms", "+84912345678")
    assert await contact.gate.use([verdict.id]) == []


async def test_contacts_that_are_sent_late_count_when_they_are_sent(
    core_house: House, contact: Contact, clock: Clock
) -> None:
    id = await consenting(core_house, contact)
    verdicts = await contact.gate.decide(
        [offer(id, at=NOON), offer(id, at=NOON), offer(id, at=NOON)]
    )
    clock.moment = NOON + dt.timedelta(hours=8)
    permits = await contact.gate.use([verdict.id for verdict in verdicts])
    assert len(permits) == 3
    clock.moment = NOON + dt.timedelta(hours=25)
    (verdict,) = await contact.gate.decide([offer(id)])
    assert verdict.until == NOON + dt.timedelta(hours=32)


async def test_the_hour_is_looked_at_again_when_it_is_sent(
    core_house: House, contact: Contact, clock: Clock
) -> None:
    id = await consenting(core_house, contact)
    (verdict,) = await contact.gate.decide([offer(id)])
    clock.moment = NOON + dt.timedelta(hours=11)
    assert await contact.gate.use([verdict.id]) == []
    clock.moment = NOON + dt.timedelta(hours=20)
    (verdict,) = await contact.gate.decide([offer(id)])
    assert verdict.outcome == "allow", "what was not sent does not count"


async def test_what_is_released_does_not_count(core_house: House, contact: Contact) -> None:
    id = await consenting(core_house, contact)
    verdicts = await contact.gate.decide([offer(id)] * 3)
    await contact.gate.release([verdicts[0].id])
    (verdict,) = await contact.gate.decide([offer(id)])
    assert verdict.outcome == "allow"
    assert await contact.gate.use([verdicts[0].id]) == []


async def test_asking_again_under_one_reference_gives_the_same_verdict(
    core_house: House, contact: Contact
) -> None:
    id = await consenting(core_house, contact)
    asked = offer(id, plugin="campaigns", reference="mail-7")
    verdicts = await contact.gate.decide([asked, asked])
    verdicts += await contact.gate.decide([asked])
    assert len({verdict.id for verdict in verdicts}) == 1
    (other,) = await contact.gate.decide([msgspec.structs.replace(asked, plugin="loyalty")])
    assert other.id != verdicts[0].id


async def test_looking_stores_nothing_and_counts_for_nothing(
    core_house: House, contact: Contact
) -> None:
    id = await consenting(core_house, contact)
    for _ in range(5):
        assert (await contact.gate.look([offer(id)]))[0].outcome == "allow"
    assert await contact.gate.of(id) == []


async def test_a_permit_cannot_be_made_elsewhere() -> None:
    with pytest.raises(TypeError, match="made elsewhere"):
        Permit(object(), uuid4(), uuid4(), "sms", "+84912345678")


async def test_holds_refusals_and_restrictions_count_and_end(
    core_house: House, contact: Contact, clock: Clock
) -> None:
    id = await consenting(core_house, contact)

    async def rule() -> str:
        (decision,) = await contact.gate.look([offer(id)])
        return decision.reasons[0].rule if decision.reasons else ""

    hold = await contact.wishes.hold(HoldDraft(customer=id, reason="late"), by="test")
    assert await rule() == "hold_complaint"
    await contact.wishes.lift(hold, by="test")
    assert await rule() == ""
    await contact.wishes.refuse([RefusalDraft(kind="phone", address="84912345678")])
    assert await rule() == "do_not_contact"
    assert await contact.wishes.allow_again("phone", "0912.345.678")
    assert await rule() == ""
    await contact.wishes.prefer(id, Preference(restricted=True), by="test")
    assert await rule() == "restricted"
    clock.moment += dt.timedelta(seconds=1)
    await contact.wishes.prefer(id, Preference(), by="test")
    assert await rule() == ""


async def test_the_list_of_refusal_holds_no_address(core_house: House, contact: Contact) -> None:
    await contact.wishes.refuse([RefusalDraft(kind="phone", address=PHONE)])
    (row,) = await core_house.db.fetch("SELECT * FROM core_do_not_contact")
    assert not any("912345678" in str(value) for value in row)


async def test_everything_stays_refused_when_advertising_is_refused_later(
    core_house: House, contact: Contact
) -> None:
    for scope in ("everything", "advertising"):
        await contact.wishes.refuse([RefusalDraft(kind="phone", address=PHONE, scope=scope)])
    id = await person(core_house)
    assert (await contact.gate.look([offer(id, purpose="service")]))[0].outcome == "deny"


async def test_the_address_must_be_the_customers_own(core_house: House, contact: Contact) -> None:
    id = await consenting(core_house, contact)
    for address in ("0999999999", "no number"):
        (decision,) = await contact.gate.look([offer(id, address=address)])
        assert [reason.rule for reason in decision.reasons] == ["address"]


async def test_nobody_is_not_contacted(core_house: House, contact: Contact) -> None:
    (verdict,) = await contact.gate.decide([offer(uuid4())])
    assert [reason.rule for reason in verdict.reasons][:1] == ["gone"]


async def test_bad_requests_are_refused_with_what_is_wrong(
    core_house: House, contact: Contact, clock: Clock
) -> None:
    id = await person(core_house)
    late = NOON - dt.timedelta(hours=1)
    with pytest.raises(InvalidInput) as caught:
        await contact.gate.decide([offer(id), offer(id, purpose="spam"), offer(id, at=late)])
    assert [problem.where for problem in caught.value.problems] == ["/1/purpose", "/2/at"]


async def test_consent_needs_an_act_words_and_a_place() -> None:
    for missing in ("method", "wording", "where"):
        proof = {"method": "form", "wording": "I want to hear of offers.", "where": "form 7"}
        del proof[missing]
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(proof, Proof)
    for method in ("default", "silence", "pre_ticked", "import", ""):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"method": method, "wording": "x" * 20, "where": "form"}, Proof)


async def test_the_ledger_keeps_every_line(
    core_house: House, contact: Contact, clock: Clock
) -> None:
    id = await consenting(core_house, contact)
    clock.moment += dt.timedelta(days=1)
    await contact.consents.withdraw(
        [WithdrawalDraft(customer=id, purpose="advertising", channel="sms")], by="test"
    )
    lines = await contact.consents.of(id)
    assert [(line.state, line.channel) for line in lines] == [
        ("withdrawn", "sms"),
        ("granted", "*"),
    ]
    assert lines[1].wording == PROOF.wording
    assert (await contact.gate.look([offer(id)]))[0].outcome == "deny"
    assert (await contact.gate.look([offer(id, channel="email")]))[0].outcome == "allow"


async def test_consents_to_come_or_of_nobody_are_refused(
    core_house: House, contact: Contact
) -> None:
    id = await person(core_house)
    draft = ConsentDraft(customer=id, purpose="advertising", proof=PROOF)
    wrong = (
        {"given_at": NOON + dt.timedelta(days=1)},
        {"expires_at": NOON - dt.timedelta(days=1)},
        {"purpose": "spam"},
    )
    for change in wrong:
        with pytest.raises(InvalidInput):
            await contact.consents.grant([msgspec.structs.replace(draft, **change)], by="test")
    with pytest.raises(NotFound):
        await contact.consents.grant([msgspec.structs.replace(draft, customer=uuid4())], by="test")
    assert await contact.consents.of(id) == []


async def test_half_quiet_hours_are_refused(core_house: House, contact: Contact) -> None:
    id = await person(core_house)
    for wish in (
        Preference(quiet_from="20:00"),
        Preference(quiet_from="08:00", quiet_until="08:00"),
    ):
        with pytest.raises(InvalidInput):
            await contact.wishes.prefer(id, wish, by="test")
