"""An installation from nothing: the first set-up, and a plugin that goes and comes back."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from relatum.app.house import House
from tests.browser.site import PASSWORD, Site
from tests.browser.watching import Watch, axe_faults

PLUGIN = "sales_pipeline"


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Site]:
    """Nothing but tables, and the server that waits for its owner."""
    site = Site(tmp_path)
    (site.home / "relatum.toml").unlink()
    site.command("migrate", "--apply")
    with site.running():
        yield site


@pytest.mark.long
def test_from_an_empty_home_to_work(empty: Site, chromium: Browser) -> None:
    context = chromium.new_context(base_url=empty.url, locale="vi-VN")
    context.set_default_timeout(15_000)
    page = context.new_page()
    watch = Watch(page, empty.url)
    _set_up(empty, page)
    before = empty.inside(_rows)
    assert sum(before.values()) > 100

    places = _places(page)
    answered = {path: page.request.get(path).status for path in places}
    assert answered
    assert 404 not in answered.values()
    _switch(page, "off")
    assert _places(page) == []
    for path in places:
        answer = page.request.get(path)
        assert answer.status == 404, path
    assert empty.inside(_rows) == before

    _switch(page, "on")
    assert _places(page) == places
    assert {path: page.request.get(path).status for path in places} == answered
    assert empty.inside(_rows) == before
    watch.check()
    context.close()


def _set_up(site: Site, page: Page) -> None:
    """The five steps, as the first owner goes through them."""
    found = re.search(rf"{site.url}(/setup\?key=\S+)", site.said())
    assert found is not None
    page.goto(found[1])
    assert "key=" not in page.url
    assert axe_faults(page) == []
    page.fill("[name=name]", "Hoa Sen")
    _go_on(page, "**/setup/owner")
    assert axe_faults(page) == []
    for name, value in (("name", "Lan"), ("email", "lan@hoasen.vn")):
        page.fill(f"[name={name}]", value)
    for name in ("password", "again_password"):
        page.fill(f"[name={name}]", PASSWORD)
    _go_on(page, "**/setup/protect")
    page.get_by_role("link", name="Để sau").click()
    page.wait_for_url("**/setup/plugins")
    assert axe_faults(page) == []
    assert page.get_by_role("checkbox", name=PLUGIN).is_checked()
    _go_on(page, "**/setup/data")
    page.get_by_role("radio", name="Với doanh nghiệp mẫu").check()
    _go_on(page, f"{site.url}/")
    written = tomllib.loads((site.home / "relatum.toml").read_text())
    assert written["company"]["name"] == "Hoa Sen"
    page.goto(found[1])
    expect(page.locator("h1")).to_be_visible()
    assert page.locator("form[action='/setup']").count() == 0


def _go_on(page: Page, to: str) -> None:
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(to)


def _switch(page: Page, way: str) -> None:
    """Look at what would happen, then do it."""
    page.goto(f"/settings/plugins/{PLUGIN}")
    page.locator(f"a[href='/settings/plugins/{PLUGIN}/{way}']").click()
    page.wait_for_url(f"**/{PLUGIN}/{way}")
    assert axe_faults(page) == []
    page.locator(f"main form[action='/settings/plugins/{PLUGIN}/{way}'] button").first.click()
    page.wait_for_url(f"**/settings/plugins/{PLUGIN}")


def _places(page: Page) -> list[str]:
    """Where the navigation leads into the plugin."""
    page.goto("/settings")
    links = page.locator(f"a[href^='/p/{PLUGIN}']")
    return sorted({str(each.get_attribute("href")) for each in links.all()})


async def _rows(house: House) -> dict[str, Any]:
    """How many rows each table of the plugin has."""
    apps = [app for app in house.plugins.apps() if app.app_name == PLUGIN]
    names = [table._meta.tablename for app in apps for table in app.table_classes]
    found = await house.db.fetch_together(*((f"SELECT count(*) FROM {name}", ()) for name in names))
    return {name: rows[0][0] for name, rows in zip(names, found, strict=True)}
