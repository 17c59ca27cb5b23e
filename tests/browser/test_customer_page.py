"""The page of a customer as two people work with it at the same time."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from playwright.sync_api import Page, expect

from relatum.customers.types import ContactPointDraft, CustomerDraft
from relatum.values.ids import new_id
from tests.browser.conftest import NewPage
from tests.browser.site import Site
from tests.browser.watching import axe_faults


def number() -> str:
    """A phone number that nobody has."""
    return f"0935 {new_id().int % 1_000_000:06}"


def name() -> str:
    """A name that nobody has."""
    digits = new_id().int
    return "Mạc Văn " + "".join("bcdghklmntvx"[digits // 12**n % 12] for n in range(6)).title()


def made(site: Site, name: str, phone: str) -> UUID:
    async def make(house: Any) -> UUID:
        points = [ContactPointDraft(kind="phone", raw=phone)]
        draft = CustomerDraft(display_name=name, contact_points=points, tags=["vip"])
        (id,) = await house.customers.create([draft], by="system")
        return UUID(str(id))

    id: UUID = site.inside(make)
    return id


def test_noting_editing_and_being_slower(site: Site, new_page: NewPage, page: Page) -> None:
    path = f"/customers/{made(site, name(), number())}"
    other = new_page(phone=True)
    other.goto(path)
    page.goto(path)
    assert axe_faults(page) == []

    page.keyboard.press("n")
    expect(page.locator("#note-text")).to_be_focused()
    page.keyboard.type("Gọi lại thứ Hai")
    page.get_by_role("button", name="Ghi lại").click()
    expect(page.locator("#timeline")).to_contain_text("Gọi lại thứ Hai")
    # a toast stays while somebody points at it
    undo = page.locator("#toasts").get_by_role("button", name="Hoàn tác")
    undo.hover()
    # the other one sees it without asking
    expect(other.locator("#timeline")).to_contain_text("Gọi lại thứ Hai")
    assert axe_faults(other) == []
    undo.click()
    expect(page.locator("#timeline")).not_to_contain_text("Gọi lại thứ Hai")

    for each in (page, other):
        each.goto(f"{path}/edit")
    other.fill("#customer-tags", "vip, nợ")
    other.locator(".foot-bar button").click()
    expect(other).to_have_url(re.compile(f"{path}$"))
    page.fill("#customer-tags", "vip, gấp")
    page.fill("#customer-display_name", renamed := f"Bà {name()}")
    page.locator(".foot-bar button").click()
    expect(page.locator("h1")).to_have_text("Hai phiên bản")
    expect(page.locator("#customer-tags")).to_have_value("vip, nợ, gấp")
    assert axe_faults(page) == []
    page.locator(".foot-bar button").click()
    expect(page.locator("h1")).to_have_text(renamed)
    expect(page.locator("#who")).to_contain_text("gấp")
    expect(page.locator("#who")).to_contain_text("nợ")


def test_who_may_be_the_same_is_told_while_one_types(site: Site, page: Page) -> None:
    phone = number()
    id = made(site, name(), phone)
    page.goto("/customers/new")
    page.fill("#customer-display_name", "Ông Hiếu")
    page.fill("#customer-point-0-raw", written := f"+84 {phone[1:].replace(' ', '')}")
    likely = page.locator("#likely")
    expect(likely.locator(f"a[href='/customers/{id}']")).to_be_visible()
    expect(likely).to_contain_text("trùng số điện thoại")
    page.get_by_role("button", name="Thêm dòng").click()
    expect(page.locator(".point")).to_have_count(2)
    expect(page.locator("#customer-point-0-raw")).to_have_value(written)
    assert axe_faults(page) == []


def test_everything_works_without_scripts(site: Site, new_page: NewPage) -> None:
    id = made(site, name(), first := number())
    page = new_page(scripts=False)
    page.goto(f"/customers/{id}")
    page.locator("label", has_text="Cuộc hẹn").click()
    page.fill("#note-text", "Ký hợp đồng")
    page.fill("#note-minutes", "45")
    page.get_by_role("button", name="Ghi lại").click()
    expect(page.locator("#timeline")).to_contain_text("45 phút")
    page.goto(f"/customers/{id}/edit")
    page.get_by_role("button", name="Xoá dòng 1").click()
    expect(page.locator("#customer-point-0-raw")).to_have_value("")
    page.fill("#customer-point-0-raw", second := number())
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/customers/{id}$"))
    expect(page.locator("#who")).to_contain_text(_grouped(second))
    expect(page.locator("#who")).not_to_contain_text(_grouped(first))


def _grouped(phone: str) -> str:
    """``0935 777 888``, as the page shows it."""
    digits = phone.replace(" ", "")
    return f"{digits[:4]} {digits[4:7]} {digits[7:]}"
