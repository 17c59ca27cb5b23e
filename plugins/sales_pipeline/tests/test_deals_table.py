"""The table of deals: what leaves it as CSV, and what is done with many of its deals at once."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from core.tests.web.browsing import Browser, Page, signed_in
from relatum.api import Amount, CustomerDraft, Plugin
from relatum.app.house import House
from relatum.config.settings import Exports, Settings
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.deals import DealChange, DealDraft, DealMove
from relatum_sales_pipeline.types.teams import MemberDraft, TeamDraft

BY = "person:test"
DEALS = "/p/sales_pipeline/deals"
CSV = f"{DEALS}/csv"
LIMIT = 5


@pytest.fixture
def house_settings(house_settings: Settings) -> Settings:
    return msgspec.structs.replace(house_settings, exports=Exports(approval_above=LIMIT))


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    browser = await signed_in(house)
    browser.client.headers["accept-language"] = "en"
    yield browser
    await browser.client.aclose()


async def deals(plugin: Plugin, *drafts: dict[str, Any]) -> list[UUID]:
    return await Deals(plugin).create([DealDraft(**draft) for draft in drafts], by=BY)


async def lan(plugin: Plugin) -> UUID:
    (team,) = await Teams(plugin).create_teams([TeamDraft(name="North")])
    (id,) = await Teams(plugin).create_members([MemberDraft(name="Lan", team_id=team)])
    return id


async def taken(browser: Browser, query: str = "", why: str = "a call list") -> httpx.Response:
    """The answer to taking the table out."""
    page = await browser.page(f"{CSV}{query}")
    return await browser.send(page, f"{CSV}{query}", why=why)


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.content.startswith(b"\xef\xbb\xbf"), "spreadsheets know UTF-8 by it"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def stages(plugin: Plugin, ids: list[UUID]) -> list[str]:
    return [each.stage for each in await Deals(plugin).get_many(ids)]


# -- what leaves ---------------------------------------------------------------------------------


async def test_what_is_filtered_and_shown_leaves(
    browser: Browser, plugin: Plugin, house: House
) -> None:
    (who,) = await house.customers.create(
        [CustomerDraft(display_name="Lê Thị Hoa", kind="person")], by=BY
    )
    await deals(
        plugin,
        {"name": "Roof 2", "value": Amount(2_000_50, "USD"), "customer_id": who},
        {"name": "Roof 1", "value": Amount(1_000_00, "USD")},
        {"name": "Tea", "value": Amount(5_00, "USD")},
    )
    query = "?q=roof&sort=value&columns=customer&columns=value"
    page = await browser.page(f"{DEALS}{query}")
    (href,) = [a["href"] for a in page.all("a") if a.get("href", "").startswith(CSV)]
    found = rows(await taken(browser, href.removeprefix(CSV)))
    assert [list(each)[:4] for each in found] == [["Deal", "Customer", "Value", "Currency"]] * 2
    shown = [(each["Deal"], each["Customer"], each["Value"], each["Currency"]) for each in found]
    assert shown == [("Roof 1", "", "1000.00", "USD"), ("Roof 2", "Lê Thị Hoa", "2000.50", "USD")]


async def test_it_is_counted_marked_and_noted(
    browser: Browser, plugin: Plugin, house: House
) -> None:
    await deals(plugin, *({"name": f"Roof {n}"} for n in range(3)))
    found = rows(await taken(browser, "?q=roof", why="a call list"))
    (export,) = {each["relatum_export"].partition(" ")[0] for each in found}
    events = await house.db.fetch(
        "SELECT type, payload FROM core_event WHERE type LIKE 'core.export%' ORDER BY seq"
    )
    told = [(kind, msgspec.json.decode(payload)) for kind, payload in events]
    assert [kind for kind, _ in told] == ["core.export_requested", "core.export_downloaded"]
    assert {fact["export"] for _, fact in told} == {export}
    assert told[0][1]["filters"] == {"q": "roof"}
    assert told[0][1]["why"] == "a call list"
    assert told[1][1]["records"] == 3
    again = browser.shown(await taken(browser, "?q=roof"), 403)
    assert "at most 2 records" in again.text, "three of five are gone today"
    assert "a call list" in (await browser.page("/exports")).text


async def test_more_than_one_may_take_alone_is_refused(browser: Browser, plugin: Plugin) -> None:
    await deals(plugin, *({"name": f"Roof {n}"} for n in range(LIMIT + 1)))
    page = await browser.page(CSV)
    assert "need a second person" in page.text
    browser.shown(await browser.send(page, CSV, why="a call list"), 403)
    browser.shown(await taken(browser, why="x"), 422)


async def test_formulas_are_harmless(browser: Browser, plugin: Plugin) -> None:
    await deals(plugin, {"name": '=HYPERLINK("http://evil.example")', "competitor": "x"})
    (row,) = rows(await taken(browser))
    assert row["Deal"] == '\'=HYPERLINK("http://evil.example")'


async def test_a_filter_that_cannot_be_read_takes_nothing_out(
    browser: Browser, plugin: Plugin
) -> None:
    await deals(plugin, {"name": "Roof"})
    assert (await browser.answer(f"{CSV}?expected_from=soon")).status_code == 422
    page = await browser.page(CSV)
    answer = await browser.send(page, CSV, why="a call list")
    assert answer.status_code == 200
    csrf = [pair for pair in page.form(CSV).filled() if pair[0] == "csrf"]
    refused = await browser.post(f"{CSV}?expected_from=soon", [*csrf, ("why", "a call list")])
    assert refused.status_code == 422
    assert "Roof" not in refused.text


async def test_who_may_not_export_does_not(house: House, plugin: Plugin) -> None:
    await deals(plugin, {"name": "Roof"})
    reader = await signed_in(house, "read_only")
    try:
        page = await reader.page(DEALS)
        assert CSV not in [a.get("href", "").partition("?")[0] for a in page.all("a")]
        assert (await reader.answer(CSV)).status_code == 403
    finally:
        await reader.client.aclose()


# -- many at once --------------------------------------------------------------------------------


async def begun(
    browser: Browser, action: str, ids: list[UUID], query: str = "", **more: str
) -> Page:
    """The page that asks, as the form of the table leads there."""
    page = await browser.page(f"{DEALS}{query}")
    form = page.form(f"{DEALS}/bulk")
    kept = [pair for pair in form.filled() if pair[0] in ("csrf", "listed")]
    chosen = [("ids", str(id)) for id in ids]
    pairs = [*kept, *chosen, ("action", action), *more.items()]
    return browser.shown(await browser.post(f"{DEALS}/bulk", pairs), 200)


async def undone(browser: Browser, page: Page) -> Page:
    """What the button in the toast leads to."""
    (form,) = [each for each in page.forms if each.action.startswith(f"{DEALS}/undo/")]
    return await browser.follow(await browser.post(form.action, form.filled()))


async def test_many_are_given_to_somebody_and_back(browser: Browser, plugin: Plugin) -> None:
    owner = await lan(plugin)
    one, two, three = await deals(plugin, {"name": "A"}, {"name": "B"}, {"name": "C"})
    asked = await begun(browser, "owner", [one, two])
    assert "Deals: 2." in asked.text
    done = await browser.follow(await browser.send(asked, f"{DEALS}/bulk/do", owner=str(owner)))
    assert "Deals changed: 2." in done.text
    named = [each.owner for each in await Deals(plugin).get_many([one, two, three])]
    assert named == ["Lan", "Lan", None]
    await Deals(plugin).change(two, DealChange(owner_id=None), by=BY)
    after = await undone(browser, done)
    assert "Deals as they were before: 1." in after.text, "somebody changed the other one since"
    found = await Deals(plugin).get_many([one, two])
    assert [(each.owner, each.team) for each in found] == [(None, None)] * 2


async def test_all_that_fit_are_moved(browser: Browser, plugin: Plugin) -> None:
    ids = await deals(plugin, *({"name": f"Roof {n}"} for n in range(60)), {"name": "Tea"})
    await Deals(plugin).move(ids[0], DealMove(stage="won"), by=BY)
    query = "?q=roof&sort=name"
    asked = await begun(browser, "stage", [], query, all="on")
    assert "Deals: 60." in asked.text
    assert "Open ones among them: 59" in asked.text
    unanswered = browser.shown(await browser.send(asked, f"{DEALS}/bulk/do"), 422)
    answer = await browser.send(unanswered, f"{DEALS}/bulk/do", stage="engaging")
    assert answer.headers["location"] == f"{DEALS}{query}"
    done = await browser.follow(answer)
    assert "Deals changed: 59." in done.text
    assert await stages(plugin, ids) == ["won", *["engaging"] * 59, "prospecting"]
    await undone(browser, done)
    assert await stages(plugin, ids) == ["won", *["prospecting"] * 60]


async def test_many_are_lost_for_one_reason_and_found_again(
    browser: Browser, plugin: Plugin
) -> None:
    ids = await deals(plugin, {"name": "A"}, {"name": "B", "competitor": "Old"})
    asked = await begun(browser, "lost", ids)
    values = {"reason": "price", "competitor": "Hòa Phát"}
    done = await browser.follow(await browser.send(asked, f"{DEALS}/bulk/do", **values))
    lost = await Deals(plugin).get_many(ids)
    told = [(each.outcome, each.lost_reason, each.competitor) for each in lost]
    assert told == [("lost", "price", "Hòa Phát")] * 2
    await undone(browser, done)
    found = await Deals(plugin).get_many(ids)
    told = [(each.outcome, each.lost_reason, each.competitor, each.closed_on) for each in found]
    assert told == [("open", None, "", None), ("open", None, "Old", None)]


async def test_all_or_none(browser: Browser, plugin: Plugin) -> None:
    ids = await deals(plugin, {"name": "A"}, {"name": "B"})
    asked = await begun(browser, "stage", ids)
    refused = browser.shown(await browser.send(asked, f"{DEALS}/bulk/do", stage="nowhere"), 422)
    assert "nowhere" in refused.text
    assert await stages(plugin, ids) == ["prospecting", "prospecting"]
    gone = ("ids", str(await lan(plugin)))
    form = refused.form(f"{DEALS}/bulk/do").filled(stage="engaging")
    done = await browser.follow(await browser.post(f"{DEALS}/bulk/do", [*form, gone]))
    assert "Deals changed: 2." in done.text, "what is not there any more is left out"


async def test_what_is_not_meant_is_not_done(browser: Browser, plugin: Plugin) -> None:
    (id,) = await deals(plugin, {"name": "A"})
    page = await browser.page(DEALS)
    csrf = [pair for pair in page.form(f"{DEALS}/bulk").filled() if pair[0] == "csrf"]
    path = f"{DEALS}/bulk/do"
    move = [*csrf, ("action", "stage"), ("stage", "engaging")]
    assert (await browser.post(path, move)).status_code == 422, "nothing is chosen"
    broken = ("listed", "expected_from=soon")
    assert (await browser.post(path, [*move, ("all", "on"), broken])).status_code == 422
    assert (await browser.post(path, [*csrf, ("action", "erase")])).status_code == 422
    split = ("listed", "q=a\r\nx-evil: 1")
    answer = await browser.post(path, [*move, ("ids", str(id)), split])
    assert answer.status_code == 303
    assert "x-evil" not in answer.headers
    assert await stages(plugin, [id]) == ["engaging"]


async def test_only_ones_own_changes_are_taken_back(
    browser: Browser, plugin: Plugin, house: House
) -> None:
    (id,) = await deals(plugin, {"name": "A"})
    asked = await begun(browser, "stage", [id])
    done = await browser.follow(await browser.send(asked, f"{DEALS}/bulk/do", stage="engaging"))
    (form,) = [each for each in done.forms if each.action.startswith(f"{DEALS}/undo/")]
    other = await signed_in(house, "manager")
    try:
        page = await other.page(DEALS)
        csrf = [pair for pair in page.form(f"{DEALS}/bulk").filled() if pair[0] == "csrf"]
        assert (await other.post(form.action, csrf)).status_code == 404
    finally:
        await other.client.aclose()
    assert await stages(plugin, [id]) == ["engaging"]
    await browser.follow(await browser.post(form.action, form.filled()))
    again = await browser.follow(await browser.post(form.action, form.filled()))
    assert "Deals as they were before: 0." in again.text
