"""What the service worker and the manifest say, and whose pages are whose."""

from __future__ import annotations

import json
import re
from typing import Any

from core.tests.web.browsing import Browser, Page, signed_in
from relatum.app.house import House


def told_by(worker: str) -> dict[str, Any]:
    """What the server tells the service worker."""
    told: dict[str, Any] = json.loads(worker.partition(";\n")[0].removeprefix("self.RELATUM = "))
    return told


async def test_the_worker_keeps_files_that_are_there(nobody: Browser, browser: Browser) -> None:
    answer = await nobody.answer("/sw.js")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    policies = answer.headers.get_list("content-security-policy")
    assert len(policies) == 1
    assert "connect-src 'self'" in policies[0]
    addresses = told_by(answer.text)["files"]
    assert len(addresses) > 4
    # nothing that pages do not load anyway: keeping it fetches nothing
    page = (await browser.answer("/palette")).text
    assert set(addresses) <= set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page))
    assert any("/htmx." in each for each in addresses)
    assert not any(each.endswith((".png", "sw.js")) for each in addresses)
    for each in addresses:
        found = await nobody.answer(each)
        assert (found.status_code, "immutable" in found.headers["cache-control"]) == (200, True)


async def test_the_offline_page_is_nobodys_and_in_a_language(browser: Browser) -> None:
    for language, said in (("vi", "Không có kết nối"), ("en", "There is no connection")):
        browser.cookies.set("lang", language, domain="127.0.0.1")
        page = Page(told_by((await browser.answer("/sw.js")).text)["offline"])
        page.check()
        assert said in page.text
        assert page.forms == page.all("script") == []


async def test_the_manifest_installs_the_company(nobody: Browser) -> None:
    answer = await nobody.answer("/manifest.webmanifest")
    assert answer.headers["content-type"] == "application/manifest+json"
    told = answer.json()
    assert told["start_url"] == told["scope"] == "/"
    assert {each["sizes"] for each in told["icons"]} == {"any", "192x192", "512x512"}
    for each in told["icons"]:
        found = await nobody.answer(each["src"])
        assert (found.status_code, found.headers["content-type"]) == (200, each["type"])


async def test_pages_say_whose_they_are(browser: Browser, core_house: House) -> None:
    other = await signed_in(core_house, "sales")
    marks = [(await each.answer("/account")).headers["x-account"] for each in (browser, other)]
    assert len(set(marks)) == 2
    assert all(re.fullmatch(r"[0-9a-f]{16}", mark) for mark in marks)
    assert (await browser.answer("/palette")).headers["x-account"] == marks[0]
    browser.cookies.clear()
    assert (await browser.answer("/sign-in")).headers["x-account"] == ""
    await other.client.aclose()
