"""What the law keeps of erased customers: outlives a key, is read on record, goes in time."""

from __future__ import annotations

import datetime as dt
import tomllib
from uuid import UUID

import pytest

from core.tests.customers.erasing.subjects import BY
from relatum.access.secrets import Secrets
from relatum.app.house import House
from relatum.config.keyring import Keyring
from relatum.customers.erasing import keeping
from relatum.customers.erasing.kept import KeptRows
from relatum.customers.types import CustomerDraft
from relatum.interactions.types import Amount, InteractionDraft
from relatum.values.ids import new_id
from relatum.values.problems import ConfigurationError, InvalidInput, NotFound

WHY = "Thanh tra thuế, quyết định 12"


async def erased(house: House, vouchers: int) -> UUID:
    """Somebody with so many vouchers, erased; the id of the receipt."""
    [buyer] = await house.customers.create([CustomerDraft(display_name="Tạ Thị Mua")], by=BY)
    sales = [
        InteractionDraft(
            kind="core.purchase",
            customer_id=buyer,
            money=Amount(990_000, "VND"),
            payload={"reference": f"HD-{number:04}", "item": "Ghế"},
        )
        for number in range(vouchers)
    ]
    await house.interactions.record(sales, by=BY)
    return (await house.erasing.erase(buyer, by=BY, reason="hết hạn")).id


def kept(house: House, secrets: Secrets | None = None) -> KeptRows:
    return KeptRows(house.db, house.events, secrets or house.secrets)


def drop(house: House, key: str) -> Secrets:
    """The secrets of somebody whose file of keys never had this one."""
    path = house.keys.path.with_name("newer.toml")
    ring = tomllib.loads(house.keys.path.read_text(encoding="utf-8"))
    lines = [f'current = "{ring["current"]}"']
    for id, each in ring["keys"].items():
        if id != key:
            made = each["made_at"].isoformat()
            lines += [f"[keys.{id}]", f"made_at = {made}", f'secret = "{each["secret"]}"']
    path.write_text("\n".join(lines), encoding="utf-8")
    return Secrets(Keyring(path))


async def test_it_outlives_the_key_it_was_encrypted_under(core_house: House) -> None:
    house = core_house
    await erased(house, 3)
    old = house.keys.current
    rows = await kept(house).listed()
    before = [await kept(house).open(each.id, by=BY, why=WHY) for each in rows]
    assert (await house.rotation.rotate(by="system")).renewed == 3
    later = kept(house, drop(house, old))
    assert [await later.open(each.id, by=BY, why=WHY) for each in rows] == before
    assert {tuple(each.content) for each in before} == {("payload",)}
    assert all("HD-000" in each.content["payload"] for each in before)


async def test_without_a_rotation_it_would_be_lost(core_house: House) -> None:
    await erased(core_house, 1)
    [row] = await kept(core_house).listed()
    old = core_house.keys.current
    core_house.keys.rotate()
    with pytest.raises(ConfigurationError, match=old):
        await kept(core_house, drop(core_house, old)).open(row.id, by=BY, why=WHY)


async def test_reading_is_on_record(core_house: House) -> None:
    house = core_house
    receipt, other = await erased(house, 1), await erased(house, 2)
    assert len(await kept(house).listed()) == 3
    [row] = await kept(house).listed(receipt)
    assert (row.erasure, row.table) == (receipt, "core_interaction")
    assert "88/2015" in row.law
    assert len(await kept(house).listed(other, most=1)) == 1
    await kept(house).open(row.id, by=BY, why=f" {WHY} ")
    [event] = await house.db.fetch(
        'SELECT "by", payload FROM core_event WHERE type = ?', "core.erased_kept_read"
    )
    assert event[0] == BY
    assert str(row.id) in event[1]
    assert WHY in event[1]


@pytest.mark.parametrize("why", ["", "  ", "x" * 501])
async def test_nobody_reads_it_without_a_reason(core_house: House, why: str) -> None:
    await erased(core_house, 1)
    [row] = await kept(core_house).listed()
    with pytest.raises(InvalidInput, match="reason"):
        await kept(core_house).open(row.id, by=BY, why=why)


async def test_what_is_not_there_is_not_found(core_house: House) -> None:
    with pytest.raises(NotFound, match="erased-kept list"):
        await kept(core_house).open(new_id(), by=BY, why=WHY)


async def test_what_is_over_goes_at_night(
    core_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = core_house
    monkeypatch.setattr(keeping, "BATCH", 2)
    over, current = await erased(house, 5), await erased(house, 2)
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    await house.db.execute(
        "UPDATE core_erased_kept SET until_day = ? WHERE erasure_id = ?", yesterday, over
    )
    for _ in range(2):
        assert await house.jobs.run_now("core.let_go_of_kept")
        assert {each.erasure for each in await kept(house).listed()} == {current}
        assert len(await kept(house).listed()) == 2
    assert (await house.erasing.receipt(over)).kept  # that it was kept once stays


async def test_until_its_last_day_it_stays(core_house: House) -> None:
    await erased(core_house, 1)
    today = dt.datetime.now(dt.UTC).date()
    await core_house.db.execute("UPDATE core_erased_kept SET until_day = ?", today)
    assert await keeping.let_go(core_house.db, today) == 0
    assert await keeping.let_go(core_house.db, today + dt.timedelta(days=1)) == 1
    assert await keeping.let_go(core_house.db, today + dt.timedelta(days=1)) == 0
