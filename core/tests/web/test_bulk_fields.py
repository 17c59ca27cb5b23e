"""What the bulk action of a plugin asks for: labelled in both languages, as what it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.tests.plugins.conftest import Site
from core.tests.web.browsing import Browser, Page, signed_in
from core.tests.web.test_switching import site
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.customers.types import CustomerDraft

__all__ = ["site"]

PLUGIN = """
import datetime as dt
from typing import Annotated, Literal
import msgspec
from relatum.api import BulkAction, Done, Permission, Text, hookimpl

class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    message: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    how: Literal["call", "letter"]
    times: int | None = None
    until: dt.date | None = None
    really_all: bool = False

DONE = []

@hookimpl
def relatum_register_permissions(plugin):
    return [Permission(id="calls.all.write", title=Text(en="Call", vi="Gọi"))]

async def run(plugin, visit, ids, fields):
    DONE.append(fields)
    return Done(count=len(ids))

@hookimpl
def relatum_register_bulk_actions(plugin):
    return [BulkAction(id="calls.all", title=Text(en="Call all", vi="Gọi tất cả"), run=run,
        permission="calls.all.write", fields=Asked, labels={
            "message": Text(en="What to say", vi="Nội dung"),
            "how": Text(en="How", vi="Cách"),
            "times": Text(en="How often", vi="Số lần"),
            "until": Text(en="Until", vi="Đến ngày"),
        })]
"""


@pytest.fixture
async def house(relatum_database_url: str, tmp_path: Path, site: Site) -> AsyncIterator[House]:
    site.install("calls", PLUGIN)
    settings = Settings(home=tmp_path, database=relatum_database_url, durability="normal")
    async with await House.open(settings, discover=site.discover) as house:
        yield house


async def asked(browser: Browser, language: str) -> Page:
    page = await browser.page(f"/customers?lang={language}")
    proof = [pair for pair in page.form("/customers/bulk").fields if pair[0] == "csrf"]
    (id,) = [each["value"] for each in page.all("input") if each.get("name") == "id"]
    pairs = [*proof, ("action", "calls.all"), ("id", id)]
    return browser.shown(await browser.post("/customers/bulk", pairs))


async def test_labels_and_fields_of_a_plugin(house: House) -> None:
    await house.customers.create([CustomerDraft(display_name="Lan")], by="system")
    browser = await signed_in(house)
    page = await asked(browser, "vi")
    for label in ("Nội dung", "Cách", "Số lần", "Đến ngày", "Really all"):
        assert label in page.text
    for raw in ("Message", "message", "Times", "What to say"):
        assert raw not in page.text
    page = await asked(browser, "en")
    assert "What to say" in page.text
    assert "Nội dung" not in page.text
    types = {each["name"]: each.get("type") for each in page.all("input") if "name" in each}
    assert (types["message"], types["times"], types["until"]) == ("text", "number", "date")
    assert types["really_all"] == "checkbox"
    assert {each["name"] for each in page.all("select")} == {"how"}
    (message,) = [each for each in page.all("input") if each.get("name") == "message"]
    assert message["maxlength"] == "40"

    refused = browser.shown(await browser.send(page, "/customers/bulk/do", message=""), 422)
    assert "What to say" in refused.text
    sent = {"message": "Hi", "how": "letter", "times": "3", "until": "2026-12-24"}
    await browser.follow(await browser.send(refused, "/customers/bulk/do", **sent))
    from relatum_calls import plugin  # type: ignore[import-not-found]

    (done,) = plugin.DONE
    assert (done.message, done.how, done.times) == ("Hi", "letter", 3)
    assert (str(done.until), done.really_all) == ("2026-12-24", False)
    await browser.client.aclose()
