"""A house on which laws are tried, one small world after the other."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from hypothesis import HealthCheck
from hypothesis import strategies as st

from core.tests.customers.merging.laws import Act, check_case
from core.tests.customers.merging.world import World
from relatum.app.house import House
from relatum.config.settings import Settings

NUMBERS = st.integers(0, 30)
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["merge", "merge", "merge", "undo", "note", "rename"]), NUMBERS, NUMBERS
    ),
    min_size=1,
    max_size=7,
)
SEEDS = st.integers(0, 2**32)


class Stage:
    """A house in a loop of its own: Hypothesis calls functions that are not coroutines."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.done: Counter[str] = Counter()

    def open(self) -> None:
        self._thread.start()
        self.house = self.run(House.open(self._settings))
        self.run(World.build(self.house))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def check(self, seed: int, acts: list[Act]) -> None:
        self.done += self.run(check_case(self.house, seed, acts))

    def close(self) -> None:
        self.run(self.house.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


QUIETLY = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
