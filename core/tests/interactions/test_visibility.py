"""Interactions for people who see only some customers, or some of each."""

import pytest

from relatum.access.policies import MASK
from relatum.access.viewer import Sight, Viewer
from relatum.customers.types import CustomerDraft
from relatum.interactions.types import InteractionDraft, InteractionQuery
from relatum.values.problems import InvalidInput
from relatum.values.sensitivity import SENSITIVITIES

BY = "system"


def somebody(masked=SENSITIVITIES, *, everything=False):
    sight = Sight(everything=everything, masked=frozenset(masked))
    return Viewer(actor="service:1", kind="service", sight=sight)


@pytest.fixture
async def customer(core_house):
    [id] = await core_house.customers.create([CustomerDraft(display_name="Lan")], by=BY)
    return id


def call(**rest):
    payload = {"number": "0901234567", "seconds": 3, "summary": "Hello"}
    return InteractionDraft(kind="core.call", payload=payload, **rest)


async def test_numbers_and_handles_are_masked(core_house, customer):
    draft = call(customer_id=customer, handle="zalo:77")
    [id] = await core_house.interactions.record([draft], by=BY)
    async with core_house.sights.looking_as(somebody(["contact"], everything=True)):
        one = await core_house.interactions.get(id)
    assert one.handle == MASK
    assert b"0901234567" not in bytes(one.payload)
    assert b"Hello" in bytes(one.payload)
    async with core_house.sights.looking_as(somebody(["health"], everything=True)):
        one = await core_house.interactions.get(id)
    assert (one.handle, b"0901234567" in bytes(one.payload)) == ("zalo:77", True)


async def test_a_kind_that_nobody_knows_shows_nothing_to_those_who_see_masks(core_house, customer):
    [id] = await core_house.interactions.record([call(customer_id=customer)], by=BY)
    await core_house.db.execute("UPDATE core_interaction SET kind = 'gone.call'")
    async with core_house.sights.looking_as(somebody(["health"], everything=True)):
        assert bytes((await core_house.interactions.get(id)).payload) == b"{}"
    async with core_house.sights.looking_as(somebody([], everything=True)):
        assert b"Hello" in bytes((await core_house.interactions.get(id)).payload)


async def test_what_happened_with_hidden_customers_is_hidden(core_house, customer):
    [hidden, anonymous] = await core_house.interactions.record(
        [call(customer_id=customer), call(handle="x")], by=BY
    )
    async with core_house.sights.looking_as(somebody([])):
        found = (await core_house.interactions.find(InteractionQuery())).items
        assert [one.id for one in found] == [anonymous]
        for draft in (call(customer_id=customer), call(customer_id=hidden)):
            with pytest.raises(InvalidInput) as refusal:
                await core_house.interactions.record([draft], by=BY)
            assert [problem.code for problem in refusal.value.problems] == ["no-such-customer"]


async def test_the_key_of_a_hidden_interaction_is_taken_without_its_id(core_house, customer):
    [hidden] = await core_house.interactions.record(
        [call(customer_id=customer, idempotency_key="k-1")], by=BY
    )
    async with core_house.sights.looking_as(somebody([])):
        with pytest.raises(InvalidInput) as refusal:
            await core_house.interactions.record([call(idempotency_key="k-1")], by=BY)
    assert [problem.code for problem in refusal.value.problems] == ["key-taken"]
    assert str(hidden) not in str(refusal.value)


async def test_those_who_see_masks_may_record(core_house, customer):
    async with core_house.sights.looking_as(somebody(everything=True)):
        [id] = await core_house.interactions.record([call(customer_id=customer)], by=BY)
        assert (await core_house.interactions.get(id)).customer_id == customer
        with pytest.raises(InvalidInput):
            await core_house.interactions.record([call(handle=f"{MASK}1")], by=BY)
