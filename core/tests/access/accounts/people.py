"""What the tests of accounts share: names, the clock, what was written down."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from relatum.access.accounts.types import Account
from relatum.app.house import House
from relatum.values.time import now

PASSWORD = "ba con mèo đen nhảy múa"
ADDRESS = "192.0.2.7"

Add = Callable[..., Awaitable[Account]]


class Clock:
    """The time, as far as throttling and codes go by it."""

    def __init__(self) -> None:
        self.ahead = dt.timedelta()

    def __call__(self) -> dt.datetime:
        return now() + self.ahead

    def pass_by(self, **time: float) -> None:
        self.ahead += dt.timedelta(**time)


async def events_of(house: House, kind: str) -> list[dict[str, Any]]:
    """The payloads of all events of a kind, in order."""
    rows = await house.db.fetch(
        "SELECT payload FROM core_event WHERE type = ? ORDER BY seq", f"core.access.{kind}"
    )
    return [msgspec.json.decode(payload) for (payload,) in rows]


async def everything_stored(house: House) -> bytes:
    """Every byte that the database keeps, wherever it keeps it."""
    if house.db.kind == "sqlite":
        return await asyncio.to_thread(_files_of, Path(house.db.url.removeprefix("sqlite:///")))
    names = await house.db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    texts = []
    for (name,) in names:
        rows = await house.db.fetch(f'SELECT to_jsonb(t)::text FROM "{name}" t')
        texts += [text for (text,) in rows]
    return "\n".join(texts).encode()


def _files_of(database: Path) -> bytes:
    files = sorted(database.parent.glob(f"{database.name}*"))
    assert database in files
    return b"".join(path.read_bytes() for path in files)
