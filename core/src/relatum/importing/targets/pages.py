"""Reading a filtered list to its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from relatum.db.pages import Page

Q = TypeVar("Q", bound=msgspec.Struct)
T = TypeVar("T")

MOST_AT_ONCE = 200


async def pages_of(find: Callable[[Q], Awaitable[Page[T]]], query: Q) -> AsyncIterator[list[T]]:
    """The items of every page, page by page.

    Args:
        find: a list of the house.
        query: with fields ``limit`` and ``cursor``, which are set here.
    """
    cursor = None
    while True:
        page = await find(msgspec.structs.replace(query, limit=MOST_AT_ONCE, cursor=cursor))
        yield page.items
        if page.next is None:
            return
        cursor = page.next
