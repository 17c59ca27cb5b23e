"""What other plugins may import."""

from __future__ import annotations

from uuid import UUID

from relatum.api import House
from relatum_consent.services.links import Links

__all__ = ["link_for"]


async def link_for(house: House, customer: UUID, *, by: str) -> str:
    """The address of a customer's preference page, for a message to that customer alone.

    Whoever has it can change what the customer agreed to. It begins with ``server.public_url``
    where that is set, else with ``/``.

    Args:
        by: who sends the message, as the event log writes it: ``plugin:<id>``.

    Raises:
        NotFound: there is no such customer.
    """
    plugin = house.registry.plugins["consent"]
    return (await Links(plugin).for_customer(customer, by=by)).address
