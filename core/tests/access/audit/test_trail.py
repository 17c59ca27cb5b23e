"""The audit trail as it is read: who, what, when, from, to, why."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import msgspec
import pytest

from relatum.access.audit.types import AuditItem, AuditQuery, Changed, Who
from relatum.access.policies import MASK
from relatum.access.viewer import Sight, Viewer
from relatum.app.house import House
from relatum.customers.types import CustomerChange, CustomerDraft, FieldDraft
from relatum.events.context import because
from relatum.values.ids import new_id
from relatum.values.problems import InvalidInput

LAN = UUID("01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1f")
TOKEN = UUID("01936f2c-8a3e-7b51-9c0d-000000000007")
BY_LAN = f"person:{LAN}"


@pytest.fixture
async def house(core_house: House) -> House:
    await core_house.db.insert(
        "core_account",
        ("id", "kind", "name", "created_at"),
        [(LAN, "person", "Trần Thị Lan", dt.datetime(2026, 11, 1, tzinfo=dt.UTC))],
    )
    return core_house


async def create(house: House, name: str, *, by: str = BY_LAN, **rest: Any) -> UUID:
    [id] = await house.customers.create([CustomerDraft(display_name=name, **rest)], by=by)
    return id


async def items(house: House, **query: Any) -> list[AuditItem]:
    return (await house.audit.entries(AuditQuery(**query))).items


async def test_tells_who_what_when_from_to_and_why(house: House) -> None:
    id = await create(house, "Minh", tags=["new"])
    began = dt.datetime.now(dt.UTC)
    with because("he married", request="r-9", token=TOKEN):
        change = CustomerChange(display_name="Minh Anh", tags=["new", "vip"])
        await house.customers.change(id, change, by=BY_LAN)
    item = (await items(house))[0]
    assert item.who == Who(BY_LAN, "Trần Thị Lan")
    assert item.asked_by is None
    assert (item.type, item.what.en) == ("core.customer_updated", "Customer changed")
    assert item.what.vi == "Đã sửa khách hàng"
    assert dt.timedelta() <= item.at - began < dt.timedelta(seconds=10)
    assert (item.customer, item.customer_name) == (id, "Minh Anh")
    assert item.changes == [
        Changed("display_name", "Minh", "Minh Anh"),
        Changed("tags", ["new"], ["new", "vip"]),
    ]
    assert item.details == {"customer_id": str(id)}
    assert (item.why, item.request, item.token, item.session) == ("he married", "r-9", TOKEN, None)


async def test_pairs_of_other_events_are_changes_too(house: House) -> None:
    """Roles given: the payload holds all roles before and after."""
    from relatum.access.roles.events import ROLES_ASSIGNED, RolesAssigned
    from relatum.events.types import NewEvent

    payload = RolesAssigned(LAN, ([], ["sales"]))
    await house.events.append([NewEvent(type=ROLES_ASSIGNED, payload=payload)], by=BY_LAN)
    [item] = await items(house)
    assert item.changes == [Changed("roles", [], ["sales"])]
    assert item.details == {"account": str(LAN)}


async def test_custom_fields_are_told_one_by_one_and_secrets_never(house: House) -> None:
    await house.customers.declare_fields(
        [FieldDraft(key="pin", sensitivity="secret"), FieldDraft(key="colour")]
    )
    id = await create(house, "Minh", fields={"pin": "0000", "colour": "red"})
    change = CustomerChange(fields={"pin": "1234", "colour": "blue"})
    await house.customers.change(id, change, by=BY_LAN)
    item = (await items(house))[0]
    assert item.changes == [
        Changed("fields.colour", "red", "blue"),
        Changed("fields.pin", MASK, MASK),
    ]


async def test_filters(house: House) -> None:
    minh = await create(house, "Minh")
    hoa = await create(house, "Hoa", by="system")
    with because(actor=BY_LAN):
        tam = await create(house, "Tâm", by="import:7")
    await house.customers.remove([hoa], by="system")

    async def about(**query: Any) -> list[UUID | None]:
        return [item.customer for item in await items(house, **query)]

    assert await about() == [hoa, tam, hoa, minh]
    assert await about(actor=BY_LAN) == [tam, minh]
    assert await about(actor="import:7") == [tam]
    assert await about(actor="person:%") == []
    assert await about(customer=hoa) == [hoa, hoa]
    assert await about(type="core.customer_removed") == [hoa]
    assert await about(type="core.customer_") == [hoa, tam, hoa, minh]
    assert await about(type="core_") == []
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    assert await about(recorded_before=later) == [hoa, tam, hoa, minh]
    assert await about(recorded_from=later) == []


async def test_who_asked_is_told_beside_who_did_it(house: House) -> None:
    with because(actor=BY_LAN):
        await create(house, "Tâm", by="import:7")
    [item] = await items(house)
    assert (item.who, item.asked_by) == (Who("import:7"), Who(BY_LAN, "Trần Thị Lan"))


async def test_pages(house: House) -> None:
    made = [await create(house, f"n{n}") for n in range(7)]
    seen: list[UUID | None] = []
    cursor = None
    for _ in range(4):
        page = await house.audit.entries(AuditQuery(limit=2, cursor=cursor))
        seen += [item.customer for item in page.items]
        cursor = page.next
    assert cursor is None
    assert seen == made[::-1]


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1 OR 1=1", "9" * 30])
async def test_a_foreign_cursor_is_refused(house: House, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        await house.audit.entries(AuditQuery(cursor=cursor))


async def test_events_of_types_that_nobody_knows_any_more(house: House) -> None:
    await create(house, "Minh")
    await house.db.execute("UPDATE core_event SET type = 'gone.happened', by = 'person:nobody'")
    [item] = await items(house)
    assert (item.what.en, item.who) == ("gone.happened", Who("person:nobody"))


async def test_hidden_customers_stay_hidden(house: House) -> None:
    mine = await create(house, "Minh", owner=LAN)
    await create(house, "Canary")
    sales = Viewer(
        actor=BY_LAN,
        kind="person",
        account=LAN,
        sight=Sight(owners=(LAN,), masked=frozenset()),
    )
    async with house.sights.looking_as(sales):
        seen = await items(house)
        check = await house.audit.check()
    assert [item.customer for item in seen] == [mine]
    assert "Canary" not in repr(seen)
    assert (check.sound, check.unsealed) == (True, 2)


async def test_who_sees_masks_sees_no_values(house: House) -> None:
    id = await create(house, "Minh")
    change = CustomerChange(display_name="Minh Anh")
    await house.customers.change(id, change, by=BY_LAN)
    clerk = Viewer(actor=BY_LAN, kind="person", account=LAN, sight=Sight(everything=True))
    async with house.sights.looking_as(clerk):
        seen = await items(house)
    assert [item.changes for item in seen] == [[], []]
    assert [item.type for item in seen] == ["core.customer_updated", "core.customer_created"]


async def test_answers_are_json(house: House) -> None:
    await create(house, "Minh")
    encoded = msgspec.json.encode(await items(house))
    assert msgspec.json.decode(encoded, type=list[AuditItem]) == await items(house)
    assert new_id().version == 7
