"""Without a connection: customers that were opened can be read, by the account that opened them."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD, NewPage, sign_in
from tests.browser.site import OWNER, Site

KEPT = "[data-kept] .kept"


def follow_first_customer(page: Page) -> str:
    """Open a customer once the service worker has the pages; returns the address."""
    page.goto("/customers")
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function("navigator.serviceWorker.controller")
    page.locator("main [data-row] a").first.click()
    page.wait_for_url(re.compile(r"/customers/[0-9a-f-]{36}"))
    # kept while the page is shown already
    page.wait_for_function(
        "async path => !!(await (await caches.open('pages')).match(path))", arg=path_of(page)
    )
    return page.url


def path_of(page: Page) -> str:
    path = re.search(r"/customers/[0-9a-f-]{36}", page.url)
    assert path is not None
    return path[0]


def test_opened_customers_are_read_without_a_connection(new_page: NewPage) -> None:
    page = new_page(watched=False)
    address = follow_first_customer(page)
    name = page.get_by_role("heading", level=1).text_content() or ""
    expect(page.locator(".kept")).to_be_hidden()
    page.context.set_offline(True)
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator(KEPT)).to_be_visible()
    # styles and icons are there too
    assert page.evaluate("getComputedStyle(document.querySelector('.side')).display") != "inline"
    page.goto("/people")
    expect(page.get_by_role("heading", level=1)).to_have_text("Không có kết nối")
    page.context.set_offline(False)
    page.goto(address)
    expect(page.locator(".kept")).to_be_hidden()


def test_nobody_else_reads_what_was_kept(new_page: NewPage, site: Site) -> None:
    page = new_page(watched=False)
    address = follow_first_customer(page)
    site.add_person("tam@example.com", "sales", name="Tâm")
    # somebody else takes the place without signing out first
    page.context.clear_cookies(name="relatum_session")
    page.goto("/sign-in")
    page.fill("input[name=email]", "tam@example.com")
    page.fill("input[name=password]", PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    page.wait_for_function(
        "async () => !(await (await caches.open('pages')).keys()).some("
        "({url}) => url.includes('/customers/'))"
    )
    page.context.set_offline(True)
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Không có kết nối")


def test_signing_out_leaves_nothing_behind(
    new_page: NewPage, chromium: Browser, site: Site
) -> None:
    page = new_page(watched=False, state=sign_in(chromium, site, OWNER))
    follow_first_customer(page)
    assert page.evaluate("localStorage.getItem('relatum:recent')")
    page.goto("/sign-out")
    page.locator("main form[action='/sign-out'] button").click()
    page.wait_for_url("**/sign-in")
    assert page.evaluate("caches.keys()") == []
    assert page.evaluate("localStorage.length") == 0
