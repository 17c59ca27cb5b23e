"""Applications whose routes come in rooms: the same addresses, and nothing shared between them."""

from __future__ import annotations

from typing import Any

from litestar import Litestar, Router, asgi, get, post, put
from litestar.types import Receive, Scope, Send

from relatum.http.registering import Registered, Rooms, read_signatures


@get("/deals", opt={"of": "list"})
async def show() -> str:
    return ""


@post("/deals")
async def add() -> str:
    return ""


@put(["/deals/{key:str}", "/deals"])
async def change() -> str:
    return ""


@asgi("/raw", copy_scope=True)
async def raw(scope: Scope, receive: Receive, send: Send) -> None: ...


HANDLERS: list[Any] = [show, add, change, raw]


class Quick(Litestar):
    @property
    def route_handler_method_map(self) -> Any:
        return Registered(self.routes)


def _addresses(app: Litestar) -> set[tuple[str, str]]:
    found = set()
    for route in app.routes:
        methods = getattr(route, "methods", ["asgi"])
        found |= {(route.path, str(method)) for method in methods}
    return found


def _plain() -> Litestar:
    return Litestar([Router("/api", route_handlers=HANDLERS)], openapi_config=None)


def _quick() -> Litestar:
    read_signatures(HANDLERS)
    return Quick([Rooms(path="/api", route_handlers=HANDLERS)], openapi_config=None)


def test_every_address_and_method_is_there() -> None:
    expected = _addresses(_plain())
    assert ("/api/deals", "PUT") in expected
    assert _addresses(_quick()) == expected


def test_a_map_of_routes_is_that_of_litestar() -> None:
    app = _plain()
    plain = {path: dict(methods) for path, methods in app.route_handler_method_map.items()}
    registered = Registered(app.routes)
    assert dict(registered.items()) == plain
    assert {path: registered.get(path, {}) for path in plain} == plain
    assert registered.get("/api/nothing", "nobody") == "nobody"


def test_two_applications_have_handlers_of_their_own() -> None:
    one, other = _quick(), _quick()
    [mine] = [each for each in one.routes if each.path == "/api/deals"]
    [others] = [each for each in other.routes if each.path == "/api/deals"]
    for handler in mine.route_handlers:  # type: ignore[attr-defined]
        handler.opt["touched"] = True
    assert not any("touched" in each.opt for each in others.route_handlers)  # type: ignore[attr-defined]
    assert "touched" not in show.opt
