"""Every figure that leads to its deals says as much as the rows that it leads to."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from html.parser import HTMLParser
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from core.tests.web.browsing import Browser, signed_in
from relatum.api import Amount, Plugin, local_day, now
from relatum.app.house import House
from relatum_sales_pipeline.reports.comparison import compare
from relatum_sales_pipeline.reports.outlook import outlook
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.pipelines import Pipelines
from relatum_sales_pipeline.services.products import Products
from relatum_sales_pipeline.services.snapshots import Snapshots
from relatum_sales_pipeline.services.targets import Targets
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.deals import DealChange, DealDraft, LineDraft, Passage
from relatum_sales_pipeline.types.pipelines import PipelineDraft, StageDraft
from relatum_sales_pipeline.types.products import ProductDraft
from relatum_sales_pipeline.types.targets import TargetEdit
from relatum_sales_pipeline.types.teams import MemberDraft, TeamDraft

BY = "person:test"
ROOT = "/p/sales_pipeline"
NOW = dt.datetime.now(dt.UTC)
TODAY = local_day(now(), "Asia/Ho_Chi_Minh")
#: More than one page of rows for the larger figures.
DEALS = 130
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
SCALES = {"K": 1_000, "M": 1_000_000, "B": 1_000_000_000}
VOID = {"meta", "link", "img", "br", "input", "hr", "rect", "circle", "line", "use", "path"}


class Parts(HTMLParser):
    """The links of a page with their texts, its tiles, and the rows of its tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        #: address and text of each link
        self.links: list[tuple[str, str]] = []
        #: address and figure of each tile that leads somewhere
        self.tiles: list[tuple[str, str]] = []
        #: text by label, for each row of the list of deals
        self.rows: list[dict[str, str]] = []
        self._open: list[tuple[str, dict[str, str]]] = []
        self._link: list[str] | None = None
        self._tile: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._open.append((tag, given))
        if tag == "a":
            self.links.append((given.get("href", ""), ""))
            if self._inside("p", "label") and self._inside("div", "tile"):
                self._tile = given.get("href", "")
        elif tag == "tr" and "data-row" in given:
            self.rows.append({})

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        text = data.strip()
        if not text:
            return
        if self._inside("a"):
            href, said = self.links[-1]
            self.links[-1] = (href, f"{said} {text}".strip())
        elif self._tile is not None and self._inside("p", "number"):
            self.tiles.append((self._tile, text))
            self._tile = None
        label = next(
            (given.get("data-label") for tag, given in reversed(self._open) if tag == "td"), None
        )
        if label and self.rows and self._inside("tr"):
            self.rows[-1][label] = f"{self.rows[-1].get(label, '')} {text}".strip()

    def _inside(self, tag: str, kind: str = "") -> bool:
        return any(
            name == tag and (not kind or kind in given.get("class", "").split())
            for name, given in self._open
        )


def read(text: str) -> tuple[Decimal, Decimal]:
    """The number in a text, and how much it may be rounded by: ``$1.2M`` by 50,000.

    Marks of charts say what they are before: ``Commit, 11/2026: $1.2M``.
    """
    text = text.rpartition(": ")[2]
    found = NUMBER.search(text)
    if found is None:
        return Decimal(0), Decimal(0)
    plain = Decimal(found[0].replace(",", ""))
    scale = SCALES.get(text[found.end() : found.end() + 1])
    return (plain, Decimal(0)) if scale is None else (plain * scale, Decimal(scale) / 20)


class Follower:
    """Goes to where a figure leads and adds up what stands there."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._known: dict[str, Decimal] = {}

    async def page(self, path: str) -> Parts:
        answer = await self._browser.page(path)
        return Parts(answer.source)

    async def sum_of(self, href: str) -> Decimal:
        """What the figure of an address is by the rows that it lists, over all its pages."""
        if href not in self._known:
            asked = parse_qs(urlsplit(href).query)
            figure = asked.get("figure", ["count"])[0]
            rows = [row async for row in self._rows(href)]
            label = {"value": "Value", "weighted": "Weighted"}.get(figure)
            values = [Decimal(1) if label is None else read(row[label])[0] for row in rows]
            self._known[href] = sum(values, Decimal(0))
        return self._known[href]

    async def _rows(self, href: str) -> AsyncIterator[dict[str, str]]:
        following: str | None = href
        while following:
            page = await self.page(following)
            for row in page.rows:
                yield row
            following = next(
                (f"{ROOT}/rows{target}" for target, text in page.links if text == "Further on"),
                None,
            )

    async def check(self, path: str) -> int:
        """Follow every figure of a page; how many there were."""
        page = await self.page(path)
        figures = [
            pair for pair in [*page.links, *page.tiles] if pair[0].startswith(f"{ROOT}/rows")
        ]
        checked = 0
        for href, text in figures:
            if not NUMBER.search(text):
                continue
            shown, leeway = read(text)
            counted = await self.sum_of(href)
            assert abs(shown - counted) <= leeway, (path, href, text, counted)
            checked += 1
        return checked


def drafts(
    random: Random, people: list[tuple[UUID, UUID]], products: list[UUID]
) -> Iterator[DealDraft]:
    """Deals of every sort: two currencies, two pipelines, with value, with lines, with neither."""
    for n in range(DEALS):
        pipeline, stages = random.choice(
            [
                ("sales", ("prospecting", "engaging", "won", "lost")),
                ("service", ("asked", "agreed", "done", "lost")),
            ]
        )
        stage = random.choice(stages)
        closed = stage in {"won", "lost", "done"}
        member, team = random.choice([*people, (None, None)])  # type: ignore[list-item]
        currency = random.choice(["USD", "USD", "VND"])
        more: dict[str, Any] = {}
        if random.random() < 0.7:
            more["value"] = Amount(random.randrange(1, 10**7), currency)
        else:
            more["currency"] = currency
        for product in random.sample(products, random.choice([0, 0, 1, 2])):
            price = random.choice([None, random.randrange(1, 10**6)])
            line = LineDraft(product_id=product, unit_amount=price, quantity=Decimal("1.5"))
            more.setdefault("lines", []).append(line)
        if closed:
            more["closed_on"] = TODAY - dt.timedelta(days=random.randrange(0, 120))
        elif random.random() < 0.8:
            more["expected_close"] = TODAY + dt.timedelta(days=random.randrange(-60, 300))
        if stage == "lost" and random.random() < 0.7:
            more["lost_reason"] = random.choice(["price", "competitor"])
        begun = NOW - dt.timedelta(days=random.randrange(121, 500))
        if not closed:
            begun = NOW - dt.timedelta(days=random.choice([0, 5, 20, 31, 100, 400]))
            more["history"] = [Passage(stage=stage, at=begun)]
        yield DealDraft(
            name=f"Deal {n}", pipeline=pipeline, stage=stage, owner_id=member, team_id=team, **more
        )


async def filled(plugin: Plugin, seed: int) -> list[UUID]:
    """A sales team with its deals; the ids of the teams."""
    random = Random(seed)
    await Pipelines(plugin).create(
        PipelineDraft(
            key="service",
            title="Service",
            stages=[
                StageDraft(key="asked", title="Asked", probability=2_500),
                StageDraft(key="agreed", title="Agreed", probability=8_333),
                StageDraft(key="done", title="Done", probability=10_000, outcome="won"),
                StageDraft(key="lost", title="Lost", probability=0, outcome="lost"),
            ],
        )
    )
    teams = Teams(plugin)
    ids = await teams.create_teams([TeamDraft(name="North"), TeamDraft(name="South")])
    people = await teams.create_members(
        [MemberDraft(name=f"Seller {n}", team_id=ids[n % 2]) for n in range(4)]
    )
    products = await Products(plugin).create([ProductDraft(name=f"Product {n}") for n in range(3)])
    belongs = [(member, ids[n % 2]) for n, member in enumerate(people)]
    await Deals(plugin).create(list(drafts(random, belongs, products)), by=BY)
    this = f"{TODAY:%Y-%m}"
    await Targets(plugin).save("USD", [TargetEdit(team_id=ids[0], month=this, amount=5_000_00)])
    return ids


@pytest.fixture
async def follower(house: House, plugin: Plugin) -> AsyncIterator[Follower]:
    await filled(plugin, 7)
    browser = await signed_in(house)
    browser.client.headers["accept-language"] = "en"
    yield Follower(browser)
    await browser.client.aclose()


#: Where the figures are, and how many of them at least lead to deals.
PAGES = {
    "/forecast": 120,
    "/forecast?pipeline=service": 60,
    "/targets": 30,
    "/targets?currency=VND": 30,
    "/wins": 30,
    f"/wins?closed_from={TODAY - dt.timedelta(days=60)}&closed_until={TODAY}": 30,
    "/flow": 20,
    "/flow?pipeline=service": 20,
}


async def test_every_figure_is_its_deals(follower: Follower) -> None:
    checked = {path: await follower.check(ROOT + path) for path in PAGES}
    assert [path for path, least in PAGES.items() if checked[path] < least] == []


async def test_a_wrong_figure_would_be_found(follower: Follower) -> None:
    page = await follower.page(f"{ROOT}/forecast")
    href, text = next(
        (href, text)
        for href, text in page.links
        if "of=forecast" in href and "figure=value" in href and read(text)[1] == 0 < read(text)[0]
    )
    shown, _ = read(text)
    assert await follower.sum_of(href) == shown
    assert await follower.sum_of(href.replace("figure=value", "figure=weighted")) != shown
    assert await follower.sum_of(href.replace("&figure=value", "")) != shown


async def test_lists_of_the_forecast_add_up_to_its_totals(follower: Follower) -> None:
    page = await follower.page(f"{ROOT}/forecast")
    for figure in ("weighted", "value"):
        total = await follower.sum_of(f"{ROOT}/rows?of=forecast&currency=USD&figure={figure}")
        assert total > 0
        for by in ("month", "stage", "team", "owner"):
            hrefs = {
                href
                for href, text in page.links
                if f"by={by}" in href
                and f"figure={figure}" in href
                and "currency=USD" in href
                and "committed" not in href
            }
            # a part of nothing known is the one of no team or no owner
            assert sum([read(dict(page.links)[href])[0] for href in hrefs], Decimal(0)) == total, by


async def test_what_the_forecast_leaves_out_is_said_and_listed(
    follower: Follower, plugin: Plugin
) -> None:
    answer = await follower._browser.page(f"{ROOT}/forecast")
    said = re.search(r"(\d+) open deals have neither", answer.text)
    assert said is not None
    assert await follower.sum_of(f"{ROOT}/rows?of=gap") == int(said[1])
    said = re.search(r"(\d+) open deals have no value; the prices", answer.text)
    assert said is not None
    assert await follower.sum_of(f"{ROOT}/rows?of=gap&part=lines") == int(said[1])


async def test_targets_are_not_measured_against_one_pipeline(follower: Follower) -> None:
    every = await follower._browser.page(f"{ROOT}/forecast")
    assert "$5,000.00" in every.text
    one = await follower._browser.page(f"{ROOT}/forecast?pipeline=sales")
    assert "$5,000.00" not in one.text
    assert "of all pipelines together" in one.text


async def test_the_forecast_beside_an_earlier_one(
    house: House, plugin: Plugin, follower: Follower
) -> None:
    browser = follower._browser
    before = await browser.page(f"{ROOT}/forecast")
    assert "No forecast was put down on" in before.text
    await Snapshots(plugin).take()
    taken = TODAY - dt.timedelta(days=8)
    await house.db.execute("UPDATE sales_pipeline_forecast_snapshot SET taken_on = ?", taken)
    (open_one,) = await house.db.fetch(
        "SELECT d.id, d.amount FROM sales_pipeline_deal d JOIN sales_pipeline_stage s "
        "ON s.id = d.stage_id WHERE s.key = 'engaging' AND d.currency = 'USD' "
        "AND d.amount IS NOT NULL ORDER BY d.id LIMIT 1"
    )
    id, amount = open_one
    deal = await Deals(plugin).get(id)
    await Deals(plugin).change(id, DealChange(value=Amount(amount + 1_000_00, "USD")), by=BY)
    after = await browser.page(f"{ROOT}/forecast")
    assert "this is the last one before it" in after.text
    # the stage has a probability, so that the weighted value grows by as much of the thousand
    grown = Decimal(1_000) * deal.probability / 10_000
    assert f"+${grown:,.2f}" in after.text
    looked = await outlook(plugin, None, 6)
    compared = await compare(plugin, looked, taken)
    (dollars,) = [each for each in compared.currencies if each.currency == "USD"]
    changed = {e.part: e.now.weighted - e.then.weighted for e in dollars.stages}
    # a weighted value is rounded so that all of them add up
    assert abs(changed.pop("sales/engaging") - grown * 100) <= 1
    assert all(abs(by) <= 1 for by in changed.values())
    assert len(changed) > 1
    assert sum(e.then.amount for e in dollars.stages) == dollars.total.then.amount
    # what was put down before stages were is not compared by them
    await house.db.execute("UPDATE sales_pipeline_forecast_snapshot SET stage = ''")
    assert (await compare(plugin, looked, taken)).currencies[0].stages == []
    exact = await browser.page(f"{ROOT}/forecast?since=quarter")
    assert ("No forecast was put down" in exact.text) == (taken > _quarter(TODAY))


def _quarter(day: dt.date) -> dt.date:
    return dt.date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
