"""Runs of jobs over HTTP: listing, one, asking, calling off, trying again, letting go."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import msgspec
import pytest

from relatum.app.asgi import create_app
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import Job, Retry
from relatum.jobs.types import Run
from relatum.values.text import Text
from relatum_sdk.people import client_of, make_person, make_token
from tests.api.conftest import Api

NOBODY = "01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e"


class Parcel(msgspec.Struct):
    weight: int = 1
    to: str = ""


class Receipt(msgspec.Struct):
    paid: int


class Depot:
    """A job ``core.parcel`` that works, or fails as long as it is told to."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.fails = False
        self.sent: list[int] = []
        retry = Retry(attempts=1)
        self._put("core.parcel", self._send, args=Parcel, retry=retry)
        self._put("core.nightly", self._nothing, daily_at="02:00")

    def _put(self, id: str, run: Any, **more: Any) -> None:
        job = Job(id=id, title=Text(en=id, vi=id), run=run, **more)
        self.api.house.registry.jobs.put(job)

    async def _send(self, plugin: Plugin, run: Run[Parcel]) -> Receipt:
        if self.fails:
            raise ValueError("the road is closed")
        self.sent.append(run.args.weight)
        return Receipt(run.args.weight * 10)

    async def _nothing(self, plugin: Plugin, run: Run[None]) -> None:
        return None

    async def ask(self, **more: Any) -> UUID:
        return await self.api.house.jobs.enqueue("core.parcel", Parcel(), **more)

    async def work(self) -> int:
        return await self.api.house.worker.drain()

    async def dead(self) -> UUID:
        """A dead letter."""
        self.fails = True
        run = await self.ask()
        await self.work()
        self.fails = False
        return run


@pytest.fixture
def depot(api: Api) -> Depot:
    return Depot(api)


async def test_a_run_from_asking_to_its_end(api: Api, depot: Depot) -> None:
    asked = await api.post("/jobs/core.parcel/run", {"args": {"weight": 7, "to": "Huế"}})
    assert asked.status_code == 202
    assert asked.json()["state"] == "waiting"
    address = asked.headers["location"]
    assert address == f"/api/v1/runs/{asked.json()['id']}"
    await depot.work()
    run = (await api.get(address)).json()
    assert (run["state"], run["job"], run["attempts"]) == ("succeeded", "core.parcel", 1)
    assert run["args"] == {"weight": 7, "to": "Huế"}
    assert run["result"] == {"paid": 70}
    assert depot.sent == [7]


async def test_asking_without_arguments_takes_the_defaults(api: Api, depot: Depot) -> None:
    assert (await api.post("/jobs/core.parcel/run")).status_code == 202
    assert (await api.post("/jobs/core.parcel/run", {})).status_code == 202
    await depot.work()
    assert depot.sent == [1, 1]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/jobs/core.nothing/run", {}, 404),
        ("/jobs/x%00y/run", {}, 400),
        ("/jobs/core.parcel/run", {"args": {"weight": "heavy"}}, 422),
        ("/jobs/core.parcel/run", {"args": {"colour": "red"}}, 422),
        ("/jobs/core.parcel/run", {"args": [1]}, 422),
        ("/jobs/core.parcel/run", {"arguments": {}}, 422),
        ("/jobs/core.parcel/run", [], 422),
        ("/jobs/core.nightly/run", {"args": {"weight": 1}}, 422),
        ("/jobs/core.parcel/run?at=now", {}, 400),
        ("/jobs/core.parcel/retry?all=1", None, 400),
        ("/runs/7/cancel", None, 404),
        (f"/runs/{NOBODY}/cancel", None, 404),
        (f"/runs/{NOBODY}/retry", None, 404),
    ],
)
async def test_what_cannot_be_asked(
    api: Api, depot: Depot, path: str, body: Any, status: int
) -> None:
    answer = await api.post(path, body)
    assert answer.status_code == status, answer.text
    assert (await api.get("/runs")).json()["items"] == []


async def test_a_body_that_is_no_json(api: Api, depot: Depot) -> None:
    headers = {"content-type": "application/json"}
    answer = await api.ask("POST", "/jobs/core.parcel/run", content=b"{", headers=headers)
    assert answer.status_code == 400
    answer = await api.ask("POST", "/jobs/core.parcel/run", content=b"{}")
    assert answer.status_code in (202, 415)


async def test_calling_off(api: Api, depot: Depot) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    run = await depot.ask(at=later)
    answer = await api.post(f"/runs/{run}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    again = await api.post(f"/runs/{run}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    await depot.work()
    assert depot.sent == []


async def test_dead_letters(api: Api, depot: Depot) -> None:
    first, second, third = [await depot.dead() for _ in range(3)]
    shown = (await api.get(f"/runs/{first}")).json()
    assert shown["state"] == "failed"
    assert "the road is closed" in shown["error"]
    retried = await api.post(f"/runs/{first}/retry")
    assert (retried.status_code, retried.json()["state"]) == (200, "waiting")
    assert (await api.post(f"/runs/{first}/retry")).status_code == 409
    assert (await api.ask("DELETE", f"/runs/{first}")).status_code == 409
    assert (await api.ask("DELETE", f"/runs/{second}")).status_code == 204
    assert (await api.get(f"/runs/{second}")).json()["state"] == "cancelled"
    rest = await api.post("/jobs/core.parcel/retry")
    assert (rest.status_code, rest.json()) == (200, {"retried": 1})
    await depot.work()
    assert len(depot.sent) == 2
    assert (await api.get(f"/runs/{third}")).json()["state"] == "succeeded"


async def test_lists_go_page_by_page_and_say_no_arguments(api: Api, depot: Depot) -> None:
    made = [str(await depot.ask()) for _ in range(7)]
    await depot.work()
    dead = str(await depot.dead())
    waits = str(await depot.ask())
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        answer = await api.get(f"/runs?limit=2{cursor}")
        found += answer.json()["items"]
        following = answer.json()["next"]
        assert ("link" in answer.headers) == (following is not None)
        cursor = None if following is None else f"&cursor={following}"
        pages += 1
    assert pages == 5
    assert [run["id"] for run in found] == sorted([*made, dead, waits], reverse=True)
    assert all(run["args"] is None and run["result"] is None for run in found)
    for query, ids in (
        ("states=failed", [dead]),
        ("states=waiting&states=failed", [waits, dead]),
        ("states=cancelled", []),
        ("job=core.nightly", []),
        ("job=core.parcel&states=succeeded&limit=200", sorted(made, reverse=True)),
    ):
        listed = (await api.get(f"/runs?{query}")).json()["items"]
        assert [run["id"] for run in listed] == ids, query


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 422),
        ("limit=201", 422),
        ("states=odd", 422),
        ("cursor=zzz", 422),
        ("cursor=%00", 400),
        ("jobs=x", 400),
        (f"job={'x' * 500}", 422),
    ],
)
async def test_lists_refuse_what_they_do_not_know(
    api: Api, depot: Depot, query: str, status: int
) -> None:
    assert (await api.get(f"/runs?{query}")).status_code == status


async def test_queues_and_schedules(api: Api, depot: Depot) -> None:
    await depot.dead()
    await depot.ask()
    queues = {each["job"]: each for each in (await api.get("/jobs")).json()["items"]}
    parcel = queues["core.parcel"]
    assert (parcel["waiting"], parcel["running"], parcel["failed"]) == (1, 0, 1)
    assert queues["core.nightly"]["waiting"] == 0
    await api.house.worker.drain()
    schedules = {each["id"]: each for each in (await api.get("/schedules")).json()["items"]}
    nightly = schedules["core.nightly"]
    assert nightly["on"] is True
    # 02:00 in Ho Chi Minh City is 19:00 UTC of the day before, all year
    assert nightly["due_at"].endswith("T19:00:00Z")


async def test_a_reader_sees_runs_without_their_arguments(api: Api, depot: Depot) -> None:
    run = await depot.ask(key="an@example.com", unique="An")
    await depot.work()
    dead = await depot.dead()
    reader = await make_person(api.house, role="manager")
    token = await make_token(api.house, reader)
    async with client_of(create_app(api.house), account=reader, token=token) as client:
        shown = (await client.get(f"/api/v1/runs/{run}")).json()
        assert (shown["state"], shown["args"], shown["result"]) == ("succeeded", None, None)
        assert (shown["key"], shown["unique"]) == ("", "")
        failed = (await client.get(f"/api/v1/runs/{dead}")).json()
        assert failed["error"] == "ValueError"
        listed = (await client.get("/api/v1/runs?states=failed")).json()["items"]
        assert [each["error"] for each in listed] == ["ValueError"]
        for method, path in (
            ("POST", f"/api/v1/runs/{run}/cancel"),
            ("POST", f"/api/v1/runs/{run}/retry"),
            ("DELETE", f"/api/v1/runs/{run}"),
            ("POST", "/api/v1/jobs/core.parcel/run"),
            ("POST", "/api/v1/jobs/core.parcel/retry"),
        ):
            assert (await client.request(method, path)).status_code == 403
    assert (await api.client.get("/api/v1/runs", headers={"authorization": ""})).status_code == 401
