"""Two web and two worker processes on one PostgreSQL behind a reverse proxy, as in the guide."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.growing.processes import Installation

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]

CUSTOMERS = "/api/v1/customers"
PASSWORD = "con mèo trèo cây cau 2026"
SIGN_INS = 12


@pytest.fixture(scope="module")
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """The processes; one test ends some of them and starts them again."""
    databases = request.getfixturevalue("_relatum_postgresql")
    url = databases.migrated()
    made = Installation(
        tmp_path_factory.mktemp("growing"),
        url,
        RELATUM_LIMITS__SIGN_IN=str(SIGN_INS),
        RELATUM_LIMITS__TOKEN="0",
    )
    with made.running() as running:
        yield running
    databases.drop(url)


def process_of(answer: httpx.Response) -> str:
    """What tells the processes apart: each begins its request ids in its own way."""
    return answer.headers["x-request-id"].partition("-")[0]


def until(ask: Callable[[], Any], wanted: Any, seconds: float) -> float:
    """Seconds until it answers what is wanted."""
    began = time.monotonic()
    while (got := ask()) != wanted:
        assert time.monotonic() - began < seconds, f"still {got!r}"
        time.sleep(0.02)
    return time.monotonic() - began


def test_both_processes_answer(place: Installation) -> None:
    with place.owner() as owner:
        answers = [owner.get(CUSTOMERS) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({process_of(answer) for answer in answers}) == 2


def test_signed_in_at_one_and_known_at_the_other(place: Installation) -> None:
    one, two = (web.url for web in place.webs)
    place.add_person("lan@example.com", PASSWORD, "manager")
    with place.client(one) as here, place.client(two) as there, place.client() as anywhere:
        said = here.post("/api/v1/session", json={"email": "lan@example.com", "password": PASSWORD})
        assert said.status_code == 200, said.text
        for client in (there, anywhere):
            client.cookies.set("relatum_session", here.cookies["relatum_session"])
        assert there.get(CUSTOMERS).status_code == 200
        answers = [anywhere.get("/api/v1/me") for _ in range(6)]
        assert len({process_of(answer) for answer in answers}) == 2
        assert {answer.json()["account"]["email"] for answer in answers} == {"lan@example.com"}
        csrf = said.json()["csrf"]
        assert here.delete("/api/v1/session", headers={"X-Relatum-CSRF": csrf}).status_code == 204
        until(lambda: there.get(CUSTOMERS).status_code, 401, 5)


class TestWhoCalls:
    def sign_in(self, client: httpx.Client, **headers: str) -> int:
        body = {"email": f"{uuid4().hex}@example.com", "password": "wrong password here"}
        return client.post("/api/v1/session", json=body, headers=headers).status_code

    def test_attempts_to_come_in_are_limited_together_by_true_address(
        self, place: Installation
    ) -> None:
        began = time.monotonic()
        with place.client(address="127.0.0.21") as client:
            got = [self.sign_in(client) for _ in range(2 * SIGN_INS)]
        regained = int((time.monotonic() - began) * SIGN_INS / 60) + 1
        assert set(got) == {401, 429}
        assert SIGN_INS <= got.count(401) <= SIGN_INS + regained
        with place.client(address="127.0.0.22") as client:
            assert self.sign_in(client) == 401, "somebody else is not concerned"

    def test_what_a_caller_says_of_itself_is_not_believed(self, place: Installation) -> None:
        with place.client(address="127.0.0.23") as client:
            got = [
                self.sign_in(client, **{"X-Forwarded-For": f"198.51.100.{number}"})
                for number in range(2 * SIGN_INS)
            ]
        assert 429 in got

    def test_past_the_proxy_nobody_is_believed(self, place: Installation) -> None:
        with place.client(place.webs[0].url, address="127.0.0.24") as client:
            got = [
                self.sign_in(client, **{"X-Forwarded-For": f"198.51.100.{100 + number}"})
                for number in range(2 * SIGN_INS)
            ]
        assert 429 in got

    def test_https_is_what_the_proxy_says(self, place: Installation) -> None:
        with place.owner() as owner:
            said = {"X-Forwarded-Proto": "https"}
            assert "strict-transport-security" not in owner.get(CUSTOMERS, headers=said).headers
        with place.owner(place.webs[0].url) as proxy:
            # as a proxy that is trusted would say it
            answer = proxy.get(CUSTOMERS, headers=said)
            assert "strict-transport-security" in answer.headers


def test_a_change_at_each_process_is_seen_live_at_the_other(place: Installation) -> None:
    one, two = place.webs
    for here, there in ((one, two), (two, one)):
        with place.owner(here.url) as watcher, place.owner(there.url) as writer:
            made = writer.post(CUSTOMERS, json={"display_name": "Đang xem"}).json()["id"]
            with watcher.stream("GET", "/api/v1/live") as stream:
                assert stream.headers["content-type"].startswith("text/event-stream")
                lines = stream.iter_lines()
                assert any("hello" in line for line in lines)
                began = time.monotonic()
                body = {"kind": "core.note", "customer_id": made, "payload": {"text": "a"}}
                assert writer.post("/api/v1/interactions", json=body).status_code == 201
                assert any(made in line for line in lines)
                assert time.monotonic() - began < 15
    with place.owner() as anywhere, anywhere.stream("GET", "/api/v1/live") as stream:
        assert any("hello" in line for line in stream.iter_lines()), "the proxy holds nothing back"


def test_exports_are_written_once_and_fetched_at_both(place: Installation) -> None:
    with place.owner() as owner:
        for number in range(5):
            owner.post(CUSTOMERS, json={"display_name": f"Khách xuất {number}"})
        draft = {"target": "core.customers", "format": "csv", "why": "kiểm tra"}
        asked = [owner.post("/api/v1/exports", json=draft) for _ in range(4)]
        assert {answer.status_code for answer in asked} == {202}, asked[0].text
        paths = [f"/api/v1/exports/{answer.json()['id']}" for answer in asked]
        for path in paths:
            until(lambda path=path: owner.get(path).json()["state"], "ready", 60)
            link = owner.post(f"{path}/link").json()
            files = {owner.get(link["url"]).content for _ in range(4)}
            assert len(files) == 1
            assert "Khách xuất".encode() in files.pop()
    written = place.fetch("SELECT count(*) FROM core_event WHERE type = 'core.export_written'")
    assert written == [(4,)]
    files = sorted(path.name for path in (place.home / "exports").iterdir())
    assert len(files) == 4, files


def test_a_plugin_goes_off_and_on_in_every_process(place: Installation) -> None:
    before = place.file.read_text()
    path = "/api/v1/plugins/sales_pipeline/pipelines"

    def statuses() -> list[int]:
        found = []
        for web in place.webs:
            with place.owner(web.url) as owner:
                found.append(owner.get(path).status_code)
        return found

    assert statuses() == [200, 200]
    try:
        place.file.write_text('[plugins]\ndisabled = ["sales_pipeline"]\n')
        until(statuses, [404, 404], 20)
    finally:
        place.file.write_text(before)
    until(statuses, [200, 200], 20)


class Load:
    """Clients that write and read through the proxy until told to stop."""

    def __init__(self, place: Installation, *, keys: bool) -> None:
        self._place = place
        self._keys = keys
        self._ended = threading.Event()
        self.acknowledged: dict[str, str] = {}
        self.failures: list[str] = []
        #: connections that broke off: what has a key was sent again
        self.broken = 0
        self.reads = 0
        self._threads = [
            threading.Thread(target=self._write, args=(number,)) for number in range(3)
        ]
        self._threads.append(threading.Thread(target=self._read))

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(60)

    def wait_for(self, more: int, seconds: float = 60) -> None:
        """Until so many more writes are acknowledged."""
        wanted = len(self.acknowledged) + more
        until(lambda: len(self.acknowledged) >= wanted, True, seconds)

    def _write(self, number: int) -> None:
        with self._place.owner() as client:
            count = 0
            while not self._ended.is_set():
                count += 1
                name = f"Ghi {number}-{count}-{uuid4().hex[:8]}"
                headers = {"Idempotency-Key": name.replace(" ", "-")} if self._keys else {}
                self._one(client, name, headers)

    def _one(self, client: httpx.Client, name: str, headers: dict[str, str]) -> None:
        try:
            answer = client.post(CUSTOMERS, json={"display_name": name}, headers=headers)
        except httpx.TransportError as error:
            self.broken += 1
            if headers:
                self._one(client, name, headers)
            else:
                self.failures.append(f"{name}: {error!r}")
            return
        if answer.status_code == 201:
            self.acknowledged[name] = answer.json()["id"]
        else:
            self.failures.append(f"{name}: {answer.status_code} {answer.text[:200]}")

    def _read(self) -> None:
        with self._place.owner() as client:
            while not self._ended.is_set():
                try:
                    answer = client.get(CUSTOMERS, params={"limit": 5})
                except httpx.TransportError:
                    self.broken += 1
                    continue
                if answer.status_code != 200:
                    self.failures.append(f"read: {answer.status_code} {answer.text[:200]}")
                self.reads += 1
                time.sleep(0.01)


def names_of(place: Installation, begin: str) -> list[str]:
    """Every customer whose name begins so."""
    found: list[str] = []
    with place.owner() as owner:
        cursor: dict[str, str] = {}
        while True:
            answer = owner.get(CUSTOMERS, params={"limit": 200, **cursor}).json()
            found += [each["display_name"] for each in answer["items"]]
            if answer["next"] is None:
                return [name for name in found if name.startswith(begin)]
            cursor = {"cursor": answer["next"]}


def test_a_web_process_killed_under_load_loses_nothing(place: Installation) -> None:
    with Load(place, keys=True) as load:
        load.wait_for(20)
        for web in place.webs:
            web.kill()
            load.wait_for(20)
            web.start()
            web.wait()
            load.wait_for(20)
    # HAProxy asks for most again at the other process. Where the kernel reset a connection it
    # breaks off, and the client sends its key again.
    assert load.failures == []
    assert load.broken <= 2 * 4, "one for each client and process, at most"
    names = names_of(place, "Ghi ")
    assert len(names) == len(set(names)), "nothing is there twice"
    assert set(load.acknowledged) <= set(names)
    assert load.reads > 10


def test_a_rolling_restart_without_a_failed_request(place: Installation) -> None:
    """Also of writes that carry no key, which nobody sends again."""
    with Load(place, keys=False) as load:
        load.wait_for(10)
        for web in place.webs:
            assert web.stop() == 0
            web.start()
            web.wait()
            load.wait_for(20)
            # the proxy believes the second check
            time.sleep(1.5)
    assert (load.failures, load.broken) == ([], 0)
    names = names_of(place, "Ghi ")
    assert set(load.acknowledged) <= set(names)
    assert len(names) == len(set(names))
