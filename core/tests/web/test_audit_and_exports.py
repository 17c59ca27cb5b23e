"""The audit trail and exports on their pages."""

from __future__ import annotations

from core.tests.web.browsing import EVIL, Browser, signed_in
from relatum.access.audit.types import Changed
from relatum.app.house import House
from relatum.customers.types import CustomerChange, CustomerDraft
from relatum.web.audit_file import spread
from relatum.web.template_filters import plainly


async def test_the_trail_says_who_what_when_from_to(browser: Browser) -> None:
    house = browser.house
    by = f"person:{browser.account}"
    (id,) = await house.customers.create([CustomerDraft(display_name="Lan")], by=by)
    await house.customers.change(id, CustomerChange(display_name=EVIL), by=by)
    page = await browser.page(f"/audit?customer={id}")
    assert page.text.count(EVIL) >= 2
    assert any("Owner" in text for text in page.texts)
    types = {option["value"] for option in page.all("option")}
    assert {"core.access.", "core.customer_created", by} <= types
    page = await browser.page(f"/audit?type=core.access.&actor={by}&first=&last=")
    assert "Lan" not in page.text
    assert "Không có mục nào phù hợp." in (await browser.page("/audit?last=2020-01-01")).text
    page = await browser.page("/audit?first=yesterday&customer=1", status=422)
    assert "Hãy nhập một ngày." in page.text


async def test_the_trail_goes_on(browser: Browser) -> None:
    drafts = [CustomerDraft(display_name=f"K{number}") for number in range(120)]
    await browser.house.customers.create(drafts, by="system")
    path, seen = "/audit?type=core.customer_created", 0
    while path:
        page = await browser.page(path)
        seen += len(page.all("tr")) - 1
        more = [a["href"] for a in page.all("a") if a.get("rel") == "next"]
        path = f"/audit{more[0]}" if more else ""
    assert seen == 120


async def test_the_check_says_whether_the_log_is_whole(browser: Browser) -> None:
    assert "Nguyên vẹn" in (await browser.page("/audit/check")).text


async def test_an_export_is_asked_for_and_fetched(browser: Browser) -> None:
    house = browser.house
    await house.customers.create([CustomerDraft(display_name="Lan")], by="system")
    page = await browser.page("/exports")
    page = browser.shown(await browser.send(page, "/exports", why=""), 422)
    assert "Vui lòng điền mục này." in page.text
    asked = {"target": "core.customers", "format": "csv", "why": EVIL}
    page = await browser.follow(await browser.send(page, "/exports", **asked))
    await house.worker.drain()
    page = await browser.page("/exports")
    assert "sẵn sàng" in page.text
    assert EVIL in page.text
    (fetch,) = [form.action for form in page.forms if form.action.endswith("/fetch")]
    answer = await browser.send(page, fetch)
    assert answer.status_code == 303
    file = await browser.answer(answer.headers["location"])
    assert file.status_code == 200
    assert "Lan" in file.text
    page = await browser.page("/exports")
    page = await browser.follow(await browser.send(page, fetch.replace("fetch", "delete")))
    assert "đã xoá tệp" in page.text


async def test_a_large_export_waits_for_a_second_person(
    core_house: House, browser: Browser
) -> None:
    drafts = [CustomerDraft(display_name=f"K{number}") for number in range(1001)]
    await core_house.customers.create(drafts, by="system")
    page = await browser.page("/exports")
    for _ in range(2):
        asked = {"target": "core.customers", "format": "csv", "why": "báo cáo"}
        page = await browser.follow(await browser.send(page, "/exports", **asked))
        await core_house.worker.drain()
    page = await browser.page("/exports")
    assert page.text.count("chờ người thứ hai duyệt") == 2
    assert not [form for form in page.forms if form.action.endswith("/approve")]

    manager = await signed_in(core_house, "manager")
    page = await manager.page("/exports")
    approve, _ = [form.action for form in page.forms if form.action.endswith("/approve")]
    page = await manager.follow(await manager.send(page, approve, why="được"))
    assert "Đã duyệt lần xuất." in page.text
    (refuse,) = [form.action for form in page.forms if form.action.endswith("/refuse")]
    page = await manager.follow(await manager.send(page, refuse, why=EVIL))
    assert EVIL in page.text
    csrf = [pair for pair in page.form("/sign-out").fields if pair[0] == "csrf"]
    manager.shown(await manager.post(refuse, csrf), 409)
    await manager.client.aclose()


async def test_who_does_not_approve_cannot(core_house: House, browser: Browser) -> None:
    analyst = await signed_in(core_house, "analyst")
    page = await analyst.page("/exports")
    csrf = [pair for pair in page.form("/sign-out").fields if pair[0] == "csrf"]
    answer = await analyst.post(f"/exports/{browser.account}/approve", csrf)
    assert analyst.shown(answer, 403)
    await analyst.client.aclose()


def test_changes_inside_of_values_are_told_one_by_one() -> None:
    before = {"scopes": ["own"], "rules": [], "deep": {"a": 1, "b": 2}}
    after = {"scopes": ["own"], "rules": ["vip"], "deep": {"a": 1, "b": 3}}
    changes = [Changed("policy", before, after), Changed("parent", None, "")]
    assert list(spread(changes)) == [
        Changed("policy.rules", [], ["vip"]),
        Changed("policy.deep.b", 2, 3),
    ]


def test_values_are_short_and_plain() -> None:
    assert [plainly(each) for each in (None, "", [], {}, 0, False, ["a", "b"], {"a": [1]})] == [
        "–",
        "–",
        "–",
        "–",
        "0",
        "false",
        "a, b",
        '{"a":[1]}',
    ]
    assert plainly(["1", "2"], {"1": "Bắc"}) == "Bắc, 2"
    assert len(plainly("x" * 10_000)) == 301


async def test_the_page_says_what_is_sealed(browser: Browser) -> None:
    assert "Chưa niêm phong gì." in (await browser.page("/audit")).text
    await browser.house.seals.seal()
    page = await browser.page("/audit")
    last = await browser.house.events.last()
    assert f"Đã niêm phong đến số {last}" in page.text
    for href in [each["href"] for each in page.all("a") if each["href"].startswith("?first=")]:
        await browser.page(f"/audit{href}")


async def test_an_export_takes_filters(browser: Browser) -> None:
    house = browser.house
    drafts = [
        CustomerDraft(display_name="Lan", tags=["vip"]),
        CustomerDraft(display_name="Minh", kind="organisation", tags=["vip"]),
        CustomerDraft(display_name="Hoa"),
    ]
    await house.customers.create(drafts, by="system")
    # as a list leads here
    page = await browser.page("/exports?target=core.customers&filter.tag=vip")
    assert ("filter.tag", "vip") in page.form("/exports").fields
    asked = {"format": "csv", "why": "Thiệp Tết", "filter.kind": "person"}
    page = await browser.follow(await browser.send(page, "/exports", **asked))
    assert len(page.all("progress")) == 1
    await house.worker.drain()
    page = await browser.page("/exports")
    assert "tag: vip" in page.text
    (fetch,) = [form.action for form in page.forms if form.action.endswith("/fetch")]
    answer = await browser.send(page, fetch)
    file = await browser.answer(answer.headers["location"])
    assert "Lan" in file.text
    assert "Minh" not in file.text
    assert "Hoa" not in file.text

    asked = {"why": "Thiệp Tết", "filter.created_from": "hôm qua"}
    page = browser.shown(await browser.send(page, "/exports", **asked), 422)
    assert "Hãy nhập một ngày." in page.text
    assert ("filter.created_from", "hôm qua") in page.form("/exports").fields
    page = await browser.page("/exports?target=core.interactions")
    assert "filter.tag" not in page.form("/exports").names
    csrf = [pair for pair in page.form("/exports").fields if pair[0] == "csrf"]
    pairs = [*csrf, ("target", "core.customers"), ("format", "csv"), ("why", "abc")]
    refused = await browser.post("/exports", [*pairs, ("filter.nonsense", "x")])
    browser.shown(refused, 422)
    assert (await browser.answer("/exports?nonsense=1")).status_code == 400
