"""The page with everything held about somebody: amounts and times as whoever looks reads them."""

from __future__ import annotations

import datetime as dt

import pytest

from core.tests.web.browsing import Browser
from relatum.access.accounts.preferences import Reading
from relatum.customers.types import CustomerDraft
from relatum.interactions.types import Amount, InteractionDraft

NEW_YEAR = dt.datetime(2026, 1, 1, 3, 4, tzinfo=dt.UTC)


@pytest.fixture
async def path(browser: Browser) -> str:
    house = browser.house
    (id,) = await house.customers.create([CustomerDraft(display_name="Lan")], by="system")
    sales = [
        InteractionDraft(kind="core.purchase", customer_id=id, money=money, occurred_at=NEW_YEAR)
        for money in (Amount(990_000, "VND"), Amount(123_450, "USD"))
    ]
    await house.interactions.record(sales, by="system")
    return f"/customers/{id}/data"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("vi", ["990.000 ₫", "1.234,50 US$", "01/01/2026 10:04"]),
        ("en", ["₫990,000", "$1,234.50", "1 Jan 2026 10:04"]),
    ],
)
async def test_it_is_written_as_the_language_has_it(
    browser: Browser, path: str, language: str, said: list[str]
) -> None:
    text = (await browser.page(f"{path}?lang={language}")).text.replace("\u00a0", " ")
    for each in said:
        assert each in text


async def test_or_as_whoever_looks_chose(browser: Browser, path: str) -> None:
    assert browser.account is not None
    reading = Reading(time_zone="America/New_York", dates="iso", clock="12", numbers="point")
    await browser.house.preferences.change(browser.account, reading=reading)
    text = (await browser.page(f"{path}?lang=vi")).text.replace("\u00a0", " ")
    for each in ("990,000 ₫", "1,234.50 US$", "2025-12-31 10:04 CH"):
        assert each in text
