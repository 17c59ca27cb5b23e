"""Every route is found, and one that the matrix has no case for is told."""

from __future__ import annotations

import pytest
from litestar import Litestar, Router, get, post
from litestar.params import FromPath

from relatum.app.asgi import create_app
from relatum.app.house import House
from tests.security.addresses import Address, addresses, without_case
from tests.structure.repository import report


@pytest.mark.parametrize("relatum_database_kind", ["sqlite"], indirect=True)
async def test_routes_of_core_and_plugins_are_found(house: House) -> None:
    found = {str(each): each for each in addresses(create_app(house))}
    assert len(found) > 60
    listed = found["GET /api/v1/customers"]
    assert (listed.permission, listed.page) == ("core.customers.read", False)
    assert {"q", "phone", "field.<key>", "cursor"} <= set(listed.query)
    assert found["PATCH /api/v1/plugins/sales_pipeline/deals/{deal_id}"].parameters == ["deal_id"]
    assert found["GET /"].page
    timeline = found["GET /api/v1/customers/{customer_id}/timeline"]
    assert "customer_id" not in timeline.query
    assert timeline.filled({"customer_id": "x"}) == "/api/v1/customers/x/timeline"


def test_a_route_that_came_later_is_told() -> None:
    @get("/new/{thing_id:str}", opt={"permission": "core.things.read"})
    async def read_thing(thing_id: FromPath[str]) -> None: ...

    @post("/new", opt={"permission": "core.things.write"})
    async def make_thing() -> None: ...

    app = Litestar([Router("/api", route_handlers=[read_thing, make_thing])], openapi_config=None)
    found = addresses(app)
    assert [str(each) for each in found] == ["POST /api/new", "GET /api/new/{thing_id}"]
    told = report(without_case(found, parameters=[("/api/old", "thing_id")], bodies=[]))
    assert told.splitlines() == [
        "POST /api/new: has no body in cases.py",
        "GET /api/new/{thing_id}: has no values for {thing_id} in cases.py",
    ]
    cases = {"parameters": [("/api/new", "thing_id")], "bodies": [("POST", "/api/new")]}
    assert not without_case(found, **cases)


def test_an_address_without_parameters_needs_no_values() -> None:
    plain = Address("GET", "/api/v1/customers", "core.customers.read")
    assert not without_case([plain], parameters=[], bodies=[])
