"""A house of core with what an import needs, plans and files written in place."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relatum.app.house import House
from relatum.customers.changes import draft_of
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


async def _state_of(house: House, *, ids: bool = False) -> dict[str, list[Any]]:
    """Customers, links and interactions.

    Without ``ids``, rows are named by what they say, so that two houses can be compared. Versions
    and the moments of writing are left out.
    """
    names: dict[Any, str] = {}
    customers = []
    async for batch in house.customers.all_batches():
        for customer in batch:
            content = msgspec.to_builtins(draft_of(customer))
            for several in ("contact_points", "roles", "tags"):
                content[several] = sorted(content[several], key=repr)
            names[customer.id] = repr(sorted(customer.external_ids.items()) or content)
            customers.append((str(customer.id) if ids else "", content))
    links = []
    async for batch in house.customers.links.all_batches():
        for link in batch:
            said = (names[link.source], link.kind, names[link.target], link.role)
            links.append((str(link.id) if ids else "", *said))
    interactions = []
    async for batch in house.interactions.all_batches():
        for one in batch:
            said = {name: getattr(one, name) for name in one.__struct_fields__}
            del said["recorded_at"], said["customer_id"]
            said["id"] = str(one.id) if ids else ""
            said["payload"] = msgspec.json.decode(one.payload)
            said["customer"] = names.get(one.customer_id)
            interactions.append(said)
    return {
        "customers": sorted(customers, key=repr),
        "links": sorted(links, key=repr),
        "interactions": sorted(interactions, key=repr),
    }


@pytest.fixture
def state_of() -> Callable[..., Any]:
    """A function from a house to what it knows, as plain data that can be compared."""
    return _state_of
