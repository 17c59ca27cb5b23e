"""G5: after erasing, nothing is left of the subjects, and everything of the others."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from core.tests.customers.erasing.subjects import (
    BY,
    Stage,
    left_in_files,
    left_in_tables,
    spellings_of,
)
from relatum.app.house import House
from relatum.contact.types import HoldDraft, RefusalDraft
from relatum.customers.erasing import service as service_module
from relatum.customers.erasing.types import Erasure
from relatum.customers.events import ERASED
from relatum.customers.types import ContactPointDraft, CustomerDraft
from relatum.interactions.types import Amount, InteractionDraft
from relatum.values.problems import Conflict, InvalidInput, NotFound

WHY = "yêu cầu của chủ thể dữ liệu"


@pytest.fixture
async def stage(core_house: House) -> Stage:
    stage = Stage(core_house, 6)
    await stage.build()
    return stage


async def rows(house: House, sql: str, *params: Any) -> list[Any]:
    return await house.db.fetch(sql, *params)


def of(receipt: Erasure, table: str, act: str) -> int:
    return sum(each.rows for each in receipt.tables if (each.table, each.act) == (table, act))


# -- nothing is left -----------------------------------------------------------------------------


async def test_g5_of_a_hundred_subjects_nothing_is_left(
    core_house: House, relatum_database_url: str, tmp_path: Path
) -> None:
    """Every table, with two of a plugin nobody has loaded; the file's bytes; files of the home."""
    stage = Stage(core_house, 100)
    await stage.build()
    wanted = spellings_of(stage.subjects)
    before = await left_in_tables(relatum_database_url, wanted)
    assert len({each.split(":")[0] for each in before}) > 12  # the search finds what is there
    await stage.house.seals.seal()
    batch = await stage.house.erasing.erase_many(stage.ids, by=BY, reason=WHY)
    assert (len(batch.erased), batch.refused) == (100, [])
    assert await left_in_tables(relatum_database_url, wanted) == []
    assert left_in_files(tmp_path, wanted) == []
    check = await stage.house.audit.check()
    assert check.sound
    assert check.redacted > 100


async def test_the_search_finds_what_nothing_points_at(
    core_house: House, relatum_database_url: str, tmp_path: Path
) -> None:
    """The proof of the proof: one quotation that erasing was kept from is found."""
    stage = Stage(core_house, 2)
    await stage.build()
    await core_house.erasing.erase_many(stage.ids, by=BY, reason=WHY)
    phone = stage.subjects[0].phone
    said = f"gọi {phone[:4]}.{phone[4:7]}.{phone[7:]}"
    await core_house.db.insert("zz_text", ("id", "said"), [(77, said)])
    (tmp_path / "note.txt").write_text(stage.subjects[1].name.upper())
    wanted = spellings_of(stage.subjects)
    assert {each.split(":")[0] for each in await left_in_tables(relatum_database_url, wanted)} == {
        "zz_text"
    }
    assert "note.txt" in {each.split(":")[0] for each in left_in_files(tmp_path, wanted)}


async def test_what_others_have_stays(stage: Stage) -> None:
    house = stage.house
    [stays] = await house.customers.create(
        [
            CustomerDraft(
                display_name="Đỗ Thị Ở Lại",
                contact_points=[ContactPointDraft(kind="phone", raw="0988777666")],
                tags=["vip"],
                fields={"remark": "thích ghế gỗ 0988777666"},
            )
        ],
        by=BY,
    )
    note = InteractionDraft(kind="core.note", customer_id=stays, payload={"text": "Hỏi giá ghế"})
    await house.interactions.record([note], by=BY)
    seen = "SELECT * FROM {} WHERE {} = ?"
    tables = [("core_customer", "id"), ("core_contact_point", "customer_id")]
    tables += [("core_interaction", "customer_id"), ("core_event", "customer_id")]
    before = [await rows(house, seen.format(*each), stays) for each in tables]
    await house.erasing.erase_many(stage.ids, by=BY, reason=WHY)
    assert [await rows(house, seen.format(*each), stays) for each in tables] == before
    other = await house.customers.get(stage.other)
    assert other.display_name == "Lê Văn Khách"
    assert "[đã xoá]" in other.fields["remark"]
    assert "hẹn tuần sau" in other.fields["remark"]


async def test_counts_amounts_and_times_stay(stage: Stage) -> None:
    house = stage.house
    sums = (
        "SELECT kind, count(*), sum(amount), min(occurred_at) FROM core_interaction "
        "GROUP BY kind ORDER BY kind"
    )
    events = "SELECT type, count(*), min(recorded_at) FROM core_event GROUP BY type ORDER BY type"
    before, told = await rows(house, sums), await rows(house, events)
    await house.erasing.erase_many(stage.ids, by=BY, reason=WHY)
    assert await rows(house, sums) == before
    assert [row for row in await rows(house, events) if row[0] != ERASED] == told
    left = await rows(
        house, "SELECT handle, payload FROM core_interaction WHERE customer_id IS NULL"
    )
    assert {handle for handle, _ in left} == {None}


async def test_the_refusal_of_an_address_outlives_its_customer(stage: Stage) -> None:
    house, phone = stage.house, stage.subjects[0].phone
    await house.contact.wishes.refuse([RefusalDraft(kind="phone", address=phone, source="hotline")])
    await house.erasing.erase(stage.ids[0], by=BY, reason=WHY)
    [(hashed,)] = await rows(house, "SELECT address_hash FROM core_do_not_contact")
    assert hashed == house.contact.addresses.hashed("phone", f"+84{phone[1:]}")


async def test_a_name_that_others_have_too_stays_in_texts_about_others(core_house: House) -> None:
    house = core_house
    gone, twin, third = await house.customers.create(
        [CustomerDraft(display_name=name) for name in ("Trần Văn Hai", "Trần Văn Hai", "Ba")], by=BY
    )
    text = InteractionDraft(
        kind="core.note", customer_id=third, payload={"text": "bạn của Trần Văn Hai"}
    )
    await house.interactions.record([text], by=BY)
    receipt = await house.erasing.erase(gone, by=BY, reason=WHY)
    assert len(receipt.notes) == 1
    [(payload,)] = await rows(house, "SELECT payload FROM core_interaction")
    assert "Trần Văn Hai" in payload
    assert (await house.customers.get(twin)).display_name == "Trần Văn Hai"


async def test_those_absorbed_go_with_the_survivor(stage: Stage) -> None:
    house = stage.house
    absorbed = stage.twins[0]
    preview = await house.erasing.preview(stage.ids[0])
    assert preview.absorbed == [absorbed]
    with pytest.raises(Conflict, match=str(stage.ids[0])):
        await house.erasing.erase(absorbed, by=BY, reason=WHY)
    receipt = await house.erasing.erase(stage.ids[0], by=BY, reason=WHY)
    assert receipt.ids == [stage.ids[0], absorbed]
    assert await house.merging.current_of([absorbed]) == {}
    # an id of either is answered by the receipt from now on
    assert (await house.erasing.erase(absorbed, by=BY, reason=WHY)).id == receipt.id


async def test_a_merge_that_was_taken_back_is_forgotten(core_house: House) -> None:
    house = core_house
    one, other = await house.customers.create(
        [CustomerDraft(display_name="Một Người Kia"), CustomerDraft(display_name="Hai Người Nọ")],
        by=BY,
    )
    merge = await house.merging.merge(one, other, by=BY)
    await house.merging.unmerge(merge.id, by=BY)
    await house.erasing.erase(other, by=BY, reason=WHY)
    assert await rows(house, "SELECT id FROM core_merge") == []
    assert (await house.customers.get(one)).display_name == "Một Người Kia"


# -- receipts, refusals --------------------------------------------------------------------------


async def test_the_receipt_says_what_happened_and_names_nobody(stage: Stage) -> None:
    house = stage.house
    preview = await house.erasing.preview(stage.ids[1])
    receipt = await house.erasing.erase(stage.ids[1], by=BY, reason=WHY)
    assert await house.erasing.receipt(receipt.id) == receipt
    assert (await house.erasing.receipts())[0] == receipt
    assert (receipt.by, receipt.reason, receipt.customer) == (BY, WHY, stage.ids[1])
    for table in ("core_customer", "core_consent", "zz_card", "zz_stamp", "zz_state"):
        assert of(receipt, table, "delete") == 1
        assert of(receipt, table, "delete") == sum(
            each.rows for each in preview.tables if each.table == table
        )
    assert of(receipt, "core_contact_point", "delete") == 3
    assert of(receipt, "core_interaction", "anonymise") == 3
    assert of(receipt, "zz_note", "anonymise") == 1
    assert of(receipt, "zz_text", "scrub") == 1
    [(told,)] = await rows(house, "SELECT payload FROM core_event WHERE type = ?", ERASED)
    assert str(receipt.id) in told


async def test_a_legal_hold_refuses_and_is_named(stage: Stage) -> None:
    house, held = stage.house, stage.ids[0]
    hold = await house.contact.wishes.hold(
        HoldDraft(customer=held, kind="legal", reason="vụ kiện 12/2026"), by=BY
    )
    assert [each.id for each in (await house.erasing.preview(held)).holds] == [hold]
    with pytest.raises(Conflict, match=f"{hold}.*vụ kiện 12/2026"):
        await house.erasing.erase(held, by=BY, reason=WHY)
    batch = await house.erasing.erase_many(stage.ids[:3], by=BY, reason=WHY)
    assert [(each.customer, each.code) for each in batch.refused] == [(held, "legal-hold")]
    assert [each.customer for each in batch.erased] == stage.ids[1:3]
    await house.contact.wishes.lift(hold, by=BY)
    assert (await house.erasing.erase(held, by=BY, reason=WHY)).customer == held


async def test_other_holds_do_not_refuse(stage: Stage) -> None:
    draft = HoldDraft(customer=stage.ids[1], kind="complaint", reason="chờ trả lời")
    await stage.house.contact.wishes.hold(draft, by=BY)
    assert await stage.house.erasing.erase(stage.ids[1], by=BY, reason=WHY)


async def test_what_the_law_keeps_is_set_apart_and_named(core_house: House) -> None:
    house = core_house
    [buyer] = await house.customers.create([CustomerDraft(display_name="Tạ Thị Mua Hàng")], by=BY)
    sales = [
        InteractionDraft(
            kind="core.purchase",
            customer_id=buyer,
            money=Amount(990_000, "VND"),
            payload={"reference": reference, "item": "Ghế cho bà Tạ Thị Mua Hàng"},
        )
        for reference in ("HD-0001", "")
    ]
    await house.interactions.record(sales, by=BY)
    [kept] = (await house.erasing.preview(buyer)).kept
    assert (kept.table, kept.columns, kept.rows) == ("core_interaction", ["payload"], 1)
    receipt = await house.erasing.erase(buyer, by=BY, reason=WHY)
    assert receipt.kept == [kept]
    assert "88/2015" in kept.law
    [(id, content, until)] = await rows(
        house, "SELECT id, content, until_day FROM core_erased_kept"
    )
    assert until == kept.until
    assert until.year >= 2036
    assert "Tạ" not in content
    assert "HD-0001" in house.secrets.decrypt(content, f"core_erased_kept.content/{id}")
    left = await rows(house, "SELECT payload FROM core_interaction")
    assert all("Tạ Thị" not in payload for (payload,) in left)


async def test_asked_twice_it_answers_the_same(stage: Stage) -> None:
    first = await stage.house.erasing.erase_many(stage.ids, by=BY, reason=WHY)
    tables = "SELECT count(*) FROM core_event"
    before = await rows(stage.house, tables)
    again = await stage.house.erasing.erase_many(stage.ids, by=BY, reason="nữa")
    assert {each.id for each in again.erased} == {each.id for each in first.erased}
    assert await rows(stage.house, tables) == before


async def test_nobody_and_no_reason_are_refused(core_house: House) -> None:
    with pytest.raises(NotFound):
        await core_house.erasing.erase(uuid4(), by=BY, reason=WHY)
    [id] = await core_house.customers.create([CustomerDraft(display_name="X")], by=BY)
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(InvalidInput):
            await core_house.erasing.erase(id, by=BY, reason=reason)
    with pytest.raises(RuntimeError):
        async with core_house.db.transaction():
            await core_house.erasing.erase(id, by=BY, reason=WHY)


# -- interrupted ---------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["redact", "scrub", "_place"])
async def test_what_breaks_in_the_middle_changes_nothing(
    stage: Stage, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = stage.house

    async def breaks(*_: Any) -> Any:
        raise asyncio.CancelledError

    owner = {
        "redact": service_module.Redacting,
        "scrub": service_module.Scrubbing,
        "_place": service_module.Erasing,
    }[where]
    tables = ("core_customer", "core_interaction", "core_event", "zz_card", "core_erasure")
    before = [await rows(house, f"SELECT * FROM {table} ORDER BY 1") for table in tables]
    monkeypatch.setattr(owner, where, breaks)
    with pytest.raises(asyncio.CancelledError):
        await house.erasing.erase_many(stage.ids, by=BY, reason=WHY)
    assert [await rows(house, f"SELECT * FROM {table} ORDER BY 1") for table in tables] == before
    monkeypatch.undo()
    assert len((await house.erasing.erase_many(stage.ids, by=BY, reason=WHY)).erased) == 6


async def test_pages_are_overwritten_by_whoever_comes_next(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the commit: the rows are gone, and the bytes with the next call."""
    house = stage.house

    async def breaks(*_: Any) -> Any:
        raise asyncio.CancelledError

    monkeypatch.setattr(service_module, "clean", breaks)
    with pytest.raises(asyncio.CancelledError):
        await house.erasing.erase_many(stage.ids, by=BY, reason=WHY)
    monkeypatch.undo()
    assert await house.erasing.finish() == 6
    assert await house.erasing.finish() == 0
    assert left_in_files(tmp_path, spellings_of(stage.subjects)) == []


# -- the seals -----------------------------------------------------------------------------------


async def test_tampering_is_still_found(stage: Stage) -> None:
    """A redacted event that is changed once more, a forged note, an event changed before."""
    house = stage.house
    await house.seals.seal()
    found = await rows(house, "SELECT seq FROM core_event WHERE customer_id = ?", stage.ids[0])
    changed_before = found[0][0]
    await house.db.execute("UPDATE core_event SET payload = '{}' WHERE seq = ?", changed_before)
    await house.erasing.erase_many(stage.ids[:3], by=BY, reason=WHY)
    check = await house.audit.check()
    assert [(each.seq, each.what) for each in check.accused] == [(changed_before, "changed")]
    [(redacted,)] = await rows(
        house, "SELECT max(seq) FROM core_event_redaction WHERE seq < ?", found[-1][0]
    )
    await house.db.execute("UPDATE core_event SET payload = '{}' WHERE seq = ?", redacted)
    assert redacted in {each.seq for each in (await house.audit.check()).accused}
    await house.db.execute("UPDATE core_event_redaction SET note = was WHERE seq = ?", redacted)
    assert redacted in {each.seq for each in (await house.audit.check()).accused}


async def test_an_event_may_be_redacted_for_several(stage: Stage) -> None:
    house = stage.house
    await house.interactions.record(
        [InteractionDraft(kind="core.note", customer_id=stage.other, payload={"text": "x"})], by=BY
    )
    await house.seals.seal()
    for id in stage.ids:
        await house.erasing.erase(id, by=BY, reason=WHY)
        await house.seals.seal()
        assert (await house.audit.check()).sound
    check = await house.audit.check()
    assert check.redacted
    assert check.unsealed == 0
