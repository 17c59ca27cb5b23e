"""The whole application on a fresh, migrated database of each kind, and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from relatum.app.asgi import Application, create_app
from relatum.app.house import House
from relatum.config.settings import Company, Limits, Server, Settings
from relatum_sdk.people import client_of, make_person, make_token

MOST_BYTES = 12 * 1024 * 1024
ROOTS = ("/api/", "/schema", "/static", "/health", "/ready", "/metrics")
NO_LIMITS = Limits(token=0, account=0, address=0, sign_in=0)


class Api:
    """Requests of an owner to the application; every failure is checked to be a problem."""

    def __init__(
        self, house: House, client: httpx.AsyncClient, app: Application | None = None
    ) -> None:
        self.house = house
        self.app = app
        self.client = client

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        root = path == "/" or path.startswith(ROOTS)
        answer = await self.client.request(method, path if root else f"/api/v1{path}", **options)
        assert_problem(answer)
        return answer

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.ask("POST", path, json=json, **options)

    async def patch(self, path: str, json: Any, **options: Any) -> httpx.Response:
        return await self.ask("PATCH", path, json=json, **options)

    async def customer(self, name: str = "Nguyễn Thị Hoa", **more: Any) -> dict[str, Any]:
        """A new customer, as the answer shows it."""
        answer = await self.post("/customers", {"display_name": name, **more})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def names(self, query: str = "") -> list[str]:
        """Names of the customers of one page."""
        answer = await self.get(f"/customers{query}")
        assert answer.status_code == 200, answer.text
        return [item["display_name"] for item in answer.json()["items"]]


def assert_problem(answer: httpx.Response) -> None:
    """Every failure is a problem document that says what, where and which request."""
    assert answer.headers["x-request-id"]
    if answer.status_code < 400:
        return
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    if answer.request.method == "HEAD":
        return
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["request_id"] == answer.headers["x-request-id"]
    assert {"type", "title", "detail", "code", "instance"} <= document.keys()
    for problem in document.get("problems", ()):
        assert problem["code"]
        assert problem["message"]
    for leak in ("Traceback", "SELECT ", "INSERT ", "site-packages"):
        assert leak not in answer.text


@pytest.fixture
async def api(relatum_database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    settings = Settings(
        home=tmp_path,
        database=relatum_database_url,
        durability="normal",
        safe_mode=True,
        server=Server(max_body_bytes=MOST_BYTES),
        limits=NO_LIMITS,
        company=Company(name="Công ty Sao Mai"),
    )
    async with await House.open(settings) as house:
        owner = await make_person(house)
        token = await make_token(house, owner)
        app = create_app(house)
        async with client_of(app, account=owner, token=token) as client:
            yield Api(house, client, app)
