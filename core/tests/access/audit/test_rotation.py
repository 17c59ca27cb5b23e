"""New keys: every secret encrypted again, also when it was interrupted; the old keys stay good."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

import relatum
from relatum.access.audit import rotation as rotation_module
from relatum.access.secrets import key_of, place_of
from relatum.app.house import House
from relatum.customers.types import CustomerChange, CustomerDraft, FieldDraft
from relatum.values.ids import new_id

TOTP = "JBSWY3DPEHPK3PXP"
#: Whoever encrypts, and where it comes to lie; the rest is said not to be renewed, and why.
RENEWED = {
    "access/accounts/second_factor.py": ("core_account", "totp_secret"),
    "access/audit/fields.py": ("core_customer", "fields"),
    "customers/erasing/keeping.py": ("core_erased_kept", "content"),
}
LEFT = {
    "http/idempotency.py": "gone after a day",
    "http/marks.py": "lies in no table",
    "importing/concealing.py": "a journal of what was",
}


@pytest.fixture
async def house(core_house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(rotation_module, "BATCH", 3)
    fields = [FieldDraft(key="pin", sensitivity="secret"), FieldDraft(key="note")]
    await core_house.customers.declare_fields(fields)
    return core_house


async def account(house: House) -> UUID:
    id = new_id()
    secret = house.secrets.encrypt(TOTP, place_of("core_account", "totp_secret", id))
    await house.db.insert(
        "core_account",
        ("id", "name", "totp_secret", "created_at"),
        [(id, "Lan", secret, dt.datetime(2026, 11, 1, tzinfo=dt.UTC))],
    )
    return id


async def customers(house: House, count: int) -> list[UUID]:
    drafts = [
        CustomerDraft(display_name=f"n{n}", fields={"pin": f"pin {n}", "note": "enc:1:not:really"})
        for n in range(count)
    ]
    return await house.customers.create(drafts, by="system")


async def keys_in_use(house: House) -> set[str]:
    rows = await house.db.fetch("SELECT fields FROM core_customer")
    fields = [msgspec.json.decode(text)["pin"] for (text,) in rows]
    rows = await house.db.fetch("SELECT totp_secret FROM core_account")
    return {key_of(text) for text in [*fields, *(row[0] for row in rows)]}


async def test_everything_is_encrypted_again(house: House) -> None:
    ids = await customers(house, 8)
    lan = await account(house)
    old = house.keys.current
    done = await house.rotation.rotate(by="system")
    assert (done.renewed, done.unreadable) == (9, [])
    assert house.keys.current == done.key != old
    assert await keys_in_use(house) == {done.key}
    read = await house.customers.get_many(ids)
    assert [each.fields["pin"] for each in read] == [f"pin {n}" for n in range(8)]
    assert {each.version for each in read} == {1}
    row = await house.db.fetch_one("SELECT totp_secret FROM core_account")
    assert row is not None
    assert house.secrets.decrypt(row[0], place_of("core_account", "totp_secret", lan)) == TOTP
    assert (await house.rotation.renew(by="system")).renewed == 0


def test_every_encrypted_column_is_renewed() -> None:
    source = Path(relatum.__file__).parent
    encrypting = {
        str(path.relative_to(source))
        for path in source.rglob("*.py")
        if re.search(r"\.encrypt\b[,(]", path.read_text(encoding="utf-8"))
    }
    assert encrypting - {"access/secrets.py"} == RENEWED.keys() | LEFT.keys()
    whole = {*rotation_module.ENCRYPTED, ("core_customer", "fields")}
    assert whole == set(RENEWED.values())


async def test_an_interrupted_rotation_is_taken_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await customers(house, 8)
    renewed, calls = house.secrets.renewed, 0

    def breaks_off(text: str, place: str) -> str | None:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise KeyboardInterrupt
        return renewed(text, place)

    with monkeypatch.context() as patch:
        patch.setattr(house.secrets, "renewed", breaks_off)
        with pytest.raises(KeyboardInterrupt):
            await house.rotation.rotate(by="system")
    assert len(await keys_in_use(house)) == 2
    done = await house.rotation.renew(by="system")
    assert done.renewed == 5  # the batch that broke off was not written
    assert await keys_in_use(house) == {house.keys.current}


async def test_what_cannot_be_read_does_not_stop_the_rest(house: House) -> None:
    ids = await customers(house, 4)
    foreign = house.secrets.encrypt('"x"', "somewhere else")
    text = msgspec.json.encode({"pin": foreign}).decode()
    await house.db.execute("UPDATE core_customer SET fields = ? WHERE id = ?", text, ids[1])
    done = await house.rotation.rotate(by="system")
    assert done.renewed == 3
    assert done.unreadable == [f"core_customer.fields.pin/{ids[1]}"]


async def test_history_and_seals_outlive_it(house: House) -> None:
    [id] = await customers(house, 1)
    await house.customers.change(id, CustomerChange(fields={"pin": "second"}), by="system")
    [journalled] = await house.customers.get_stored([id])
    await house.seals.seal()
    await house.rotation.rotate(by="system")
    await house.seals.seal()
    assert (await house.audit.check()).sound
    await house.customers.change(id, CustomerChange(fields={"pin": "third"}), by="system")
    await house.customers.restore([journalled], by="system")
    assert (await house.customers.get(id)).fields["pin"] == "second"


async def test_is_an_event(house: House) -> None:
    done = await house.rotation.rotate(by="system")
    rows = await house.db.fetch("SELECT type, payload FROM core_event ORDER BY seq DESC LIMIT 1")
    assert rows == [("core.access.keys_rotated", f'{{"key":"{done.key}","renewed":0}}')]
