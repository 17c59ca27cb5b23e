"""The outbox on each database: what is kept, what leaves it, and what becomes of it."""

from __future__ import annotations

import asyncio
import datetime as dt
from uuid import UUID, uuid4

import pytest

from core.tests.contact.outbox.world import (
    NOON,
    Clock,
    Office,
    contact_of,
    draft,
    people,
    post_office,
)
from relatum.app.house import House
from relatum.contact.outbox.types import Content, MessageQuery, Parcel
from relatum.contact.service import Contact
from relatum.contact.types import WithdrawalDraft
from relatum.hooks.declarations import Receipt
from relatum.interactions.types import InteractionQuery
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, NotFound
from relatum.values.time import now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def contact(core_house: House, clock: Clock) -> Contact:
    return contact_of(core_house, clock)


@pytest.fixture
def office(core_house: House) -> Office:
    return post_office(core_house)


async def post(contact: Contact) -> None:
    await contact.outbox.posting.run(new_id())


async def state(contact: Contact, id: UUID) -> str:
    return (await contact.outbox.get(id)).state


async def kinds(house: House, customer: UUID) -> list[str]:
    found = await house.interactions.find(InteractionQuery(customer_id=customer))
    return sorted(each.kind for each in found.items)


async def events(house: House) -> list[str]:
    rows = await house.db.fetch(
        "SELECT type FROM core_event WHERE type LIKE 'core.message%' ORDER BY seq"
    )
    return [row[0].removeprefix("core.message_") for row in rows]


async def test_a_message_goes_out_with_its_permit_and_is_told(
    core_house: House, contact: Contact, office: Office
) -> None:
    (id,) = await people(core_house, contact, 1)
    (message,) = await contact.outbox.send([draft(id)], by="test")
    assert (message.state, message.due_at) == ("planned", NOON)
    assert (await contact.gate.get(message.verdict)).outcome == "allow"
    await post(contact)
    ((_, parcel),) = office.sent
    assert (parcel.permit.address, parcel.permit.verdict) == ("k0@example.com", message.verdict)
    assert parcel.key == str(message.id)
    assert parcel.unsubscribe.startswith("https://crm.example/unsubscribe/")
    assert await state(contact, message.id) == "sent"
    assert await kinds(core_house, id) == ["core.message"]
    assert await events(core_house) == ["planned", "gated", "sent"]
    await post(contact)
    assert len(office.sent) == 1


async def test_the_job_sends_it(core_house: House, office: Office) -> None:
    contact = contact_of(core_house, Clock(None))
    (id,) = await people(core_house, contact, 1)
    (message,) = await contact.outbox.send([draft(id, purpose="service")], by="test")
    await core_house.worker.drain()
    assert len(office.sent) == 1
    assert await state(contact, message.id) == "sent"


async def test_what_is_denied_is_kept_with_its_reasons_and_not_sent(
    core_house: House, contact: Contact, office: Office
) -> None:
    (id,) = await people(core_house, contact, 1, consent=False)
    (message,) = await contact.outbox.send([draft(id)], by="test")
    assert (message.state, [each.rule for each in message.reasons]) == ("denied", ["consent"])
    await post(contact)
    assert office.sent == []
    assert await events(core_house) == ["gated"]


async def test_what_is_deferred_is_asked_about_again_at_its_time(
    core_house: House, contact: Contact, office: Office, clock: Clock
) -> None:
    (id,) = await people(core_house, contact, 1)
    messages = await contact.outbox.send([draft(id) for _ in range(4)], by="test")
    assert [each.state for each in messages] == ["planned"] * 3 + ["deferred"]
    assert messages[3].due_at == NOON + dt.timedelta(days=1)
    await post(contact)
    assert len(office.sent) == 3
    clock.moment = NOON + dt.timedelta(days=1)
    await post(contact)
    assert len(office.sent) == 4
    later = await contact.outbox.get(messages[3].id)
    assert (later.state, later.reasons) == ("sent", [])
    assert later.verdict != messages[3].verdict


async def test_a_consent_taken_back_stops_what_is_planned(
    core_house: House, contact: Contact, office: Office, clock: Clock
) -> None:
    (id,) = await people(core_house, contact, 1)
    when = NOON + dt.timedelta(hours=1)
    (message,) = await contact.outbox.send([draft(id, at=when)], by="test")
    await contact.consents.withdraw(
        [WithdrawalDraft(customer=id, purpose="advertising")], by="test"
    )
    clock.moment = when
    await post(contact)
    found = await contact.outbox.get(message.id)
    assert (found.state, [each.rule for each in found.reasons]) == ("denied", ["consent"])
    assert office.sent == []


async def test_ac_gate_2_nothing_is_sent_five_seconds_after_a_consent_is_taken_back(
    core_house: House,
) -> None:
    """Two hundred messages are queued and on their way when every consent is taken back."""
    office = post_office(core_house, batch=20)
    office.seconds = 0.02
    contact = contact_of(core_house, Clock(None))
    ids = await people(core_house, contact, 200)
    await contact.outbox.send([draft(id) for id in ids], by="test")
    posting = asyncio.create_task(contact.outbox.posting.run(new_id()))
    await office.busy.wait()
    withdrawals = [WithdrawalDraft(customer=id, purpose="advertising") for id in ids]
    await contact.consents.withdraw(withdrawals, by="test")
    taken_back = now()
    await posting
    late = [at for at, _ in office.sent if at > taken_back + dt.timedelta(seconds=5)]
    assert late == []
    assert 30 <= len(office.sent) < 200
    states = {each.state for each in (await contact.outbox.find(MessageQuery(limit=200))).items}
    assert states == {"sent", "denied"}


async def test_a_permit_that_grew_old_is_not_used(
    core_house: House, contact: Contact, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    (id,) = await people(core_house, contact, 1)
    (message,) = await contact.outbox.send([draft(id)], by="test")
    answers = iter(["untried", "sent"])
    office.answer = lambda parcel: next(answers)
    await post(contact)
    found = await contact.outbox.get(message.id)
    assert (found.state, found.attempts) == ("sent", 1)


async def test_a_batch_is_decided_one_after_the_other_and_once_under_one_reference(
    core_house: House, contact: Contact
) -> None:
    (id,) = await people(core_house, contact, 1)
    wanted = draft(id, reference="tet-2026")
    first, again = await contact.outbox.send([wanted, wanted], by="test")
    (later,) = await contact.outbox.send([wanted], by="test")
    assert first.id == again.id == later.id
    (other,) = await contact.outbox.send([wanted], by="test", plugin="loyalty")
    assert other.id != first.id


async def test_what_could_not_be_sent_for_now_is_tried_again_and_given_up_in_the_end(
    core_house: House, contact: Contact, office: Office, clock: Clock
) -> None:
    office.answer = lambda parcel: "later"
    (id,) = await people(core_house, contact, 1)
    (message,) = await contact.outbox.send([draft(id, purpose="service")], by="test")
    waits = []
    while True:
        await post(contact)
        found = await contact.outbox.get(message.id)
        if found.due_at is None:
            break
        waits.append(found.due_at - clock())
        clock.moment = found.due_at
    assert found.state == "failed"
    assert waits == [dt.timedelta(minutes=each) for each in (1, 10, 60, 360, 1440)]
    assert len(office.sent) == 6
    verdict = await core_house.db.fetch_one(
        "SELECT state FROM core_contact_verdict WHERE id = ?", found.verdict
    )
    assert verdict == ("released",), "what was not sent does not count"


async def test_an_answer_that_was_lost_is_shown_and_not_sent_twice(
    core_house: House, contact: Contact, office: Office
) -> None:
    (id,) = await people(core_house, contact, 1)

    def break_down(parcel: Parcel) -> str:
        raise RuntimeError("connection reset")

    office.answer = break_down
    (message,) = await contact.outbox.send([draft(id)], by="test")
    await post(contact)
    found = await contact.outbox.get(message.id)
    assert found.state == "uncertain"
    assert "connection reset" in found.detail
    await post(contact)
    assert len(office.sent) == 1
    settled = await contact.outbox.settle(message.id, "sent", by="test")
    assert settled.state == "sent"
    assert await kinds(core_house, id) == ["core.message", "core.message_receipt"]
    with pytest.raises(Conflict):
        await contact.outbox.settle(message.id, "not_sent", by="test")


async def test_a_message_the_plugin_says_nothing_about_is_uncertain(
    core_house: House, contact: Contact, office: Office
) -> None:
    office.answer = lambda parcel: "nothing"
    (id,) = await people(core_house, contact, 1)
    (message,) = await contact.outbox.send([draft(id)], by="test")
    await post(contact)
    assert await state(contact, message.id) == "uncertain"


@pytest.mark.parametrize("idempotent", [False, True])
async def test_a_process_that_ends_between_the_answer_and_its_note(
    core_house: House, contact: Contact, idempotent: bool
) -> None:
    office = post_office(core_house, idempotent=idempotent)
    (id,) = await people(core_house, contact, 1)
    (message,) = await contact.outbox.send([draft(id)], by="test")
    run = new_id()

    def end(parcel: Parcel) -> str:
        raise KeyboardInterrupt

    office.answer = end
    with pytest.raises(KeyboardInterrupt):
        await contact.outbox.posting.run(run)
    assert await state(contact, message.id) == "sending"
    office.answer = lambda parcel: "sent"
    await post(contact)  # another run: this one may still be going on
    assert await state(contact, message.id) == "sending"
    await contact.outbox.posting.run(run)
    keys = [parcel.key for _, parcel in office.sent]
    if idempotent:
        assert keys == [str(message.id)] * 2
        assert await state(contact, message.id) == "sent"
    else:
        assert len(keys) == 1
        assert await state(contact, message.id) == "uncertain"


async def test_what_may_have_been_sent_and_may_not_be_sent_again_is_uncertain(
    core_house: House, contact: Contact, clock: Clock
) -> None:
    office = post_office(core_house, idempotent=True)
    (id,) = await people(core_house, contact, 1)
    (message,) = await contact.outbox.send([draft(id)], by="test")
    await core_house.db.execute("UPDATE core_message SET state = 'sending', started_at = ?", NOON)
    await contact.gate.use([message.verdict])
    await contact.consents.withdraw(
        [WithdrawalDraft(customer=id, purpose="advertising")], by="test"
    )
    clock.moment = NOON + dt.timedelta(hours=1)
    await post(contact)
    assert await state(contact, message.id) == "uncertain"
    assert office.sent == []


async def test_a_bounce_marks_the_address_until_it_is_allowed_again(
    core_house: House, contact: Contact, office: Office
) -> None:
    office.answer = lambda parcel: "bounced"
    (id,) = await people(core_house, contact, 1)
    (message,) = await contact.outbox.send([draft(id)], by="test")
    await post(contact)
    assert await state(contact, message.id) == "bounced"
    (second,) = await contact.outbox.send([draft(id, purpose="service")], by="test")
    assert [each.rule for each in second.reasons] == ["bounced"]
    (row,) = await core_house.db.fetch("SELECT * FROM core_bounced_address")
    assert not any("k0@" in str(value) for value in row)
    assert await contact.wishes.allow_again("email", "K0@example.com")
    (third,) = await contact.outbox.send([draft(id, purpose="service")], by="test")
    assert third.state == "planned"
    assert await kinds(core_house, id) == ["core.message_receipt"]


async def test_receipts_that_come_later_are_taken_in_once(
    core_house: House, contact: Contact, office: Office
) -> None:
    (id,) = await people(core_house, contact, 1)
    (message,) = await contact.outbox.send([draft(id)], by="test")
    await post(contact)
    told = [
        Receipt(message=message.id, outcome="delivered", reference="p-1"),
        Receipt(message=uuid4(), outcome="delivered"),
    ]
    await contact.outbox.note(told, by="plugin:post")
    await contact.outbox.note(told, by="plugin:post")
    found = await contact.outbox.get(message.id)
    assert (found.state, found.provider_reference) == ("delivered", "p-1")
    assert await kinds(core_house, id) == ["core.message", "core.message_receipt"]
    await contact.outbox.note([Receipt(message=message.id, outcome="sent")], by="plugin:post")
    assert await state(contact, message.id) == "delivered"


async def test_a_planned_message_can_be_cancelled_and_no_longer_counts(
    core_house: House, contact: Contact, office: Office
) -> None:
    (id,) = await people(core_house, contact, 1)
    messages = await contact.outbox.send([draft(id) for _ in range(3)], by="test")
    cancelled = await contact.outbox.cancel(messages[0].id, by="test")
    assert cancelled.state == "cancelled"
    with pytest.raises(Conflict):
        await contact.outbox.cancel(messages[0].id, by="test")
    (another,) = await contact.outbox.send([draft(id)], by="test")
    assert another.state == "planned"
    await post(contact)
    assert len(office.sent) == 3


async def test_while_nobody_sends_a_channel_its_messages_wait(
    core_house: House, contact: Contact
) -> None:
    (id,) = await people(core_house, contact, 1)
    (message,) = await contact.outbox.send([draft(id)], by="test")
    assert contact.outbox.channels() == {}
    await post(contact)
    assert await state(contact, message.id) == "planned"
    office = post_office(core_house)
    await post(contact)
    assert len(office.sent) == 1


async def test_advertising_carries_the_label_of_the_law(
    core_house: House, contact: Contact
) -> None:
    office = post_office(core_house, channel="sms")
    (id,) = await people(core_house, contact, 1)
    content = Content(text="Giảm 10 %.")
    (message,) = await contact.outbox.send(
        [draft(id, channel="sms", content=content, sender="SPA")], by="test"
    )
    assert (message.state, message.text) == ("planned", "[QC] Giảm 10 %.")
    await post(contact)
    assert office.sent[0][1].content.text == "[QC] Giảm 10 %."


async def test_nobody_and_nothing_are_refused(core_house: House, contact: Contact) -> None:
    assert await contact.outbox.send([], by="test") == []
    with pytest.raises(NotFound):
        await contact.outbox.send([draft(uuid4())], by="test")
    with pytest.raises(NotFound):
        await contact.outbox.get(uuid4())


async def test_whoever_has_the_address_of_a_message_takes_the_consent_back(
    core_house: House, contact: Contact, office: Office
) -> None:
    (id,) = await people(core_house, contact, 1)
    await contact.outbox.send([draft(id)], by="test")
    await post(contact)
    token = office.sent[0][1].unsubscribe.rpartition("/")[2]
    way = await contact.outbox.unsubscribing.take_back(token)
    assert (way.purpose, way.channel) == ("advertising", "email")
    (message,) = await contact.outbox.send([draft(id)], by="test")
    assert [each.rule for each in message.reasons] == ["consent"]
    for bad in (token[:-2], "x" + token, f"{uuid4().hex}{token[32:]}", "", "a.b.c.d.e"):
        with pytest.raises(NotFound):
            contact.outbox.unsubscribing.read(bad)


async def test_a_cap_is_kept_over_messages_that_are_sent_late(
    core_house: House, contact: Contact, office: Office, clock: Clock
) -> None:
    (id,) = await people(core_house, contact, 1)
    await contact.outbox.send([draft(id) for _ in range(3)], by="test")
    clock.moment = NOON + dt.timedelta(hours=10)
    await post(contact)
    (fourth,) = await contact.outbox.send([draft(id)], by="test")
    assert fourth.due_at == NOON + dt.timedelta(hours=34)
