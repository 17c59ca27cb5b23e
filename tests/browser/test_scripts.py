"""What the scripts of every page do: the palette, keys, toasts, live updates of several tabs."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from relatum.app.house import House
from relatum.customers.types import ContactPointDraft, CustomerDraft
from tests.browser.conftest import NewPage
from tests.browser.site import Site
from tests.browser.watching import axe_faults


def add_customer(site: Site, name: str, phone: str = "") -> str:
    """The id of a new customer."""

    async def work(house: House) -> str:
        points = [ContactPointDraft(kind="phone", raw=phone)] if phone else []
        draft = CustomerDraft(display_name=name, contact_points=points)
        [id] = await house.customers.create([draft], by="test")
        return str(id)

    return str(site.inside(work))


def test_palette_finds_customers_pages_and_commands(page: Page, site: Site) -> None:
    id = add_customer(site, "Đặng Thị Bưởi", "0987 654 321")
    page.goto("/account")
    page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog")
    box = dialog.get_by_role("combobox")
    expect(box).to_be_focused()
    box.press_sequentially("dang buoi", delay=20)
    option = dialog.get_by_role("option", name=re.compile("Đặng Thị Bưởi"))
    expect(option).to_have_attribute("aria-selected", "true")
    expect(dialog.get_by_role("status")).to_have_text(re.compile(r"^\d+ kết quả$"))
    assert axe_faults(page) == []
    box.press("Enter")
    page.wait_for_url(f"**/customers/{id}")
    page.keyboard.press("Control+k")
    # letters typed before it is there are not lost
    page.keyboard.type("ca")
    expect(page.get_by_role("combobox")).to_have_value("ca")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.goto("/account")
    page.keyboard.press("Control+k")
    # what was opened last comes first, arrows walk over all of it
    options = dialog.get_by_role("option")
    expect(options.first).to_contain_text("Đặng Thị Bưởi")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")


def test_keys_walk_over_lists_and_lead_to_places(page: Page, site: Site) -> None:
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/customers")
    rows = page.locator("main [data-row]")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    expect(rows.nth(1).locator("a:focus")).to_have_count(1)
    page.keyboard.press("x")
    expect(rows.nth(1).get_by_role("checkbox")).to_be_checked()
    name = (rows.nth(1).locator("a:focus").text_content() or "").strip()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/customers/[0-9a-f-]{36}"))
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    page.go_back()
    page.keyboard.press("/")
    expect(page.locator("main input:focus")).to_have_count(1)
    # in a field letters are letters
    page.keyboard.type("gh?j")
    expect(page.locator("main input:focus")).to_have_value("gh?j")
    page.locator("main input:focus").blur()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Phím tắt")
    expect(keys.get_by_text("Hoàn tác việc vừa làm")).to_be_visible()
    assert axe_faults(page) == []
    keys.get_by_role("button", name="Tắt phím đơn").click()
    page.wait_for_url("**/palette/keys")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.keyboard.press("?")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog").get_by_role("combobox")).to_be_focused()
    assert page.url.endswith("/palette/keys")


def test_a_toast_stays_while_somebody_points_at_it(page: Page) -> None:
    page.clock.install()
    page.goto("/account")
    say = "text => document.dispatchEvent(new CustomEvent('relatum:toast', {detail: text}))"
    page.evaluate(say, {"text": "Đã lưu <b>.", "undo": ""})
    page.evaluate(say, {"text": "Đã xoá.", "undo": "/nothing/undo"})
    toasts = page.locator("#toasts .toast")
    expect(toasts).to_have_count(2)
    expect(toasts.first).to_have_text("Đã lưu <b>.")
    expect(toasts.last.get_by_role("button")).to_be_visible()
    assert axe_faults(page) == []
    toasts.first.hover()
    page.clock.run_for(20_000)
    expect(toasts).to_have_text("Đã lưu <b>.")
    page.mouse.move(5, 5)
    page.clock.run_for(7_000)
    expect(toasts).to_have_count(0)


def test_failures_of_requests_are_told_by_a_toast(new_page: NewPage) -> None:
    page = new_page(watched=False)
    page.goto("/account")
    page.wait_for_function("window.htmx")
    ask = "path => htmx.ajax('GET', path, {target: 'h1', swap: 'innerHTML'})"
    title = page.locator("h1").text_content()
    page.evaluate(ask, "/nothing")
    expect(page.locator("#toasts .toast.bad")).to_contain_text("Địa chỉ không đúng")
    page.context.set_offline(True)
    page.evaluate(ask, "/customers")
    expect(page.locator("#toasts .toast.bad").last).to_contain_text("Mất kết nối")
    assert page.locator("h1").text_content() == title
    page.keyboard.press("Control+k")
    expect(page.locator("#toasts .toast.bad")).to_have_count(3)
    page.context.set_offline(False)
    page.context.clear_cookies(name="relatum_session")
    page.evaluate(ask, "/customers")
    page.wait_for_url("**/sign-in?next=/account")


def test_one_tab_follows_for_all_and_another_takes_over(new_page: NewPage, site: Site) -> None:
    first = new_page()
    second = first.context.new_page()
    streams: list[str] = []
    for name, tab in (("first", first), ("second", second)):

        def note(request: Any, name: str = name) -> None:
            if "/api/v1/live?" in request.url:
                streams.append(name)

        tab.on("request", note)
        tab.goto("/customers")
    second.wait_for_timeout(500)
    assert streams == ["first"]
    add_customer(site, "Sầm Thị Nhung")
    for tab in (first, second):
        tab.bring_to_front()
        expect(tab.locator("main")).to_contain_text("Sầm Thị Nhung", timeout=10_000)
    first.close()
    second.wait_for_timeout(500)
    assert streams == ["first", "second"]
    add_customer(site, "Giáp Văn Tường")
    expect(second.locator("main")).to_contain_text("Giáp Văn Tường", timeout=10_000)


def test_a_change_between_a_page_and_its_stream_is_shown(new_page: NewPage, site: Site) -> None:
    """In the tab that follows, and in one that another tab follows for."""
    first = new_page()
    second = first.context.new_page()
    for tab, name, address in (
        (first, "Tạ Thị Khe", "**/api/v1/live?*"),
        (second, "Tạ Văn Hở", "**/api/v1/live/changes?*"),
    ):
        added: list[str] = []

        def slowly(route: Any, *, name: str = name, added: list[str] = added) -> None:
            if not added:
                added.append(name)
                add_customer(site, name)
            route.continue_()

        tab.route(address, slowly)
        tab.goto("/customers")
        expect(tab.locator("main")).to_contain_text(name, timeout=10_000)
        assert added == [name]


def test_what_somebody_is_in_is_not_taken_from_under_them(page: Page, site: Site) -> None:
    page.goto("/customers")
    page.wait_for_function("window.htmx")
    page.wait_for_timeout(500)
    page.locator("main [data-row] input[type=checkbox]").first.focus()
    add_customer(site, "Quách Thị Mận")
    page.wait_for_timeout(2_500)
    expect(page.locator("main")).not_to_contain_text("Quách Thị Mận")
    page.locator("main [data-row] input[type=checkbox]:focus").blur()
    expect(page.locator("main")).to_contain_text("Quách Thị Mận")
