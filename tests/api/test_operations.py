"""Health, readiness, plugins, handlers, jobs, reports."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from relatum.app.house import House
from relatum.events.types import Event
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import Handler, Report
from relatum.values.problems import InvalidInput
from relatum.values.text import Text
from tests.api.conftest import Api


async def test_health_asks_nobody(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any) -> None:
        raise sqlite3.OperationalError("no")

    monkeypatch.setattr(api.house.db, "fetch_one", nothing)
    answer = await api.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_ready_when_everything_is_there(api: Api) -> None:
    answer = await api.get("/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")


async def test_not_ready_without_a_database(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: Any) -> None:
        raise ConnectionRefusedError("secret host")

    monkeypatch.setattr(api.house.db, "fetch_one", away)
    answer = await api.client.get("/ready")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.json()["status"] == "not ready"
    assert "secret" not in answer.text


async def test_not_ready_before_migrations(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    class Step:
        app = "spa"

    async def pending(_: House) -> Sequence[Any]:
        return [Step(), Step()]

    monkeypatch.setattr(House, "core_pending", pending)
    answer = await api.client.get("/ready")
    assert answer.status_code == 503
    assert "2 migrations" in answer.json()["reasons"][0]
    assert "spa" in answer.json()["reasons"][0]


async def test_a_database_that_is_away_is_a_503(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: Any, **__: Any) -> None:
        raise ConnectionResetError("secret")

    monkeypatch.setattr(api.house.customers, "find", away)
    answer = await api.get("/customers")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "secret" not in answer.text


class Year(msgspec.Struct):
    year: int
    team: str = ""


class Total(msgspec.Struct):
    year: int
    total: int


def report(id: str, run: Any, params: type[msgspec.Struct] | None = None) -> Report:
    return Report(
        id=id, title=Text(en="Total", vi="Tổng"), permission="core.x.read", run=run, params=params
    )


async def test_reports(api: Api) -> None:
    async def run(plugin: Plugin, params: Year) -> Total:
        return Total(params.year, len(params.team))

    async def fails(plugin: Plugin, params: None) -> Total:
        raise ZeroDivisionError("secret")

    async def refuses(plugin: Plugin, params: None) -> Total:
        raise InvalidInput("expected data, got none")

    shelf = api.house.registry.reports
    for each in (
        report("core.total", run, Year),
        report("core.fails", fails),
        report("core.refuses", refuses),
    ):
        shelf.put(each)
    listed = {item["id"]: item for item in (await api.get("/reports")).json()["items"]}
    assert listed["core.total"]["parameters"] == ["year", "team"]
    assert listed["core.total"]["title"] == {"en": "Total", "vi": "Tổng"}
    good = await api.get("/reports/core.total?year=2017&team=abc")
    assert (good.status_code, good.json()) == (200, {"year": 2017, "total": 3})
    for query, status in (("", 422), ("?year=x", 422), ("?yaer=2017", 400)):
        assert (await api.get(f"/reports/core.total{query}")).status_code == status
    assert (await api.get("/reports/core.fails?year=1")).status_code == 400
    failed = await api.get("/reports/core.fails")
    assert (failed.status_code, failed.json()["code"]) == (500, "plugin-error")
    assert "core.fails" in failed.json()["detail"]
    assert "secret" not in failed.text
    assert (await api.get("/reports/core.refuses")).status_code == 422
    unknown = await api.get("/reports/core.nothing")
    assert unknown.status_code == 404
    assert "core.total" in unknown.json()["detail"]


async def test_handlers(api: Api) -> None:
    async def handle(plugin: Plugin, events: Sequence[Event]) -> None:
        raise ValueError("not today")

    api.house.registry.handlers.put(
        Handler(id="core.sample", events=("core.customer_created",), handle=handle)
    )
    await api.house.handlers.run_once()
    await api.customer()
    assert (await api.get("/handlers")).json()["items"][0]["lag"] == 1
    await api.house.handlers.run_once()
    (status,) = (await api.get("/handlers")).json()["items"]
    assert (status["id"], status["lag"], status["waiting"]) == ("core.sample", 0, 1)
    assert "not today" in status["error"]
    retried = await api.post("/handlers/core.sample/retry")
    assert (retried.status_code, retried.json()) == (200, {"handled": 0})
    for path in ("retry", "replay"):
        assert (await api.post(f"/handlers/core.nothing/{path}")).status_code == 404
    one = await api.get("/handlers/core.sample")
    assert (one.status_code, one.json()["waiting"]) == (200, 1)
    assert (await api.get("/handlers/core.nothing")).status_code == 404
    cannot = await api.post("/handlers/core.sample/replay")
    assert (cannot.status_code, "reset" in cannot.json()["detail"]) == (404, True)


async def test_a_handler_is_paused_resumed_and_replayed(api: Api) -> None:
    seen: list[int] = []

    async def handle(plugin: Plugin, events: Sequence[Event]) -> None:
        seen.extend(event.seq for event in events)

    async def reset(plugin: Plugin) -> None:
        seen.clear()

    types = ("core.customer_created",)
    api.house.registry.handlers.put(
        Handler(id="core.sample", events=types, handle=handle, reset=reset)
    )
    await api.customer()
    await api.house.handlers.run_once()
    paused = await api.post("/handlers/core.sample/pause")
    assert (paused.status_code, paused.json()["paused"]) == (200, True)
    await api.customer()
    await api.house.handlers.run_once()
    assert len(seen) == 1
    resumed = await api.post("/handlers/core.sample/resume")
    assert (resumed.json()["paused"], resumed.json()["lag"]) == (False, 1)
    replayed = await api.post("/handlers/core.sample/replay")
    assert (replayed.status_code, replayed.json()["replay"]["of"]) == (202, 2)
    assert (seen, replayed.json()["lag"]) == ([], 2)
    await api.house.handlers.run_once()
    assert len(seen) == 2
    assert (await api.get("/handlers/core.sample")).json()["replay"] is None
    for path in ("pause", "resume"):
        assert (await api.post(f"/handlers/core.nothing/{path}")).status_code == 404


async def test_lists_that_are_empty(api: Api) -> None:
    for path in ("/runs", "/handlers", "/imports", "/reports"):
        answer = (await api.get(path)).json()
        assert answer.get("next") is None
        assert answer["items"] == []


async def test_plugins_that_are_installed_are_listed(api: Api) -> None:
    """Safe mode runs none of them, and says so."""
    for plugin in (await api.get("/plugins")).json()["items"]:
        assert plugin["version"]
        assert plugin["state"] == "disabled"
        asked = await api.get(f"/plugins/{plugin['id']}/anything")
        assert asked.status_code == 404
        assert "switched off" in asked.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/customers/01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e/nothing",
        "/plugins/nobody",
        "/plugins/nobody/x/y",
    ],
)
async def test_addresses_that_do_not_exist(api: Api, path: str) -> None:
    answer = await api.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_no_route_takes_parameters_it_does_not_know(api: Api) -> None:
    document = (await api.get("/schema/openapi.json")).json()
    asked = 0
    for path, item in document["paths"].items():
        if "get" in item and not path.startswith(("/health", "/ready")):
            filled = path.replace("{", "").replace("}", "")
            answer = await api.get(f"{filled}?never_heard_of=1")
            assert answer.status_code in (400, 404), path
            asked += 1
    assert asked > 10
