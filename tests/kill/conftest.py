"""Towns whose processes are killed, and a server of PostgreSQL that may be killed too."""

from __future__ import annotations

import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from relatum_sdk.databases import Databases
from tests.kill.cluster import Cluster, server_programs
from tests.kill.receiver import Receiver
from tests.kill.storm import Town

Build = Callable[..., Awaitable[Town]]


@pytest.fixture
def chance() -> random.Random:
    """Other moments in every run; the seed is printed when a test fails."""
    seed = random.SystemRandom().randrange(2**32)
    sys.stdout.write(f"seed of the moments: {seed}\n")
    return random.Random(seed)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    if server_programs() is None:
        pytest.skip("PostgreSQL's initdb is not installed: its server cannot be killed")
    with Cluster() as started:
        yield started


@pytest.fixture
def address(request: pytest.FixtureRequest) -> str:
    """For ``server`` a new database of a server that may be killed; empty for a file."""
    if request.param == "embedded":
        return ""
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.make_database()


@pytest.fixture
async def build(tmp_path: Path, _relatum_sqlite: Databases) -> AsyncIterator[Build]:
    """Makes towns on an address; without one, on a file of their own."""
    with ExitStack() as stack:
        made = 0

        async def make(url: str = "", *, stalls: float = 0.02, **options: Any) -> Town:
            nonlocal made
            made += 1
            receiver = stack.enter_context(Receiver(stalls=stalls))
            url = url or _relatum_sqlite.migrated()
            town = Town(tmp_path / str(made), url, receiver, **options)
            stack.callback(town.end)
            await town.prepare()
            return town

        yield make
