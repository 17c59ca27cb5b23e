"""Links and requests in the world: one of each for everybody, in words of their own."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from relatum.app.house import House
from relatum_consent.services.breaches import Breaches
from relatum_consent.services.links import Links
from relatum_consent.services.requests import Requests
from relatum_consent.types import BreachDraft, RequestDraft
from tests.security.canaries import Canaries


async def build_requests(house: House, canaries: Canaries, customers: dict[str, UUID]) -> None:
    """What every customer asks, and their way to the preference page."""
    plugin = house.registry.plugins["consent"]
    for label, id in customers.items():
        await Links(plugin).make(id, by="system")
        words = canaries.word([label], "words of a request")
        draft = RequestDraft(customer=id, kind="correct", words=words)
        await Requests(plugin).receive(draft, by="system")
    found = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    await Breaches(plugin).record(BreachDraft(title="Mất máy", discovered_at=found), by="system")
