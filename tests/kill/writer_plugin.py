"""The plugin of the kill tests: counts the interactions of every customer, from the log.

Its text is installed as ``plugin.py`` of a made-up distribution; the test creates its table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from relatum.api import Event, Handler, Plugin, hookimpl


@hookimpl
def relatum_register_handlers(plugin: Plugin) -> list[Handler]:
    return [
        Handler(
            id="kill_count.counter",
            events=("core.interaction_recorded",),
            handle=count,
            reset=forget,
            batch=50,
        )
    ]


async def count(plugin: Plugin, events: Sequence[Event]) -> None:
    counted = Counter(str(event.customer) for event in events)
    for customer, n in sorted(counted.items()):
        await plugin.house.db.execute(
            "INSERT INTO kill_count_customer (customer_id, n) VALUES (?, ?) "
            "ON CONFLICT (customer_id) DO UPDATE SET n = kill_count_customer.n + excluded.n",
            customer,
            n,
        )


async def forget(plugin: Plugin) -> None:
    await plugin.house.db.execute("DELETE FROM kill_count_customer")
