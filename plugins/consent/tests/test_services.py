"""Links, preferences and requests in a house, on both databases."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest

from relatum.access.viewer import ANONYMOUS, SYSTEM
from relatum.api import (
    Conflict,
    ContactRequest,
    HoldDraft,
    InvalidInput,
    NotFound,
    Plugin,
    Preference,
    Refused,
    local_day,
    new_id,
    now,
)
from relatum.app.house import House
from relatum_consent.api import link_for
from relatum_consent.services.carrying_out import Actor
from relatum_consent.services.links import PATH, Links
from relatum_consent.services.preferences import Preferences, shortened
from relatum_consent.services.requests import Requests
from relatum_consent.types import Move, Request, RequestDraft, RequestQuery

BY = Actor("system", SYSTEM)
HERE = "203.0.113.7"


def token_of(address: str) -> str:
    return address.removeprefix(PATH)


async def test_a_link_opens_until_it_is_revoked(
    house: House, plugin: Plugin, customer: UUID
) -> None:
    links = Links(plugin)
    made = await links.make(customer, by="system")
    assert (await links.opened_by(token_of(made.address))).customer == customer
    other = await links.make(customer, by="system")
    await links.revoke(made.id, by="system")
    with pytest.raises(NotFound):
        await links.opened_by(token_of(made.address))
    await links.opened_by(token_of(other.address))
    later = now() - dt.timedelta(seconds=1)
    await house.db.execute("UPDATE consent_link SET expires_at = ? WHERE id = ?", later, other.id)
    with pytest.raises(NotFound):
        await links.opened_by(token_of(other.address))


async def test_a_link_that_nobody_signed_tells_nothing(plugin: Plugin, customer: UUID) -> None:
    links = Links(plugin)
    made, other = [token_of((await links.make(customer, by="system")).address) for _ in range(2)]
    swapped = f"{made.partition('.')[0]}.{other.partition('.')[2]}"
    wrong = [swapped, made[:-1], made[:-2] + "AA", "x", "", ".", "é.k1.x", f"{made}.x", "a" * 5000]
    said = set()
    for token in wrong:
        with pytest.raises(NotFound) as refused:
            await links.opened_by(token)
        said.add(refused.value.detail)
    assert len(said) == 1


async def test_an_older_key_still_opens(house: House, plugin: Plugin, customer: UUID) -> None:
    made = await Links(plugin).make(customer, by="system")
    house.keys.rotate()
    assert (await Links(plugin).opened_by(token_of(made.address))).id == made.id


async def test_link_for_gives_one_that_is_good(house: House, customer: UUID) -> None:
    first = await link_for(house, customer, by="plugin:spa")
    assert await link_for(house, customer, by="plugin:spa") == first
    soon = now() + dt.timedelta(days=3)
    await house.db.execute("UPDATE consent_link SET expires_at = ?", soon)
    assert await link_for(house, customer, by="plugin:spa") != first
    with pytest.raises(NotFound):
        await link_for(house, new_id(), by="plugin:spa")


async def test_nothing_is_ticked_that_was_not_granted(plugin: Plugin, customer: UUID) -> None:
    link = await Links(plugin).make(customer, by="system")
    shown = await Preferences(plugin).shown(link, "vi")
    assert shown.options
    assert not [each for each in shown.options if each.agreed]
    assert {each.channel for each in shown.options} == {"call", "sms", "email"}, "no Zalo is known"
    assert shown.addresses == ["•••• 567", "l•••@example.com"]
    assert "service" not in {each.purpose for each in shown.options}


async def test_choices_become_lines_with_their_words(
    house: House, plugin: Plugin, customer: UUID
) -> None:
    link = await Links(plugin).make(customer, by="system")
    preferences = Preferences(plugin)
    wish = Preference(quiet_from="21:00", quiet_until="07:00")
    chosen = {"advertising:sms", "care:email"}
    await preferences.choose(link, chosen, wish, language="vi", address=HERE)
    shown = await preferences.shown(link, "vi")
    assert {each.key for each in shown.options if each.agreed} == chosen
    assert shown.wish == wish
    lines = await house.contact.consents.of(customer)
    assert {(each.purpose, each.channel, each.method) for each in lines} == {
        ("advertising", "sms", "preference_page"),
        ("care", "email", "preference_page"),
    }
    for line in lines:
        assert line.wording.startswith("Tôi đồng ý để ")
        assert str(link.id) in line.where
        assert HERE not in line.where
    # sent again, nothing is written
    await preferences.choose(link, chosen, wish, language="en", address=HERE)
    assert len(await house.contact.consents.of(customer)) == 2
    # only what is unticked is taken back
    await preferences.choose(link, {"care:email"}, wish, language="vi", address=HERE)
    newest = (await house.contact.consents.of(customer))[0]
    assert (newest.purpose, newest.channel, newest.state) == ("advertising", "sms", "withdrawn")
    assert "không còn đồng ý" in newest.wording


async def test_the_gate_follows_the_page(house: House, plugin: Plugin, customer: UUID) -> None:
    link = await Links(plugin).make(customer, by="system")
    ask = ContactRequest(customer=customer, channel="email", purpose="care")
    assert (await house.contact.gate.decide([ask]))[0].outcome == "deny"
    chosen = {"care:email"}
    await Preferences(plugin).choose(link, chosen, Preference(), language="en", address=HERE)
    assert (await house.contact.gate.decide([ask]))[0].outcome == "allow"
    await Preferences(plugin).stop_everything(link, address=HERE)
    assert (await house.contact.gate.decide([ask]))[0].outcome == "deny"
    lines = len(await house.contact.consents.of(customer))
    await Preferences(plugin).stop_everything(link, address=HERE)
    assert len(await house.contact.consents.of(customer)) == lines


async def test_choosing_keeps_a_restriction(house: House, plugin: Plugin, customer: UUID) -> None:
    await house.contact.wishes.prefer(customer, Preference(restricted=True), by="system")
    link = await Links(plugin).make(customer, by="system")
    wish = Preference(quiet_from="20:00", quiet_until="08:00")
    await Preferences(plugin).choose(link, set(), wish, language="vi", address=HERE)
    assert (await house.contact.wishes.preference_of(customer)).restricted
    with pytest.raises(InvalidInput):
        half = Preference(quiet_from="20:00")
        await Preferences(plugin).choose(link, {"care:email"}, half, language="vi", address=HERE)
    assert not await house.contact.consents.of(customer), "all of it or nothing"


async def test_asking_twice_is_one_request(plugin: Plugin, customer: UUID) -> None:
    link = await Links(plugin).make(customer, by="system")
    first = await Preferences(plugin).ask(link, "access", address=HERE)
    assert (await Preferences(plugin).ask(link, "access", address=HERE)).id == first.id
    other = await Preferences(plugin).ask(link, "erase", address=HERE)
    assert {each.id for each in await Requests(plugin).open_of(customer)} == {first.id, other.id}
    assert first.source == "preference_page"


@pytest.mark.parametrize(
    ("kind", "raw", "shown"),
    [("phone", "0901234567", "•••• 567"), ("email", "a@b.vn", "a•••@b.vn")],
)
def test_addresses_are_shortened(kind: str, raw: str, shown: str) -> None:
    assert shortened(kind, raw) == shown


CHECK = Move(do="check_identity", method="called_back", words="Gọi lại số 567, đúng người.")


async def received(plugin: Plugin, customer: UUID, kind: str) -> Request:
    draft = RequestDraft(customer=customer, kind=kind, words="Xin")  # type: ignore[arg-type]
    return await Requests(plugin).receive(draft, by="system")


async def test_a_restriction_from_receipt_to_answer(
    house: House, plugin: Plugin, customer: UUID
) -> None:
    requests = Requests(plugin)
    request = await received(plugin, customer, "restrict")
    assert request.state == "received"
    assert request.due_on == request.answer_on < (request.stop_on or request.answer_on)
    moved = await requests.move(request.id, CHECK, BY)
    assert (moved.state, moved.identity_method) == ("identity_checked", "called_back")
    moved = await requests.move(request.id, Move(do="start"), BY)
    answer = Move(do="answer", words="Đã hạn chế.")
    with pytest.raises(Conflict):
        await requests.move(request.id, answer, BY)
    moved = await requests.move(request.id, Move(do="carry_out"), BY)
    assert moved.carried_out_at is not None
    assert (await house.contact.wishes.preference_of(customer)).restricted
    with pytest.raises(Conflict):
        await requests.move(request.id, Move(do="carry_out"), BY)
    moved = await requests.move(request.id, answer, BY)
    assert (moved.state, moved.closed_by) == ("answered", "system")
    steps = await requests.steps_of(request.id)
    assert [each.step for each in steps] == [
        *("receive", "check_identity", "start", "carry_out", "answer")
    ]
    assert not await requests.open_of(customer)
    events = await house.db.fetch(
        "SELECT type FROM core_event WHERE type LIKE 'consent.%' ORDER BY seq"
    )
    assert [told for (told,) in events] == [
        "consent.request_received",
        *["consent.request_moved"] * 4,
    ]


@pytest.mark.parametrize(("kind", "left"), [("withdraw", set()), ("object", {"care"})])
async def test_consents_are_taken_back(
    house: House, plugin: Plugin, customer: UUID, kind: str, left: set[str]
) -> None:
    link = await Links(plugin).make(customer, by="system")
    chosen = {"advertising:sms", "care:email"}
    await Preferences(plugin).choose(link, chosen, Preference(), language="vi", address=HERE)
    request = await received(plugin, customer, kind)
    for move in (CHECK, Move(do="start"), Move(do="carry_out")):
        await Requests(plugin).move(request.id, move, BY)
    shown = await Preferences(plugin).shown(link, "vi")
    assert {each.purpose for each in shown.options if each.agreed} == left


async def test_an_erasure_leaves_the_proof_and_nobody(
    house: House, plugin: Plugin, customer: UUID
) -> None:
    requests = Requests(plugin)
    await Links(plugin).make(customer, by="system")
    other = await received(plugin, customer, "access")
    request = await received(plugin, customer, "erase")
    for move in (CHECK, Move(do="start")):
        await requests.move(request.id, move, BY)
    with pytest.raises(Refused):
        await requests.move(request.id, Move(do="carry_out"), Actor("person:x", ANONYMOUS))
    hold = await house.contact.wishes.hold(HoldDraft(customer=customer, kind="legal"), by="system")
    with pytest.raises(Conflict):
        await requests.move(request.id, Move(do="carry_out"), BY)
    assert (await requests.get(request.id)).state == "in_work"
    await house.contact.wishes.lift(hold, by="system")
    done = await requests.move(request.id, Move(do="carry_out"), BY)
    assert (done.state, done.customer) == ("answered", None)
    assert str((await house.erasing.receipts())[0].id) == done.result
    assert not await requests.steps_of(request.id), "words go with the customer"
    assert not await house.db.fetch("SELECT id FROM consent_link")
    with pytest.raises(Conflict):
        await requests.move(request.id, Move(do="carry_out"), BY)
    # what else they asked is closed by a person, and waits for nobody
    assert (await requests.get(other.id)).customer is None
    for move in (CHECK, Move(do="start"), Move(do="answer", words="Đã xoá hết.")):
        closed = await requests.move(other.id, move, BY)
    assert closed.state == "answered"


async def test_a_copy_of_their_data(house: House, plugin: Plugin, customer: UUID) -> None:
    requests = Requests(plugin)
    request = await received(plugin, customer, "access")
    for move in (CHECK, Move(do="start")):
        await requests.move(request.id, move, BY)
    with pytest.raises(Refused):
        await requests.move(request.id, Move(do="carry_out"), Actor("person:x", ANONYMOUS))
    done = await requests.move(request.id, Move(do="carry_out"), BY)
    (export,) = await house.subjects.of(customer, SYSTEM)
    assert str(export.id) == done.result
    await house.worker.drain()
    assert (await house.subjects.of(customer, SYSTEM))[0].state == "ready"


async def test_steps_out_of_order_and_without_words(plugin: Plugin, customer: UUID) -> None:
    requests = Requests(plugin)
    request = await received(plugin, customer, "access")
    for early in (
        Move(do="start"),
        Move(do="carry_out"),
        Move(do="extend", days=5, words="vì"),
        Move(do="answer", words="xong rồi"),
    ):
        with pytest.raises(Conflict):
            await requests.move(request.id, early, BY)
    for bare in (Move(do="check_identity"), Move(do="refuse"), Move(do="refuse", words="  ")):
        with pytest.raises(InvalidInput):
            await requests.move(request.id, bare, BY)
    refused = await requests.move(request.id, Move(do="refuse", words="Không rõ là ai."), BY)
    assert refused.state == "refused"
    with pytest.raises(Conflict):
        await requests.move(request.id, CHECK, BY)


async def test_one_extension_of_fifteen_days(plugin: Plugin, customer: UUID) -> None:
    requests = Requests(plugin)
    draft = RequestDraft(customer=customer, kind="restrict", received_on=dt.date(2025, 3, 10))
    request = await requests.receive(draft, by="system")
    assert (request.answer_on, request.stop_on) == (dt.date(2025, 3, 12), dt.date(2025, 3, 25))
    for move in (CHECK, Move(do="start")):
        await requests.move(request.id, move, BY)
    for days in (0, 16, -1):
        with pytest.raises(InvalidInput):
            await requests.move(request.id, Move(do="extend", days=days, words="Cần thêm."), BY)
    more = Move(do="extend", days=15, words="Bên xử lý cần thêm thời gian.")
    moved = await requests.move(request.id, more, BY)
    assert (moved.state, moved.extended_days) == ("extended", 15)
    assert (moved.answer_on, moved.stop_on) == (dt.date(2025, 3, 27), dt.date(2025, 4, 9))
    with pytest.raises(Conflict):
        await requests.move(request.id, more, BY)
    with pytest.raises(InvalidInput):
        day = local_day(now(), "Asia/Ho_Chi_Minh") + dt.timedelta(days=1)
        draft = RequestDraft(customer=customer, kind="access", received_on=day)
        await requests.receive(draft, by="system")


async def test_overdue_is_told_once(house: House, plugin: Plugin, customer: UUID) -> None:
    requests = Requests(plugin)
    draft = RequestDraft(customer=customer, kind="access", received_on=dt.date(2025, 3, 10))
    late = await requests.receive(draft, by="system")
    await received(plugin, customer, "correct")
    assert [await requests.tell_overdue(), await requests.tell_overdue()] == [1, 0]
    told = await house.db.fetch(
        "SELECT type FROM core_event WHERE type = 'consent.request_overdue'"
    )
    assert len(told) == 1
    first = (await requests.find(RequestQuery(limit=1))).items[0]
    assert first.id == late.id, "the first due first"


async def test_pages_of_the_queue(plugin: Plugin, customer: UUID) -> None:
    requests = Requests(plugin)
    for day in range(3, 10):
        draft = RequestDraft(customer=customer, kind="access", received_on=dt.date(2025, 3, day))
        await requests.receive(draft, by="system")
    seen: list[Request] = []
    cursor = None
    while True:
        page = await requests.find(RequestQuery(limit=3, cursor=cursor))
        seen += page.items
        cursor = page.next
        if cursor is None:
            break
    assert len({each.id for each in seen}) == 7
    assert [each.due_on for each in seen] == sorted(each.due_on for each in seen)
