"""Findings, mends, the index and its days, outside data: in a house."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

import relatum_data_quality
from benchmarks import errors
from relatum.api import (
    Conflict,
    ContactPointDraft,
    Customer,
    CustomerChange,
    CustomerDraft,
    NotFound,
    Plugin,
    new_id,
)
from relatum.app.house import House
from relatum.customers.types import FieldDraft
from relatum_data_quality.jobs import NIGHTLY
from relatum_data_quality.services.bound import PURPOSES
from relatum_data_quality.services.enriching import Enriching
from relatum_data_quality.services.evaluating import Evaluating, weights_of
from relatum_data_quality.services.findings import Findings
from relatum_data_quality.services.index import Indexes
from relatum_data_quality.types import (
    Acceptance,
    Finding,
    FindingQuery,
    IndexQuery,
    OutsideBatch,
    OutsideRecord,
)

BY = "person:x"


def draft(name: str, phone: str = "", email: str = "", **more: Any) -> CustomerDraft:
    points = [("phone", phone), ("email", email), ("address", more.pop("address", ""))]
    return CustomerDraft(
        display_name=name,
        contact_points=[ContactPointDraft(kind=k, raw=raw) for k, raw in points if raw],  # type: ignore[arg-type]
        **more,
    )


@pytest.fixture
async def people(house: House) -> list[UUID]:
    await house.customers.declare_fields(
        [FieldDraft(key="birth_date", type="date"), FieldDraft(key="tax_code")]
    )
    drafts = [
        draft("NGUYỄN VĂN HÙNG", "0168 123 4567", "hung@gmial.com"),
        draft("Trần Thị Mai", "0901255866", "mai@example.com"),
        draft("Trần Thu Mai", "0901255866", "thumai@example.com"),
        draft("Lê Thị Hoa", "0387654321", "hoa@example.com", external_ids={"old_crm": "7"}),
    ]
    return list(await house.customers.create(drafts, by="system"))


async def handled(house: House) -> None:
    while await house.handlers.run_once():
        pass


async def found(plugin: Plugin, customer: UUID, state: Any = "open") -> dict[str, Finding]:
    query = FindingQuery(customer=customer, state=state, limit=200)
    return {
        each.rule.partition(".")[2]: each for each in (await Findings(plugin).find(query)).items
    }


async def test_handlers_and_the_night_find_the_same(
    house: House, plugin: Plugin, people: list[UUID]
) -> None:
    await handled(house)
    by_handler = {id: set(await found(plugin, id)) for id in people}
    assert by_handler[people[0]] >= {"name_capitals", "phone_renumbered", "email_domain"}
    assert "phone_shared" in by_handler[people[1]]
    assert "phone_shared" in by_handler[people[2]]
    assert "phone_shared" not in by_handler[people[3]]
    await house.jobs.enqueue(NIGHTLY)
    await house.worker.drain()
    assert {id: set(await found(plugin, id)) for id in people} == by_handler
    assert len((await Findings(plugin).find(FindingQuery(limit=200))).items) == sum(
        map(len, by_handler.values())
    )


async def test_a_task_says_exactly_what_it_changes_and_can_be_taken_back(
    house: House, plugin: Plugin, people: list[UUID]
) -> None:
    await Evaluating(plugin).all()
    findings = Findings(plugin)
    finding = (await found(plugin, people[0]))["phone_renumbered"]
    [task] = await findings.tasks([finding])
    assert [(c.before, c.after) for c in task.changes] == [("0168 123 4567", ["0381234567"])]
    before = await house.customers.get(people[0])
    mended = await findings.mend(finding.id, by=BY)
    after = await house.customers.get(people[0])
    assert (mended.state, mended.version) == ("mended", after.version)
    assert [p.raw for p in after.contact_points] == ["0381234567", "hung@gmial.com"]
    assert after.display_name == before.display_name
    await handled(house)
    assert (await findings.get(finding.id)).state == "mended"
    with pytest.raises(Conflict, match="open"):
        await findings.mend(finding.id, by=BY)
    back = await findings.take_back(finding.id, by=BY)
    assert back.state == "open"
    restored = await house.customers.get(people[0])
    assert [p.raw for p in restored.contact_points] == [p.raw for p in before.contact_points]
    await handled(house)
    assert "phone_renumbered" in await found(plugin, people[0])


async def test_many_are_mended_at_once_and_the_others_are_left(
    house: House, plugin: Plugin, people: list[UUID]
) -> None:
    await Evaluating(plugin).all()
    mine = await found(plugin, people[0])
    ids = [mine[n].id for n in ("name_capitals", "phone_renumbered", "email_domain", "no_birth")]
    done = await Findings(plugin).mend_many(ids, by=BY)
    assert (set(done.mended), done.left) == (set(ids[:3]), ids[3:])
    customer = await house.customers.get(people[0])
    assert customer.display_name == "Nguyễn Văn Hùng"
    assert {p.raw for p in customer.contact_points} == {"0381234567", "hung@gmail.com"}
    assert customer.version == 2


async def test_what_is_accepted_stays_so_until_the_value_changes(
    house: House, plugin: Plugin, people: list[UUID]
) -> None:
    await Evaluating(plugin).all()
    finding = (await found(plugin, people[0]))["email_domain"]
    await Findings(plugin).accept(finding.id, Acceptance(reason="thật mà"), by=BY)
    await Evaluating(plugin).all()
    assert (await Findings(plugin).get(finding.id)).state == "accepted"
    points = [ContactPointDraft(kind="email", raw="khac@gmial.com")]
    await house.customers.change(people[0], CustomerChange(contact_points=points), by=BY)
    await handled(house)
    again = await Findings(plugin).get(finding.id)
    assert (again.state, again.reason) == ("open", "")
    points = [ContactPointDraft(kind="email", raw="khac@gmail.com")]
    await house.customers.change(people[0], CustomerChange(contact_points=points), by=BY)
    await handled(house)
    assert (await Findings(plugin).get(finding.id)).state == "gone"
    with pytest.raises(NotFound):
        await Findings(plugin).get(new_id())


async def test_old_values_are_asked_for_again(
    house: House, plugin: Plugin, people: list[UUID]
) -> None:
    await house.db.execute(
        "UPDATE core_customer SET created_at = ? WHERE id = ?",
        dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        people[3],
    )
    await Evaluating(plugin).all()
    finding = (await found(plugin, people[3]))["phone_stale"]
    stale = await Indexes(plugin).queue("stale", limit=10)
    assert [row[0] for row in stale] == [people[3]]
    verified = await Findings(plugin).verify(finding.id, by=BY)
    assert verified.state == "mended"
    await Evaluating(plugin).all()
    assert set(await found(plugin, people[3])) >= {"email_stale"}
    assert "phone_stale" not in await found(plugin, people[3])
    with pytest.raises(Conflict, match="old"):
        await Findings(plugin).verify((await found(plugin, people[3]))["no_birth"].id, by=BY)


async def test_the_index_is_the_mean_of_its_rows_and_is_kept_for_the_day(
    house: House, plugin: Plugin, people: list[UUID]
) -> None:
    await Evaluating(plugin).all()
    await Indexes(plugin).keep()
    await Indexes(plugin).keep()
    index = await Indexes(plugin).read(IndexQuery(by="source"))
    assert index.now.customers == 4
    assert [each.customers for each in index.trend] == [4]
    assert index.trend[0].index == pytest.approx(index.now.index)
    assert sorted((each.part, each.customers) for each in index.parts) == [("", 3), ("old_crm", 1)]
    for part in index.parts:
        rows = await Indexes(plugin).customers("source", part.part, limit=100)
        assert len(rows) == part.customers
        assert sum(row[2] for row in rows) / len(rows) == pytest.approx(part.index, abs=0.01)


async def test_merging_leaves_one_of_each(house: House, plugin: Plugin, people: list[UUID]) -> None:
    await handled(house)
    merge = await house.merging.merge(people[1], people[2], by=BY)
    await handled(house)
    rows = await house.db.fetch(
        "SELECT rule, count(*) FROM data_quality_finding GROUP BY customer_id, rule"
    )
    assert {count for _, count in rows} == {1}
    await house.merging.unmerge(merge.id, by=BY)
    await handled(house)
    assert "phone_shared" in await found(plugin, people[2])


async def test_a_removed_customer_takes_everything_along(
    house: House, plugin: Plugin, people: list[UUID]
) -> None:
    await handled(house)
    await house.customers.remove([people[3]], by="system")
    await handled(house)
    for table in ("finding", "score", "verification"):
        rows = await house.db.fetch(
            f"SELECT id FROM data_quality_{table} WHERE customer_id = ?", people[3]
        )
        assert rows == []


async def test_rules_of_other_plugins_are_applied_and_may_fail(
    house: House, plugin: Plugin, people: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = house.registry.quality_rules.get("sales_pipeline.close_passed")

    async def one(owner: Plugin, customers: Sequence[Customer]) -> dict[UUID, str]:
        assert owner.id == "sales_pipeline"
        return {people[0]: "deal"}

    async def broken(owner: Plugin, customers: Sequence[Customer]) -> dict[UUID, str]:
        await house.db.fetch("SELECT nothing FROM nowhere")
        return {}

    shelf = house.registry.quality_rules
    shelf.put(msgspec.structs.replace(rule, find=one))
    try:
        await Evaluating(plugin).all()
        assert "close_passed" in await found(plugin, people[0])
        shelf.put(msgspec.structs.replace(rule, find=broken))
        await Evaluating(plugin).all()
        assert "close_passed" in await found(plugin, people[0]), "what failed says nothing"
    finally:
        shelf.put(rule)
    await Evaluating(plugin).all()
    assert "close_passed" not in await found(plugin, people[0])


def batch(*records: OutsideRecord) -> OutsideBatch:
    return OutsideBatch(source="bought_list", records=list(records))


CLEAN = [each for each in errors.clean(90, 5) if each.kind == "person"]


def full(n: int, **more: Any) -> OutsideRecord:
    points = [ContactPointDraft(kind=p.kind, raw=p.raw) for p in CLEAN[n].contact_points]  # type: ignore[arg-type]
    one = CustomerDraft(display_name=CLEAN[n].display_name, contact_points=points)
    return OutsideRecord(record=one, **more)


async def test_a_batch_with_eight_per_cent_doubles_is_refused_with_the_list(
    house: House, plugin: Plugin, people: list[UUID]
) -> None:
    """AC-DQ-2."""
    await handled(house)
    doubles = [
        OutsideRecord(record=msgspec.structs.replace(one, external_ids={}))
        for one in (
            draft("Lê Thị Hoa", "0387654321", "hoa@example.com", address="3 Lê Lợi, P.3, Huế"),
            draft("Trần Thị Mai", "0901255866", "mai@example.com", address="3 Lê Lai, P.3, Huế"),
        )
    ]
    twice = [full(40), full(41)]
    some = [*(full(n) for n in range(44)), *doubles, *twice, full(60), full(61)]
    assert len([*doubles, *twice]) / len(some) == 0.08
    with pytest.raises(Conflict, match="nothing was added") as refused:
        await Enriching(plugin).add(batch(*some), by=BY)
    listed = refused.value.extra["problems"]
    assert {each["where"] for each in listed} == {f"/records/{n}" for n in (44, 45, 46, 47)}
    assert {each["code"] for each in listed} == {"likely-duplicate"}
    (count,) = await house.db.fetch_one("SELECT count(*) FROM core_customer") or (0,)
    assert count == len(people)
    for place in (44, 45, 46, 47):
        some[place] = msgspec.structs.replace(some[place], handled=["left_out"])
    added = await Enriching(plugin).add(batch(*some), by=BY)
    assert (len(added.created), added.left_out) == (46, 4)


async def test_incomplete_records_are_refused_until_they_are_handled(
    house: House, plugin: Plugin
) -> None:
    thin = OutsideRecord(record=draft("Ngô Văn Tám"))
    with pytest.raises(Conflict) as refused:
        await Enriching(plugin).add(batch(full(1), thin), by=BY)
    assert [each["code"] for each in refused.value.extra["problems"]] == ["incomplete-record"]
    handled_thin = msgspec.structs.replace(thin, handled=["incomplete"])
    added = await Enriching(plugin).add(batch(full(1), handled_thin), by=BY)
    assert len(added.created) == 2


async def test_nothing_is_written_over_what_was_verified(
    house: House, plugin: Plugin, people: list[UUID]
) -> None:
    await house.db.execute(
        "UPDATE core_contact_point SET verified_at = ? WHERE customer_id = ? AND kind = 'phone'",
        dt.datetime(2026, 11, 1, tzinfo=dt.UTC),
        people[3],
    )
    record = draft(
        "Lê Thị Hoa", "0912000111", "hoa.moi@example.com", fields={"birth_date": "1990-02-03"}
    )
    about = OutsideRecord(record=record, customer=people[3])
    enriching = Enriching(plugin)
    added = await enriching.add(batch(about), by=BY)
    assert (added.created, added.proposals, added.verified) == ([], 2, 1)
    assert (await enriching.add(batch(about), by=BY)).proposals == 0
    proposals = {each.field: each for each in await enriching.open(people[3])}
    assert proposals["point:email"].source == "bought_list"
    await enriching.decide(proposals["point:email"].id, take=True, by=BY)
    await enriching.decide(proposals["field:birth_date"].id, take=False, by=BY)
    customer = await house.customers.get(people[3])
    assert {p.raw for p in customer.contact_points} == {
        "0387654321",
        "hoa@example.com",
        "hoa.moi@example.com",
    }
    assert not customer.fields.get("birth_date")
    assert await enriching.open() == []
    with pytest.raises(Conflict, match="open proposal"):
        await enriching.decide(proposals["point:email"].id, take=True, by=BY)


async def test_what_somebody_filled_in_meanwhile_is_not_written_over(
    house: House, plugin: Plugin, people: list[UUID]
) -> None:
    record = draft("Lê Thị Hoa", "0387654321", fields={"birth_date": "1990-02-03"})
    enriching = Enriching(plugin)
    await enriching.add(batch(OutsideRecord(record=record, customer=people[3])), by=BY)
    [offered] = await enriching.open(people[3])
    change = CustomerChange(fields={"birth_date": "1991-05-06"})
    await house.customers.change(people[3], change, by=BY)
    with pytest.raises(Conflict, match="birth_date is empty"):
        await enriching.decide(offered.id, take=True, by=BY)
    customer = await house.customers.get(people[3])
    assert str(customer.fields["birth_date"]) == "1991-05-06"


async def test_values_for_other_purposes_are_neither_missed_nor_written_over(
    house: House, plugin: Plugin
) -> None:
    await house.customers.declare_fields(
        [
            FieldDraft(key="hobby", purposes=["advertising"]),
            FieldDraft(key="need", purposes=["advertising"]),
        ]
    )
    held = {"hobby": "cờ", "need": "một căn hộ"}
    [lan] = await house.customers.create([draft("Phạm Thị Lan", fields=held)], by=BY)
    other = draft("Phạm Thị Lan", fields={"hobby": "bóng đá"})
    async with plugin.at_work():
        about = OutsideRecord(record=other, customer=lan)
        assert (await Enriching(plugin).add(batch(about), by=BY)).proposals == 0
        evaluating = Evaluating(plugin)
        [seen] = await house.customers.get_many([lan])
        assert seen.fields == {}, "else nothing is tried here"
        await evaluating.these([seen])
        weights = weights_of(seen, await evaluating.known([seen]), plugin.settings)
    assert "need" not in weights
    assert "phone" in weights
    rows = await house.db.fetch("SELECT rule FROM data_quality_finding WHERE customer_id = ?", lan)
    found = {row[0] for row in rows}
    assert "data_quality.no_address" in found
    assert "data_quality.no_need" not in found
    assert (await house.customers.get(lan)).fields == held


def test_purposes_are_those_of_the_manifest() -> None:
    manifest = Path(relatum_data_quality.__file__).with_name("plugin.toml")
    declared = tomllib.loads(manifest.read_text("utf-8"))["processing"]
    assert {each["purpose"] for each in declared} == PURPOSES
