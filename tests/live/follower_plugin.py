"""The plugin of these tests: writes down every interaction it hears of, in four shards.

Its text is installed as ``plugin.py`` of a made-up distribution; the test creates its table.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from relatum.api import Event, Handler, Plugin, hookimpl


@hookimpl
def relatum_register_handlers(plugin: Plugin) -> list[Handler]:
    return [
        Handler(
            id="follow_along.writer",
            events=("core.interaction_recorded",),
            handle=write,
            reset=forget,
            batch=20,
            shards=4,
        )
    ]


async def write(plugin: Plugin, events: Sequence[Event]) -> None:
    await plugin.house.db.insert(
        "follow_along_seen",
        ("seq", "customer_id", "process"),
        [(event.seq, event.customer, os.getpid()) for event in events],
    )


async def forget(plugin: Plugin) -> None:
    await plugin.house.db.execute("DELETE FROM follow_along_seen")
