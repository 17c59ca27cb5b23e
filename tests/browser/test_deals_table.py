"""The table of deals at a browser: many at once with a way back; the sidebar that leads there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from relatum.app.house import House
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.types.deals import DealDraft
from tests.browser.conftest import NewPage
from tests.browser.site import Site

TABLE = "/p/sales_pipeline/deals"
BY = "person:test"
#: Texts of elements that take more than one line.
WRAPPED = """all => all.filter(each => {
  const range = document.createRange();
  range.selectNodeContents(each);
  return new Set([...range.getClientRects()].map(line => Math.round(line.top))).size > 1;
}).map(each => each.textContent)"""


@pytest.fixture
def three(site: Site, request: pytest.FixtureRequest) -> list[str]:
    """Deals of this test alone, in the first stage."""
    word = "".join(each for each in request.node.name if each.isalpha())

    async def make(house: House) -> list[str]:
        deals = Deals(house.registry.plugins["sales_pipeline"])
        drafts = [DealDraft(name=f"{word} {n}", pipeline="sales") for n in range(3)]
        return [word, *(str(id) for id in await deals.create(drafts, by=BY))]

    made: list[str] = site.inside(make)
    return made


def outcomes(site: Site, ids: list[str]) -> Any:
    async def read(house: House) -> list[tuple[str, str | None]]:
        deals = Deals(house.registry.plugins["sales_pipeline"])
        found = await deals.get_many([UUID(id) for id in ids])
        return [(each.outcome, each.lost_reason) for each in found]

    return site.inside(read)


def close_two(page: Page, word: str) -> None:
    """Close the first two of the table as lost."""
    page.goto(f"{TABLE}?q={word}&sort=name")
    for row in (0, 1):
        page.locator("td input[name=ids]").nth(row).check()
    page.locator("#bulk button[value=lost]").click()
    expect(page.locator(".lead")).to_contain_text("2")
    page.select_option("select[name=reason]", "price")
    page.locator(".foot-bar button").click()


def test_many_are_lost_and_found_again(page: Page, site: Site, three: list[str]) -> None:
    word, *ids = three
    page.goto(f"{TABLE}?q={word}&sort=name")
    expect(page.locator("#bulk")).to_be_hidden()
    close_two(page, word)
    undo = page.locator(".toast form button")
    expect(undo).to_be_visible()
    assert outcomes(site, ids) == [("lost", "price"), ("lost", "price"), ("open", None)]
    undo.click()
    expect(page.locator(".toast")).to_contain_text("2")
    assert outcomes(site, ids) == [("open", None)] * 3


def test_many_at_once_without_scripts(new_page: NewPage, site: Site, three: list[str]) -> None:
    word, *ids = three
    page = new_page(scripts=False)
    close_two(page, word)
    assert outcomes(site, ids) == [("lost", "price"), ("lost", "price"), ("open", None)]
    page.locator(".toast form button").click()
    page.wait_for_load_state()
    assert outcomes(site, ids) == [("open", None)] * 3


def test_the_table_is_saved_as_csv(page: Page, three: list[str]) -> None:
    page.goto(f"{TABLE}?q={three[0]}&sort=-name&columns=stage")
    page.locator(".tally .tools a").click()
    page.fill("input[name=why]", "kiểm thử")
    with page.expect_download() as saved:
        page.locator(".foot-bar button").click()
    lines = saved.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert saved.value.suggested_filename.endswith(".csv")
    assert lines[0] == "Cơ hội,Giai đoạn,relatum_export"
    assert [line.partition(",")[0] for line in lines[1:]] == [f"{three[0]} {n}" for n in (2, 1, 0)]


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize(("width", "phone"), [(1280, False), (390, True)])
def test_places_stand_in_one_line(
    new_page: NewPage, language: str, width: int, phone: bool
) -> None:
    page = new_page(language=language, phone=phone)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(TABLE)
    if phone:
        page.click(".burger")
    places = page.locator(".side nav span, .dock span")
    assert places.count() > 5
    assert places.evaluate_all(WRAPPED) == []
