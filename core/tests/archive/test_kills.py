"""A process that is killed while it archives or restores: no row is lost, none is there twice."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("killed.py")


async def _run(past: Any, moment: int) -> tuple[int, str]:
    settings = past.house.settings
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PROGRAM), str(settings.home), settings.database, str(moment)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    code = process.returncode or 0
    assert code in {0, -signal.SIGKILL}, errors.decode()
    return code, out.decode()


async def _law(past: Any, rounds: int) -> None:
    await past.lived(keys="k:")
    before = await past.everything()
    code, counted = await _run(past, 0)
    assert code == 0
    assert await past.everything() == before
    chance = random.Random(20261122)
    moments = chance.sample(range(1, int(counted)), rounds)
    killed = 0
    for moment in moments:
        # what the last one left is taken up: restored first, then out again, so that it all counts
        for entry in await past.house.archive.files():
            await past.house.archive.restore(entry.kind, entry.month)
        await past.house.db.execute("DELETE FROM core_archive")
        code, _ = await _run(past, moment)
        killed += code != 0
        assert await past.everything() == before, f"killed at moment {moment}"
        await past.sound()
        await past.house.archive.run(until="2025-02")
        states = {entry.state for entry in await past.house.archive.files()}
        assert states <= {"archived", "restoring", "restored"}
        assert await past.everything() == before
        await past.sound()
        assert all([each.result != "changed" async for each in past.house.archive.verify()])
    assert killed > rounds // 2


@pytest.mark.long
async def test_a_kill_loses_nothing(past: Any) -> None:
    await _law(past, 5)


@pytest.mark.thorough
@pytest.mark.timeout(3600)
async def test_a_kill_at_many_moments_loses_nothing(past: Any) -> None:
    await _law(past, 50)
