"""Questions, price lists and products on their pages: made, changed, ordered, retired, by two."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.tests.web.browsing import Browser, Page, signed_in
from relatum.api import Amount, Plugin
from relatum.app.house import House
from relatum_sales_pipeline.events import PRICE_CHANGED, PRODUCT_CHANGED, QUESTION_CHANGED
from relatum_sales_pipeline.services.products import Products
from relatum_sales_pipeline.services.questions import Questions
from relatum_sales_pipeline.types.leads import QuestionEdit
from relatum_sales_pipeline.types.products import PriceListDraft, ProductDraft, ProductEdit

ROOT = "/p/sales_pipeline/setup"


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    browser = await signed_in(house)
    browser.client.headers["accept-language"] = "en"
    yield browser
    await browser.client.aclose()


async def told(house: House, kind: str) -> list[dict[str, Any]]:
    """What the log says of changed settings, with who did it."""
    events = await house.events.read(0, until=await house.events.last(), types=(kind,), limit=100)
    return [{**event.data(), "by": event.by} for event in events]


def order(page: Page, *texts: str) -> list[str]:
    """The texts in the order in which the page says them."""
    return sorted(texts, key=page.text.index)


async def test_a_question_from_the_form_to_the_lead(
    browser: Browser, plugin: Plugin, house: House
) -> None:
    path = f"{ROOT}/questions/new"
    page = await browser.page(path)
    few = {"title": "Has it a budget?", "weight": "12.5", "c0_title": "Yes", "c0_match": "100"}
    again = browser.shown(await browser.send(page, path, **few), 422)
    assert "two answers or more" in again.text
    answer = await browser.send(again, path, c1_title="No", c1_match="0", weight="1000")
    again = browser.shown(answer, 422)
    answer = await browser.send(again, path, weight="12.5")
    shown = await browser.follow(answer)
    assert "Has it a budget?" in shown.text
    made = await Questions(plugin).get("has_it_a_budget")
    assert made.question.weight == 1250
    assert [(each.key, each.match) for each in made.question.choices] == [("yes", 10000), ("no", 0)]
    (fact,) = await told(house, QUESTION_CHANGED)
    assert fact["name"] == "Has it a budget?"
    assert fact["changes"]["weight"] == [None, 1250]
    assert fact["by"].startswith("person:")


async def test_answers_keep_their_keys_and_can_be_taken_off(
    browser: Browser, plugin: Plugin
) -> None:
    (first, *_) = await Questions(plugin).all()
    path = f"{ROOT}/questions/{first.question.key}"
    page = await browser.page(path)
    kept = [each.key for each in first.question.choices]
    await browser.follow(await browser.send(page, path, c0_title="Certainly", c3_title="Who knows"))
    after = (await Questions(plugin).get(first.question.key)).question
    assert [each.key for each in after.choices][: len(kept)] == kept
    assert after.choices[0].title == "Certainly"
    assert "who_knows" in {each.key for each in after.choices}
    page = await browser.page(path)
    last = len(after.choices) - 1
    await browser.follow(await browser.send(page, path, **{f"c{last}_title": ""}))
    assert len((await Questions(plugin).get(first.question.key)).question.choices) == last


async def test_questions_change_places_and_retire(browser: Browser, plugin: Plugin) -> None:
    kept = [each for each in await Questions(plugin).all() if each.question.test == "fit"]
    one, two = kept[0].question, kept[1].question
    page = await browser.page(f"{ROOT}/questions")
    assert order(page, one.title, two.title) == [one.title, two.title]
    after = await browser.follow(await browser.send(page, f"{ROOT}/questions/{one.key}/later"))
    assert order(after, one.title, two.title) == [two.title, one.title]
    assert f"{ROOT}/questions/{two.key}/earlier" not in {each.action for each in after.forms}
    path = f"{ROOT}/questions/{one.key}"
    form = [pair for pair in (await browser.page(path)).form(path).filled() if pair[0] != "active"]
    await browser.follow(await browser.post(path, form))
    assert not (await Questions(plugin).get(one.key)).active
    assert "not in use" in (await browser.page(f"{ROOT}/questions")).text


async def test_two_people_change_one_question(browser: Browser, plugin: Plugin) -> None:
    (first, *_) = await Questions(plugin).all()
    key = first.question.key
    path = f"{ROOT}/questions/{key}"
    mine = await browser.page(path)
    await Questions(plugin).change(key, QuestionEdit(title="Theirs"))
    both = browser.shown(await browser.send(mine, path, title="Mine"), 409)
    assert "Theirs" in both.text
    assert (await Questions(plugin).get(key)).question.title == "Theirs"
    await browser.follow(await browser.send(both, path))
    assert (await Questions(plugin).get(key)).question.title == "Mine"


async def test_shares_in_vietnamese(browser: Browser, plugin: Plugin) -> None:
    (first, *_) = await Questions(plugin).all()
    path = f"{ROOT}/questions/{first.question.key}"
    browser.client.headers["accept-language"] = "vi"
    page = await browser.page(path)
    await browser.follow(await browser.send(page, path, weight="7,25"))
    assert (await Questions(plugin).get(first.question.key)).question.weight == 725
    assert ("weight", "7,25") in (await browser.page(path)).form(path).filled()


async def test_a_price_list_with_prices(browser: Browser, plugin: Plugin, house: House) -> None:
    (tea,) = await Products(plugin).create([ProductDraft(name="Oolong")])
    page = await browser.page(f"{ROOT}/prices")
    answer = await browser.send(page, f"{ROOT}/prices", name="Retail")
    shown = await browser.follow(answer)
    path = str(answer.headers["location"])
    add = f"{path}/add"
    draft = {"product": str(tea), "amount": "12.5", "valid_until": "2026-12-31"}
    shown = await browser.follow(await browser.send(shown, add, **draft))
    assert "$12.50" in shown.text
    again = browser.shown(await browser.send(shown, add, **draft), 422)
    assert "days that no other price of the list has" in again.text
    later = {"valid_from": "2027-01-01", "valid_until": ""}
    await browser.follow(await browser.send(again, add, **later))
    book = await Products(plugin).price_book([tea])
    assert book.on(tea, "USD", dt.date(2026, 12, 31)) == 1250
    (price, _) = await Products(plugin).prices_of(tea)
    facts = await told(house, PRICE_CHANGED)
    assert [fact["name"] for fact in facts] == ["Oolong", "Oolong"]
    assert str(price.id) in {fact["id"] for fact in facts}


async def test_a_price_is_corrected_and_removed(browser: Browser, plugin: Plugin) -> None:
    products = Products(plugin)
    (tea,) = await products.create([ProductDraft(name="Oolong")])
    made = await products.create_list(PriceListDraft(name="Retail"))
    page = await browser.page(f"{ROOT}/prices/{made.id}")
    add = f"{ROOT}/prices/{made.id}/add"
    await browser.follow(await browser.send(page, add, product=str(tea), amount="10"))
    (price,) = await products.prices_of(tea)
    path = f"{ROOT}/price/{price.id}"
    mine, theirs = await browser.page(path), await browser.page(path)
    await browser.follow(await browser.send(theirs, path, amount="11"))
    both = browser.shown(await browser.send(mine, path, amount="12"), 409)
    assert (await products.price(price.id)).price == Amount(1100, "USD")
    stale = await browser.send(mine, f"{path}/remove")
    assert stale.status_code == 409
    await browser.follow(await browser.send(both, path))
    assert (await products.price(price.id)).price == Amount(1200, "USD")
    page = await browser.page(path)
    days = {"valid_from": "2026-05-02", "valid_until": "2026-05-01"}
    turned = browser.shown(await browser.send(page, path, **days), 422)
    assert "2026-05-02 or later" in turned.text
    page = await browser.page(path)
    await browser.follow(await browser.send(page, f"{path}/remove"))
    assert await products.prices_of(tea) == []
    assert (await browser.answer(path)).status_code == 404


async def test_lists_change_places_and_decide(browser: Browser, plugin: Plugin) -> None:
    products = Products(plugin)
    first = await products.create_list(PriceListDraft(name="Retail", position=1))
    second = await products.create_list(PriceListDraft(name="Partners", position=2))
    page = await browser.page(f"{ROOT}/prices")
    await browser.follow(await browser.send(page, f"{ROOT}/prices/{second.id}/earlier"))
    assert [each.id for each in await products.price_lists()] == [second.id, first.id]
    path = f"{ROOT}/prices/{first.id}"
    page = await browser.page(path)
    form = [pair for pair in page.form(path).filled(name="Old") if pair[0] != "active"]
    await browser.follow(await browser.post(path, form))
    assert [(each.name, each.active) for each in await products.price_lists()] == [
        ("Partners", True),
        ("Old", False),
    ]
    taken = browser.shown(await browser.send(await browser.page(path), path, name="partners"), 409)
    assert "Partners" not in {value for name, value in taken.form(path).filled() if name == "name"}


async def test_two_people_change_one_product(
    browser: Browser, plugin: Plugin, house: House
) -> None:
    products = Products(plugin)
    (tea,) = await products.create([ProductDraft(name="Oolong")])
    path = f"{ROOT}/products/{tea}"
    mine = await browser.page(path)
    await products.change(tea, ProductEdit(name="Green tea"))
    both = browser.shown(await browser.send(mine, path, name="Black tea"), 409)
    assert "Green tea" in both.text
    await browser.follow(await browser.send(both, path))
    assert (await products.get_many([tea]))[tea].name == "Black tea"
    facts = await told(house, PRODUCT_CHANGED)
    assert [fact["changes"].get("name") for fact in facts][1:] == [
        ["Oolong", "Green tea"],
        ["Green tea", "Black tea"],
    ]


async def test_who_may_only_read_changes_nothing(house: House, plugin: Plugin) -> None:
    products = Products(plugin)
    (tea,) = await products.create([ProductDraft(name="Oolong")])
    made = await products.create_list(PriceListDraft(name="Retail"))
    (first, *_) = await Questions(plugin).all()
    reader = await signed_in(house, "read_only")
    try:
        for path in ("questions", "prices", f"prices/{made.id}", f"products/{tea}"):
            page = await reader.page(f"{ROOT}/{path}")
            forms = [each for each in page.all("form") if ROOT in each.get("action", "")]
            assert forms == [], path
        refused = await reader.answer(f"{ROOT}/questions/{first.question.key}")
        assert refused.status_code == 403
    finally:
        await reader.client.aclose()
