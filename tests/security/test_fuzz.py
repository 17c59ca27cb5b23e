"""Hostile input everywhere: never a 5xx, no word of the inside, nothing run, nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.security.fuzzing import (
    Quarry,
    choose,
    form_fuzz,
    plans,
    quarry,
    schema_fuzz,
    shoot,
    shots,
)
from tests.security.hostile_files import file_fuzz
from tests.security.ownership import tables
from tests.security.payloads import ALL
from tests.security.site import Template

FEW, MANY = 250, 10_000


@pytest.fixture
def hunted(template: Template, copied: Callable[[str], tuple[str, Path]]) -> Iterator[Quarry]:
    with quarry(*copied("hunted"), template) as opened:
        yield opened


counts = pytest.mark.parametrize(
    "count", [FEW, pytest.param(MANY, marks=pytest.mark.thorough, id="many")]
)


@counts
def test_ac_sec_03_every_input_with_hostile_texts(hunted: Quarry, count: int) -> None:
    before = hunted.run(tables(hunted.site.house.db))
    every = shots(hunted.run(plans(hunted.site)), ALL)
    shoot(hunted, choose(every, count, seed=20_261_122))
    assert not hunted.tally.wrongs, hunted.tally.report()
    assert hunted.tally.requests > count * 0.9
    assert hunted.run(tables(hunted.site.house.db)) == before


@counts
def test_the_openapi_document(hunted: Quarry, count: int) -> None:
    schema_fuzz(hunted, count, seed=20_261_122)
    assert not hunted.tally.wrongs, hunted.tally.report()
    assert hunted.tally.requests > count * 0.5
    operations = [each for each in hunted.site.addresses if not each.page]
    assert len(hunted.tally.addresses) >= len(operations) * 0.8


@counts
def test_forms(hunted: Quarry, count: int) -> None:
    form_fuzz(hunted, count, seed=20_261_122)
    assert not hunted.tally.wrongs, hunted.tally.report()
    assert hunted.tally.requests > count * 0.5


@counts
def test_files(hunted: Quarry, count: int) -> None:
    file_fuzz(hunted, count // 3, seed=20_261_122)
    assert not hunted.tally.wrongs, hunted.tally.report()
    assert hunted.tally.requests >= count // 3
