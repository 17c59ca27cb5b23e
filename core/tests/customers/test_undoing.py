"""Changing a customer back, and who stands beside one in a list."""

from __future__ import annotations

import pytest

from core.tests.customers.test_visibility import BY, account, person
from relatum.app.house import House
from relatum.customers.types import (
    ContactPointDraft,
    CustomerChange,
    CustomerDraft,
    CustomerQuery,
    FieldDraft,
)
from relatum.values.problems import Conflict, NotFound

DRAFT = CustomerDraft(
    display_name="Lan",
    contact_points=[ContactPointDraft(kind="phone", raw="0912 345 678", label="nhà")],
    tags=["vip"],
    fields={"city": "Huế", "pin": "1234"},
    external_ids={"erp": "7"},
)


async def made(house: House) -> object:
    await house.customers.declare_fields(
        [FieldDraft(key="city"), FieldDraft(key="pin", sensitivity="secret")]
    )
    (id,) = await house.customers.create([DRAFT], by=BY)
    return id


async def test_everything_is_as_it_was(core_house: House) -> None:
    customers = core_house.customers
    id = await made(core_house)
    before = await customers.get(id)  # type: ignore[arg-type]
    owner = await account()
    change = CustomerChange(
        display_name="Lan Anh",
        kind="organisation",
        contact_points=[],
        roles=["partner"],
        tags=["mới"],
        fields={"city": None, "pin": "9999"},
        external_ids={"erp": "8", "shop": "1"},
        owner=owner,
    )
    changed = await customers.change(before.id, change, by=BY)
    back = await customers.take_back(before.id, version=changed.version, by=BY)
    same = ("display_name", "kind", "roles", "tags", "fields", "external_ids", "owner", "team")
    for name in same:
        assert getattr(back, name) == getattr(before, name), name
    assert [(p.raw, p.label) for p in back.contact_points] == [("0912 345 678", "nhà")]
    assert back.version == changed.version + 1
    assert back.fields["pin"] == "1234"
    stored = (await customers.get_stored([before.id]))[0]
    assert stored.fields["pin"] != "1234", "a secret stays encrypted where it is stored"


async def test_a_change_in_between_is_not_undone(core_house: House) -> None:
    customers = core_house.customers
    (id,) = await customers.create([DRAFT.__class__(display_name="Lan")], by=BY)
    changed = await customers.change(id, CustomerChange(tags=["a"]), by=BY)
    later = await customers.change(id, CustomerChange(tags=["a", "b"]), by="person:other")
    for version in (changed.version, later.version, later.version + 1):
        with pytest.raises(Conflict):
            await customers.take_back(id, version=version, by=BY)
    assert (await customers.get(id)).tags == ["a", "b"]


async def test_nobody_undoes_what_they_do_not_see(core_house: House) -> None:
    me, other = await account("me"), await account("other")
    customers = core_house.customers
    (id,) = await customers.create([CustomerDraft(display_name="Lan", owner=other)], by=BY)
    changed = await customers.change(id, CustomerChange(tags=["a"]), by=f"person:{me}")
    async with core_house.sights.looking_as(person(me)):
        with pytest.raises(NotFound):
            await customers.take_back(id, version=changed.version, by=f"person:{me}")


async def test_a_new_customer_has_nothing_to_undo(core_house: House) -> None:
    (id,) = await core_house.customers.create([CustomerDraft(display_name="Lan")], by=BY)
    with pytest.raises(Conflict):
        await core_house.customers.take_back(id, version=1, by=BY)


@pytest.mark.parametrize("sort", ["display_name", "-display_name", "created_at", "-updated_at"])
async def test_beside_in_a_list(core_house: House, sort: str) -> None:
    customers = core_house.customers
    me = await account("me")
    names = ["Chi", "An", "Bình", "Đạt", "Bình"]
    drafts = [CustomerDraft(display_name=name, owner=me, tags=["a"]) for name in names]
    await customers.create([*drafts, CustomerDraft(display_name="An Bình")], by=BY)
    query = CustomerQuery(sort=sort, tag="a")
    async with core_house.sights.looking_as(person(me)):
        listed = (await customers.find(query)).items
        ids = [None, *(each.id for each in listed), None]
        assert len(listed) == 5
        for number, each in enumerate(listed, start=1):
            assert await customers.beside(each, query) == (ids[number - 1], ids[number + 1])
