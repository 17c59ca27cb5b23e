"""Bringing data in at a real browser: it goes on when the browser is closed, and coming back shows
how it stands."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.watching import axe_faults

#: More than one batch, so that there is something left to do when the browser is closed.
ROWS = 2_200
SECONDS = 120_000


def contacts(rows: int) -> bytes:
    """Customers with numbers of their own; each hundredth has a phone number that is none."""
    lines = ["Mã KH;Họ và tên;Liên lạc"]
    for number in range(rows):
        phone = "12" if number % 100 == 7 else f"09{31_000_000 + number}"
        lines.append(f"DONG{number};Khách Đóng Trình Duyệt {number};{phone}")
    return "\n".join(lines).encode()


def bring(page: Page, content: bytes) -> None:
    """Choose a file, take the columns as they are proposed, and have it tried out."""
    page.goto("/imports/new")
    file = {"name": "dong trinh duyet.csv", "mimeType": "text/csv", "buffer": content}
    page.set_input_files("#bring-file", files=[file])  # type: ignore[list-item]
    page.get_by_role("button", name="Tiếp: xem các cột").click()
    page.wait_for_url(re.compile("/mapping$"))
    expect(page.get_by_label("Liên lạc")).to_have_value(re.compile("=phone$"))
    assert axe_faults(page) == []
    page.get_by_role("button", name="Tiếp: chạy thử").click()


def test_an_import_goes_on_when_the_browser_is_closed(new_page: Any) -> None:
    page = new_page()
    bring(page, contacts(ROWS))
    # nobody reloads: the page follows by itself
    page.get_by_role("button", name="Nhập vào hệ thống").click(timeout=SECONDS)
    expect(page.locator("#import")).to_contain_text(re.compile("Đang nhập …|Đã nhập xong"))
    address = page.url
    page.close()

    again = new_page()
    again.goto("/imports")
    row = again.get_by_role("row").filter(has_text="dong trinh duyet.csv")
    expect(row.get_by_text(re.compile("^đang nhập$|^đã nhập$"))).to_be_visible()
    again.goto(address)
    expect(again.get_by_text("Đã nhập xong.")).to_be_visible(timeout=SECONDS)
    kept_out = ROWS // 100
    figures = again.get_by_role("group", name="Số liệu")
    expect(figures).to_contain_text(re.compile(rf"tạo mới\s*{ROWS - kept_out:,}".replace(",", ".")))
    expect(figures).to_contain_text(re.compile(rf"bị loại\s*{kept_out}"))
    assert axe_faults(again) == []

    again.get_by_text("Hoàn tác …").click()
    again.get_by_role("button", name="Hoàn tác", exact=True).click()
    expect(again.get_by_text("Đã hoàn tác.")).to_be_visible(timeout=SECONDS)
    expect(again.get_by_text("2.178 dòng")).to_be_visible()
