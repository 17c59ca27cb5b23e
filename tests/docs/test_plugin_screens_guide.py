"""The guide to screens of plugins: its files make a plugin that works."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.tests.web.browsing import Browser, signed_in
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.customers.types import CustomerDraft
from relatum.plugins.discovery import discover
from relatum_sdk.temporary import make_plugin
from tests.structure.repository import ROOT

GUIDE = ROOT / "docs" / "guides" / "plugin_screens.md"
FILE = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
async def browser(
    tmp_path: Path, relatum_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Browser]:
    """An owner of a house with the plugin of the guide."""
    files = dict(FILE.findall(GUIDE.read_text(encoding="utf-8")))
    assert len(files) == 4
    make_plugin(tmp_path / "site", "wishes", files=files)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    found = [each for each in discover() if each.id == "wishes"]
    settings = Settings(home=tmp_path, database=relatum_database_url, durability="normal")
    async with await House.open(settings, discover=lambda: found) as house:
        browser = await signed_in(house)
        assert house.plugins.states()[0].problems == []
        yield browser
        await browser.client.aclose()
    for name in [name for name in sys.modules if name.startswith("relatum_wishes")]:
        del sys.modules[name]


async def test_files_of_the_guide_work(browser: Browser) -> None:
    draft = CustomerDraft(display_name="Lê Thị Mai", tags=["wish"])
    [mai] = await browser.house.customers.create([draft], by="system")
    page = await browser.page("/p/wishes?lang=vi")
    assert "Ai đang mong muốn điều gì?" in page.text
    assert "Lê Thị Mai" in page.text
    refused = browser.shown(await browser.send(page, "/p/wishes", name="x"), 422)
    assert "2 đến 60 ký tự" in refused.text
    noted = await browser.follow(await browser.send(page, "/p/wishes", name="Mai"))
    assert "Đã ghi Mai." in noted.text
    assert "wish" in (await browser.page(f"/panels/wishes.panel/{mai}")).text


def test_every_text_of_the_guide_is_translated() -> None:
    files = dict(FILE.findall(GUIDE.read_text(encoding="utf-8")))
    said = {
        text
        for name, source in files.items()
        if name.endswith(".html")
        for text in re.findall(r'_\("([^"]+)"\)', source)
    }
    translated = set(re.findall(r'msgid "(.+)"', files["locales/vi/LC_MESSAGES/wishes.po"]))
    assert said == translated
