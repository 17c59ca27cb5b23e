"""Rules that a company makes for itself: from the form to the queue and the index."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest

from core.tests.web.browsing import EVIL, Browser, signed_in
from relatum.api import (
    Conflict,
    ContactPointDraft,
    CustomerChange,
    CustomerDraft,
    InvalidInput,
    NotFound,
    Plugin,
    local_day,
    now,
)
from relatum.app.house import House
from relatum.customers.types import FieldDraft
from relatum_data_quality.events import OWN_RULE
from relatum_data_quality.jobs import NIGHTLY
from relatum_data_quality.rules.own import rule_id
from relatum_data_quality.services.evaluating import Evaluating
from relatum_data_quality.services.findings import Findings
from relatum_data_quality.services.own_rules import OwnRules
from relatum_data_quality.types import FindingQuery, OwnRule, OwnRuleDraft

ROOT = "/p/data_quality"
BY = "person:x"


def draft(kind: Any, field: str, **more: Any) -> OwnRuleDraft:
    return OwnRuleDraft(
        kind=kind, field=field, title_en="Ours is wrong", title_vi="Sai quy định", **more
    )


@pytest.fixture
async def fields(house: House) -> None:
    await house.customers.declare_fields(
        [
            FieldDraft(key="region", title_en="Region", title_vi="Vùng"),
            FieldDraft(key="id_card"),
            FieldDraft(key="size", type="integer"),
            FieldDraft(key="share", type="decimal"),
            FieldDraft(key="visited", type="date"),
        ]
    )


async def people(house: House, *drafts: CustomerDraft) -> list[UUID]:
    return list(await house.customers.create(list(drafts), by="system"))


async def found_by(plugin: Plugin, rule: OwnRule, state: Any = "open") -> set[UUID]:
    query = FindingQuery(rule=rule_id(rule.id), state=state, limit=200)
    return {each.customer for each in (await Findings(plugin).find(query)).items}


async def test_a_required_field_of_some_customers(
    house: House, plugin: Plugin, fields: None
) -> None:
    lacking, there, firm, other = await people(
        house,
        CustomerDraft(display_name="Lê Hoa", roles=["customer"], tags=["VIP"]),
        CustomerDraft(
            display_name="Lê Hà", roles=["customer"], tags=["vip"], fields={"region": "Huế"}
        ),
        CustomerDraft(
            display_name="Công ty A", kind="organisation", roles=["customer"], tags=["vip"]
        ),
        CustomerDraft(display_name="Lê Hạnh", roles=["prospect"], tags=["vip"]),
    )
    own = OwnRules(plugin)
    some = draft("required", "field:region", people="person", role="customer", tag="vip")
    preview = await own.preview(some)
    assert (preview.looked, preview.found, preview.whole) == (4, 1, True)
    assert preview.first == [(lacking, "Lê Hoa")]
    assert await own.all() == []
    rule = await own.create(some, by=BY)
    await Evaluating(plugin).all()
    assert await found_by(plugin, rule) == {lacking}
    everyone = await own.change(rule.id, draft("required", "field:region"), by=BY)
    await Evaluating(plugin).all()
    assert await found_by(plugin, everyone) == {lacking, firm, other}
    await house.customers.change(lacking, CustomerChange(fields={"region": "Vinh"}), by=BY)
    await Evaluating(plugin).again([lacking])
    assert await found_by(plugin, rule) == {firm, other}
    assert there not in await found_by(plugin, rule)


async def test_switched_off_and_removed_rules_find_nothing(
    house: House, plugin: Plugin, fields: None
) -> None:
    [one] = await people(house, CustomerDraft(display_name="Lê Hoa"))
    own = OwnRules(plugin)
    rule = await own.create(draft("required", "point:zalo"), by=BY)
    await Evaluating(plugin).all()
    assert await found_by(plugin, rule) == {one}
    await own.switch(rule.id, active=False, by=BY)
    await Evaluating(plugin).all()
    assert await found_by(plugin, rule) == set()
    assert await found_by(plugin, rule, "gone") == {one}
    await own.switch(rule.id, active=True, by=BY)
    await Evaluating(plugin).all()
    assert await found_by(plugin, rule) == {one}
    await own.remove(rule.id, by=BY)
    await Evaluating(plugin).all()
    assert await found_by(plugin, rule) == set()
    assert await own.all() == []
    assert (await own.titles())[rule_id(rule.id)].vi == "Sai quy định"
    with pytest.raises(NotFound):
        await own.remove(rule.id, by=BY)


async def completeness(house: House, customer: UUID) -> tuple[float, float, float]:
    row = await house.db.fetch_one(
        "SELECT completeness, validity, quality FROM data_quality_score WHERE customer_id = ?",
        customer,
    )
    assert row is not None
    return float(row[0]), float(row[1]), float(row[2])


async def test_own_rules_count_in_the_index(house: House, plugin: Plugin, fields: None) -> None:
    # The default weights of a person: phone 3, email 2, name 2, address 1, birth 1, need 1.
    drafts = [
        CustomerDraft(
            display_name="Lê Thị Hoa",
            roles=["customer"],
            contact_points=[ContactPointDraft(kind="phone", raw="0387654321")],
            fields={"id_card": "abc"},
        )
    ]
    [one] = await people(house, *drafts)
    await Evaluating(plugin).all()
    full, valid, before = await completeness(house, one)
    assert (full, valid) == (pytest.approx(5 / 10), pytest.approx(1.0))
    own = OwnRules(plugin)
    await own.create(draft("required", "field:region", weight=10), by=BY)
    await Evaluating(plugin).all()
    full, valid, less = await completeness(house, one)
    assert (full, valid) == (pytest.approx(5 / 20), pytest.approx(1.0))
    assert less < before
    await own.create(draft("digits", "field:id_card", weight=5, least="9"), by=BY)
    await Evaluating(plugin).all()
    full, valid, _ = await completeness(house, one)
    assert (full, valid) == (pytest.approx(10 / 25), pytest.approx(1 - 5 / 10))
    await house.customers.change(
        one, CustomerChange(fields={"region": "Huế", "id_card": "001099001234"}), by=BY
    )
    await Evaluating(plugin).all()
    full, valid, more = await completeness(house, one)
    assert (full, valid) == (pytest.approx(20 / 25), pytest.approx(1.0))
    assert more > less


TODAY = "today"


@pytest.mark.parametrize(
    ("terms", "right", "wrong"),
    [
        (
            draft("digits", "field:id_card", least="9", most="12"),
            ["001099001", "001099001234"],
            ["00109900", "0010990012345", "001 099 001", "٠٠١٠٩٩٠٠١", "00109900a"],
        ),
        (draft("digits", "field:id_card", most="3"), ["1", "123"], ["1234", "12.3"]),
        (draft("number", "field:size", least="-5", most="10"), [-5, 0, 10], [-6, 11]),
        (draft("number", "field:share", most="0.5"), ["0.5", "-3"], ["0.51"]),
        (draft("number", "field:region", least="1"), ["1", "2.5"], ["one", "0.9", "NaN"]),
        (
            draft("words", "field:region", words=["Bắc", " Nam "]),
            ["Bắc", "bắc", "NAM"],
            ["Bac", "Trung"],
        ),
        (
            draft("domain", "field:region", words=["@Example.com"]),
            ["a@example.com", "a@EXAMPLE.com"],
            ["a@sub.example.com", "a@example.org", "example.com", "@example.com"],
        ),
        (draft("not_future", "field:visited"), [-1, 0], [1]),
        (draft("not_past", "field:visited"), [0, 1], [-1]),
        (draft("not_older", "field:visited", days=30), [-30, 5], [-31]),
    ],
)
async def test_each_kind_finds_what_is_wrong(
    house: House,
    plugin: Plugin,
    fields: None,
    terms: OwnRuleDraft,
    right: list[Any],
    wrong: list[Any],
) -> None:
    key = terms.field.partition(":")[2]
    today = local_day(now(), house.settings.company.time_zone)

    def value(given: Any) -> Any:
        return (today + dt.timedelta(days=given)).isoformat() if key == "visited" else given

    drafts = [
        CustomerDraft(display_name=f"Lê {n}", fields={key: value(given)})
        for n, given in enumerate([*right, *wrong])
    ]
    ids = await people(house, *drafts, CustomerDraft(display_name="Lê Không"))
    rule = await OwnRules(plugin).create(terms, by=BY)
    assert (await OwnRules(plugin).preview(terms)).found == len(wrong)
    await Evaluating(plugin).all()
    assert await found_by(plugin, rule) == set(ids[len(right) : len(right) + len(wrong)])


async def test_the_longest_key_of_a_field_that_may_have_a_rule(
    house: House, plugin: Plugin
) -> None:
    key, longer = "k" * 54, "k" * 55
    await house.customers.declare_fields([FieldDraft(key=key), FieldDraft(key=longer)])
    offered = [field for field, _, _ in await OwnRules(plugin).fields("required")]
    assert f"field:{key}" in offered
    assert f"field:{longer}" not in offered
    [id] = await people(house, CustomerDraft(display_name="Lê Văn"))
    rule = await OwnRules(plugin).create(draft("required", f"field:{key}"), by=BY)
    await Evaluating(plugin).all()
    assert await found_by(plugin, rule) == {id}


async def test_contact_points_have_forms_too(house: House, plugin: Plugin) -> None:
    points = [
        ContactPointDraft(kind="email", raw="a@example.com"),
        ContactPointDraft(kind="email", raw="b@example.org"),
    ]
    [one] = await people(house, CustomerDraft(display_name="Lê Hoa", contact_points=points))
    rule = await OwnRules(plugin).create(
        draft("domain", "point:email", words=["example.com"]), by=BY
    )
    await Evaluating(plugin).all()
    assert await found_by(plugin, rule) == {one}
    findings = Findings(plugin)
    page = await findings.find(FindingQuery(rule=rule_id(rule.id)))
    [task] = await findings.tasks(page.items)
    assert (task.values, task.changes) == (["b@example.org"], [])


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (draft("required", "field:nothing"), "/field"),
        (draft("number", "point:phone", least="1"), "/field"),
        (draft("not_future", "field:region"), "/field"),
        (draft("digits", "field:id_card"), "/least"),
        (draft("digits", "field:id_card", least="1.5"), "/least"),
        (draft("digits", "field:id_card", least="1e2"), "/least"),
        (draft("digits", "field:id_card", most="501"), "/most"),
        (draft("digits", "field:id_card", least="9", most="8"), "/most"),
        (draft("number", "field:size", least="NaN"), "/least"),
        (draft("words", "field:region", words=["", " "]), "/words"),
        (draft("words", "field:region", words=[str(n) for n in range(201)]), "/words"),
        (draft("domain", "point:email", words=["a@b.c"]), "/words"),
        (draft("not_older", "field:visited"), "/days"),
        (msgspec.structs.replace(draft("required", "point:zalo"), title_vi=" "), "/title_vi"),
        (msgspec.structs.replace(draft("required", "point:zalo"), tag="a\tb"), "/tag"),
    ],
)
async def test_what_cannot_be_a_rule_is_refused(
    plugin: Plugin, fields: None, wrong: OwnRuleDraft, where: str
) -> None:
    for attempt in (OwnRules(plugin).create(wrong, by=BY), OwnRules(plugin).preview(wrong)):
        with pytest.raises(InvalidInput) as refused:
            await attempt
        assert [each.where for each in refused.value.problems] == [where]
    assert await OwnRules(plugin).all() == []


async def test_changes_are_told_and_do_not_overwrite_each_other(
    house: House, plugin: Plugin
) -> None:
    own = OwnRules(plugin)
    rule = await own.create(draft("required", "point:zalo"), by=BY)
    changed = draft("required", "point:zalo", severity="error")
    assert (await own.change(rule.id, changed, by=BY, version=1)).version == 2
    with pytest.raises(Conflict, match="version 2"):
        await own.change(rule.id, draft("required", "point:email"), by=BY, version=1)
    with pytest.raises(Conflict, match="kind required"):
        await own.change(rule.id, draft("domain", "point:email", words=["a.vn"]), by=BY)
    await own.remove(rule.id, by=BY)
    rows = await house.db.fetch(
        "SELECT payload FROM core_event WHERE type = ? ORDER BY seq", OWN_RULE
    )
    told = [msgspec.json.decode(row[0]) if isinstance(row[0], str) else row[0] for row in rows]
    assert [each["changes"].get("severity") for each in told] == [
        [None, "warning"],
        ["warning", "error"],
        ["error", None],
    ]


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    browser = await signed_in(house)
    browser.client.headers["accept-language"] = "en"
    yield browser
    await browser.client.aclose()


async def test_from_the_form_to_the_queue(house: House, browser: Browser, plugin: Plugin) -> None:
    [one] = await people(house, CustomerDraft(display_name="Lê Thị Hoa"))
    assert {"href": f"{ROOT}/rules"} in (await browser.page(ROOT)).all("a")
    page = await browser.page(f"{ROOT}/rules")
    assert "There is none yet." in page.text
    path = f"{ROOT}/rules/new"
    page = await browser.page(f"{path}?kind=required")
    fields = page.form(path).filled(field="point:zalo", title_vi=EVIL, title_en=EVIL)
    page = browser.shown(await browser.post(path, [*fields, ("do", "preview")]), 200)
    assert "1 customer would be found." in page.text
    assert {"href": f"/customers/{one}"} in page.all("a")
    assert await OwnRules(plugin).all() == []
    fields = page.form(path).filled()
    page = await browser.follow(await browser.post(path, [*fields, ("do", "save")]))
    assert EVIL in page.text
    await house.worker.drain()
    [rule] = await OwnRules(plugin).all()
    assert EVIL in (await browser.page(f"{ROOT}/queue?rule={rule_id(rule.id)}")).text
    assert EVIL in (await browser.page(ROOT)).text
    assert EVIL in (await browser.page(f"/customers/{one}")).text
    path = f"{ROOT}/rules/{rule.id}"
    page = await browser.page(path)
    fields = page.form(path).filled(title_en="No Zalo")
    page = await browser.follow(await browser.post(path, [*fields, ("do", "save")]))
    assert "No Zalo" in page.text
    stale = browser.shown(await browser.post(path, [*fields, ("do", "save")]), 409)
    assert "version" in stale.text
    off, remove = [each for each in page.forms if each.action == f"{ROOT}/rules"]
    page = await browser.follow(await browser.post(f"{ROOT}/rules", off.filled()))
    assert "switched off" in page.text
    page = await browser.follow(await browser.post(f"{ROOT}/rules", remove.filled()))
    assert "No Zalo" not in page.text
    await house.worker.drain()
    gone = await browser.page(f"{ROOT}/queue?state=gone")
    assert "No Zalo" in gone.text


async def test_wrong_forms_are_shown_again(browser: Browser, plugin: Plugin, fields: None) -> None:
    path = f"{ROOT}/rules/new"
    for kind in ("digits", "number", "words", "domain", "not_future", "not_past", "not_older"):
        page = await browser.page(f"{path}?kind={kind}")
        page = browser.shown(await browser.post(path, page.form(path).filled()), 422)
        assert "Fill this in." in page.text
    sent = page.form(path).filled(field="field:nothing", title_en="a", title_vi="b", days="3")
    page = browser.shown(await browser.post(path, [*sent, ("do", "save")]), 422)
    assert "Choose one of the list." in page.text
    evil = [(name, EVIL if name == "kind" else value) for name, value in sent]
    browser.shown(await browser.post(path, evil), 422)
    assert await OwnRules(plugin).all() == []


async def test_who_may_not_make_rules_gets_no_page(house: House) -> None:
    clerk = await signed_in(house, "sales")
    page = await clerk.page(ROOT)
    assert {"href": f"{ROOT}/rules"} not in page.all("a")
    assert (await clerk.client.get(f"{ROOT}/rules")).status_code == 403
    await clerk.client.aclose()


async def test_fields_for_other_purposes_are_left_alone(
    house: House, plugin: Plugin, fields: None
) -> None:
    [one] = await people(house, CustomerDraft(display_name="Lê Hoa", fields={"region": "Huế"}))
    own = OwnRules(plugin)
    rule = await own.create(draft("required", "field:region"), by=BY)
    await house.customers.declare_fields([FieldDraft(key="region", purposes=["advertising"])])
    async with plugin.at_work():
        assert "field:region" not in [field for field, _, _ in await own.fields("required")]
        with pytest.raises(InvalidInput):
            await own.preview(draft("required", "field:region"))
        await Evaluating(plugin).all()
    assert await found_by(plugin, rule) == set()
    await house.customers.declare_fields([FieldDraft(key="region", purposes=[])])
    await house.customers.change(one, CustomerChange(fields={"region": None}), by=BY)
    async with plugin.at_work():
        await Evaluating(plugin).all()
    assert await found_by(plugin, rule) == {one}


async def test_a_run_that_has_begun_is_followed_by_another(
    house: House, browser: Browser, plugin: Plugin
) -> None:
    first = await house.jobs.enqueue(NIGHTLY, unique=NIGHTLY)
    await house.db.execute(
        "UPDATE core_queue SET status = 'picked', started_at = ? WHERE run = ?", now(), first
    )
    path = f"{ROOT}/rules/new"
    page = await browser.page(f"{path}?kind=required")
    filled = page.form(path).filled(field="point:zalo", title_vi="A", title_en="A")
    for _ in range(2):
        await browser.follow(await browser.post(path, [*filled, ("do", "save")]))
    rows = await house.db.fetch(
        "SELECT run FROM core_queue WHERE status = 'queued' AND dedupe_key LIKE ?",
        f"{NIGHTLY}%again",
    )
    assert len(rows) == 1
