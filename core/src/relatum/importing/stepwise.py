"""Records that a target of a plugin hands out, one step of its work after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import msgspec

    from relatum.hooks.context import Plugin


async def stepwise(plugin: Plugin, export: Any) -> AsyncIterator[list[msgspec.Struct]]:
    """The batches of an export. The plugin is at work only while it makes one, not while whoever
    takes it works with it.

    Args:
        export: the asynchronous iterator that the target returned.
    """
    while True:
        async with plugin.at_work():
            records = await anext(export, None)
        if records is None:
            return
        yield records
