"""One process that does what is ready in the queue, and ends itself at a chosen moment."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from relatum.app.house import House
from relatum.config.settings import Plugins, Settings
from relatum.db.embedded import EmbeddedEngine

#: so that the job of retention has something to do
RULES = Plugins(
    plugin_settings={"consent": {"retention": [{"id": "idle", "idle_days": 400, "mode": "erase"}]}}
)


def work(home: str, url: str, last: int, said: Any) -> None:
    """Do all that is ready; SIGKILL before hop ``last`` to the writer of the database (each is the
    begin of a transaction, a statement or a commit; 0: never). ``said`` is put how many there were.
    """
    asyncio.run(_work(Path(home), url, last, said))


async def _work(home: Path, url: str, last: int, said: Any) -> None:
    settings = Settings(home=home, database=url, durability="normal", plugins=RULES)
    async with await House.open(settings) as house:
        engine = house.db.engine
        assert isinstance(engine, EmbeddedEngine)
        count = Count(last)
        writer: Any = engine.writer
        for way in ("run", "run_to_end", "start"):
            setattr(writer, way, count.around(getattr(writer, way)))
        await house.worker.drain()
        said.put(count.reached)


class Count:
    """Counts hops, and kills the process at one of them."""

    def __init__(self, last: int) -> None:
        self.reached = 0
        self._last = last

    def around(self, way: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.reached += 1
            if self.reached == self._last:
                os.kill(os.getpid(), signal.SIGKILL)
            return way(*args, **kwargs)

        return counted
