"""Pages, panels and texts of plugins, and what becomes of the house when they fail."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from core.tests.web.browsing import EVIL, Browser, signed_in
from relatum.app.house import House
from relatum.config.settings import Plugins, Settings
from relatum.customers.types import CustomerDraft
from relatum.plugins.discovery import discover
from relatum.web import boxes
from relatum_sdk.temporary import make_plugin

SLOTS = Path(__file__).parents[3] / "tests" / "browser" / "every_slot"


def files_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.suffix in (".html", ".po", ".py")
    }


@pytest.fixture
async def slots_house(
    tmp_path: Path, relatum_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """A house with the plugin that uses every slot."""
    folder = tmp_path / "site"
    make_plugin(folder, "slots", files=files_of(SLOTS))
    monkeypatch.syspath_prepend(str(folder))
    settings = Settings(home=tmp_path, database=relatum_database_url, durability="normal")
    found = [each for each in discover() if each.id == "slots"]
    async with await House.open(settings, discover=lambda: found) as house:
        assert house.plugins.states()[0].state == "enabled", house.plugins.states()
        yield house
    for name in [name for name in sys.modules if name.startswith("relatum_slots")]:
        del sys.modules[name]


@pytest.fixture
async def slots(slots_house: House) -> AsyncIterator[Browser]:
    """An owner of it who has signed in."""
    browser = await signed_in(slots_house)
    state = slots_house.plugins.states()[0]
    assert state.state == "enabled", state.problems
    yield browser
    await browser.client.aclose()


@pytest.fixture
async def customer(slots_house: House) -> UUID:
    draft = CustomerDraft(display_name=EVIL)
    [id] = await slots_house.customers.create([draft], by="system")
    return id


async def test_page_has_a_place_and_speaks_both_languages(slots: Browser) -> None:
    page = await slots.page("/p/slots?lang=vi")
    assert "Hãy ước một điều." in page.text
    assert "Mong muốn" in page.text, "the title"
    assert [a for a in page.all("a") if a.get("href") == "/p/slots"], "in the navigation"
    page = await slots.page("/p/slots?lang=en")
    assert "Wish for something." in page.text


async def test_each_template_speaks_for_itself(slots: Browser) -> None:
    """The plugin calls saving something else; the shell of core still says it its own way."""
    page = await slots.page("/p/slots?lang=vi")
    assert "Cất điều ước" in page.text
    assert "Cài đặt" in page.text
    account = await slots.page("/account?lang=vi")
    assert "Cất điều ước" not in account.text


async def test_form_is_read_strictly_and_shown_again(slots: Browser) -> None:
    page = await slots.page("/p/slots")
    refused = slots.shown(await slots.send(page, "/p/slots", wish="x" * 30), 422)
    assert "x" * 30 in refused.source
    assert [each for each in refused.all("input") if each.get("aria-invalid") == "true"]
    answer = await slots.send(page, "/p/slots", wish="rain")
    assert "Đã ước." in (await slots.follow(answer)).text


async def test_page_without_its_proof_is_refused(slots: Browser) -> None:
    assert (await slots.post("/p/slots", [("wish", "rain")])).status_code == 403


async def test_page_asks_for_its_permission(slots_house: House) -> None:
    for role, status in (("sales", 200), ("care", 403)):
        browser = await signed_in(slots_house, role)
        answer = await browser.answer("/p/slots")
        assert answer.status_code == status, role
        home = await browser.answer("/")
        assert ("/p/slots" in home.text) == (status == 200), role
        await browser.client.aclose()


async def test_switched_off_it_is_gone_and_comes_back(slots_house: House, slots: Browser) -> None:
    settings = slots_house.settings
    off = Settings(
        home=settings.home,
        database=settings.database,
        plugins=Plugins(disabled=["slots"]),
    )
    await slots_house.apply_settings(off)
    slots.shown(await slots.answer("/p/slots"), 404)
    assert "/p/slots" not in (await slots.page("/")).source
    await slots_house.apply_settings(settings)
    await slots.page("/p/slots")


async def test_panel_alone(slots: Browser, customer: UUID) -> None:
    page = await slots.page(f"/panels/slots.lazy/{customer}?lang=en")
    assert f"A wish of {EVIL}" in page.text, "escaped, and whole"
    part = await slots.answer(
        f"/panels/slots.lazy/{customer}",
        **{"hx-request-type": "partial", "hx-target": "section#panel-slots-lazy"},
    )
    assert "<html" not in part.text
    assert "panel-slots-lazy" in part.text


@pytest.mark.parametrize("panel", ["slots.broken", "slots.none", "slots.in_settings"])
async def test_panel_that_cannot_be_shown(slots: Browser, customer: UUID, panel: str) -> None:
    answer = await slots.answer(f"/panels/{panel}/{customer}")
    if panel == "slots.broken":
        page = slots.shown(answer)
        assert "this panel fails on purpose" not in page.text, "what failed is for the log"
    else:
        assert answer.status_code == 404


@pytest.mark.parametrize("way", ["raises", "hangs", "answers nonsense", "has a broken template"])
async def test_failing_panel_is_alone(
    slots: Browser, customer: UUID, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    import msgspec

    async def fail(plugin: object, visit: object) -> object:
        if way == "raises":
            raise KeyError("x")
        if way == "hangs":
            await asyncio.sleep(60)
        return 5 if way == "answers nonsense" else {}

    monkeypatch.setattr(boxes, "LIMIT", 0.2)
    panels = slots.house.registry.panels
    changed = {"load": fail}
    if way == "has a broken template":
        changed["template"] = "slots/nowhere.html"  # type: ignore[assignment]
    panels.put(msgspec.structs.replace(panels.get("slots.broken"), **changed))
    page = await slots.page(f"/customers/{customer}")
    shown = [attributes.get("id") for _, attributes in page.tags]
    assert "panel-slots-broken" in shown, "it says so in its place"
    assert "panel-slots-in_customer_side" in shown
    assert f"Một mong muốn của {EVIL}" in page.text, "the others are as ever"


async def test_site_has_its_own_templates(slots: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relatum.web.environment.LOOKED_AGAIN", 0.0)
    folder = slots.house.settings.templates_path / "slots"
    folder.mkdir(parents=True)
    own = (
        '{% extends "relatum/base.html" %}{% block content %}<h1>{{ _("Wish") }}</h1>{% endblock %}'
    )
    before = await slots.page("/p/slots?lang=vi")
    assert "Hãy ước" in before.text
    (folder / "page.html").write_text(own, encoding="utf-8")
    after = await slots.answer("/p/slots?lang=vi")
    assert "Hãy ước" not in after.text
    assert "Điều ước" in after.text, "in the words of the plugin"
    (folder / "page.html").unlink()
    assert "Hãy ước" in (await slots.page("/p/slots?lang=vi")).text


def test_it_takes_less_than_seventy_lines_and_no_script() -> None:
    source = (SLOTS / "plugin.py").read_text(encoding="utf-8")
    assert len([line for line in source.splitlines() if line.strip()]) < 70
    assert [path for path in SLOTS.rglob("*") if path.suffix in (".js", ".mjs")] == []
