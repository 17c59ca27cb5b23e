"""The pages of erasing, by forms alone."""

from __future__ import annotations

import pytest

from core.tests.web.browsing import EVIL, Browser
from relatum.contact.types import HoldDraft
from relatum.customers.types import CustomerDraft
from relatum.values.problems import NotFound


async def test_seen_first_then_erased_with_a_reason_and_the_name(browser: Browser) -> None:
    house = browser.house
    (id,) = await house.customers.create([CustomerDraft(display_name=EVIL)], by="system")
    path = f"/customers/{id}"
    # it looks like what it is
    entry = {"class": "button ghost bad", "href": f"{path}/erase"}
    assert entry in (await browser.page(path)).all("a")
    page = await browser.page(f"{path}/erase?lang=en")
    assert "goes for good" in page.text
    assert page.planted == []
    page = browser.shown(
        await browser.send(page, f"{path}/erase", reason="asked for", confirm="another"), 422
    )
    assert (await house.customers.get(id)).display_name == EVIL
    page = await browser.page(f"{path}/erase?lang=en")
    answer = await browser.send(page, f"{path}/erase", reason="asked for", confirm=EVIL)
    page = await browser.follow(answer)
    assert "asked for" in page.text
    assert EVIL not in page.text
    with pytest.raises(NotFound):
        await house.customers.get(id)
    page = await browser.page("/erasures?lang=en")
    assert str(id) in page.text


async def test_a_legal_hold_leaves_no_button(browser: Browser) -> None:
    house = browser.house
    (id,) = await house.customers.create([CustomerDraft(display_name="Lan")], by="system")
    await house.contact.wishes.hold(
        HoldDraft(customer=id, kind="legal", reason="vụ kiện"), by="system"
    )
    page = await browser.page(f"/customers/{id}/erase?lang=en")
    assert "vụ kiện" in page.text
    assert "Erase for good" not in page.text
