"""G5 over everything that is installed: of whoever is erased, no word of theirs is found again.

Every row of the world says by a word of its own whose it is, so nothing here knows how erasing
finds what it finds: not the tables of plugins, not what they call their columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from core.tests.customers.erasing.subjects import left_in_files, left_in_tables
from relatum.app.house import House
from relatum.config.settings import Settings
from tests.security.people import CUSTOMERS
from tests.security.site import Template

WHY = "asked to"
#: Numbers stay: ids that nobody has any more, and amounts; so does where leads come from. A row
#: that an import refused has become nobody: only names and addresses in it can be told.
STAYING = ("id ", "value of", "money of", "target of", "source of the lead", "rejected row")
#: who is erased; everybody else stays
GONE = ("chi_one", "an_one", "binh_one")


def settings(url: str, home: Path, *, plugins: bool) -> Settings:
    return Settings(home=home, database=url, safe_mode=not plugins, durability="normal")


def theirs(template: Template, labels: Iterable[str]) -> list[str]:
    """Words and numbers that belong to these and to nobody else."""
    gone, world = frozenset(labels), template.world
    kept = {world.phones.get(label) for label in CUSTOMERS if label not in gone}
    found = {**world.canaries.words, **world.canaries.texts}
    return [
        text.lower()
        for text, canary in found.items()
        if canary.customers
        and canary.customers <= gone
        and text not in kept
        and not canary.place.startswith(STAYING)
    ]


@pytest.mark.parametrize("plugins", [True, False], ids=["plugins on", "plugins off"])
async def test_g5_over_all_plugins(
    template: Template,
    copied: Callable[[str], tuple[str, Path]],
    plugins: bool,
    record_property: Any,
) -> None:
    url, home = copied("world")
    wanted = theirs(template, GONE)
    before = await left_in_tables(url, wanted)
    tables = {each.split(":")[0] for each in before}
    assert len(tables) > 15
    assert any(table.startswith("sales_pipeline") for table in tables)
    async with await House.open(settings(url, home, plugins=plugins)) as house:
        ids = [template.world.customers[label] for label in GONE]
        await house.seals.seal()
        batch = await house.erasing.erase_many(ids, by="system", reason=WHY)
        assert (len(batch.erased), batch.refused) == (len(GONE), [])
        assert (await house.audit.check()).sound
    left = await left_in_tables(url, wanted)
    assert left == []
    assert left_in_files(home, wanted) == []
    record_property("words", len(wanted))
