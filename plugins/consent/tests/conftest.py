"""The plugin as it is loaded in the house of the SDK, and somebody to ask."""

from __future__ import annotations

from uuid import UUID

import pytest

from relatum.api import ContactPointDraft, CustomerDraft, Plugin
from relatum.app.house import House


@pytest.fixture
def plugin(house: House) -> Plugin:
    assert house.gate.is_on("consent"), house.plugins.states()
    return house.registry.plugins["consent"]


@pytest.fixture
async def customer(house: House) -> UUID:
    draft = CustomerDraft(
        display_name="Nguyễn Thị Lan",
        contact_points=[
            ContactPointDraft(kind="phone", raw="0901 234 567"),
            ContactPointDraft(kind="email", raw="lan.nguyen@example.com"),
        ],
    )
    (id,) = await house.customers.create([draft], by="system")
    return id
