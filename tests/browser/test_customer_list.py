"""The list of customers by keyboard, as somebody works with it."""

from __future__ import annotations

import contextlib
import re

from playwright.sync_api import Error, Page, Route, expect

from tests.browser.site import Site
from tests.browser.test_customer_page import made, name, number
from tests.browser.watching import axe_faults


def test_searching_choosing_changing(page: Page) -> None:
    page.goto("/customers?view=all")
    rows = page.locator("#customers tbody tr")
    expect(rows).to_have_count(40)
    page.keyboard.press("/")
    page.keyboard.type("cong ty")
    expect(page).to_have_url(re.compile(r"q=cong\+ty|q=cong%20ty"))
    expect(page.locator("#count")).not_to_have_text(re.compile("200"))
    expect(rows.first.locator("[data-open]")).to_have_text(re.compile("công ty", re.IGNORECASE))
    assert axe_faults(page) == []

    page.keyboard.press("Tab")
    rows.first.locator("[data-open]").focus()
    page.keyboard.press("x")
    expect(rows.first.locator("[name=id]")).to_be_checked()
    expect(page.locator("#bulk")).to_be_visible()
    expect(page.locator("[data-chosen]")).to_have_text("1")
    assert axe_faults(page) == []

    tags = rows.first.locator("[data-edit=tags]")
    rows.first.locator("[data-open]").focus()
    tags.locator(".edit").focus()
    page.keyboard.press("Enter")
    field = tags.locator("input[name=value]")
    expect(field).to_be_focused()
    expect(page.locator("h1")).to_have_count(1)
    assert axe_faults(page) == []
    field.fill("thử, mới")
    page.keyboard.press("Enter")
    expect(tags.locator(".badge")).to_have_text(["thử", "mới"])

    page.keyboard.press("Escape")
    rows.first.locator("[data-open]").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/customers/[0-9a-f-]{36}\?in="))


def test_what_is_typed_last_is_what_is_found_on_a_slow_server(page: Page) -> None:
    held: list[Route] = []
    page.goto("/customers?view=all")
    page.route("**/customers?*q=*", lambda route: route.continue_() if held else held.append(route))
    search = page.locator("main input[type=search]")
    with page.expect_request("**/customers?*q=*"):
        search.press_sequentially("nguyen")
    # the first question is still on its way
    search.press_sequentially(" thi")
    search.press_sequentially(" lan")
    expect(page).to_have_url(re.compile(r"q=nguyen\+thi\+lan|q=nguyen%20thi%20lan"))
    with contextlib.suppress(Error):  # nobody waits for it any more
        held[0].continue_()
    expect(page.locator("#count")).not_to_have_text(re.compile("200"))


def test_who_is_chosen_stays_chosen_when_somebody_is_added(page: Page, site: Site) -> None:
    page.goto("/customers?view=all&sort=-created_at")
    rows = page.locator("#customers tbody tr")
    first = rows.first.locator("[data-open]").inner_text()
    rows.first.locator("[name=id]").check()
    rows.nth(2).locator("[data-open]").focus()
    focused = rows.nth(2).locator("[data-open]").inner_text()
    page.locator("h1").click()  # nobody types: the list may be renewed
    rows.nth(2).locator("[data-open]").focus()
    made(site, new := name(), number())
    expect(rows.first.locator("[data-open]")).to_have_text(new)
    chosen = rows.filter(has=page.locator("[name=id]:checked"))
    expect(chosen.locator("[data-open]")).to_have_text([first])
    expect(page.locator("[data-chosen]")).to_have_text("1")
    expect(page.locator("[data-open]:focus")).to_have_text(focused)


def test_words_in_a_cell_are_not_lost_to_an_update(page: Page, site: Site) -> None:
    page.goto("/customers?view=all&sort=-created_at")
    tags = page.locator("#customers tbody tr").nth(1).locator("[data-edit=tags]")
    tags.hover()
    tags.locator(".edit").click()
    field = tags.locator("input[name=value]")
    field.fill("chưa lưu")
    page.locator("h1").click()
    made(site, new := name(), number())
    page.wait_for_timeout(2_000)  # nothing is to happen
    expect(field).to_have_value("chưa lưu")
    field.press("Escape")
    expect(page.locator("#customers tbody tr").first).to_contain_text(new)
