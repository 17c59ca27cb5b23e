"""Who looks after the installation is told on every page what has not run, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.tests.web.browsing import Browser, signed_in
from relatum.app.house import House
from relatum.db.migrate import Step

STEPS = [
    Step("spa", "spa_2026_11_22t00_00_00_000000", "Rooms have beds", Path("x.py")),
    Step("core_events", "core_events_2026_11_23t00_00_00_000000", "Longer texts", Path("y.py")),
]


@pytest.fixture
def behind(core_house: House, monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """What has not run; may be changed."""
    steps = list(STEPS)

    async def plan() -> list[Step]:
        return list(steps)

    monkeypatch.setattr(core_house, "migrate_plan", plan)
    core_house.plugins.note_pending(steps)
    return steps


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_a_page_says_what_waits_and_which_command_runs_it(
    browser: Browser, behind: list[Step], language: str
) -> None:
    page = await browser.page(f"/settings/migrations?lang={language}")
    assert "relatum migrate --apply" in page.text
    assert "Rooms have beds" in page.text
    assert "Longer texts" in page.text
    assert page.text.index("Longer texts") < page.text.index("Rooms have beds"), "core first"
    assert ("2 changes" if language == "en" else "2 bước") in page.text


async def test_every_page_says_so_to_who_may_do_something(
    core_house: House, browser: Browser, behind: list[Step]
) -> None:
    for path in ("/customers", "/account", "/settings"):
        page = await browser.page(f"{path}?lang=en")
        assert "2 changes of the database have not run." in page.text
        assert "/settings/migrations" in [a["href"] for a in page.all("a")]
    seller = await signed_in(core_house, "sales")
    page = await seller.page("/customers?lang=en")
    assert "of the database" not in page.text
    await seller.page("/settings/migrations", status=403)
    await seller.client.aclose()


async def test_once_they_have_run_nothing_is_said(
    core_house: House, browser: Browser, behind: list[Step]
) -> None:
    page = await browser.page("/settings/migrations?lang=en")
    page = await browser.follow(await browser.send(page, "/settings/migrations"))
    assert "There are still migrations that have not run." in page.text
    behind.pop()
    page = await browser.follow(await browser.send(page, "/settings/migrations"))
    assert "1 change of the database has not run." in page.text
    behind.clear()  # in a shell of the server
    page = await browser.page("/settings/migrations")
    assert "Everything is up to date." in page.text
    page = await browser.follow(await browser.send(page, "/settings/migrations"))
    assert "of the database ha" not in page.text
    assert core_house.plugins.pending == {}


async def test_an_installation_that_is_up_to_date_says_nothing(browser: Browser) -> None:
    page = await browser.page("/settings/migrations?lang=en")
    assert "Everything is up to date." in page.text
    assert [form.action for form in page.forms if "migrations" in form.action] == []
