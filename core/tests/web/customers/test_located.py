"""Addresses on the page of a customer: as they are written officially, and where they lie today."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.tests.addresses.country import write_tables
from core.tests.web.browsing import EVIL, Browser
from relatum.customers.types import ContactPointDraft, CustomerDraft


async def page_of(browser: Browser, address: str) -> str:
    point = ContactPointDraft(kind="address", raw=address)
    draft = CustomerDraft(display_name="Lan", contact_points=[point])
    (id,) = await browser.house.customers.create([draft], by="system")
    page = await browser.page(f"/customers/{id}")
    return " ".join(page.text.split())


@pytest.fixture
async def country(browser: Browser, tmp_path: Path) -> Browser:
    await browser.house.addresses.load(write_tables(tmp_path / "units"), by="tests")
    return browser


async def test_one_answer(country: Browser) -> None:
    shown = await page_of(country, "5 Lê Lợi, P Liễu Thượng, Q Đông Đô")
    assert "5 Lê Lợi, Phường Liễu Thượng, Quận Đông Đô, Thành phố Sông Lớn" in shown
    assert "Nay thuộc: Phường Liễu" in shown


async def test_several_answers_are_all_named(country: Browser) -> None:
    shown = await page_of(country, "Phường Liễu Hạ, Quận Đông Đô, Thành phố Sông Lớn")
    assert "Nay là một trong: Phường Liễu · Phường Bến Cũ" in shown


async def test_a_present_address_needs_no_note(country: Browser) -> None:
    shown = await page_of(country, "Phường Liễu, Thành phố Sông Lớn")
    assert "Nay thuộc" not in shown
    assert "Nay là một trong" not in shown


async def test_other_spelling_says_so(country: Browser) -> None:
    assert "đọc là Phường Bến Cũ, Quận 1" in await page_of(country, "P. Bến Cuũ, Q1, Sông Lớn")


async def test_free_text_and_hostile_text_stay_text(country: Browser) -> None:
    # The page itself is checked for elements that nobody of ours put there.
    assert "Nay là một trong" in await page_of(country, f"{EVIL}, P. Liễu Hạ, Sông Lớn")
