"""Who may be the same: found by what reaches them and by name, never beyond what is seen."""

from __future__ import annotations

from core.tests.customers.test_visibility import ALL, BY, account, person
from relatum.app.house import House
from relatum.customers.duplicates import Sought
from relatum.customers.types import ContactPointDraft, CustomerDraft


def phone(raw: str) -> ContactPointDraft:
    return ContactPointDraft(kind="phone", raw=raw)


async def found(house: House, **sought: object) -> dict[str, list[str]]:
    likely = await house.customers.duplicates.of(Sought(**sought))  # type: ignore[arg-type]
    return {one.display_name: list(one.reasons) for one in likely}


async def test_the_same_reach_and_names_that_are_alike(core_house: House) -> None:
    await core_house.customers.create(
        [
            CustomerDraft(
                display_name="Nguyễn Thị Hương",
                contact_points=[
                    phone("0912 345 678"),
                    ContactPointDraft(kind="email", raw="Huong@SaoMai.vn"),
                ],
                external_ids={"erp": "K-17"},
            ),
            CustomerDraft(display_name="Trần Văn Bình"),
            CustomerDraft(display_name="Trần Văn Bính"),
            CustomerDraft(display_name="Lê Thị Hoa"),
        ],
        by=BY,
    )
    same = await found(core_house, display_name="ai đó", contact_points=[phone("+84912345678")])
    assert same == {"Nguyễn Thị Hương": ["phone"]}
    mail = [ContactPointDraft(kind="email", raw="huong@saomai.VN")]
    assert await found(core_house, contact_points=mail) == {"Nguyễn Thị Hương": ["email"]}
    assert await found(core_house, external_ids={"erp": "K-17"}) == {
        "Nguyễn Thị Hương": ["external_id"]
    }
    assert await found(core_house, external_ids={"shop": "K-17"}) == {}
    assert await found(core_house, display_name="nguyen thi huong") == {
        "Nguyễn Thị Hương": ["same_name"]
    }
    assert await found(core_house, display_name="Trần Văn Bình") == {
        "Trần Văn Bình": ["same_name"],
        "Trần Văn Bính": ["same_name"],
    }
    assert await found(core_house, display_name="Nguyễn Thi Hươngg") == {
        "Nguyễn Thị Hương": ["similar_name"]
    }
    assert await found(core_house, display_name="Phạm Quốc Dũng") == {}
    # a number in the place of an e-mail is no phone number of anybody
    wrong = [ContactPointDraft(kind="email", raw="0912345678")]
    assert await found(core_house, contact_points=wrong) == {}


async def test_the_one_that_is_changed_is_not_its_own_duplicate(core_house: House) -> None:
    draft = CustomerDraft(display_name="Lan", contact_points=[phone("0912345678")])
    first, second = await core_house.customers.create([draft, draft], by=BY)
    sought = Sought(display_name="Lan", contact_points=draft.contact_points)
    likely = await core_house.customers.duplicates.of(sought, other_than=first)
    assert [one.id for one in likely] == [second]
    assert likely[0].strong


async def test_a_hidden_duplicate_does_not_show(core_house: House) -> None:
    me, other = await account("me"), await account("other")
    draft = CustomerDraft(display_name="Lê Thị Lan", contact_points=[phone("0912345678")])
    await core_house.customers.create(
        [
            CustomerDraft(
                display_name=draft.display_name, contact_points=draft.contact_points, owner=other
            )
        ],
        by=BY,
    )
    sought = {"display_name": "Lê Thị Lan", "contact_points": draft.contact_points}
    assert await found(core_house, **sought)
    async with core_house.sights.looking_as(person(me)):
        assert await found(core_house, **sought) == {}
    async with core_house.sights.looking_as(person(other)):
        assert await found(core_house, **sought) == {"Lê Thị Lan": ["phone", "same_name"]}


async def test_what_is_masked_matches_nothing(core_house: House) -> None:
    me = await account("me")
    drafts = [CustomerDraft(display_name="Lan", contact_points=[phone("0912345678")], owner=me)]
    await core_house.customers.create(drafts, by=BY)
    async with core_house.sights.looking_as(person(me, masked=ALL)):
        assert await found(core_house, contact_points=[phone("0912345678")]) == {}
        [one] = await core_house.customers.duplicates.of(Sought(display_name="Lan"))
        assert "•••" in one.contact_points[0].raw
