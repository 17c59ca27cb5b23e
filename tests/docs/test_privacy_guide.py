"""The guide to privacy: its code runs, its settings are taken, what it names is there."""

from __future__ import annotations

import contextlib
import io
import re
import tomllib
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import CustomerDraft
from relatum.app.house import House
from relatum.customers.types import FieldDraft
from relatum_consent.events import EVENT_TYPES
from relatum_consent.jobs import JOBS
from relatum_consent.services.links import PATH, Links
from relatum_consent.settings import Settings
from relatum_consent.types import KINDS, STATES
from tests.structure.repository import ROOT

GUIDE = (ROOT / "docs" / "guides" / "privacy.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


async def test_a_link_in_a_message(house: House) -> None:
    (customer,) = await house.customers.create([CustomerDraft(display_name="Lan")], by="system")
    names: dict[str, Any] = {}
    exec(compile(blocks("python")[0], "privacy.md", "exec"), names)  # noqa: S102
    text: str = await names["ending"](house, customer)
    token = text.partition(PATH)[2]
    link = await Links(house.registry.plugins["consent"]).opened_by(token)
    assert isinstance(link.customer, UUID)
    assert link.customer == customer


def test_the_clock_of_a_restriction() -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(blocks("python")[2], "privacy.md", "exec"), {})  # noqa: S102
    assert out.getvalue().strip() in GUIDE
    assert out.getvalue().strip() == "2026-11-25 2026-12-07"


async def test_a_plugin_says_what_it_works_for(house: House) -> None:
    field = FieldDraft(key="birthday", title_en="Birthday", purposes=["advertising"])
    await house.customers.declare_fields([field])
    draft = CustomerDraft(display_name="Lan", fields={"birthday": "1990-01-01"})
    await house.customers.create([draft], by="system")
    names: dict[str, Any] = {}
    exec(compile(blocks("python")[1], "privacy.md", "exec"), names)  # noqa: S102
    declaring = [
        each.id
        for each in house.processing.processors()
        if any(entry.purpose == "advertising" for entry in each.processing)
    ]
    for plugin in house.registry.plugins.values():
        if plugin.id != "core":
            wanted = ["1990-01-01"] if plugin.id in declaring else []
            assert await names["birthdays"](plugin) == wanted, plugin.id


def test_the_settings_are_taken() -> None:
    rules, days = [
        msgspec.convert(tomllib.loads(text)["plugins"]["consent"], Settings)
        for text in blocks("toml")
    ]
    assert [rule.id for rule in rules.retention] == ["idle_people"]
    assert len(days.days_off) == 5


def test_what_it_names_is_there() -> None:
    named = [*KINDS, *STATES, *(each.id for each in EVENT_TYPES), *(each.id for each in JOBS)]
    missing = [name for name in named if f"`{name}`" not in GUIDE]
    assert not missing
