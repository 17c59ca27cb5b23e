"""Secret fields rest encrypted everywhere; who was shown what is noted."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from relatum.access.audit import events as facts
from relatum.access.policies import MASK
from relatum.access.secrets import is_encrypted
from relatum.access.viewer import SEES_ALL, Sight, Viewer
from relatum.app.house import House
from relatum.customers.types import (
    Customer,
    CustomerChange,
    CustomerDraft,
    CustomerQuery,
    FieldDraft,
)
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, InvalidInput

CANARY = "BEARING-4711-canary"
SECOND = "BEARING-0815-canary"


def viewer(*masked: str, kind: Any = "person") -> Viewer:
    account = new_id()
    sight = Sight(everything=True, masked=frozenset(masked))  # type: ignore[arg-type]
    return Viewer(
        actor=f"{kind}:{account}", kind=kind, account=account, may_everything=True, sight=sight
    )


OWNER = viewer()
CLERK = viewer("secret", "identity", "finance", "health")


@pytest.fixture
async def house(core_house: House) -> House:
    await core_house.customers.declare_fields(
        [
            FieldDraft(key="pin", sensitivity="secret"),
            FieldDraft(key="limit_vnd", type="integer", sensitivity="secret"),
            FieldDraft(key="passport", sensitivity="identity"),
            FieldDraft(key="zalo_name", sensitivity="contact"),
            FieldDraft(key="colour"),
        ]
    )
    return core_house


async def create(house: House, **fields: Any) -> UUID:
    draft = CustomerDraft(display_name="Lan", fields=fields)
    [id] = await house.customers.create([draft], by="system")
    return id


async def stored_fields(house: House, id: UUID) -> dict[str, Any]:
    row = await house.db.fetch_one("SELECT fields FROM core_customer WHERE id = ?", id)
    assert row is not None
    return msgspec.json.decode(row[0])  # type: ignore[no-any-return]


async def reads(house: House) -> list[tuple[str, UUID | None, list[UUID], list[str]]]:
    rows = await house.db.fetch(
        "SELECT by, customer_id, payload FROM core_event WHERE type = ? ORDER BY seq",
        facts.SENSITIVE_READ,
    )
    found = [(by, about, msgspec.json.decode(text)) for by, about, text in rows]
    return [(by, a, [UUID(id) for id in p["customers"]], p["fields"]) for by, a, p in found]


async def whole_database(house: House) -> str:
    """Every value of every table."""
    if house.db.kind == "sqlite":
        tables = await house.db.fetch("SELECT name FROM sqlite_master WHERE type = 'table'")
    else:
        tables = await house.db.fetch(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
    assert len(tables) > 10
    contents = [repr(await house.db.fetch(f'SELECT * FROM "{name}"')) for (name,) in tables]
    return "\n".join(contents)


def bytes_of(database: Path, home: Path) -> bytes:
    """Of the database file, what SQLite keeps beside it, and everything in the data folder."""
    files = [*database.parent.glob(f"{database.name}*"), *home.rglob("*")]
    assert any(file.name.endswith("-wal") for file in files)
    return b"".join(file.read_bytes() for file in files if file.is_file())


# -- at rest ---------------------------------------------------------------------------------------


async def test_is_encrypted_at_rest_and_plain_for_who_may(house: House) -> None:
    id = await create(house, pin=CANARY, limit_vnd=5_000_000, colour="red")
    stored = await stored_fields(house, id)
    assert is_encrypted(stored["pin"])
    assert is_encrypted(stored["limit_vnd"])
    assert stored["colour"] == "red"
    read = await house.customers.get(id)
    assert read.fields == {"pin": CANARY, "limit_vnd": 5_000_000, "colour": "red"}


async def test_history_holds_the_same_encrypted_text(house: House) -> None:
    id = await create(house, pin=CANARY)
    before = (await stored_fields(house, id))["pin"]
    await house.customers.change(id, CustomerChange(fields={"pin": SECOND}), by="system")
    after = (await stored_fields(house, id))["pin"]
    [event] = [
        each for each in await house.events.of_customer(id) if each.type.endswith("_updated")
    ]
    assert event.data()["changes"] == {"fields": [{"pin": before}, {"pin": after}]}
    assert (await house.customers.get(id)).fields == {"pin": SECOND}


async def test_nothing_in_the_database_tells_it(house: House) -> None:
    id = await create(house, pin=CANARY)
    await house.customers.change(id, CustomerChange(fields={"pin": SECOND}), by="system")
    await house.customers.change(id, CustomerChange(fields={"pin": None}), by="system")
    await create(house, pin=SECOND)
    contents = await whole_database(house)
    assert "Lan" in contents
    assert CANARY not in contents
    assert SECOND not in contents


async def test_no_byte_of_a_copied_file_tells_it(house: House, tmp_path: Path) -> None:
    """The database file, the write-ahead log and everything else in the data folder."""
    if house.db.kind == "postgresql":
        pytest.skip("its files are the server's")
    await create(house, pin=CANARY, colour="zinnober-red")
    contents = bytes_of(Path(house.db.url.removeprefix("sqlite:///")), tmp_path)
    assert b"zinnober-red" in contents, "the scan does not find what is there"
    assert CANARY.encode() not in contents
    assert CANARY.encode("utf-16-le") not in contents


async def test_belongs_to_one_customer_and_one_field(house: House) -> None:
    mine, other = await create(house, pin=CANARY), await create(house, colour="red")
    pin = (await stored_fields(house, mine))["pin"]
    text = msgspec.json.encode({"pin": pin}).decode()
    await house.db.execute("UPDATE core_customer SET fields = ? WHERE id = ?", text, other)
    assert (await house.customers.get(other)).fields == {"pin": MASK}
    assert (await house.customers.get(mine)).fields == {"pin": CANARY}


# -- writing ---------------------------------------------------------------------------------------


async def test_the_same_secret_again_changes_nothing(house: House) -> None:
    id = await create(house, pin=CANARY, limit_vnd=7)
    before = await stored_fields(house, id)
    await house.customers.change(
        id, CustomerChange(fields={"pin": CANARY, "limit_vnd": 7}), by="system"
    )
    assert (await house.customers.get(id)).version == 1
    await house.customers.change(id, CustomerChange(fields={"colour": "red"}), by="system")
    assert await stored_fields(house, id) == {**before, "colour": "red"}


async def test_a_text_that_looks_encrypted_is_a_text(house: House) -> None:
    donor = await create(house, pin=CANARY)
    stolen = (await stored_fields(house, donor))["pin"]
    thief = await create(house, pin=stolen, colour=stolen)
    assert (await house.customers.get(thief)).fields == {"pin": stolen, "colour": stolen}


async def test_a_refused_secret_is_not_quoted(house: House) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await create(house, limit_vnd=CANARY)
    assert CANARY not in str(refusal.value)
    with pytest.raises(InvalidInput) as refusal:
        await create(house, pin=[CANARY])
    assert CANARY not in str(refusal.value)


async def test_taking_back_brings_the_former_secret(house: House) -> None:
    id = await create(house, pin=CANARY, limit_vnd=7)
    [journalled] = await house.customers.get_stored([id])
    assert CANARY not in repr(journalled)
    change = CustomerChange(fields={"pin": SECOND, "limit_vnd": 8})
    await house.customers.change(id, change, by="system")
    # as it went through the journal
    copy = msgspec.convert(msgspec.to_builtins(journalled), Customer, strict=False)
    await house.customers.restore([copy], by="system")
    assert (await house.customers.get(id)).fields == {"pin": CANARY, "limit_vnd": 7}
    assert CANARY not in await whole_database(house)


async def test_cannot_be_looked_for(house: House) -> None:
    await create(house, pin=CANARY)
    with pytest.raises(InvalidInput, match="encrypted") as refusal:
        await house.customers.find(CustomerQuery(fields={"pin": CANARY}))
    assert CANARY not in str(refusal.value)
    assert (await house.customers.find(CustomerQuery(q=CANARY))).items == []


# -- showing, and noting who looked ----------------------------------------------------------------


async def test_who_may_not_sees_the_mask(house: House) -> None:
    id = await create(house, pin=CANARY, passport="C1234567", colour="red")
    async with house.sights.looking_as(CLERK):
        [shown] = (await house.customers.find(CustomerQuery())).items
        one = await house.customers.get(id)
    assert shown.fields == one.fields == {"pin": MASK, "passport": MASK, "colour": "red"}
    assert await reads(house) == []


async def test_a_masked_value_sent_back_keeps_the_secret(house: House) -> None:
    id = await create(house, pin=CANARY)
    async with house.sights.looking_as(CLERK):
        change = CustomerChange(fields={"pin": MASK, "colour": "blue"})
        await house.customers.change(id, change, by=CLERK.actor)
    assert (await house.customers.get(id)).fields == {"pin": CANARY, "colour": "blue"}


async def test_looking_is_noted(house: House) -> None:
    id = await create(house, pin=CANARY, passport="C1234567", zalo_name="lan")
    other = await create(house, passport="C7654321")
    plain = await create(house, zalo_name="minh", colour="red")
    async with house.sights.looking_as(OWNER):
        await house.customers.get(id)
        await house.customers.get(plain)
        await house.customers.get_many([id, other, plain])
    assert await reads(house) == [
        (OWNER.actor, id, [id], ["passport", "pin"]),
        (OWNER.actor, None, [id, other], ["passport", "pin"]),
    ]


async def test_what_is_masked_is_not_noted(house: House) -> None:
    id = await create(house, pin=CANARY, passport="C1234567")
    somebody = viewer("secret")
    async with house.sights.looking_as(somebody):
        await house.customers.get(id)
    assert await reads(house) == [(somebody.actor, id, [id], ["passport"])]


async def test_a_service_is_noted_and_the_house_itself_is_not(house: House) -> None:
    id = await create(house, passport="C1234567")
    service = viewer(kind="service")
    await house.customers.get(id)
    async with house.sights.looking_as(service):
        await house.customers.get(id)
    assert [by for by, *_ in await reads(house)] == [service.actor]


async def test_a_note_names_two_hundred_at_most(house: House) -> None:
    drafts = [CustomerDraft(display_name=f"n{n}", fields={"passport": "C"}) for n in range(450)]
    await house.customers.create(drafts, by="system")
    async with house.sights.looking_as(OWNER):
        async for _ in house.customers.all_batches():
            pass
    assert [len(customers) for _, _, customers, _ in await reads(house)] == [200, 200, 50]


async def test_what_a_conflict_shows_is_noted(house: House) -> None:
    id = await create(house, passport="C1234567")
    async with house.sights.looking_as(OWNER):
        with pytest.raises(Conflict):
            await house.customers.change(
                id, CustomerChange(fields={"colour": "red"}), by=OWNER.actor, version=7
            )
    assert [customers for _, _, customers, _ in await reads(house)] == [[id]]


async def test_without_sensitive_fields_nothing_is_written(core_house: House) -> None:
    id = await create(core_house)
    async with core_house.sights.looking_as(OWNER):
        await core_house.customers.get(id)
    assert await reads(core_house) == []
    assert OWNER.sight == SEES_ALL
