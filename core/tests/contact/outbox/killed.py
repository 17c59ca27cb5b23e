"""A process that sends what is due, and ends itself at a chosen moment.

``killed.py HOME URL MOMENT IDEMPOTENT``: SIGKILL before that hop to the writer of the database or
that word with the provider, whichever comes first; 0 is never. It says how many moments there were,
and which of them lay between the answer of the provider and its note.
The provider is a file that takes a line for each message, on disk when it has answered.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.tests.contact.outbox.world import post_office
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.contact.outbox.types import Parcel


class Moments:
    """Counts, and kills the process at one of them."""

    def __init__(self, last: int) -> None:
        self.reached = 0
        self._last = last

    def pass_one(self) -> None:
        self.reached += 1
        if self.reached == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, way: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.pass_one()
            return way(*args, **kwargs)

        return counted


async def main(home: Path, url: str, last: int, idempotent: bool) -> None:
    settings = Settings(home=home, database=url, safe_mode=True, durability="normal")
    moments = Moments(last)
    gaps: list[int] = []
    async with await House.open(settings) as house:
        office = post_office(house, idempotent=idempotent, batch=2)
        provider = home / "provider"

        def answer(parcel: Parcel) -> str:
            moments.pass_one()
            with provider.open("a", encoding="utf-8") as file:
                file.write(f"{parcel.key}\n")
            moments.pass_one()
            gaps.append(moments.reached)
            return "sent"

        office.answer = answer
        writer: Any = house.db.engine.writer  # type: ignore[union-attr]
        for way in ("run", "run_to_end", "start"):
            setattr(writer, way, moments.around(getattr(writer, way)))
        await house.worker.drain()
    sys.stdout.write(" ".join(map(str, [moments.reached, *gaps])))


def arguments(given: Sequence[str]) -> tuple[Path, str, int, bool]:
    home, url, last, idempotent = given
    return Path(home), url, int(last), idempotent == "True"


if __name__ == "__main__":
    asyncio.run(main(*arguments(sys.argv[1:])))
