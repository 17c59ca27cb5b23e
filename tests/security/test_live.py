"""Live updates: everybody with a stream, everything changes, and each hears of theirs alone."""

from __future__ import annotations

import asyncio
from typing import Any

from relatum.interactions.types import InteractionDraft
from tests.api.test_live import Reader
from tests.security.people import PEOPLE
from tests.security.site import Site

READ, INTERACTIONS = "core.customers.read", "core.interactions.read"


async def test_everybody_hears_of_their_customers_and_of_no_others(site: Site) -> None:
    site.app.live.lasts = 60.0
    readers = {
        name: Reader(site.app, {"authorization": f"Bearer {site.staff.tokens[name]}"})
        for name in PEOPLE
    }
    try:
        refused = {name for name in PEOPLE if not site.holds(name, READ)}
        for name in refused:
            await asyncio.wait_for(readers[name].ended.wait(), 10)
            assert readers[name].status == 403, name
        for name in readers.keys() - refused:
            assert await readers[name].next(30) == ("hello", {})
        await _touch_everything(site)
        heard = {name: await _heard(readers[name]) for name in readers.keys() - refused}
    finally:
        for reader in readers.values():
            await reader.close()
    labels = {str(id): label for label, id in site.world.customers.items()}
    for name, ids in heard.items():
        expected = PEOPLE[name].sees if site.holds(name, INTERACTIONS) else frozenset()
        assert {labels[id] for id in ids} == expected, name
    assert any(heard.values())


async def _touch_everything(site: Site) -> None:
    drafts = [
        InteractionDraft(kind="core.note", customer_id=id, payload={"text": "Đã gọi"})
        for id in site.world.customers.values()
    ]
    await site.house.interactions.record(drafts, by="system")


async def _heard(reader: Reader) -> set[str]:
    """Customers that were named within some seconds, with nothing but the sort of the event."""
    found: set[str] = set()
    while True:
        try:
            kind, data = await reader.next(3 if not found else 1)
        except TimeoutError:
            return found
        assert kind == "changed"
        for each in data["customers"]:
            _plain(each)
            found.add(each["id"])


def _plain(each: dict[str, Any]) -> None:
    assert each.keys() == {"id", "events"}
    assert each["events"] == ["core.interaction_recorded"]
