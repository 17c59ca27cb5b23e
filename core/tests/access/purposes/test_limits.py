"""What a limit is, what of it is told, and what becomes of fields that are bound and freed."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.tests.web.browsing import signed_in
from relatum.access.purposes.acting import as_the_house, at_work
from relatum.access.purposes.service import limit_of
from relatum.access.viewer import SYSTEM
from relatum.api import CustomerChange, CustomerDraft, CustomerQuery, Plugin
from relatum.app.house import House
from relatum.customers.types import FieldDraft
from relatum.values.problems import InvalidInput
from relatum.values.sensitivity import SENSITIVITIES

WORDS = st.sampled_from(["care", "service", "advertising", "relations"])
DECLARED = st.dictionaries(WORDS, st.frozensets(st.sampled_from(SENSITIVITIES)))
FIELDS = st.dictionaries(st.sampled_from("abcdef"), st.frozensets(WORDS))


@given(declared=DECLARED, fields=FIELDS, purpose=st.one_of(st.just(""), WORDS))
def test_a_limit_is_never_wider_than_what_is_declared(
    declared: dict[str, frozenset], fields: dict[str, frozenset[str]], purpose: str
) -> None:
    limit = limit_of(purpose, declared, fields)
    given_ = fields.keys() - limit.withheld
    for key in given_:
        assert not fields[key] or fields[key] & declared.keys()
        assert not purpose or (purpose in declared and (not fields[key] or purpose in fields[key]))
    for key in limit.withheld:
        assert fields[key] or (purpose and purpose not in declared)
    if purpose:
        assert limit.masked == set(SENSITIVITIES) - declared.get(purpose, frozenset())
    wider = limit_of("", {**declared, "more": frozenset()}, fields)
    assert wider.withheld <= limit_of("", declared, fields).withheld


def unknown(house: House) -> Plugin:
    """A plugin without a manifest, which therefore declares nothing."""
    plugin = Plugin("stranger", version="1.0")
    plugin.move_in(house)
    return plugin


async def bound(house: House, *purposes: str) -> None:
    await house.customers.declare_fields(
        [FieldDraft(key="birthday", title_en="Birthday", purposes=list(purposes))]
    )


async def told(house: House) -> int:
    [row] = await house.db.fetch(
        "SELECT count(*) FROM core_event WHERE type = 'core.purposes.withheld'"
    )
    return int(row[0])


@pytest.fixture
async def stranger(core_house: House) -> Plugin:
    await bound(core_house, "advertising")
    draft = CustomerDraft(display_name="Lan", fields={"birthday": "1990-01-01"})
    await core_house.customers.create([draft], by="system")
    return unknown(core_house)


async def seen(plugin: Plugin) -> list[dict[str, object]]:
    return [one.fields for one in (await plugin.house.customers.find(CustomerQuery())).items]


async def test_a_field_is_bound_and_freed_at_once(core_house: House, stranger: Plugin) -> None:
    async with stranger.at_work():
        assert await seen(stranger) == [{}]
    assert await seen(stranger) == [{"birthday": "1990-01-01"}], "core's own work is not limited"
    await core_house.customers.declare_fields([FieldDraft(key="birthday", title_en="Born")])
    async with stranger.at_work():
        assert await seen(stranger) == [{}], "declared again without a word it stays bound"
    await bound(core_house)
    async with stranger.at_work():
        assert await seen(stranger) == [{"birthday": "1990-01-01"}]
    assert at_work() is None
    rows = await core_house.db.fetch(
        "SELECT payload FROM core_event WHERE type = 'core.customer_field_declared' ORDER BY seq"
    )
    assert len(rows) == 3
    assert '"purposes":[["advertising"],[]]' in rows[2][0].replace(" ", "")


async def test_what_changes_nothing_is_not_told(core_house: House) -> None:
    for _ in range(2):
        await bound(core_house, "care", "advertising")
    rows = await core_house.db.fetch(
        "SELECT payload FROM core_event WHERE type = 'core.customer_field_declared'"
    )
    assert len(rows) == 1


async def test_it_is_told_once_and_only_when_something_is_read(
    core_house: House, stranger: Plugin
) -> None:
    async with stranger.at_work():
        await core_house.db.fetch("SELECT id, display_name FROM core_customer")
        await core_house.db.fetch("SELECT count(*) FROM core_customer")
    assert await told(core_house) == 0
    for _ in range(3):
        async with stranger.at_work():
            await seen(stranger)
    assert await told(core_house) == 1


async def test_what_is_undone_is_told_the_next_time(core_house: House, stranger: Plugin) -> None:
    with pytest.raises(RuntimeError, match="on purpose"):
        async with core_house.db.transaction():
            async with stranger.at_work():
                await seen(stranger)
            raise RuntimeError("on purpose")
    assert await told(core_house) == 0
    async with stranger.at_work():
        await seen(stranger)
    assert await told(core_house) == 1


async def test_one_that_raises_is_told_with_the_next(core_house: House, stranger: Plugin) -> None:
    with pytest.raises(RuntimeError, match="on purpose"):
        async with stranger.at_work():
            await seen(stranger)
            raise RuntimeError("on purpose")
    assert await told(core_house) == 0
    await core_house.purposes.tell()
    assert await told(core_house) == 1


async def test_the_limit_is_the_same_behind_every_other_look(
    core_house: House, stranger: Plugin
) -> None:
    """Neither a person's look nor the house's own takes it away; work for core does not have it."""
    viewer = msgspec.structs.replace(SYSTEM, actor="person:somebody")
    async with stranger.at_work():
        async with core_house.sights.looking_as(viewer):
            assert await seen(stranger) == [{}]
        with as_the_house():
            assert await seen(stranger) == [{}]
        other = unknown(core_house)
        async with other.for_purpose("advertising"):
            assert await seen(other) == [{}]
        assert await seen(stranger) == [{}]


async def test_a_plugin_writes_what_it_may_not_read(core_house: House, stranger: Plugin) -> None:
    [customer] = (await core_house.customers.find(CustomerQuery())).items
    async with stranger.at_work():
        changed = await core_house.customers.change(
            customer.id, CustomerChange(display_name="Lan Anh"), by="plugin:stranger"
        )
        assert changed.fields == {}
    assert (await core_house.customers.get(customer.id)).fields == {"birthday": "1990-01-01"}


async def test_an_unknown_purpose_is_refused(core_house: House) -> None:
    with pytest.raises(InvalidInput) as refused:
        core_house.processing.refuse_unknown(["advertising", "world_domination"])
    [problem] = refused.value.problems
    assert (problem.code, problem.where) == ("unknown-purpose", "/purposes/1")
    assert "advertising" in problem.expected


async def test_the_form_binds_and_frees(core_house: House) -> None:
    browser = await signed_in(core_house)
    page = await browser.page("/settings/fields/new?lang=vi")
    assert "Chỉ dùng cho các mục đích này" in page.text
    answer = await browser.send(
        page, "/settings/fields/new", title_vi="Sinh nhật", purposes=["advertising", "care"]
    )
    assert answer.status_code == 303
    [field] = await core_house.customers.fields()
    assert field.purposes == ["advertising", "care"]
    page = await browser.page("/settings/fields/sinh_nhat")
    ticked = [each["value"] for each in page.all("input") if "checked" in each]
    assert {"advertising", "care"} <= set(ticked)
    answer = await browser.send(page, "/settings/fields/sinh_nhat", purposes=[])
    [field] = await core_house.customers.fields()
    assert field.purposes == []
    page = await browser.page("/settings/fields/sinh_nhat")
    pairs = [*page.form("/settings/fields/sinh_nhat").fields, ("purposes", "nonsense")]
    refused = browser.shown(await browser.post("/settings/fields/sinh_nhat", pairs), 422)
    assert [field.purposes for field in await core_house.customers.fields()] == [[]]
    assert refused.texts
    await browser.client.aclose()
