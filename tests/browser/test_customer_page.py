"""The page of a customer as two people work with it at the same time."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from playwright.sync_api import Page, expect

from relatum.customers.types import ContactPointDraft, CustomerDraft
from tests.browser.conftest import NewPage
from tests.browser.site import Site
from tests.browser.watching import axe_faults


def made(site: Site, name: str, phone: str) -> UUID:
    async def make(house: Any) -> UUID:
        points = [ContactPointDraft(kind="phone", raw=phone)]
        draft = CustomerDraft(display_name=name, contact_points=points, tags=["vip"])
        (id,) = await house.customers.create([draft], by="system")
        return UUID(str(id))

    id: UUID = site.inside(make)
    return id


def test_noting_editing_and_being_slower(site: Site, new_page: NewPage, page: Page) -> None:
    path = f"/customers/{made(site, 'Nguyễn Thị Thu Hà Nam', '0935 111 222')}"
    other = new_page(phone=True)
    other.goto(path)
    page.goto(path)
    assert axe_faults(page) == []

    page.keyboard.press("n")
    expect(page.locator("#note-text")).to_be_focused()
    page.keyboard.type("Gọi lại thứ Hai")
    page.get_by_role("button", name="Ghi lại").click()
    expect(page.locator("#timeline")).to_contain_text("Gọi lại thứ Hai")
    # the other one sees it without asking
    expect(other.locator("#timeline")).to_contain_text("Gọi lại thứ Hai")
    assert axe_faults(other) == []
    page.locator("#toasts").get_by_role("button", name="Hoàn tác").click()
    expect(page.locator("#timeline")).not_to_contain_text("Gọi lại thứ Hai")

    for each in (page, other):
        each.goto(f"{path}/edit")
    other.fill("#customer-tags", "vip, nợ")
    other.locator(".foot-bar button").click()
    expect(other).to_have_url(re.compile(f"{path}$"))
    page.fill("#customer-tags", "vip, gấp")
    page.fill("#customer-display_name", "Bà Hà Nam")
    page.locator(".foot-bar button").click()
    expect(page.locator("h1")).to_have_text("Hai phiên bản")
    expect(page.locator("#customer-tags")).to_have_value("vip, nợ, gấp")
    assert axe_faults(page) == []
    page.locator(".foot-bar button").click()
    expect(page.locator("h1")).to_have_text("Bà Hà Nam")
    expect(page.locator("#who")).to_contain_text("gấp")
    expect(page.locator("#who")).to_contain_text("nợ")


def test_who_may_be_the_same_is_told_while_one_types(site: Site, page: Page) -> None:
    id = made(site, "Phạm Quốc Trung Hiếu", "0935 333 444")
    page.goto("/customers/new")
    page.fill("#customer-display_name", "Ông Hiếu")
    page.fill("#customer-point-0-raw", "+84 935333444")
    likely = page.locator("#likely")
    expect(likely.locator(f"a[href='/customers/{id}']")).to_be_visible()
    expect(likely).to_contain_text("trùng số điện thoại")
    page.get_by_role("button", name="Thêm dòng").click()
    expect(page.locator(".point")).to_have_count(2)
    expect(page.locator("#customer-point-0-raw")).to_have_value("+84 935333444")
    assert axe_faults(page) == []


def test_everything_works_without_scripts(site: Site, new_page: NewPage) -> None:
    id = made(site, "Vũ Thị Không Kịch Bản", "0935 555 666")
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
    page.fill("#customer-point-0-raw", "0935 777 888")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/customers/{id}$"))
    expect(page.locator("#who")).to_contain_text("0935 777 888")
    expect(page.locator("#who")).not_to_contain_text("0935 555 666")
