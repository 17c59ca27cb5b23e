"""Routes of plugins: mounted, guarded, replaced, refused, and never at the cost of others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Controller, Request, get, post, websocket
from litestar.connection import WebSocket
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from relatum.app.asgi import Application, create_app
from relatum.app.house import House
from relatum.hooks.context import Plugin
from relatum.http.mounting import Mounting
from relatum.http.permissions import refuse_open_routes
from relatum.values.problems import ConfigurationError, PluginError
from relatum_sdk.people import client_of, make_person, make_token

READ = "spa.rooms.read"
OPT = {"permission": READ}


class Room(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    size: int = 1


@get("/rooms", opt=OPT)
async def rooms(plugin: NamedDependency[Plugin], limit: FromQuery[int] = 5) -> dict[str, Any]:
    """The rooms of the spa."""
    return {"plugin": plugin.id, "limit": limit}


@get("/rooms/{room:str}", opt=OPT)
async def room(room: FromPath[str], request: Request[Any, Any, Any]) -> dict[str, Any]:
    return {"room": room, "query": dict(request.query_params)}


@post("/rooms", opt=OPT)
async def create_room(data: JSONBody[Room]) -> Room:
    return data


@get("/broken", opt=OPT)
async def broken() -> None:
    raise ZeroDivisionError("secret")


@get("/exits", opt=OPT)
async def exits() -> None:
    raise SystemExit(1)


@get("/strange", opt=OPT)
async def strange() -> dict[str, Any]:
    return {"x": object()}


class Offers(Controller):
    path = "/offers"
    opt = OPT

    @get()
    async def all(self) -> list[int]:
        return [1]


ROUTES = [rooms, room, create_room, broken, exits, strange, Offers]


class Spa:
    """An application into which a plugin comes."""

    def __init__(self, house: House, token: str) -> None:
        self.house = house
        self.app: Application = create_app(house)
        self.edge: Any = self.app.asgi_handler.inner.inner  # type: ignore[attr-defined]
        self.mounting = Mounting(self.app, house.gate, self._rebuilt, lambda _: {READ})
        self.client = client_of(self.app, token=token)

    def _rebuilt(self) -> None:
        self.edge.lead_to(self.app._create_asgi_handler())

    def mount(self, routes: Sequence[Any] = ROUTES, plugin_id: str = "spa") -> None:
        self.mounting.mount(Plugin(plugin_id, version="1.2"), routes)
        self.house.gate.set([*self.house.gate.on, plugin_id])

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(f"/api/v1/plugins/spa{path}")


@pytest.fixture
async def spa(core_house: House) -> AsyncIterator[Spa]:
    spa = Spa(core_house, await make_token(core_house, await make_person(core_house)))
    yield spa
    await spa.client.aclose()


async def test_routes_are_there_with_the_plugin(spa: Spa) -> None:
    assert (await spa.get("/rooms")).status_code == 404
    spa.mount()
    assert (await spa.get("/rooms")).json() == {"plugin": "spa", "limit": 5}
    assert (await spa.get("/rooms/blue?x=1")).json() == {"room": "blue", "query": {"x": "1"}}
    assert (await spa.get("/offers")).json() == [1]


async def test_a_plugin_that_is_off_says_so_at_once(spa: Spa) -> None:
    spa.mount()
    spa.house.gate.set([])
    answer = await spa.get("/rooms")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert "switched off" in answer.json()["detail"]
    spa.house.gate.set(["spa"])
    assert (await spa.get("/rooms")).status_code == 200


async def test_unknown_parameters_of_plugins_are_refused(spa: Spa) -> None:
    spa.mount()
    answer = await spa.get("/rooms?limt=1")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown-parameter")
    assert answer.json()["problems"][0]["mend"] == "Did you mean limit?"
    assert (await spa.get("/rooms?limit=9")).json()["limit"] == 9


async def test_bad_input_of_plugins_is_explained_like_ours(spa: Spa) -> None:
    spa.mount()
    answer = await spa.get("/rooms?limit=many")
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["where"] == "limit"
    made = await spa.client.post("/api/v1/plugins/spa/rooms", json={"name": 5, "size": "2", "x": 1})
    assert made.status_code == 422
    assert {problem["where"] for problem in made.json()["problems"]} == {"/name", "/size", "/x"}
    empty = await spa.client.post("/api/v1/plugins/spa/rooms")
    assert empty.status_code in (400, 415, 422)
    assert empty.headers["content-type"] == "application/problem+json"
    good = await spa.client.post("/api/v1/plugins/spa/rooms", json={"name": "blue"})
    assert (good.status_code, good.json()) == (201, {"name": "blue", "size": 1})


@pytest.mark.parametrize("path", ["/broken", "/strange"])
async def test_a_failing_route_names_its_plugin(spa: Spa, path: str) -> None:
    spa.mount()
    answer = await spa.get(path)
    assert (answer.status_code, answer.json()["code"]) == (500, "plugin-error")
    assert "spa 1.2" in answer.json()["detail"]
    assert "secret" not in answer.text
    assert (await spa.client.get("/health")).status_code == 200


async def test_a_route_that_exits_does_not_take_the_house_along(spa: Spa) -> None:
    spa.mount()
    assert (await spa.get("/exits")).status_code == 500
    assert (await spa.client.get("/health")).status_code == 200


@get("/open")
async def without_permission() -> None: ...


@websocket("/socket")
async def open_socket(socket: WebSocket[Any, Any, Any]) -> None: ...


@get("/other", opt=OPT)
async def other() -> dict[str, str]:
    return {"version": "new"}


@get("/health", opt=OPT)
async def taken() -> None: ...


@get("/undeclared", opt={"permission": "spa.rooms.paint"})
async def undeclared() -> None: ...


@get("/foreign", opt={"permission": "other.rooms.read"})
async def foreign() -> None: ...


@pytest.mark.parametrize("route", [without_permission, open_socket, undeclared, foreign])
async def test_routes_that_cannot_be_mounted_leave_no_trace(spa: Spa, route: Any) -> None:
    spa.mount([rooms], "other")
    with pytest.raises(PluginError, match=r"spa 1\.2"):
        spa.mount([rooms, route])
    assert (await spa.get("/rooms")).status_code == 404
    assert (await spa.client.get("/api/v1/plugins/other/rooms")).status_code == 200
    assert (await spa.client.get("/api/v1/customers")).status_code == 200
    spa.mount([rooms])
    assert (await spa.get("/rooms")).status_code == 200


async def test_routes_can_be_replaced(spa: Spa) -> None:
    spa.mount()
    document = (await spa.client.get("/schema")).json()
    assert "/api/v1/plugins/spa/rooms" in document["paths"]
    spa.mount([other])
    assert (await spa.get("/other")).json() == {"version": "new"}
    assert (await spa.get("/rooms")).status_code == 404
    document = (await spa.client.get("/schema")).json()
    assert "/api/v1/plugins/spa/rooms" not in document["paths"]
    assert "/api/v1/plugins/spa/other" in document["paths"]
    assert "/api/v1/customers" in document["paths"]


async def test_the_description_knows_plugins(spa: Spa) -> None:
    spa.mount()
    document = (await spa.client.get("/schema/openapi.json")).json()
    operation = document["paths"]["/api/v1/plugins/spa/rooms"]["get"]
    assert operation["tags"] == ["spa"]
    assert operation["operationId"] == "spa.rooms"
    assert operation["x-permission"] == "spa.rooms.read"
    assert operation["summary"] == "The rooms of the spa."
    assert [each["name"] for each in operation["parameters"]] == ["limit"]


async def test_a_plugin_that_cannot_be_described_does_not_hide_the_others(
    spa: Spa, caplog: pytest.LogCaptureFixture
) -> None:
    @get("/strange", opt=OPT, responses={418: 5})  # type: ignore[dict-item]
    async def broken() -> dict[str, str]:
        return {}

    spa.mount([broken], "aaa")
    spa.mount([rooms], "spa")
    document = (await spa.client.get("/schema")).json()
    assert "/api/v1/plugins/spa/rooms" in document["paths"]
    assert "/api/v1/plugins/aaa/strange" not in document["paths"]
    assert "/api/v1/customers" in document["paths"]
    assert "the routes of aaa cannot be described" in caplog.text


async def test_an_application_with_an_open_route_is_refused(core_house: House) -> None:
    app = create_app(core_house)
    app.register(without_permission)
    with pytest.raises(ConfigurationError, match="GET /open"):
        refuse_open_routes(app.routes, core_house.registry.permissions.ids())


async def test_an_application_with_an_undeclared_permission_is_refused(core_house: House) -> None:
    app = create_app(core_house)
    declared = core_house.registry.permissions.ids()
    refuse_open_routes(app.routes, declared)
    app.register(other)
    with pytest.raises(ConfigurationError, match=r"GET /other \('spa\.rooms\.read'\)"):
        refuse_open_routes(app.routes, declared)
    refuse_open_routes(app.routes, [*declared, READ])
