"""Rows that look like somebody: told in the preview, and acted on as the plan says."""

from __future__ import annotations

import pytest

from core.tests.importing.conftest import CUSTOMERS
from relatum.customers.types import ContactPointDraft, CustomerDraft, CustomerQuery
from relatum.importing.plan import parse_plan
from relatum.values.problems import InvalidInput

HUNG = CustomerDraft(
    display_name="Nguyễn Văn Hùng",
    contact_points=[ContactPointDraft(kind="phone", raw="0901 234 567")],
    tags=["vip"],
)
#: the same as one who is there; a wife with his telephone; two rows of one person; one for himself
FILE = """\
id,name,phone,email
A,HUNG NGUYEN VAN,+84901234567,hung@example.com
B,Trần Thị Mai,0901234567,
C,Lê Văn An,0912345678,an@example.com
D,Le Van An,0912345678,an.le@example.com
E,Phạm Quốc Dũng,0987654321,
"""


def plan(action: str | None):
    return parse_plan(CUSTOMERS + (f'[files.options]\nduplicates = "{action}"\n' if action else ""))


async def everybody(house):
    found = (await house.customers.find(CustomerQuery())).items
    return {one.display_name: one for one in found}


@pytest.fixture
async def folder(core_house, write):
    await core_house.customers.create([HUNG], by="system")
    return write("customers.csv", FILE)


async def test_a_preview_tells_and_applying_without_a_word_creates(core_house, folder):
    preview = await core_house.imports.preview(plan(None), folder)
    told = [(f.line, f.problem.code, f.weight, f.value) for f in preview.findings.first]
    assert [(line, code, weight) for line, code, weight, _ in told] == [
        (2, "likely-duplicate", "note"),
        (3, "maybe-duplicate", "note"),
        (5, "likely-duplicate", "note"),
    ]
    assert "line 4" in str(preview.findings.first[2].problem)
    assert len(await everybody(core_house)) == 1
    outcome = await core_house.imports.apply(plan(None), folder)
    assert (outcome.counts.created, outcome.findings.total) == (5, 0)


async def test_sure_ones_are_left_out(core_house, folder):
    preview = await core_house.imports.preview(plan("skip"), folder)
    outcome = await core_house.imports.apply(plan("skip"), folder)
    assert preview.counts == outcome.counts
    assert (outcome.counts.created, outcome.counts.rejected) == (3, 2)
    weights = [(f.line, f.weight) for f in outcome.findings.first]
    assert sorted(weights) == [(2, "error"), (3, "note"), (5, "error")]
    assert set(await everybody(core_house)) == {
        "Nguyễn Văn Hùng",
        "Trần Thị Mai",
        "Lê Văn An",
        "Phạm Quốc Dũng",
    }


async def test_linked_ones_get_an_id_and_nothing_else(core_house, folder):
    outcome = await core_house.imports.apply(plan("link"), folder)
    assert (outcome.counts.created, outcome.counts.updated) == (3, 1)
    hung = (await everybody(core_house))["Nguyễn Văn Hùng"]
    assert hung.external_ids == {"shop": "A"}
    assert [p.kind for p in hung.contact_points] == ["phone"]
    # the next file knows him by his id
    again = await core_house.imports.apply(plan("link"), folder)
    assert again.counts.created == 0


async def test_merged_ones_get_what_they_lack_and_undoing_takes_it_back(core_house, folder):
    before = await everybody(core_house)
    preview = await core_house.imports.preview(plan("merge"), folder)
    outcome = await core_house.imports.apply(plan("merge"), folder)
    assert preview.counts == outcome.counts
    assert (outcome.counts.created, outcome.counts.updated) == (3, 2)
    after = await everybody(core_house)
    hung, an = after["Nguyễn Văn Hùng"], after["Lê Văn An"]
    assert (hung.external_ids, hung.tags) == ({"shop": "A"}, ["vip"])
    assert {p.normalised for p in hung.contact_points} >= {"+84901234567", "hung@example.com"}
    assert {p.normalised for p in an.contact_points if p.kind == "email"} == {
        "an@example.com",
        "an.le@example.com",
    }
    assert an.external_ids == {"shop": "C"}, "one id of a source; the first stays"
    undone = await core_house.imports.undo(outcome.id)
    assert undone.kept == []
    back = await everybody(core_house)
    assert set(back) == set(before)
    assert back["Nguyễn Văn Hùng"].external_ids == {}
    assert [p.kind for p in back["Nguyễn Văn Hùng"].contact_points] == ["phone"]


async def test_batches_change_nothing(core_house, folder):
    core_house.imports._batch = 1
    outcome = await core_house.imports.apply(plan("merge"), folder)
    assert (outcome.counts.created, outcome.counts.updated) == (3, 2)


async def test_another_word_is_refused(core_house, folder):
    with pytest.raises(InvalidInput, match="duplicates = one of create, skip, link, merge"):
        await core_house.imports.apply(plan("perhaps"), folder)
