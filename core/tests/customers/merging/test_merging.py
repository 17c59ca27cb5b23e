"""Merging beside the laws: whose values are kept, secrets, sights, late writers, refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from core.tests.customers.merging.world import BY, World
from core.tests.customers.test_visibility import account, person
from relatum.access.policies import Condition, Rule
from relatum.access.sight.types import RuleDraft
from relatum.app.house import House
from relatum.customers.events import MERGED, UNMERGED, CustomersMerged
from relatum.customers.finding import Absorbed
from relatum.customers.merging.types import Choices
from relatum.customers.types import (
    ContactPointDraft,
    CustomerChange,
    CustomerDraft,
    CustomerQuery,
    FieldDraft,
    LinkDraft,
)
from relatum.events.types import Event
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import Handler
from relatum.interactions.types import InteractionDraft, InteractionQuery
from relatum.values.problems import Conflict, InvalidInput, NotFound

PHONE = [ContactPointDraft(kind="phone", raw="0912 345 678")]


async def two(house: House, **second: Any) -> tuple[UUID, UUID]:
    await house.customers.declare_fields(
        [FieldDraft(key="city"), FieldDraft(key="pin", sensitivity="secret")]
    )
    first = CustomerDraft(
        display_name="Lan", contact_points=PHONE, fields={"city": "Huế", "pin": "9081"}
    )
    one, other = await house.customers.create(
        [first, CustomerDraft(display_name="Lan Anh", **second)], by=BY
    )
    return one, other


async def note(house: House, customer: UUID, text: str = "x") -> None:
    draft = InteractionDraft(kind="core.note", customer_id=customer, payload={"text": text})
    await house.interactions.record([draft], by=BY)


# -- whose value ---------------------------------------------------------------------------------


async def test_the_only_value_then_the_newer_one_is_kept(core_house: House) -> None:
    one, other = await two(core_house, tags=["vip"])
    await core_house.customers.change(other, CustomerChange(fields={"city": "Vinh"}), by=BY)
    rules = {
        each.name: (each.side, each.rule)
        for each in (await core_house.merging.preview(one, other)).fields
    }
    assert rules["fields.city"] == ("absorbed", "recent")
    assert rules["fields.pin"] == ("survivor", "only")
    assert rules["kind"] == ("survivor", "equal")
    assert rules["primary.phone"] == ("survivor", "only")
    await core_house.merging.merge(one, other, by=BY)
    assert (await core_house.customers.get(one)).fields == {"city": "Vinh", "pin": "9081"}


async def test_a_better_source_decides_between_values_of_one_moment(core_house: House) -> None:
    names = ("import:1", "person:1")
    made = []
    for name, by in zip(("Lan", "Lan Anh"), names, strict=True):
        made += await core_house.customers.create([CustomerDraft(display_name=name)], by=by)
    await core_house.db.execute("UPDATE core_event SET recorded_at = '2026-01-01 00:00:00+00:00'")
    preview = await core_house.merging.preview(*made)
    name = next(each for each in preview.fields if each.name == "display_name")
    assert (name.side, name.rule) == ("absorbed", "source")


async def test_a_verified_number_becomes_the_primary_one(core_house: House) -> None:
    other_phone = [ContactPointDraft(kind="phone", raw="0988 000 111")]
    one, other = await two(core_house, contact_points=other_phone)
    await core_house.db.execute(
        "UPDATE core_contact_point SET verified_at = '2026-01-01 00:00:00+00:00' "
        "WHERE customer_id = ?",
        other,
    )
    await core_house.merging.merge(one, other, by=BY)
    points = (await core_house.customers.get(one)).contact_points
    assert [(p.normalised, p.primary) for p in points] == [
        ("+84912345678", False),
        ("+84988000111", True),
    ]


async def test_a_choice_overrides_the_rules_and_is_kept(core_house: House) -> None:
    one, other = await two(core_house)
    choices: Choices = {"display_name": "survivor", "fields.city": "absorbed"}
    merge = await core_house.merging.merge(one, other, by=BY, choices=choices)
    stored = await core_house.customers.get(one)
    assert (stored.display_name, stored.fields) == ("Lan", {"pin": "9081"})
    assert merge.choices["display_name"] == "survivor"
    with pytest.raises(InvalidInput, match="choice"):
        await core_house.merging.preview(one, (await two(core_house))[1], {"colour": "survivor"})


async def test_a_secret_moves_with_its_key(core_house: House) -> None:
    _, other = await two(core_house)
    one, _ = await two(core_house, fields={})
    await core_house.customers.change(one, CustomerChange(fields={"pin": None}), by=BY)
    [first, *_] = await core_house.customers.ids(CustomerQuery(q="Lan"), most=1)
    merge = await core_house.merging.merge(other, first, by=BY)
    assert (await core_house.customers.get(other)).fields["pin"] == "9081"
    [stored] = await core_house.customers.get_stored([other])
    assert "9081" not in stored.fields["pin"]
    kept = await core_house.db.fetch("SELECT before, after, content FROM core_merge_row")
    assert not any("9081" in str(text) for row in kept for text in row)
    await core_house.merging.unmerge(merge.id, by=BY)
    assert (await core_house.customers.get(first)).fields["pin"] == "9081"


# -- what was changed since ----------------------------------------------------------------------


async def test_a_field_that_was_changed_since_stays_and_the_preview_says_so(
    core_house: House,
) -> None:
    one, other = await two(core_house)
    choices: Choices = {"display_name": "absorbed"}
    merge = await core_house.merging.merge(one, other, by=BY, choices=choices)
    await core_house.customers.change(one, CustomerChange(display_name="Lan Chi"), by=BY)
    (name,) = (await core_house.merging.preview_undo(merge.id)).fields
    assert (name.name, name.now, name.back, name.kept) == ("display_name", "Lan Chi", "Lan", True)
    await core_house.merging.unmerge(merge.id, by=BY)
    assert (await core_house.customers.get(one)).display_name == "Lan Chi"
    assert (await core_house.customers.get(other)).display_name == "Lan Anh"


async def test_lists_that_were_written_anew_give_back_what_came(core_house: House) -> None:
    one, other = await two(core_house, tags=["vip"], external_ids={"erp": "2"})
    await core_house.customers.change(one, CustomerChange(external_ids={"erp": "1"}), by=BY)
    merge = await core_house.merging.merge(one, other, by=BY)
    found = await core_house.customers.ids_by_external("erp", ["1", "2"])
    assert found == {"1": one, "2": one}
    change = CustomerChange(tags=["mới", "vip"], external_ids={"erp": "1", "shop": "9"})
    await core_house.customers.change(one, change, by=BY)
    await core_house.merging.unmerge(merge.id, by=BY)
    first, second = await core_house.customers.get_many([one, other])
    assert (first.tags, second.tags) == (["mới"], ["vip"])
    assert first.external_ids == {"erp": "1", "shop": "9"}
    assert second.external_ids == {"erp": "2"}


# -- who sees what -------------------------------------------------------------------------------


async def test_both_have_to_be_seen(core_house: House) -> None:
    me = await account()
    one, other = await two(core_house)
    await core_house.customers.change(one, CustomerChange(owner=me), by=BY)
    async with core_house.sights.looking_as(person(me)):
        for pair in ((one, other), (other, one)):
            with pytest.raises(NotFound):
                await core_house.merging.preview(*pair)
            with pytest.raises(NotFound):
                await core_house.merging.merge(*pair, by=BY)
    with pytest.raises(InvalidInput, match="twice"):
        await core_house.merging.merge(one, one, by=BY)


async def test_whoever_sees_the_survivor_sees_what_was_told_of_both(core_house: House) -> None:
    me, stranger = await account(), await account("stranger")
    one, other = await two(core_house)
    await core_house.customers.change(one, CustomerChange(owner=me), by=BY)
    merge = await core_house.merging.merge(one, other, by=BY)
    async with core_house.sights.looking_as(person(me)):
        told = await core_house.events.of_customer(one)
        assert {event.customer for event in told} == {one, other}
        with pytest.raises(Absorbed):
            await core_house.customers.get(other)
    async with core_house.sights.looking_as(person(stranger)):
        assert await core_house.events.of_customer(one) == []
        for id in (one, other):
            with pytest.raises(NotFound) as gone:
                await core_house.customers.get(id)
            assert not isinstance(gone.value, Absorbed)
        with pytest.raises(NotFound):
            await core_house.merging.unmerge(merge.id, by=BY)


async def test_an_absorbed_id_leads_to_the_survivor_of_all(core_house: House) -> None:
    one, other = await two(core_house)
    (third,) = await core_house.customers.create([CustomerDraft(display_name="Chi")], by=BY)
    first = await core_house.merging.merge(one, other, by=BY)
    await core_house.merging.merge(third, one, by=BY)
    for id in (one, other):
        with pytest.raises(Absorbed) as gone:
            await core_house.customers.get(id)
        assert gone.value.into == third
    assert {each.id for each in await core_house.merging.of(third)} >= {first.id}
    assert await core_house.customers.count(CustomerQuery()) == 1
    with pytest.raises(NotFound):
        await core_house.customers.change(other, CustomerChange(display_name="x"), by=BY)


async def test_rules_of_sight_follow(core_house: House) -> None:
    one, other = await two(core_house, tags=["vip"])
    rule = Rule(all_of=[Condition(attribute="tag", is_one_of=["vip"])])
    await core_house.rules.create(RuleDraft(key="vips", rule=rule), by=BY)
    members = "SELECT customer_id FROM core_rule_member"
    assert await core_house.db.fetch(members) == [(other,)]
    merge = await core_house.merging.merge(one, other, by=BY)
    assert await core_house.db.fetch(members) == [(one,)]
    await core_house.merging.unmerge(merge.id, by=BY)
    assert await core_house.db.fetch(members) == [(other,)]


# -- whoever comes late --------------------------------------------------------------------------


async def test_what_is_recorded_for_an_absorbed_one_is_the_survivors(core_house: House) -> None:
    one, other = await two(core_house)
    await core_house.merging.merge(one, other, by=BY)
    await note(core_house, other)
    page = await core_house.interactions.find(InteractionQuery(customer_id=one))
    assert len(page.items) == 1


async def test_late_and_new_handlers_meet_nobody_who_is_gone(core_house: House) -> None:
    await World.build(core_house)
    one, other = await core_house.customers.create(
        [CustomerDraft(display_name=name) for name in ("Lan", "Chi")], by=BY
    )
    await note(core_house, other, f"about {other}")
    merge = await core_house.merging.merge(one, other, by=BY)
    told: list[Event] = []

    async def follow(plugin: Plugin, events: Sequence[Event]) -> None:
        for event in events:
            told.append(event)
            await core_house.db.insert(
                "zz_note", ("id", "customer_id", "word"), [(uuid4(), event.customer, "late")]
            )

    types = ("core.interaction_recorded", "core.customer_created", MERGED)
    core_house.registry.handlers.put(
        Handler(id="core.late", events=types, handle=follow, begin="beginning")
    )
    await core_house.handlers.run_once()
    assert {event.customer for event in told} == {one}
    assert await core_house.handlers.status()
    assert not any(each.given_up or each.waiting for each in await core_house.handlers.status())
    fact = next(event for event in told if event.type == MERGED).read(CustomersMerged)
    assert (fact.merge_id, fact.survivor, fact.absorbed) == (merge.id, one, other)


async def test_history_is_of_both(core_house: House) -> None:
    one, other = await two(core_house)
    await core_house.customers.change(other, CustomerChange(display_name="Lan Ba"), by=BY)
    merge = await core_house.merging.merge(one, other, by=BY)
    told = await core_house.events.of_customer(one)
    assert {event.customer for event in told} == {one, other}
    await core_house.merging.unmerge(merge.id, by=BY)
    told = await core_house.events.of_customer(one)
    assert {event.customer for event in told} == {one}
    assert [e.type for e in told if e.type in (MERGED, UNMERGED)] == [UNMERGED, MERGED]


async def test_writers_at_the_same_time_lose_nothing(core_house: House) -> None:
    one, other = await two(core_house)

    async def write(n: int) -> None:
        await note(core_house, other if n % 2 else one, str(n))

    async def back_and_forth() -> None:
        for _ in range(4):
            merge = await core_house.merging.merge(one, other, by=BY)
            await asyncio.sleep(0)
            await core_house.merging.unmerge(merge.id, by=BY)
        await core_house.merging.merge(one, other, by=BY)

    await asyncio.gather(back_and_forth(), *(write(n) for n in range(60)))
    page = await core_house.interactions.find(InteractionQuery(customer_id=one, limit=200))
    texts = sorted(int(msgspec.json.decode(each.payload)["text"]) for each in page.items)
    assert texts == list(range(60))


# -- refusals ------------------------------------------------------------------------------------


async def test_a_merge_is_undone_once(core_house: House) -> None:
    merge = await core_house.merging.merge(*await two(core_house), by=BY)
    undone = await core_house.merging.unmerge(merge.id, by=BY, reason="hai người")
    assert (undone.undone_by, undone.undone_because) == (BY, "hai người")
    with pytest.raises(Conflict, match="undone"):
        await core_house.merging.unmerge(merge.id, by=BY)


async def test_nobody_is_linked_to_themselves(core_house: House) -> None:
    one, other = await two(core_house)
    await core_house.customers.links.create(
        [LinkDraft(source=one, target=other, kind="household_of")], by=BY
    )
    merge = await core_house.merging.merge(one, other, by=BY)
    assert await core_house.customers.links.of(one) == []
    await core_house.merging.unmerge(merge.id, by=BY)
    [link] = await core_house.customers.links.of(one)
    assert (link.source, link.target) == (one, other)


async def test_a_table_without_a_key_is_named(core_house: House) -> None:
    await core_house.db.engine.run_ddl(
        "CREATE TABLE zz_keyless (customer_id UUID REFERENCES core_customer (id), word VARCHAR(9))"
    )
    one, other = await two(core_house)
    await core_house.db.insert("zz_keyless", ("customer_id", "word"), [(other, "x")])
    with pytest.raises(Conflict, match="zz_keyless"):
        await core_house.merging.merge(one, other, by=BY)
    assert (await core_house.customers.get(other)).display_name == "Lan Anh"
