"""Work that must not be left half done: beginning and ending transactions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def finished(
    work: Awaitable[T],
) -> tuple[asyncio.Future[T], asyncio.CancelledError | None]:
    """Wait for ``work`` to end, however often the caller is cancelled meanwhile.

    Returns:
        The work, ended one way or the other, and the last cancellation that came meanwhile; the
        caller raises it once everything is in order.
    """
    future = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError as error:
            cancelled = error
    return future, cancelled


async def to_end(work: Awaitable[T]) -> T:
    """The result of ``work``; a cancelled caller waits for its end and is cancelled then."""
    future, cancelled = await finished(work)
    if cancelled is not None:
        if not future.cancelled():
            future.exception()  # seen: nobody else will ask for it
        raise cancelled
    return future.result()
