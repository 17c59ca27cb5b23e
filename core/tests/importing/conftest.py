"""A house of core with what an import needs, plans and files written in place."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from relatum.app.house import House
from relatum.importing.plan import Plan, parse_plan

DATA = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture
def data() -> Path:
    """The folder of real data; tests that need it say so where it is missing."""
    if not DATA.is_dir():
        pytest.skip(f"the data folder {DATA} is not here")
    return DATA


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file into the folder of the import and return the folder."""
    folder = tmp_path / "files"
    folder.mkdir()

    def write(name: str, content: str | bytes) -> Path:
        raw = textwrap.dedent(content).encode() if isinstance(content, str) else content
        (folder / name).write_bytes(raw)
        return folder

    return write


CUSTOMERS = """
name = "shop"
[[files]]
path = "customers.csv"
target = "core.customers"
[files.columns]
external_id = "id"
display_name = "name"
phone = "phone"
email = "email"
"""


@pytest.fixture
def customers_plan() -> Plan:
    return parse_plan(CUSTOMERS)


async def names(house: House) -> list[str]:
    """The names of all customers, in order."""
    return sorted(
        [customer.display_name async for b in house.customers.all_batches() for customer in b]
    )
