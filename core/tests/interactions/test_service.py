"""Recording and reading interactions."""

import datetime as dt
import uuid

import pytest

from relatum.customers.types import CustomerDraft
from relatum.interactions.types import Amount, InteractionDraft, InteractionQuery
from relatum.values.problems import InvalidInput, NotFound

BY = "person:test"
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def note(text="hello", **rest):
    return InteractionDraft(kind="core.note", payload={"text": text}, **rest)


async def somebody(house):
    [id] = await house.customers.create([CustomerDraft(display_name="An")], by=BY)
    return id


async def test_what_was_recorded_is_read_back(core_house):
    customer = await somebody(core_house)
    draft = InteractionDraft(
        kind="core.purchase",
        customer_id=customer,
        channel="store",
        direction="in",
        occurred_at=NOON,
        payload={"item": "Kem", "quantity": "2", "unit_price": "2.555"},
        money=Amount(511, "USD"),
        actor="person:lan",
        idempotency_key="till-1:77",
    )
    [id] = await core_house.interactions.record([draft], by=BY)
    read = await core_house.interactions.get(id)
    assert (read.kind, read.customer_id, read.occurred_at) == ("core.purchase", customer, NOON)
    assert read.recorded_at > NOON
    assert read.money == Amount(511, "USD")
    assert bytes(read.payload) == b'{"item":"Kem","quantity":"2","unit_price":"2.555"}'
    [event] = [e for e in await core_house.events.of_customer(customer) if "recorded" in e.type]
    assert event.data()["interaction_id"] == str(id)


async def test_the_same_key_is_recorded_once(core_house):
    first, again = await core_house.interactions.record(
        [note("a", idempotency_key="k"), note("b", idempotency_key="k")], by=BY
    )
    assert first == again
    [third] = await core_house.interactions.record([note("c", idempotency_key="k")], by=BY)
    assert third == first
    page = await core_house.interactions.find(InteractionQuery())
    assert [bytes(i.payload) for i in page.items] == [b'{"text":"a"}']


@pytest.mark.parametrize(
    ("draft", "where", "code"),
    [
        (note(customer_id=uuid.uuid4()), "/0/customer_id", "no-such-customer"),
        (InteractionDraft(kind="core.nothing"), "/0/kind", "unknown-kind"),
        (InteractionDraft(kind="core.note", payload={}), "/0/payload", "bad-payload"),
        (
            InteractionDraft(kind="core.note", payload={"text": "a", "x": 1}),
            "/0/payload",
            "bad-payload",
        ),
        (
            InteractionDraft(kind="core.call", payload={"seconds": -1}),
            "/0/payload/seconds",
            "bad-payload",
        ),
        (note("a\x00b"), "/0/payload", "control-character"),
        (note(occurred_at=dt.datetime(2999, 1, 1, tzinfo=dt.UTC)), "/0/occurred_at", "bad-time"),
        (note(occurred_at=dt.datetime(1800, 1, 1, tzinfo=dt.UTC)), "/0/occurred_at", "bad-time"),
        (note(money=Amount(1, "XXQ")), "/0/money/currency", "unknown-currency"),
        (note(handle="\x07"), "/0/handle", "bad-text"),
        (note("x" * 100_001), "/0/payload/text", "bad-payload"),
    ],
)
async def test_refusals_say_where_and_why(core_house, draft, where, code):
    with pytest.raises(InvalidInput) as refusal:
        await core_house.interactions.record([draft, note("good")], by=BY)
    [problem] = refusal.value.problems
    assert (problem.where, problem.code) == (where, code)
    assert problem.expected
    assert problem.mend
    assert (await core_house.interactions.find(InteractionQuery())).items == []


async def test_pages_follow_each_other(core_house):
    times = [NOON + dt.timedelta(minutes=n // 2) for n in range(7)]
    await core_house.interactions.record(
        [note(str(n), occurred_at=t) for n, t in enumerate(times)], by=BY
    )
    seen, cursor = [], None
    while True:
        page = await core_house.interactions.find(InteractionQuery(limit=2, cursor=cursor))
        seen += [i.occurred_at for i in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == sorted(times, reverse=True)
    with pytest.raises(InvalidInput):
        await core_house.interactions.find(InteractionQuery(cursor="nonsense"))


async def test_taking_back_leaves_a_trace(core_house):
    customer = await somebody(core_house)
    ids = await core_house.interactions.record([note(customer_id=customer), note()], by=BY)
    assert await core_house.interactions.remove([*ids, uuid.uuid4()], by="import:x") == 2
    with pytest.raises(NotFound):
        await core_house.interactions.get(ids[0])
    newest = (await core_house.events.of_customer(customer))[0]
    assert (newest.type, newest.by) == ("core.interaction_retracted", "import:x")


async def test_a_kind_that_is_off_is_refused_and_still_read(core_house):
    [id] = await core_house.interactions.record([note()], by=BY)
    core_house.registry.interaction_kinds.remove_all_of("core")
    assert (await core_house.interactions.get(id)).kind == "core.note"
    with pytest.raises(InvalidInput):
        await core_house.interactions.record([note()], by=BY)
