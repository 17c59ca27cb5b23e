"""The board of deals: by mouse, by touch, by keyboard alone; a move that fails goes back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Locator, Page, expect

from relatum.api import Amount, CustomerQuery
from relatum.app.house import House
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.types.deals import DealChange, DealDraft, DealMove
from tests.browser.conftest import NewPage
from tests.browser.site import Site

ROOT = "/p/sales_pipeline"
BY = "person:test"


def _deals(house: House) -> Deals:
    return Deals(house.registry.plugins["sales_pipeline"])


@pytest.fixture
def deal(site: Site, request: pytest.FixtureRequest) -> str:
    """A deal of its own, in the first stage."""
    name = f"Mái nhà {request.node.name}"[:80]

    async def make(house: House) -> str:
        (customer,) = (await house.customers.find(CustomerQuery(limit=1))).items
        draft = DealDraft(
            name=name,
            pipeline="sales",
            customer_id=customer.id,
            value=Amount(5_000_000, "VND"),
        )
        (id,) = await _deals(house).create([draft], by=BY)
        return str(id)

    made: str = site.inside(make)
    return made


def stage_of(site: Site, deal: str) -> Any:
    async def read(house: House) -> tuple[str, str | None]:
        found = await _deals(house).get(UUID(deal))
        return found.stage, found.lost_reason

    return site.inside(read)


def near(page: Page) -> None:
    """A hand comes near the board: what drags is fetched then."""
    page.dispatch_event("#board", "pointerover")
    page.wait_for_function("() => 'Sortable' in window")


def card_of(page: Page, deal: str) -> Locator:
    page.goto(f"{ROOT}/board?pipeline=sales&shown=500")
    card = page.locator(f"#deal-{deal}")
    expect(card).to_be_visible()
    return card


def test_by_mouse_with_undo(page: Page, site: Site, deal: str) -> None:
    card = card_of(page, deal)
    near(page)
    card.drag_to(page.locator('.cards[data-stage="engaging"]'), source_position={"x": 60, "y": 12})
    expect(page.locator(".toast")).to_contain_text("Đang trao đổi")
    expect(page.locator(f'.cards[data-stage="engaging"] #deal-{deal}')).to_be_visible()
    expect(page.locator("#board #board")).to_have_count(0)
    assert stage_of(site, deal)[0] == "engaging"
    page.locator(".toast form button").click()
    expect(page.locator(f'.cards[data-stage="prospecting"] #deal-{deal}')).to_be_visible()
    assert stage_of(site, deal)[0] == "prospecting"


def test_losing_by_keyboard_alone(page: Page, site: Site, deal: str) -> None:
    card = card_of(page, deal)
    card.locator("select").focus()
    page.keyboard.press("End")
    dialog = page.locator("#asking")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(card.locator("select")).to_have_value("prospecting")
    card.locator("select").focus()
    page.keyboard.press("End")
    expect(dialog).to_be_visible()
    expect(dialog.locator("select")).to_be_focused()
    page.keyboard.press("ArrowDown")
    for _ in range(8):
        if page.evaluate("document.activeElement.type") == "submit":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(f'.cards[data-stage="lost"] #deal-{deal}')).to_be_visible()
    assert stage_of(site, deal) == ("lost", "price")


def test_a_move_that_is_too_late_goes_back(page: Page, site: Site, deal: str) -> None:
    card = card_of(page, deal)

    async def meddle(house: House) -> None:
        await _deals(house).change(UUID(deal), DealChange(name="Mái nhà khác"), by=BY)

    site.inside(meddle)
    card.locator("select").select_option("engaging")
    expect(page.locator(".toast")).to_contain_text("Có người vừa sửa cơ hội này")
    expect(page.locator(f'.cards[data-stage="prospecting"] #deal-{deal}')).to_be_visible()
    assert stage_of(site, deal)[0] == "prospecting"


def test_without_scripts(new_page: NewPage, site: Site, deal: str) -> None:
    card = card_of(new_page(scripts=False), deal)
    card.locator("select").select_option("engaging")
    card.locator("button").click()
    expect(card.page.locator(f'.cards[data-stage="engaging"] #deal-{deal}')).to_be_visible()
    assert stage_of(site, deal)[0] == "engaging"


def test_by_touch(new_page: NewPage, site: Site, deal: str) -> None:
    page = new_page(phone=True)
    card = card_of(page, deal)
    near(page)
    box = card.bounding_box()
    aim = page.locator('.cards[data-stage="engaging"]').bounding_box()
    assert box is not None
    assert aim is not None
    touch = page.context.new_cdp_session(page)
    x, y = box["x"] + 40, box["y"] + 12

    def send(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": each[0], "y": each[1]} for each in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    send("touchStart", (x, y))
    page.wait_for_timeout(350)
    for step in range(1, 11):
        send("touchMove", (x + (aim["x"] + 20 - x) * step / 10, y + 2))
        page.wait_for_timeout(30)
    send("touchEnd")
    expect(page.locator(f'.cards[data-stage="engaging"] #deal-{deal}')).to_be_attached()
    expect(page.locator(".toast")).to_contain_text("Đang trao đổi")
    assert stage_of(site, deal)[0] == "engaging"


def test_others_move_too(page: Page, site: Site, deal: str) -> None:
    card_of(page, deal)

    async def move(house: House) -> None:
        await _deals(house).move(UUID(deal), DealMove(stage="engaging"), by=BY)

    page.wait_for_timeout(500)
    site.inside(move)
    expect(page.locator(f'.cards[data-stage="engaging"] #deal-{deal}')).to_be_visible(timeout=8000)
