"""Dashboards and the chart builder with scripts: parts of pages follow what is chosen."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect


def test_the_days_of_a_dashboard_are_switched_in_place(page: Page) -> None:
    page.goto("/?whole=1")
    heading = page.locator("h1").element_handle()
    page.locator("#days-range").select_option("last_12_months")
    expect(page).to_have_url(re.compile("range=last_12_months"))
    expect(page.locator("#board svg.chart").first).to_be_visible()
    expect(page.locator("#board .boards")).to_have_count(1)
    assert heading is not None
    assert heading.is_visible(), "the page around it stays"


def test_the_builder_draws_what_is_chosen_and_keeps_it(page: Page) -> None:
    page.goto("/charts/new")
    page.get_by_label("Số liệu", exact=True).select_option("core.interactions")
    expect(page).to_have_url(re.compile("metric=core.interactions"))
    page.get_by_label("Chia theo").select_option("channel")
    expect(page.locator("#built svg.chart, #built .strips").first).to_be_visible()
    expect(page.get_by_label("Số phần lớn nhất")).to_be_visible()
    page.get_by_label("Tên").fill("Theo kênh")
    page.get_by_role("button", name="Lưu", exact=True).click()
    expect(page.locator("h1")).to_have_text("Theo kênh")
    saved = page.url
    # every mark with something behind it leads to it: by the mouse as well as by the keyboard
    mark = page.locator(".built svg.chart a").filter(has=page.locator("rect:not([height='0%'])"))
    mark.last.locator("rect").last.click()
    page.wait_for_url(re.compile("/figures/"))
    expect(page.locator("tbody tr").first).to_be_visible()
    page.goto(saved)
    mark.last.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/figures/"))
    expect(page.locator("tbody tr").first).to_be_visible()


def test_a_small_mark_is_hit_beside_it(page: Page) -> None:
    page.goto("/charts/new?metric=core.interactions&kind=line&period=month")
    dot = page.locator("#built svg.chart a").last
    box = dot.locator("circle").last.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] + 4, box["y"] + box["height"] / 2)
    page.wait_for_url(re.compile("/figures/"))
    expect(page.locator("tbody tr").first).to_be_visible()


def test_a_box_is_moved_with_the_keyboard_alone(page: Page) -> None:
    page.goto("/?arrange=1")
    first = page.locator("[data-tile]").first
    name = first.get_attribute("data-tile")
    button = first.get_by_role("button", name=re.compile("Đưa xuống"))
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-tile]").nth(1)).to_have_attribute("data-tile", name or "")
