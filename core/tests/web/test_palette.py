"""The palette and the keys: found by few letters, only what somebody may, also without scripts."""

from __future__ import annotations

import re

import pytest

from core.tests.web.browsing import Browser, signed_in
from relatum.app.house import House
from relatum.customers.types import ContactPointDraft, CustomerDraft

PART = {"hx-request": "true", "hx-request-type": "partial", "hx-target": "div#palette-results"}


@pytest.fixture
async def customer(core_house: House) -> str:
    points = [ContactPointDraft(kind="phone", raw="0987 654 321")]
    draft = CustomerDraft(display_name="Đặng Thị Bưởi", contact_points=points)
    [id] = await core_house.customers.create([draft], by="test")
    return str(id)


@pytest.mark.parametrize("query", ["Đặng", "dang buoi", "0987654", "0987 654 321"])
async def test_customers_are_found_by_name_and_telephone(
    browser: Browser, customer: str, query: str
) -> None:
    answer = await browser.answer(f"/palette?q={query.replace(' ', '+')}", **PART)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert f'href="/customers/{customer}"' in answer.text
    assert "Đặng Thị Bưởi" in answer.text
    assert "0987 654 321" in answer.text
    found = answer.text.count("<li>")
    assert f'data-count="{found} kết quả"' in answer.text


@pytest.mark.parametrize(
    ("language", "query", "path"),
    [
        ("vi", "bao cao", "/reports"),
        ("en", "report", "/reports"),
        ("vi", "thêm khách", "/customers/new"),
        ("vi", "new customer", "/customers/new"),
        ("en", "mời người", "/people/invite"),
        ("en", "excel", "/imports/new"),
    ],
)
async def test_places_and_commands_are_found_by_their_words(
    browser: Browser, language: str, query: str, path: str
) -> None:
    browser.cookies.set("lang", language, domain="127.0.0.1")
    page = await browser.page(f"/palette?q={query.replace(' ', '%20')}")
    assert path in {link["href"] for link in page.all("a")}


async def test_titles_that_begin_with_the_letters_come_first(browser: Browser) -> None:
    answer = await browser.answer("/palette?q=nh", **PART)
    titles = re.findall(r'<a href="/[^"]*">.*?<span>([^<]+)</span>', answer.text, re.DOTALL)
    ranks = [0 if each.startswith("Nh") else 1 for each in titles[: titles.index("Nhóm") + 1]]
    assert ranks == sorted(ranks)


async def test_what_somebody_may_not_is_not_offered(core_house: House, customer: str) -> None:
    analyst = await signed_in(core_house, "analyst")
    page = await analyst.page("/palette")
    paths = {link["href"] for link in page.all("a")}
    assert "/reports" in paths
    assert not paths & {"/customers/new", "/imports/new", "/people/invite", "/audit"}
    assert "/sign-out" in {form.action for form in page.forms}
    sales = await signed_in(core_house, "sales")
    found = await sales.answer("/palette?q=Bưởi", **PART)
    assert customer not in found.text
    assert 'data-count="0 kết quả"' in found.text
    for each in (analyst, sales):
        await each.client.aclose()


async def test_nothing_found_says_what_to_do(browser: Browser) -> None:
    page = await browser.page("/palette?q=zzqq")
    assert "Không có gì khớp" in page.text
    long = await browser.page(f"/palette?q={'x' * 300}", status=200)
    assert long.form("/palette")


async def test_what_is_looked_for_is_escaped(browser: Browser) -> None:
    page = await browser.page("/palette?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert page.planted == []


async def test_the_dialog_is_a_part_of_the_page(browser: Browser) -> None:
    for path, id, inside in (
        ("/palette", "palette", 'id="palette-results"'),
        ("/palette/keys", "keys", "<kbd>Ctrl</kbd>"),
    ):
        answer = await browser.answer(path, **{**PART, "hx-target": f"dialog#{id}"})
        assert inside in answer.text
        assert "<html" not in answer.text


async def test_keys_are_switched_off_and_on(browser: Browser) -> None:
    page = await browser.page("/palette/keys")
    assert 'data-keys="off"' not in page.source
    page = await browser.follow(await browser.send(page, "/palette/keys"))
    assert 'data-keys="off"' in page.source
    assert "Đã tắt phím đơn" in page.text
    page = await browser.follow(await browser.send(page, "/palette/keys"))
    assert 'data-keys="off"' not in page.source
