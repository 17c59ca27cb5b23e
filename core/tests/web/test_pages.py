"""The pages: both languages, clean under the policy, readable without sight, escaped."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from core.tests.web.browsing import EVIL, Browser
from relatum.config.settings import Company
from relatum.customers.types import CustomerDraft
from relatum.plugins.states import PluginProblem, PluginState
from relatum.web.template_filters import coded

PAGES = (
    "/",
    "/account",
    "/people",
    "/people/invite",
    "/people/service",
    "/teams",
    "/roles",
    "/roles/new",
    "/roles/owner",
    "/roles/sales",
    "/rules",
    "/rules/new",
    "/audit",
    "/audit/check",
    "/exports",
    "/sign-out",
    "/schema",
    "/schema/problems",
)
#: Those that refuse parameters they do not know; lists say what is wrong beside the filter.
STRICT = ("/account", "/roles", "/teams", "/exports", "/schema", "/schema/problems")


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("path", PAGES)
async def test_pages_are_clean_and_accessible(browser: Browser, path: str, language: str) -> None:
    page = await browser.page(f"{path}?lang={language}")
    assert page.all("html") == [{"lang": language, "data-theme": "auto"}]


@pytest.mark.parametrize("path", PAGES)
async def test_every_link_leads_somewhere(browser: Browser, path: str) -> None:
    page = await browser.page(path)
    targets = {a["href"] for a in page.all("a")} | {link["href"] for link in page.all("link")}
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert len(targets) > 4
    for target in targets:
        if target.startswith("#"):
            assert target[1:] in ids
        else:
            answer = await browser.answer(target if target.startswith("/") else path + target)
            assert answer.status_code == 200, target


async def test_the_policy_allows_nothing_foreign_or_inline(browser: Browser) -> None:
    answer = await browser.answer("/")
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


async def test_vietnamese_comes_first(browser: Browser) -> None:
    page = await browser.page("/")
    assert "Khách hàng" in page.text
    assert "Bạn muốn bắt đầu từ đâu?" in page.text
    page = await browser.page("/", **{"Accept-Language": "en-GB,en;q=0.8"})
    assert "Customers" in page.text


async def test_a_language_once_chosen_is_kept(browser: Browser) -> None:
    answer = await browser.answer("/?lang=en")
    assert "lang=en; Path=/" in answer.headers["set-cookie"]
    assert answer.headers["content-language"] == "en"
    assert "Customers" in (await browser.page("/", **{"Accept-Language": "vi"})).text
    assert "Khách hàng" in (await browser.page("/?lang=vi")).text
    for nonsense in ("/?lang=xx", "/?lang="):
        assert "Khách hàng" in (await browser.page(nonsense)).text


async def test_the_first_page_counts_customers(browser: Browser) -> None:
    house = browser.house
    house.settings = msgspec.structs.replace(
        house.settings, company=Company(name="Công ty Sao Mai", currency="USD")
    )
    drafts = [CustomerDraft(display_name=f"K{n}") for n in range(1001)]
    await house.customers.create(drafts, by="system")
    page = await browser.page("/?whole=1")
    for text in ("Công ty Sao Mai", "1.001"):
        assert text in page.text


def state(**more: Any) -> PluginState:
    values: dict[str, Any] = {
        "id": "spa",
        "version": "1.2",
        "title": "Spa",
        "licence": "MIT",
        "distribution": "relatum-spa",
        "kind": "trade",
        "core_api": ">=1",
        "requires": [],
        "after": [],
        "state": "quarantined",
        "pending_migrations": None,
        "problems": [],
        "overruns": [],
    }
    return PluginState(**{**values, **more})


async def test_plugins_with_their_problems_are_shown_and_escaped(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = PluginProblem(
        plugin="spa", version="1.2", rule="import-failed", message=EVIL, mend=f"mend {EVIL}"
    )
    states = [
        state(title=EVIL, problems=[problem]),
        state(id="on", state="enabled"),
        state(id="off", state="disabled"),
        state(id="new", state="installed"),
    ]
    monkeypatch.setattr(browser.house.plugins, "states", lambda: states)
    browser.house.settings = msgspec.structs.replace(
        browser.house.settings, company=Company(name=EVIL)
    )
    page = await browser.page("/settings/plugins?lang=en")
    assert page.planted == []
    assert page.text.count(EVIL) >= 2
    for text in ("1.2", "on", "off", "new"):
        assert text in page.text


async def test_every_code_is_explained_where_its_type_leads(browser: Browser) -> None:
    problem = await browser.answer("/api/v1/customers?x=1")
    path, _, code = problem.json()["type"].partition("#")
    page = await browser.page(path)
    assert code in {row.get("id") for row in page.all("tr")}


async def test_the_description_lists_operations_and_types(browser: Browser) -> None:
    page = await browser.page("/schema?lang=en")
    for text in ("/api/v1/customers/{customer_id}", "core.customers.read", "CustomerDraft"):
        assert text in page.text
    assert len(page.all("details")) > 20


def test_code_in_sentences_is_marked_and_the_rest_escaped() -> None:
    assert str(coded("Use `a<b>` or ``c``, not <d>.")) == (
        "Use <code>a&lt;b&gt;</code> or <code>c</code>, not &lt;d&gt;."
    )
    assert str(coded("one ` only")) == "one ` only"


async def test_unknown_parameters_of_pages_are_refused_too(browser: Browser) -> None:
    for path in STRICT:
        assert (await browser.answer(f"{path}?language=vi")).status_code == 400
    for path in ("/", "/people", "/audit"):
        assert (await browser.answer(f"{path}?language=vi")).status_code == 422
