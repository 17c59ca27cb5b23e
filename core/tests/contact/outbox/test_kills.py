"""A process that is killed while it sends: no message goes out twice, and none is forgotten.

The moments are those before each statement and commit, and before and after each word with the
provider. Started again, the process leaves every message sent, or says that nobody knows.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from core.tests.contact.outbox.world import Clock, contact_of, draft, people
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.contact.outbox.types import MessageQuery
from relatum_sdk.databases import Databases

MESSAGES = 5
ROOT = Path(__file__).parents[4]


def url_of(home: Path) -> str:
    return f"sqlite:///{home / 'relatum.sqlite3'}"


def settings_of(home: Path) -> Settings:
    return Settings(home=home, database=url_of(home), safe_mode=True, durability="normal")


@pytest.fixture
async def first(tmp_path: Path, _relatum_sqlite: Databases) -> Path:
    """A house in which five messages wait."""
    home = tmp_path / "first"
    home.mkdir()
    file = Path(_relatum_sqlite.migrated().removeprefix("sqlite:///"))
    shutil.copyfile(file, home / "relatum.sqlite3")
    async with await House.open(settings_of(home)) as house:
        contact = contact_of(house, Clock(None))
        ids = await people(house, contact, MESSAGES)
        await contact.outbox.send([draft(id) for id in ids], by="test")
    return home


async def run(home: Path, moment: int, idempotent: bool) -> list[int]:
    """How many moments there were, and those after an answer; nothing when it was killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "core.tests.contact.outbox.killed"),
        *(str(home), url_of(home), str(moment), str(idempotent)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert process.returncode in {0, -signal.SIGKILL}, errors.decode()
    return [] if process.returncode else [int(each) for each in out.split()]


async def come_back(home: Path) -> None:
    """Let what the killed process had in hand be free: its run, and what it was sending."""
    async with await House.open(settings_of(home)) as house:
        long_ago = "2020-01-01 00:00:00+00:00"
        await house.db.execute("UPDATE core_queue SET heartbeat = ?", long_ago)
        await house.db.execute(
            "UPDATE core_message SET started_at = ? WHERE state = 'sending'", long_ago
        )
        await house.db.execute("UPDATE core_queue SET execute_after = ?", long_ago)


async def states(home: Path) -> Counter[str]:
    async with await House.open(settings_of(home)) as house:
        found = await house.contact.outbox.find(MessageQuery())
        return Counter(each.state for each in found.items)


def received(home: Path) -> Counter[str]:
    file = home / "provider"
    return Counter(file.read_text(encoding="utf-8").split() if file.exists() else [])


@pytest.mark.long
@pytest.mark.parametrize("idempotent", [False, True])
async def test_a_kill_sends_nothing_twice_and_forgets_nothing(
    first: Path, tmp_path: Path, idempotent: bool
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(first, whole)
    moments, *gaps = await run(whole, 0, idempotent)
    assert await states(whole) == {"sent": MESSAGES}
    assert sorted(received(whole).values()) == [1] * MESSAGES
    chance = random.Random(20_261_122)
    uncertain = repeated = 0
    for moment in {chance.choice(gaps), *chance.sample(range(1, moments + 1), 2)}:
        home = tmp_path / f"try{moment}"
        shutil.copytree(first, home)
        assert await run(home, moment, idempotent) == [], "it was to be killed"
        for _ in range(2):
            await come_back(home)
            await run(home, 0, idempotent)
        left, got = await states(home), received(home)
        assert sum(left.values()) == MESSAGES
        assert set(left) <= {"sent", "uncertain"}, f"killed at moment {moment}: {left}"
        if idempotent:
            assert left == {"sent": MESSAGES}
            assert len(got) == MESSAGES, "each arrived, under one key"
            repeated += sum(count - 1 for count in got.values())
        else:
            assert max(got.values()) == 1, f"killed at moment {moment}: sent twice"
            assert len(got) >= left["sent"]
        uncertain += left["uncertain"]
    assert (repeated if idempotent else uncertain) > 0, "a kill in the gap is the case"
