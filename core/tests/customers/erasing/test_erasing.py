"""G5: after erasing, nothing is left of the subjects, and everything of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.tests.customers.erasing.subjects import (
    BY,
    Stage,
    left_in_files,
    left_in_tables,
    spellings_of,
)
from relatum.app.house import House

WHY = "yêu cầu của chủ thể dữ liệu"


@pytest.fixture
async def stage(core_house: House) -> Stage:
    stage = Stage(core_house, 20)
    await stage.build()
    return stage


async def test_nothing_is_left(stage: Stage, relatum_database_url: str, tmp_path: Path) -> None:
    wanted = spellings_of(stage.subjects)
    before = await left_in_tables(relatum_database_url, wanted)
    assert len(before) > 20 * 10  # the search finds what is there
    await stage.house.seals.seal()
    batch = await stage.house.erasing.erase_many(stage.ids, by=BY, reason=WHY)
    assert len(batch.erased) == 20
    assert batch.refused == []
    assert await left_in_tables(relatum_database_url, wanted) == []
    assert left_in_files(tmp_path, wanted) == []
    check = await stage.house.audit.check()
    assert check.sound
    assert check.redacted > 20
