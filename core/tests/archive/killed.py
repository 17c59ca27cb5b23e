"""A process that archives, restores and drops, and kills itself at a chosen moment.

``python killed.py <home> <database> <moment>``: moments are counted at every statement that writes,
every beginning and end of a transaction, and every touch of a file. It prints how many there are
when it comes to its end alive.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import itertools
import os
import signal
import sys
from pathlib import Path
from typing import Any

from relatum.app.house import House
from relatum.archive import files, leaving
from relatum.config.settings import Settings
from relatum.db.database import Database

counted = itertools.count(1)


def moment() -> None:
    """One more; the chosen one is the last."""
    if next(counted) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)


def watched(owner: Any, name: str) -> None:
    """Count a moment before and after every call."""
    method = getattr(owner, name)

    @functools.wraps(method)
    def before_and_after(*args: Any, **kwargs: Any) -> Any:
        moment()
        answer = method(*args, **kwargs)
        moment()
        return answer

    @functools.wraps(method)
    async def around(*args: Any, **kwargs: Any) -> Any:
        moment()
        answer = await method(*args, **kwargs)
        moment()
        return answer

    setattr(owner, name, around if inspect.iscoroutinefunction(method) else before_and_after)


async def main() -> None:
    home, database, _ = sys.argv[1:]
    settings = Settings(home=Path(home), database=database, safe_mode=True, durability="normal")
    leaving.PIECE = 10
    async with await House.open(settings) as house:
        for name in ("execute", "insert", "execute_many"):
            watched(Database, name)
        engine = type(house.db.engine.transaction())
        watched(engine, "__aenter__")
        watched(engine, "__aexit__")
        for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink")):
            watched(owner, name)
        watched(files.Draft, "add")
        await house.archive.run(until="2025-02")
        for entry in await house.archive.files():
            await house.archive.restore(entry.kind, entry.month)
        for entry in await house.archive.files():
            await house.archive.drop(entry.kind, entry.month)
    sys.stdout.write(f"{next(counted) - 1}\n")


asyncio.run(main())
