"""Opening the house for one command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relatum.app.house import House


def in_house(work: Callable[[House], Awaitable[int]], *, migrated: bool = True) -> int:
    """Open the house that the settings describe, do the work, close it.

    Args:
        migrated: refuse while migrations are pending.

    Raises:
        ConfigurationError: the settings cannot be used.
        Unavailable: the database does not answer, or migrations are pending.
    """
    return asyncio.run(_in_house(work, migrated=migrated))


async def _in_house(work: Callable[[House], Awaitable[int]], *, migrated: bool) -> int:
    from relatum.app.house import House
    from relatum.config.load import load_settings
    from relatum.values.problems import Unavailable

    async with await House.open(load_settings()) as house:
        if migrated and (pending := await house.core_pending()):
            raise Unavailable(
                f"expected a database that is up to date, got one with {len(pending)} migrations "
                "to run; run `relatum migrate --apply` first"
            )
        return await work(house)
