"""Targets: by several people at once, over the API and on the page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest

from core.tests.web.browsing import Browser, signed_in
from relatum.api import Amount, Conflict, InvalidInput, Plugin, local_day, month, now
from relatum.app.house import House
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.targets import Targets, bounds, months_from
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.deals import DealDraft
from relatum_sales_pipeline.types.targets import TargetEdit
from relatum_sales_pipeline.types.teams import TeamDraft

THIS = month(local_day(now(), "Asia/Ho_Chi_Minh"))
PATH = "/p/sales_pipeline/targets"
API = "/api/v1/plugins/sales_pipeline/targets"
EDIT = f"{PATH}?edit=on"


@pytest.fixture
async def teams(plugin: Plugin) -> list[UUID]:
    return await Teams(plugin).create_teams([TeamDraft(name="North"), TeamDraft(name="South")])


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    browser = await signed_in(house)
    browser.client.headers["accept-language"] = "en"
    yield browser
    await browser.client.aclose()


def edit(team: UUID, amount: int | None, version: int | None = None) -> TargetEdit:
    return TargetEdit(team_id=team, month=THIS, amount=amount, version=version)


def field(team: UUID) -> str:
    return f"t{team.hex}_{THIS.replace('-', '')}"


async def amounts(plugin: Plugin) -> dict[UUID | None, int | None]:
    return {each.team_id: each.target for each in await Targets(plugin).progress([THIS], "USD")}


async def test_whoever_comes_second_is_told(plugin: Plugin, teams: list[UUID]) -> None:
    targets, (north, south) = Targets(plugin), teams
    (first,) = await targets.save("USD", [edit(north, 100, 0)])
    assert (first.version, first.amount) == (1, 100)
    with pytest.raises(Conflict) as late:
        await targets.save("USD", [edit(south, 7, 0), edit(north, 200, 0)])
    assert late.value.extra == {"current": [first], "yours": [edit(north, 200, 0)]}
    assert await amounts(plugin) == {north: 100}, "all of it or nothing"
    (same,) = await targets.save("USD", [edit(north, 100, 0)])
    assert same.version == 1, "who wants what is there is in nobody's way"
    (second,) = await targets.save("USD", [edit(north, 200, 1)])
    assert second.version == 2


async def test_one_that_was_taken_away_is_not_brought_back_unnoticed(
    plugin: Plugin, teams: list[UUID]
) -> None:
    targets, north = Targets(plugin), teams[0]
    await targets.save("USD", [edit(north, 100)])
    (gone,) = await targets.save("USD", [edit(north, None, 1)])
    assert (gone.amount, gone.version) == (None, 2)
    (again,) = await targets.save("USD", [edit(north, 300, 2)])
    assert again.version == 3
    with pytest.raises(Conflict):
        await targets.save("USD", [edit(north, 50, 1)])


async def test_what_cannot_be_a_target(plugin: Plugin, teams: list[UUID]) -> None:
    with pytest.raises(InvalidInput) as refused:
        await Targets(plugin).save("XXQ", [edit(uuid4(), 1), edit(teams[0], -1)])
    assert {each.where for each in refused.value.problems} == {
        "/currency",
        "/0/team_id",
        "/1/amount",
    }


def test_months_and_their_days() -> None:
    assert months_from("2025-11", 4) == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert [str(day) for day in bounds("2024-02")] == ["2024-02-01", "2024-02-29"]
    assert [str(day) for day in bounds("9999-12")] == ["9999-12-01", "9999-12-31"]


async def test_over_the_api(client: httpx.AsyncClient, teams: list[UUID]) -> None:
    north = teams[0]
    path = f"{API}/{north}/{THIS}/USD"

    async def put(amount: int, match: str = "", *, to: str = path) -> httpx.Response:
        headers = {"if-match": match} if match else {}
        return await client.put(to, json={"amount": amount}, headers=headers)

    made = await put(50_000)
    assert (made.status_code, made.headers["etag"]) == (200, '"v1"'), made.text
    assert (await put(60_000, '"v1"')).headers["etag"] == '"v2"'
    late = await put(70_000, '"v1"')
    assert late.status_code == 409
    assert (late.json()["current"]["amount"], late.json()["yours"]["amount"]) == (60_000, 70_000)
    assert (await put(-1)).status_code == 422
    assert (await put(1, to=f"{API}/{north}/soon/USD")).status_code == 422
    assert (await put(1, to=f"{API}/{north}/{THIS}/XXQ")).status_code == 422
    told = (await client.get(f"{API}?first={THIS}")).json()
    assert told["currency"] == "USD"
    (row,) = told["items"]
    assert (row["team_id"], row["target"], row["version"], row["won"]) == (str(north), 60_000, 2, 0)


@pytest.mark.parametrize(
    "query",
    [
        "first=2026-13",
        "first=0000-01",
        "first=2026-01&last=2025-01",
        "first=2026-01&last=9999-12",
    ],
)
async def test_months_that_cannot_be_answered(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"{API}?{query}")).status_code == 422


async def test_several_teams_at_once(browser: Browser, plugin: Plugin, teams: list[UUID]) -> None:
    page = await browser.page(EDIT)
    answer = await browser.send(
        page, EDIT, **{field(teams[0]): "1,250.50", field(teams[1]): "3000"}
    )
    assert "Targets that were changed: 2." in (await browser.follow(answer)).text
    assert await amounts(plugin) == {teams[0]: 1_250_50, teams[1]: 3_000_00}
    unchanged = await browser.send(await browser.page(EDIT), EDIT)
    assert "Targets that were changed: 0." in (await browser.follow(unchanged)).text
    emptied = await browser.send(await browser.page(EDIT), EDIT, **{field(teams[1]): ""})
    await browser.follow(emptied)
    assert (await amounts(plugin))[teams[0]] == 1_250_50
    assert (await amounts(plugin)).get(teams[1]) is None


async def test_two_people_set_targets(browser: Browser, plugin: Plugin, teams: list[UUID]) -> None:
    north, south = teams
    mine, theirs = await browser.page(EDIT), await browser.page(EDIT)
    await browser.follow(
        await browser.send(theirs, EDIT, **{field(north): "100", field(south): "7"})
    )
    both = browser.shown(await browser.send(mine, EDIT, **{field(north): "200"}), 409)
    assert "Somebody changed targets meanwhile" in both.text
    for said in ("$100.00", "$200.00"):
        assert said in both.text
    assert await amounts(plugin) == {north: 100_00, south: 7_00}, "theirs stands until it is chosen"
    held = dict(both.form(EDIT).fields)
    assert (held[field(north)], held[field(south)]) == ("200.00", "7.00")
    kept = await browser.send(both, EDIT, **{f"which_{field(north)}": "theirs"})
    assert "Targets that were changed: 0." in (await browser.follow(kept)).text
    await browser.follow(await browser.send(both, EDIT))
    assert await amounts(plugin) == {north: 200_00, south: 7_00}


async def test_what_was_typed_wrong_is_said_beside_it(
    browser: Browser, plugin: Plugin, teams: list[UUID]
) -> None:
    page = await browser.page(EDIT)
    sent = {field(teams[0]): "much", field(teams[1]): "-5"}
    again = browser.shown(await browser.send(page, EDIT, **sent), 422)
    assert dict(again.form(EDIT).fields)[field(teams[0])] == "much"
    assert again.source.count('class="fault"') == 2
    wild = [*page.form(EDIT).filled(base='{"t":1}')]
    assert (await browser.post(EDIT, wild)).status_code == 422
    assert await amounts(plugin) == {}


async def test_what_is_won_without_a_team_is_in_the_whole(
    browser: Browser, plugin: Plugin, teams: list[UUID]
) -> None:
    won = DealDraft(name="a", stage="won", value=Amount(10_00, "USD"))
    ours = DealDraft(name="b", stage="won", value=Amount(5_00, "USD"), team_id=teams[0])
    await Deals(plugin).create([won, ours], by="person:test")
    page = await browser.page(PATH)
    assert "$15.00" in page.text
    assert "Won without a team" in page.text
    assert "$10.00" in page.text
