"""Creating, reading and changing customers."""

import uuid

import msgspec
import pytest

from relatum.customers.types import (
    ContactPointDraft,
    CustomerChange,
    CustomerDraft,
    CustomerQuery,
    FieldDraft,
    LinkDraft,
)
from relatum.values.problems import Conflict, InvalidInput, NotFound

BY = "person:test"


def draft(name="Nguyễn Thị Hoa", **rest):
    return CustomerDraft(display_name=name, **rest)


def phone(raw, **rest):
    return ContactPointDraft(kind="phone", raw=raw, **rest)


async def test_what_was_created_is_read_back(core_house):
    customers = core_house.customers
    await customers.declare_fields([FieldDraft(key="skin", type="choice", choices=["dry", "oily"])])
    [id] = await customers.create(
        [
            draft(
                contact_points=[
                    phone("0168 123 4567", label="mobile"),
                    ContactPointDraft(kind="email", raw="Hoa.Nguyen@Example.COM"),
                    phone("090 123 4567", primary=True),
                ],
                roles=["customer", "partner", "customer"],
                tags=["vip", "spa", "vip"],
                fields={"skin": "dry"},
                external_ids={"pos": "A-1"},
            )
        ],
        by=BY,
    )
    customer = await customers.get(id)
    assert customer.display_name == "Nguyễn Thị Hoa"
    assert [(p.kind, p.normalised, p.primary) for p in customer.contact_points] == [
        ("phone", "+84381234567", False),
        ("email", "hoa.nguyen@example.com", True),
        ("phone", "+84901234567", True),
    ]
    assert customer.contact_points[0].raw == "0168 123 4567"
    assert customer.roles == ["customer", "partner"]
    assert customer.tags == ["vip", "spa"]
    assert customer.fields == {"skin": "dry"}
    assert customer.external_ids == {"pos": "A-1"}
    assert customer.version == 1
    assert await customers.ids_by_external("pos", ["A-1", "A-2"]) == {"A-1": id}


async def test_all_problems_of_all_drafts_are_told_and_nothing_is_written(core_house):
    customers = core_house.customers
    await customers.create([draft(external_ids={"pos": "A-1"})], by=BY)
    with pytest.raises(InvalidInput) as refusal:
        await customers.create(
            [
                draft("Trần Văn Tốt"),
                draft("  ", contact_points=[phone("12")]),
                draft("a\x00b", fields={"nowhere": 1}),
                draft(external_ids={"pos": "A-1"}),
                draft(external_ids={"crm": "7"}),
                draft(external_ids={"crm": "7"}),
            ],
            by=BY,
        )
    places = sorted((p.where, p.code) for p in refusal.value.problems)
    assert [where for where, _ in places] == [
        "/1/contact_points/0/raw",
        "/1/display_name",
        "/2/display_name",
        "/2/fields/nowhere",
        "/3/external_ids/pos",
        "/5/external_ids/crm",
    ]
    assert all(p.message and p.expected and p.mend for p in refusal.value.problems)
    assert len((await customers.find(CustomerQuery())).items) == 1


async def test_a_change_keeps_what_it_does_not_name(core_house):
    customers = core_house.customers
    [id] = await customers.create(
        [draft(contact_points=[phone("0901234567"), phone("0901234568")], tags=["a"])], by=BY
    )
    before = await customers.get(id)
    after = await customers.change(
        id,
        CustomerChange(display_name="Nguyễn Thị Hoa Mai", contact_points=[phone("0901234568")]),
        by=BY,
        version=1,
    )
    assert after.version == 2
    assert after.tags == ["a"]
    assert after.created_at == before.created_at
    [kept] = after.contact_points
    assert kept.id == before.contact_points[1].id, "a point that stays keeps its identity"
    assert [c.display_name for c in (await customers.find(CustomerQuery(q="hoa mai"))).items] == [
        "Nguyễn Thị Hoa Mai"
    ]


async def test_changing_nothing_changes_nothing(core_house):
    customers = core_house.customers
    [id] = await customers.create([draft(tags=["a"])], by=BY)
    before = await core_house.events.last()
    assert (await customers.change(id, CustomerChange(tags=["a"]), by=BY)).version == 1
    assert await core_house.events.last() == before


async def test_a_stale_change_is_a_conflict_that_shows_both(core_house):
    customers = core_house.customers
    [id] = await customers.create([draft()], by=BY)
    await customers.change(id, CustomerChange(tags=["first"]), by=BY, version=1)
    stale = CustomerChange(tags=["second"])
    with pytest.raises(Conflict) as conflict:
        await customers.change(id, stale, by=BY, version=1)
    assert conflict.value.extra["current"].tags == ["first"]
    assert conflict.value.extra["yours"] == stale
    assert (await customers.get(id)).tags == ["first"]


async def test_changes_are_told_with_their_values_before_and_after(core_house):
    customers = core_house.customers
    [id] = await customers.create([draft(tags=["a"])], by=BY)
    await customers.change(id, CustomerChange(tags=["b"]), by=BY)
    [changed, created] = await core_house.events.of_customer(id)
    assert (created.type, changed.type) == ("core.customer_created", "core.customer_updated")
    assert changed.data()["changes"] == {"tags": [["a"], ["b"]]}
    assert changed.by == BY


async def test_fields_are_merged_and_removed_by_null(core_house):
    customers = core_house.customers
    await customers.declare_fields(
        [FieldDraft(key="a"), FieldDraft(key="b", type="decimal"), FieldDraft(key="c", type="date")]
    )
    [id] = await customers.create([draft(fields={"a": "x", "b": "1.10"})], by=BY)
    after = await customers.change(id, CustomerChange(fields={"a": None, "c": "2026-02-28"}), by=BY)
    assert after.fields == {"b": "1.10", "c": "2026-02-28"}
    with pytest.raises(InvalidInput):
        await customers.change(id, CustomerChange(fields={"c": "2026-02-30"}), by=BY)


async def test_a_field_keeps_its_type(core_house):
    await core_house.customers.declare_fields([FieldDraft(key="a")])
    await core_house.customers.declare_fields([FieldDraft(key="a", title_en="A")])
    assert [f.title_en for f in await core_house.customers.fields()] == ["A"]
    with pytest.raises(Conflict):
        await core_house.customers.declare_fields([FieldDraft(key="a", type="date")])


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"q": "duong"}, {"Đường Văn An"}),
        ({"q": "0901234567"}, {"Đường Văn An"}),
        ({"q": "+84901234567"}, {"Đường Văn An"}),
        ({"q": "100%"}, {"100% Cotton"}),
        ({"q": "an văn"}, {"Đường Văn An"}),
        ({"kind": "organisation"}, {"100% Cotton"}),
        ({"tag": "vip"}, {"Lê Bình"}),
        ({"role": "partner"}, {"100% Cotton"}),
        ({"phone": "84901234567"}, {"Đường Văn An"}),
        ({"email": "BINH@example.com"}, {"Lê Bình"}),
        ({"external_id": ("pos", "9")}, {"Lê Bình"}),
        ({"fields": {"city": "Huế"}}, {"Lê Bình"}),
        ({"q": "' OR 1=1 --"}, set()),
    ],
)
async def test_filters(core_house, query, names):
    customers = core_house.customers
    await customers.declare_fields([FieldDraft(key="city")])
    await customers.create(
        [
            draft("Đường Văn An", contact_points=[phone("0901234567")]),
            draft(
                "Lê Bình",
                contact_points=[ContactPointDraft(kind="email", raw="binh@example.com")],
                tags=["vip"],
                external_ids={"pos": "9"},
                fields={"city": "Huế"},
            ),
            draft("100% Cotton", kind="organisation", roles=["partner"]),
        ],
        by=BY,
    )
    page = await customers.find(CustomerQuery(**query))
    assert {c.display_name for c in page.items} == names


async def test_an_unknown_field_in_a_filter_is_told(core_house):
    with pytest.raises(InvalidInput):
        await core_house.customers.find(CustomerQuery(fields={"x' OR 1=1 --": "1"}))


async def test_people_are_listed_by_given_name_in_vietnamese_order(core_house):
    await core_house.customers.create(
        [draft(name) for name in ("Trần Đức", "Lê Dũng", "Phạm Ánh", "Võ An", "Bùi Ân")], by=BY
    )
    page = await core_house.customers.find(CustomerQuery(sort="display_name"))
    assert [c.display_name for c in page.items] == [
        "Võ An",
        "Phạm Ánh",
        "Bùi Ân",
        "Lê Dũng",
        "Trần Đức",
    ]


async def test_nobody_has_the_id(core_house):
    with pytest.raises(NotFound):
        await core_house.customers.get(uuid.uuid4())
    with pytest.raises(NotFound):
        await core_house.customers.change(uuid.uuid4(), CustomerChange(tags=["a"]), by=BY)


async def test_restoring_gives_the_content_back_and_the_version_grows(core_house):
    customers = core_house.customers
    await customers.declare_fields([FieldDraft(key="a"), FieldDraft(key="b")])
    [id] = await customers.create(
        [draft(tags=["x"], fields={"a": "1"}, contact_points=[phone("0901234567")])], by=BY
    )
    before = await customers.get(id)
    await customers.change(
        id, CustomerChange(display_name="B", tags=[], fields={"b": "2"}, contact_points=[]), by=BY
    )
    await customers.restore([before], by=BY)
    after = await customers.get(id)
    assert after.version == 3
    ignored = {"version": 0, "updated_at": None, "contact_points": []}
    assert msgspec.structs.replace(after, **ignored) == msgspec.structs.replace(before, **ignored)
    assert [p.normalised for p in after.contact_points] == ["+84901234567"]


async def test_who_is_in_use_is_not_removed(core_house):
    customers = core_house.customers
    free, parent, child = await customers.create([draft(), draft(), draft()], by=BY)
    links = [LinkDraft(source=parent, target=child, kind="parent_of")]
    await customers.links.create(links, by=BY)
    with pytest.raises(Conflict):
        await customers.remove([free, parent], by=BY)
    assert len(await customers.get_many([free, parent, child])) == 3
    await customers.remove([free], by=BY)
    assert [c.id for c in await customers.get_many([free, parent, child])] == [parent, child]


async def test_links(core_house):
    customers = core_house.customers
    acme, bluth = await customers.create([draft("Acme"), draft("Bluth")], by=BY)
    wanted = [LinkDraft(source=acme, target=bluth, kind="parent_of")] * 2
    [id] = await customers.links.create(wanted, by=BY)
    assert await customers.links.create(wanted, by=BY) == []
    [link] = await customers.links.of(bluth)
    assert (link.id, link.source_name, link.target_name) == (id, "Acme", "Bluth")
    with pytest.raises(InvalidInput):
        await customers.links.create([LinkDraft(source=acme, target=acme, kind="manages")], by=BY)
    with pytest.raises(NotFound):
        await customers.links.create(
            [LinkDraft(source=acme, target=uuid.uuid4(), kind="manages")], by=BY
        )
    assert await customers.links.remove([id], by=BY) == 1
    assert await customers.links.of(acme) == []


async def test_customers_by_name(core_house):
    customers = core_house.customers
    names = ["Đường Văn An", "Công ty Sao Mai", "công ty sao mai", "Văn An Đường"]
    ids = await customers.create(
        [draft(n, kind="organisation" if "ty" in n else "person") for n in names], by=BY
    )
    asked = ["ĐƯỜNG văn An", "duong van an", "CÔNG TY SAO MAI", "Nobody", "%"]
    found = await customers.ids_by_name(asked)
    assert found == {"ĐƯỜNG văn An": [ids[0]], "CÔNG TY SAO MAI": [ids[1], ids[2]]}
