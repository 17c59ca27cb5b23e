"""The pages as somebody at a browser without scripts goes through them, and what the board asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from core.tests.web.browsing import Browser, Page, signed_in
from relatum.api import Amount, CustomerDraft, Plugin
from relatum.app.house import House
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.leads import Leads
from relatum_sales_pipeline.services.products import Products
from relatum_sales_pipeline.types.deals import DealDraft, DealQuery
from relatum_sales_pipeline.types.leads import LeadDraft, LeadQuery
from relatum_sales_pipeline.types.products import ProductDraft

BY = "person:test"
ROOT = "/p/sales_pipeline"
EN = {"accept-language": "en"}


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    browser = await signed_in(house)
    browser.client.headers["accept-language"] = "en"
    yield browser
    await browser.client.aclose()


async def customer(house: House, name: str) -> UUID:
    (id,) = await house.customers.create([CustomerDraft(display_name=name, kind="person")], by=BY)
    return id


async def deal(plugin: Plugin, name: str, amount: int | None = None, **more: object) -> UUID:
    value = None if amount is None else Amount(amount, "USD")
    draft = DealDraft(name=name, value=value, **more)  # type: ignore[arg-type]
    (id,) = await Deals(plugin).create([draft], by=BY)
    return id


def filled(page: Page, action: str, place: int = 0, **values: str) -> list[tuple[str, str]]:
    """One of several forms of a page that are sent to the same address, filled in."""
    forms = [form for form in page.forms if form.action == action and form.method == "post"]
    # suggestions of a field (datalist) are none of the form
    return [pair for pair in forms[place].filled(**values) if pair[0]]


async def test_the_board_counts_what_it_shows(
    browser: Browser, plugin: Plugin, house: House
) -> None:
    empty = await browser.page(f"{ROOT}/board")
    assert "No deals yet" in empty.text
    for number in range(3):
        await deal(plugin, f"Small {number}", 100_00)
    await deal(plugin, "Large", 1_000_000_00, stage="engaging")
    page = await browser.page(f"{ROOT}/board")
    assert "Large" in page.text
    assert "$1M" in page.text
    few = await browser.page(f"{ROOT}/board?shown=1")
    assert "2 more" in few.text
    found = await browser.page(f"{ROOT}/board?q=large")
    assert "Small" not in found.text
    dear = await browser.page(f"{ROOT}/board?minimum=500")
    assert "Large" in dear.text
    assert "Small 0" not in dear.text


async def test_a_card_goes_to_another_stage_and_back(browser: Browser, plugin: Plugin) -> None:
    id = await deal(plugin, "Roof", 500_00)
    board = await browser.page(f"{ROOT}/board")
    answer = await browser.send(board, f"{ROOT}/deals/{id}/move", stage="engaging")
    after = await browser.follow(answer)
    assert "“Roof” is now in Engaging." in after.text
    assert (await Deals(plugin).get(id)).stage == "engaging"
    back = f"{ROOT}/deals/{id}/back/2/prospecting"
    await browser.follow(await browser.send(after, back))
    assert (await Deals(plugin).get(id)).stage == "prospecting"
    stale = await browser.send(after, back)
    assert stale.status_code == 409, "somebody moved it since"


async def test_losing_asks_why(browser: Browser, plugin: Plugin) -> None:
    id = await deal(plugin, "Roof", 500_00)
    board = await browser.page(f"{ROOT}/board")
    path = f"{ROOT}/deals/{id}/move"
    asked = await browser.follow(await browser.send(board, path, stage="lost"))
    assert "Why was it lost?" in asked.text
    assert (await Deals(plugin).get(id)).outcome == "open"
    again = browser.shown(await browser.send(asked, path), 422)
    assert "Why was it lost?" in again.text
    await browser.follow(
        await browser.send(again, path, lost_reason="price", competitor="Hòa Phát")
    )
    lost = await Deals(plugin).get(id)
    assert (lost.outcome, lost.lost_reason, lost.competitor) == ("lost", "price", "Hòa Phát")


async def test_what_the_script_of_the_board_is_told(browser: Browser, plugin: Plugin) -> None:
    id = await deal(plugin, "Roof", 500_00)
    board = await browser.page(f"{ROOT}/board")
    path = f"{ROOT}/deals/{id}/move"
    pairs = board.form(path).filled(stage="engaging")
    browser.client.headers["x-board"] = "1"
    answer = await browser.post(path, pairs)
    assert answer.status_code == 200
    told = answer.json()
    assert told == {
        "text": "“Roof” is now in Engaging.",
        "undo": f"{ROOT}/deals/{id}/back/2/prospecting",
    }
    late = await browser.post(path, pairs)
    assert late.status_code == 409
    assert late.json()["text"] == "Somebody changed this deal meanwhile. Look at it again."
    unanswered = [*board.form(path).filled(stage="lost", version="2"), ("asked", "on")]
    refused = await browser.post(path, unanswered)
    assert refused.status_code == 422
    assert refused.json()["text"] == "Say why the deal is lost."


async def test_winning_says_for_how_much(browser: Browser, plugin: Plugin) -> None:
    id = await deal(plugin, "Roof", 500_00)
    asked = await browser.page(f"{ROOT}/deals/{id}/move?stage=won")
    await browser.follow(await browser.send(asked, f"{ROOT}/deals/{id}/move", value="1,250.50"))
    won = await Deals(plugin).get(id)
    assert won.value == Amount(1_250_50, "USD")
    page = await browser.page(f"{ROOT}/deals/{id}")
    path = f"{ROOT}/deals/{id}/move"
    reopened = await browser.post(path, filled(page, path, 0, stage="engaging"))
    assert reopened.status_code == 303
    assert (await Deals(plugin).get(id)).closed_on is None


async def test_a_new_deal_of_a_customer(browser: Browser, plugin: Plugin, house: House) -> None:
    who = await customer(house, "Lê Thị Hoa")
    page = await browser.page(f"{ROOT}/deals/new?customer={who}")
    path = f"{ROOT}/deals/new"
    wrong = await browser.post(path, filled(page, path, name="Tea", customer="Nobody at all"))
    refused = browser.shown(wrong, 422)
    again = filled(refused, path, customer="Lê Thị Hoa", value="12.5")
    answer = await browser.post(path, again)
    made = await browser.follow(answer)
    assert "Lê Thị Hoa" in made.text
    (found,) = (await Deals(plugin).find(DealQuery(q="tea"))).items
    assert (found.customer_id, found.value) == (who, Amount(12_50, "USD"))
    side = await browser.page(f"/customers/{who}")
    assert "Tea" in side.text


async def test_two_people_change_one_deal(browser: Browser, plugin: Plugin) -> None:
    id = await deal(plugin, "Roof", 500_00)
    path = f"{ROOT}/deals/{id}/edit"
    mine, theirs = await browser.page(path), await browser.page(path)
    await browser.follow(await browser.post(path, filled(theirs, path, name="Roof of the school")))
    pairs = filled(mine, path, name="New roof")
    both = browser.shown(await browser.post(path, pairs), 409)
    assert "Roof of the school" in both.text
    assert "New roof" in both.text
    assert (await Deals(plugin).get(id)).name == "Roof of the school"
    await browser.follow(await browser.post(path, filled(both, path)))
    assert (await Deals(plugin).get(id)).name == "New roof"


async def test_products_and_activities(browser: Browser, plugin: Plugin, house: House) -> None:
    who = await customer(house, "Lê Thị Hoa")
    id = await deal(plugin, "Tea", customer_id=who)
    (product,) = await Products(plugin).create([ProductDraft(name="Oolong")])
    page = await browser.page(f"{ROOT}/deals/{id}")
    path = f"{ROOT}/deals/{id}/lines"
    bad = await browser.send(page, path, product=str(product), quantity="many")
    again = browser.shown(bad, 422)
    answer = await browser.send(again, path, product=str(product), quantity="2.5", unit="4")
    page = await browser.follow(answer)
    assert (await Deals(plugin).get(id)).lines_value == Amount(10_00, "USD")
    noted = await browser.send(
        page, f"{ROOT}/deals/{id}/activities", summary="Sent a sample", next_step="Call on Monday"
    )
    page = await browser.follow(noted)
    assert "Call on Monday" in page.text
    timeline = (await browser.page(f"/customers/{who}")).text
    assert "Sent a sample" in timeline
    assert "Next: Call on Monday" in timeline


async def test_the_table_is_sorted(browser: Browser, plugin: Plugin) -> None:
    for n in (3, 1, 2):
        await deal(plugin, f"Roof {n}", n * 100)
    page = await browser.page(f"{ROOT}/deals?sort=value")
    places = [page.text.index(f"Roof {n}") for n in (1, 2, 3)]
    assert places == sorted(places)


async def test_a_lead_from_the_form_to_the_deal(
    browser: Browser, plugin: Plugin, house: House
) -> None:
    page = await browser.page(f"{ROOT}/leads/new")
    answer = await browser.send(
        page, f"{ROOT}/leads/new", customer="Trần Văn Bình", fresh="on", kind="person"
    )
    page = await browser.follow(answer)
    path = str(answer.headers["location"])
    assert "Nothing is answered yet." in page.text
    assert "not enough data" in page.text
    page = await browser.follow(
        await browser.send(page, f"{path}/qualify", q_person_need="yes", q_asked_price="yes")
    )
    (lead,) = (await Leads(plugin).find(LeadQuery())).items
    assert lead.fit.answered == lead.behaviour.answered == 1
    for reason in lead.fit.reasons:
        assert reason.title in page.text
    answer = await browser.send(page, f"{path}/convert", name="Tea for Bình", value="30")
    assert "Tea for Bình" in (await browser.follow(answer)).text
    assert "became a deal" in (await browser.page(path)).text


async def test_settings_of_selling(browser: Browser, plugin: Plugin) -> None:
    page = await browser.page(f"{ROOT}/setup")
    path = f"{ROOT}/setup/stage"
    last = sum(form.action == path for form in page.forms) - 1
    new = filled(page, path, last, title="Báo giá lần 2", probability="60")
    await browser.follow(await browser.post(path, new))
    board = await browser.page(f"{ROOT}/deals/new")
    assert "Báo giá lần 2" in board.text


async def test_who_may_only_read(house: House, plugin: Plugin) -> None:
    id = await deal(plugin, "Roof", 500_00)
    await Leads(plugin).create(
        [LeadDraft(customer=CustomerDraft(display_name="Bình", kind="person"))], by=BY
    )
    reader = await signed_in(house, "read_only")
    try:
        for path in ("board", "deals", f"deals/{id}", "leads", "setup", "forecast"):
            page = await reader.page(f"{ROOT}/{path}", **EN)
            forms = [each for each in page.all("form") if ROOT in each.get("action", "")]
            assert [each for each in forms if each.get("method") == "post"] == [], path
        refused = await reader.answer(f"{ROOT}/deals/new")
        assert refused.status_code == 403
    finally:
        await reader.client.aclose()
