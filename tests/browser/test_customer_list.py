"""The list of customers by keyboard, as somebody works with it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

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
    field.fill("thử, mới")
    page.keyboard.press("Enter")
    expect(tags.locator(".badge")).to_have_text(["thử", "mới"])

    page.keyboard.press("Escape")
    rows.first.locator("[data-open]").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/customers/[0-9a-f-]{36}\?in="))
