"""The main ways through the house by keyboard alone: no mouse, no touch, nothing focused by a
script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewPage
from tests.browser.site import OWNER, PASSWORD, Site
from tests.browser.test_board import card_of, deal, stage_of
from tests.browser.test_customer_page import made, name, number

__all__ = ["deal"]

#: More presses than any page needs to get from its beginning to its end.
MOST = 400
FILE = "Mã KH;Họ và tên;Liên lạc\nBP1;Trịnh Thị Phím;0913 222 111\n".encode()


class Keyboard:
    """Hands that have nothing but keys."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def to(self, aim: Locator, key: str = "Tab") -> None:
        """Walk to a control; it must be seen where one is."""
        expect(aim).to_be_attached()
        for _ in range(MOST):
            if aim.evaluate("each => each === document.activeElement"):
                assert aim.evaluate("each => each.matches(':focus-visible')")
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"{aim} is not reached by {key}")

    def past_the_menu(self) -> None:
        """Skip to the content, as the first stop of every page offers."""
        self.to(self.page.locator(".skip"))
        self.press("Enter")
        expect(self.page.locator("#content")).to_be_focused()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, aim: Locator, text: str) -> None:
        """Walk to a field and fill it in."""
        self.to(aim)
        self.press("Control+a")
        self.page.keyboard.type(text)

    def choose(self, aim: Locator, value: str) -> None:
        """Walk to a list and take one of its options."""
        self.to(aim)
        self.press("Home")
        for _ in range(aim.locator("option").count()):
            if aim.input_value() == value:
                return
            self.press("ArrowDown")
        raise AssertionError(f"{value} is not among the options of {aim}")


@pytest.fixture
def hands(page: Page) -> Keyboard:
    return Keyboard(page)


def test_signing_in(new_page: NewPage) -> None:
    page = new_page(state={"cookies": [], "origins": []})
    hands = Keyboard(page)
    page.goto("/customers")
    page.wait_for_url("**/sign-in?next=/customers")
    hands.type(page.locator("input[name=email]"), OWNER)
    hands.press("Tab")
    page.keyboard.type(PASSWORD)
    hands.press("Enter")
    page.wait_for_url(re.compile("^[^?]*/customers$"))
    # and out again
    page.goto("/account")
    hands.to(page.get_by_role("button", name="Đăng xuất").first)
    hands.press("Enter")
    page.wait_for_url("**/sign-in")


def test_finding_a_customer(page: Page, hands: Keyboard, site: Site) -> None:
    id = made(site, "Hồ Thị Bàn Phím", number())
    page.goto("/")
    hands.press("Control+k")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("combobox")).to_be_focused()
    page.keyboard.type("ho thi ban phim")
    expect(dialog.get_by_role("option", selected=True)).to_contain_text("Hồ Thị Bàn Phím")
    hands.press("Enter")
    page.wait_for_url(f"**/customers/{id}")


def test_creating_a_customer_and_noting_something(page: Page, hands: Keyboard) -> None:
    page.goto("/customers")
    hands.to(page.locator("a[href='/customers/new']").first)
    hands.press("Enter")
    page.wait_for_url("**/customers/new")
    expect(page.locator("#customer-display_name")).to_be_focused()
    page.keyboard.type(new := name())
    hands.type(page.locator("#customer-point-0-raw"), number())
    hands.to(page.locator(".foot-bar button").first)
    hands.press("Enter")
    expect(page.locator("h1")).to_have_text(new)
    page.wait_for_load_state()  # scripts hear keys from then on
    hands.press("n")
    expect(page.locator("#note-text")).to_be_focused()
    page.keyboard.type("Khách thích gọi buổi sáng")
    hands.to(page.get_by_role("button", name="Ghi lại"))
    hands.press("Enter")
    expect(page.locator("#timeline")).to_contain_text("Khách thích gọi buổi sáng")


def test_moving_a_deal_on_the_board(page: Page, hands: Keyboard, site: Site, deal: str) -> None:
    stages = card_of(page, deal).locator("select")
    hands.past_the_menu()
    hands.to(stages)
    hands.press("ArrowDown")
    expect(page.locator(f".cards:not([data-stage=prospecting]) #deal-{deal}")).to_be_visible()
    assert stage_of(site, deal)[0] != "prospecting"


def test_bringing_data_in(page: Page, hands: Keyboard) -> None:
    # the browser hands files over to whoever listens; it must know before the key comes
    page.on("filechooser", lambda _: None)
    page.goto("/imports/new")
    hands.past_the_menu()
    field = page.locator("#bring-file")
    hands.to(field)
    # the dialog for files belongs to the device
    with page.expect_file_chooser() as chosen:
        hands.press("Enter")
    file = {"name": "ban phim.csv", "mimeType": "text/csv", "buffer": FILE}
    chosen.value.set_files([file])  # type: ignore[arg-type]
    hands.to(page.get_by_role("button", name="Tiếp: xem các cột"))
    hands.press("Enter")
    page.wait_for_url(re.compile("/mapping$"))
    hands.past_the_menu()
    hands.choose(page.get_by_label("Họ và tên"), "0.1=display_name")
    hands.to(page.get_by_role("button", name="Tiếp: chạy thử"))
    hands.press("Enter")
    bring_in = page.get_by_role("button", name="Nhập vào hệ thống")
    expect(bring_in).to_be_visible(timeout=60_000)
    hands.to(bring_in)
    hands.press("Enter")
    expect(page.get_by_text("Đã nhập xong.")).to_be_visible(timeout=60_000)


def test_changing_a_dashboard(page: Page, hands: Keyboard) -> None:
    page.goto("/")
    hands.to(page.get_by_role("link", name="Sắp xếp"))
    hands.press("Enter")
    page.wait_for_url("**arrange=1")
    title = page.locator("#naming-title")
    hands.type(title, "Bảng của bàn phím")
    hands.press("Enter")
    expect(page.locator("h1")).to_have_text("Bảng của bàn phím")
    boxes = page.locator("[data-tile]")
    before = order_of(boxes)

    hands.to(boxes.first.get_by_role("button", name=re.compile("^Đưa xuống")))
    hands.press("Enter")
    expect(boxes.nth(1)).to_have_attribute("data-tile", before[0])
    hands.to(page.locator("#adding-what"))
    hands.press("ArrowDown")
    hands.to(page.locator("form[action$='/boxes'] button").first)
    hands.press("Enter")
    expect(boxes).to_have_count(len(before) + 1)
    hands.to(boxes.last.get_by_role("button", name=re.compile("^Bỏ ra")))
    hands.press("Enter")
    expect(boxes).to_have_count(len(before))
    hands.to(page.get_by_role("link", name="Xong"))
    hands.press("Enter")
    expect(page.locator("h1")).to_have_text("Bảng của bàn phím")
    assert order_of(boxes) == [before[1], before[0], *before[2:]]


def order_of(boxes: Locator) -> list[str]:
    found: list[str] = boxes.evaluate_all("all => all.map(each => each.dataset.tile)")
    return found
