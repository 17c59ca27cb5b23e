"""The plugin as it is loaded in the house of the SDK."""

from __future__ import annotations

import pytest

from relatum.api import Plugin
from relatum.app.house import House


@pytest.fixture
def plugin(house: House) -> Plugin:
    assert house.gate.is_on("data_quality"), house.plugins.states()
    return house.registry.plugins["data_quality"]
