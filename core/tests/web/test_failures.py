"""Failures as people see them, and as programs do."""

from __future__ import annotations

import json

import msgspec
import pytest

from core.tests.web.browsing import Browser, Page, signed_in
from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.config.settings import Limits

EVIL_PATH = "/%3Cscript%3Ealert(1)%3C/script%3E"


async def test_an_address_without_anything_is_a_page(browser: Browser, nobody: Browser) -> None:
    page = await browser.page("/nothing", status=404)
    assert "Không có gì ở đây" in page.text
    assert page.form("/sign-out")
    page = await nobody.page("/nothing", status=404, **{"Accept-Language": "en"})
    assert "There is nothing here" in page.text
    assert {"class": "button primary", "href": "/sign-in"} in page.all("a")
    assert page.all("html") == [{"lang": "en", "data-theme": "auto"}]


async def test_programs_and_the_api_get_problem_documents(browser: Browser) -> None:
    for path, accept in (
        ("/nothing", "*/*"),
        ("/nothing", "application/json"),
        ("/api/v1/nothing", "text/html"),
    ):
        answer = await browser.client.get(path, headers={"accept": accept})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "not-found"


async def test_the_chosen_language_counts_before_the_browsers(nobody: Browser) -> None:
    nobody.cookies.set("lang", "vi", domain="127.0.0.1")
    page = await nobody.page("/nothing", status=404, **{"Accept-Language": "en"})
    assert page.all("html") == [{"lang": "vi", "data-theme": "auto"}]


async def test_a_missing_permission_is_a_page(core_house: House) -> None:
    sales = await signed_in(core_house, "sales")
    page = await sales.page("/audit", status=403)
    assert "Bạn không có quyền" in page.text
    assert "core.audit.read" in page.text
    await sales.client.aclose()


async def test_pages_for_people_lead_to_sign_in(nobody: Browser) -> None:
    answer = await nobody.answer("/people?q=Lan")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/people%3Fq%3DLan"


async def test_what_was_sent_is_escaped(nobody: Browser) -> None:
    for path in (EVIL_PATH, f"/schema?{EVIL_PATH}=1", f"{EVIL_PATH}?x=<script>alert(1)</script>"):
        answer = await nobody.answer(path)
        assert answer.status_code in (400, 404)
        assert "<script>" not in answer.text
        assert Page(answer.text).planted == []


async def test_a_wrong_method_is_a_page(browser: Browser) -> None:
    answer = await browser.client.put("/people", headers={"origin": "http://127.0.0.1:8000"})
    page = browser.shown(answer, 405)
    assert "GET" in answer.headers["allow"]
    assert "Không làm như vậy ở đây được" in page.text


async def test_what_nobody_expected_says_no_more_than_a_number(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(browser.house.roles, "every", broken)
    answer = await browser.answer("/roles")
    page = browser.shown(answer, 500)
    assert "secret" not in page.source
    assert "Traceback" not in page.source
    assert answer.headers["x-request-id"] in page.text


async def test_the_document_goes_out_when_its_page_fails(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> str:
        raise RuntimeError("no template")

    monkeypatch.setattr("relatum.web.rendering.Renderer.render", broken)
    answer = await browser.answer("/nothing")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"


async def test_too_many_requests_are_a_page(core_house: House) -> None:
    limits = Limits(token=0, account=0, address=2, sign_in=0)
    core_house.settings = msgspec.structs.replace(core_house.settings, limits=limits)
    visitor = Browser(core_house, create_app(core_house))
    answers = [await visitor.answer("/sign-in") for _ in range(6)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "Thử quá nhiều lần" in visitor.shown(answers[-1], 429).text
    await visitor.client.aclose()


async def test_head_and_long_answers_pass(browser: Browser) -> None:
    assert (await browser.client.head("/nothing")).status_code == 404
    assert (await browser.client.head("/")).status_code == 200


HTMX = {"hx-request": "true", "hx-request-type": "partial", "hx-target": "div#results"}


async def test_htmx_is_told_why_by_a_toast_and_puts_nothing_into_the_page(
    browser: Browser, core_house: House
) -> None:
    answer = await browser.answer("/nothing", **HTMX)
    assert answer.status_code == 404
    assert answer.headers["hx-reswap"] == "none"
    told = json.loads(answer.headers["hx-trigger"])["relatum:toast"]
    assert told["tone"] == "bad"
    assert told["text"].startswith("Địa chỉ không đúng")
    answer = await browser.answer("/nothing", **HTMX, **{"accept-language": "en"})
    assert "wrong" in json.loads(answer.headers["hx-trigger"])["relatum:toast"]["text"]
    sales = await signed_in(core_house, "sales")
    answer = await sales.answer("/audit", **HTMX)
    assert (answer.status_code, answer.headers["hx-reswap"]) == (403, "none")
    await sales.client.aclose()


async def test_htmx_of_somebody_who_was_signed_out_leads_to_sign_in_and_back(
    nobody: Browser,
) -> None:
    here = "http://127.0.0.1:8000/people?q=Lan"
    for path in ("/people?q=La", "/palette?q=x"):
        answer = await nobody.answer(path, **HTMX, **{"hx-current-url": here})
        assert answer.status_code == 401
        assert answer.headers["hx-redirect"] == "/sign-in?next=/people%3Fq%3DLan"
    evil = "https://evil.example//x/<script>"
    answer = await nobody.answer("/people", **HTMX, **{"hx-current-url": evil})
    assert answer.headers["hx-redirect"] == "/sign-in?next=//x/%3Cscript%3E"
    assert (await nobody.page("/sign-in?next=//x/%3Cscript%3E")).form("/sign-in")
