"""Real processes on one PostgreSQL: two that serve, two that work."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import httpx
import pytest

from relatum_sdk.temporary import make_plugin
from tests.growing.processes import Installation, Web
from tests.growing.programs import Running
from tests.live import follower_plugin

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]

CUSTOMERS, INTERACTIONS = "/api/v1/customers", "/api/v1/interactions"


class Screen:
    """A stream that a thread reads."""

    def __init__(self, url: str, token: str) -> None:
        self.messages: Queue[tuple[str, Any]] = Queue()
        self.ended = threading.Event()
        self._client = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=60
        )
        threading.Thread(target=self._read, daemon=True).start()
        assert self.next()[0] == "hello"

    def _read(self) -> None:
        try:
            with self._client, self._client.stream("GET", "/api/v1/live") as answer:
                event = ""
                for line in answer.iter_lines():
                    if line.startswith("event: "):
                        event = line.removeprefix("event: ")
                    elif line.startswith("data: "):
                        self.messages.put((event, json.loads(line.removeprefix("data: "))))
        except httpx.HTTPError as error:
            self.messages.put(("broken", repr(error)))
        finally:
            self.ended.set()

    def next(self, seconds: float = 20) -> tuple[str, Any]:
        return self.messages.get(timeout=seconds)

    def silent(self, seconds: float = 1.0) -> bool:
        try:
            self.messages.get(timeout=seconds)
        except Empty:
            return True
        return False

    def changed(self) -> dict[str, list[str]]:
        kind, data = self.next()
        assert kind == "changed", (kind, data)
        return {each["id"]: each["events"] for each in data["customers"]}


@pytest.fixture(scope="module")
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    databases = request.getfixturevalue("_relatum_postgresql")
    url = databases.migrated()
    folder = tmp_path_factory.mktemp("live")
    plugins = folder / "plugins"
    source = Path(follower_plugin.__file__).read_text(encoding="utf-8")
    make_plugin(plugins, "follow_along", plugin_py=source)
    made = Installation(folder, url, RELATUM_LIMITS__TOKEN="0", PYTHONPATH=str(plugins))
    made.file.write_text('[plugins]\nenabled = ["follow_along"]\n')
    made.fetch(
        "CREATE TABLE follow_along_seen "
        "(place bigserial, seq bigint, customer_id uuid, process int)"
    )
    yield made
    databases.drop(url)


@contextlib.contextmanager
def webs(place: Installation) -> Iterator[list[Web]]:
    for web in place.webs:
        web.start()
    try:
        for web in place.webs:
            web.wait()
        yield place.webs
    finally:
        for web in place.webs:
            if web.running is not None:
                web.running.signal(signal.SIGKILL)
                web.running.process.wait(10)


def customer(desk: httpx.Client, **more: Any) -> str:
    made = desk.post(CUSTOMERS, json={"display_name": "Hoa", **more})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def record(owner: httpx.Client, whom: str, count: int = 1) -> None:
    items = [{"kind": "core.note", "payload": {"text": "x"}, "customer_id": whom}] * count
    answer = owner.post(f"{INTERACTIONS}/batch", json={"items": items})
    assert answer.status_code in (200, 201), answer.text


def test_a_screen_at_one_process_hears_what_is_written_in_the_other(place: Installation) -> None:
    place.add_person("minh@example.com", "con mèo trèo cây cau 2026", "sales")
    with (
        webs(place) as (first, second),
        place.owner(first.url) as owner,
        place.client(second.url) as session,
    ):
        entered = session.post(
            "/api/v1/session",
            json={"email": "minh@example.com", "password": "con mèo trèo cây cau 2026"},
            headers={"origin": second.url},
        )
        assert entered.status_code in (200, 201), entered.text
        token = session.post(
            "/api/v1/me/tokens",
            json={"name": "screen", "days": 1},
            headers={"origin": second.url},
        ).json()
        minh = session.get("/api/v1/me").json()["account"]["id"]
        all_of_it, his = Screen(second.url, place.token), Screen(second.url, token["secret"])
        began = time.monotonic()
        hidden = customer(owner)
        assert list(all_of_it.changed()) == [hidden]
        assert time.monotonic() - began < 5
        assert his.silent()
        seen = customer(owner, owner=minh)
        assert list(his.changed()) == [seen]
        record(owner, seen)
        assert his.changed() == {seen: ["core.interaction_recorded"]}
        with place.client(first.url, token=token["secret"]) as program:
            revoked = program.delete(f"/api/v1/me/tokens/{token['token']['id']}")
        assert revoked.status_code == 204, revoked.text
        assert his.next() == ("end", {"reason": "signed-out"})
        began = time.monotonic()
        assert second.stop() == 0
        assert time.monotonic() - began < 10, "an open stream holds the end up"
        while (said := all_of_it.next())[0] == "changed":
            pass
        assert said == ("end", {"reason": "again"})
        assert all_of_it.ended.wait(5)


def test_two_workers_that_are_killed_handle_everything_once_and_in_order(
    place: Installation,
) -> None:
    chance = random.Random(20261122)
    place.fetch("DELETE FROM follow_along_seen")
    with webs(place) as (first, _), place.owner(first.url) as owner:
        people = [customer(owner) for _ in range(8)]
        workers: dict[int, Running] = {n: place.start("worker", f"w{n}") for n in (1, 2)}
        try:
            for kills in range(6):
                for _ in range(6):
                    for whom in chance.sample(people, 4):
                        record(owner, whom, chance.randint(1, 12))
                which = 1 + kills % 2
                workers[which].kill()
                if kills == 3:
                    status = owner.post("/api/v1/handlers/follow_along.writer/replay")
                    assert status.status_code == 202, status.text
                workers[which] = place.start("worker", f"w{which}.{kills}")
            _wait_for_all(place)
        finally:
            for running in workers.values():
                running.signal(signal.SIGKILL)
                running.process.wait(10)
    seen = place.fetch("SELECT seq, customer_id FROM follow_along_seen ORDER BY place")
    log = place.fetch(
        "SELECT seq, customer_id FROM core_event WHERE type = 'core.interaction_recorded' "
        "ORDER BY seq"
    )
    assert len(log) > 200
    assert sorted(seen) == log
    for whom in {row[1] for row in log}:
        assert [s for s, c in seen if c == whom] == [s for s, c in log if c == whom]
    ranges = place.fetch("SELECT lo FROM core_handler WHERE handler = 'follow_along.writer'")
    assert len(ranges) == 4


def _wait_for_all(place: Installation) -> None:
    wanted = "SELECT count(*) FROM core_event WHERE type = 'core.interaction_recorded'"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        done = place.fetch("SELECT count(*) FROM follow_along_seen")
        if done == place.fetch(wanted):
            return
        time.sleep(0.5)
    status = place.fetch("SELECT id, lo, hi, position FROM core_handler ORDER BY id")
    raise AssertionError(f"{done} of {place.fetch(wanted)} handled; {status}")
