"""SIGKILL at random moments of concurrent writes.

What was acknowledged is there, nothing is there twice, nothing is there by half, and a handler's
projection is what counting again gives. A writer that acknowledges before its commit is caught.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from relatum.db.database import Database
from relatum_sdk.temporary import make_plugin
from tests.kill import writer_plugin
from tests.kill.writer import customer_draft
from tests.kill.writer_checks import Ledger, Task, violations, wrong_projection

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60


class Place:
    """A database with the plugin of these tests, and processes on it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        plugins = folder / "plugins"
        source = Path(writer_plugin.__file__).read_text(encoding="utf-8")
        make_plugin(plugins, "kill_count", plugin_py=source)
        (self.home / "relatum.toml").write_text(
            '[plugins]\nenabled = ["kill_count"]\n[limits]\ntoken = 0\n'
        )
        self._token = ""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("RELATUM_")}
        path = os.pathsep.join([str(plugins), str(ROOT)])
        self.environment = kept | {
            "PYTHONPATH": path,
            "RELATUM_HOME": str(self.home),
            "RELATUM_DATABASE": url,
        }

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """A Python module as a process."""
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=self.home,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self.environment | options.pop("environment", {}),
            **options,
        )

    def owner(self) -> str:
        """The token of an owner, the same one whenever asked: keys belong to who sent them."""
        if not self._token:
            said = ("Lan", "lan@example.com", "--role", "owner", "--token", "--json")
            with self.start("relatum.cli.main", "accounts", "add", *said) as process:
                printed, _ = process.communicate(timeout=60)
            assert process.returncode == 0, printed
            self._token = msgspec.json.decode(printed)["token"]
        return self._token

    def settle(self, *arguments: str) -> None:
        """Run the handlers to the end, in a process of their own."""
        with self.start("tests.kill.writer", "--settle", *arguments) as process:
            process.communicate(timeout=120)
        assert process.returncode == 0, f"settling ended with {process.returncode}"


@pytest.fixture
async def db(relatum_database_url: str) -> AsyncIterator[Database]:
    """The parent's own connection to what the killed processes write to."""
    await asyncio.to_thread(migrate, relatum_database_url)
    database = await Database.open(relatum_database_url)
    await database.execute(
        "CREATE TABLE kill_count_customer (customer_id TEXT PRIMARY KEY, n BIGINT NOT NULL)"
    )
    yield database
    await database.close()


def migrate(url: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "relatum.cli.main", "migrate", "--apply"],
        env=os.environ | {"RELATUM_DATABASE": url},
        check=True,
        capture_output=True,
    )


@pytest.fixture
def place(db: Database, relatum_database_url: str, tmp_path: Path) -> Place:
    return Place(tmp_path, relatum_database_url)


@pytest.fixture
def chance() -> random.Random:
    """Other moments in every run; the seed is printed when a test fails."""
    seed = random.SystemRandom().randrange(2**32)
    sys.stdout.write(f"seed of the moments: {seed}\n")
    return random.Random(seed)


rounds = pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(3, id="3 rounds"),
        pytest.param(50, id="50 rounds", marks=pytest.mark.thorough),
    ],
)


# -- the services, in a loop ---------------------------------------------------------------------


def write_and_kill(place: Place, ledger: Ledger, name: str, seconds: float, *flags: str) -> None:
    """Let a process write, kill it so long after its first acknowledgement, hear all it said."""
    with place.start("tests.kill.writer", "--name", name, *flags) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(ledger.open()).decode() + "\n")
        process.stdin.flush()
        killer = threading.Timer(START_SECONDS, process.kill)
        killer.start()
        said: list[str] = []
        for line in process.stdout:
            if line.startswith("done") and not any(each.startswith("done") for each in said):
                killer.cancel()
                killer = threading.Timer(seconds, process.kill)
                killer.start()
            if line.endswith("\n"):
                said.append(line)
        process.wait(30)
        killer.cancel()
    assert process.returncode == -9, f"the writer ended by itself with {process.returncode}"
    for line in said:
        ledger.hear(line)
    assert any(line.startswith("done") for line in said), "nothing was written: this shows nothing"


@rounds
async def test_services(place: Place, db: Database, chance: random.Random, rounds: int) -> None:
    ledger = Ledger()
    for number in range(rounds):
        await asyncio.to_thread(
            write_and_kill, place, ledger, f"r{number}", chance.uniform(0.0, 1.0)
        )
        assert await violations(db, ledger) == []
    await asyncio.to_thread(place.settle)
    assert await wrong_projection(db) == []
    running = sorted(await db.fetch("SELECT customer_id, n FROM kill_count_customer"))
    await asyncio.to_thread(place.settle, "--replay")
    assert sorted(await db.fetch("SELECT customer_id, n FROM kill_count_customer")) == running
    assert len(ledger.done) > rounds
    assert running


async def test_a_writer_that_acknowledges_too_early_is_caught(
    place: Place, db: Database, chance: random.Random
) -> None:
    """Negative control: it says `done` and commits a moment later."""
    ledger = Ledger()
    for number in range(5):
        await asyncio.to_thread(
            write_and_kill, place, ledger, f"r{number}", chance.uniform(0.2, 0.5), "--lie"
        )
        found = await violations(db, ledger)
        if found:
            assert any("acknowledged" in each for each in found), found
            return
    raise AssertionError("five lies, and none of them was noticed")


# -- the server, over HTTP -----------------------------------------------------------------------


class Client:
    """One of several clients; sends what was not answered again, with the same key."""

    def __init__(self, http: httpx.AsyncClient, ledger: Ledger, name: str) -> None:
        self._http = http
        self._ledger = ledger
        self._name = name
        self._chance = random.Random(name)
        self._mine: list[str] = []

    async def run(self, retries: list[Task]) -> None:
        """Until the server does not answer any more."""
        try:
            for task in retries:
                await self._do(task)
            number = 0
            while True:
                await self._do(self._next(f"{self._name}-{number}"))
                number += 1
        except httpx.TransportError:
            return

    def _next(self, key: str) -> Task:
        what = self._chance.choice(["customers", "interactions"] if self._mine else ["customers"])
        customer = self._chance.choice(self._mine) if self._mine else None
        return Task(key, what, self._chance.randint(1, 12), customer)  # type: ignore[arg-type]

    async def _do(self, task: Task) -> None:
        self._ledger.tried[task.key] = task
        answer = await self._http.post(
            f"/api/v1/{task.what}/batch",
            content=msgspec.json.encode({"items": self._items(task)}),
            headers={"Content-Type": "application/json", "Idempotency-Key": task.key},
        )
        assert answer.status_code in {200, 201}, answer.text
        ids = ids_of(answer.json())
        assert len(ids) == task.size
        self._ledger.hear(f"done {msgspec.json.encode((task.key, ids)).decode()}")
        if task.what == "customers":
            self._mine += ids

    def _items(self, task: Task) -> list[Any]:
        if task.what == "customers":
            return [msgspec.to_builtins(customer_draft(part)) for part in task.parts()]
        return [
            {
                "kind": "core.note",
                "customer_id": task.customer,
                "payload": {"text": part},
                "idempotency_key": part,
            }
            for part in task.parts()
        ]


def ids_of(answer: dict[str, Any]) -> list[str]:
    """The ids in a batch's answer, in the order of its items."""
    return [item["id"] for item in answer["items"]]


async def serve_and_kill(place: Place, ledger: Ledger, name: str, seconds: float) -> None:
    """Let clients write to a server, kill it, hear what was answered."""
    port = free_port()
    token = await asyncio.to_thread(place.owner)
    before = len(ledger.done)
    with place.start(
        "relatum.cli.main", "serve", environment={"RELATUM_PORT": str(port)}
    ) as process:
        try:
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}",
                headers={"Authorization": f"Bearer {token}"},
                timeout=30,
                trust_env=False,
            ) as http:
                await until_it_answers(http, process)
                retries, count = ledger.open(), 5
                clients = asyncio.gather(
                    *(
                        Client(http, ledger, f"{name}-{n}").run(retries[n::count])
                        for n in range(count)
                    )
                )
                await asyncio.sleep(seconds)
                await anything(ledger, before, clients)
                process.kill()
                await clients
        finally:
            process.kill()
            process.wait(30)
    assert len(ledger.done) > before, "nothing was written: this shows nothing"


async def anything(ledger: Ledger, before: int, clients: asyncio.Future[Any]) -> None:
    """Wait until something is written: on a busy machine a kill before that would show nothing."""
    while len(ledger.done) == before and not clients.done():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)


async def until_it_answers(http: httpx.AsyncClient, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended by itself with {process.returncode}"
        try:
            await http.get("/health")
        except httpx.TransportError:
            await asyncio.sleep(0.02)
        else:
            return
    raise AssertionError(f"the server did not answer within {START_SECONDS} s")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@rounds
async def test_server(place: Place, db: Database, chance: random.Random, rounds: int) -> None:
    ledger = Ledger()
    for number in range(rounds):
        await serve_and_kill(place, ledger, f"r{number}", chance.uniform(0.2, 1.2))
        assert await violations(db, ledger) == []
    await asyncio.to_thread(place.settle)
    assert await wrong_projection(db) == []
    assert len(ledger.done) > 5 * rounds


# -- the check itself ----------------------------------------------------------------------------


@pytest.fixture
async def written(place: Place, db: Database) -> Ledger:
    """What one short life of a writer left."""
    ledger = Ledger()
    await asyncio.to_thread(write_and_kill, place, ledger, "r", 0.3)
    await asyncio.to_thread(place.settle)
    assert await violations(db, ledger) == []
    assert await wrong_projection(db) == []
    return ledger


async def test_the_check_sees_what_is_wrong(db: Database, written: Ledger) -> None:
    """Negative controls: each kind of damage is found, for its own reason."""
    (interaction,) = await one(db, "SELECT id FROM core_interaction LIMIT 1")
    async with undone(db):
        await db.execute("DELETE FROM core_interaction WHERE id = ?", interaction)
        await expect(db, written, "interactions are missing", "expected 0")
        assert len(await wrong_projection(db)) == 1
    async with undone(db):
        await db.execute(
            "INSERT INTO core_event (type, version, customer_id, recorded_at, by, payload) "
            "SELECT type, version, customer_id, recorded_at, by, payload FROM core_event "
            "WHERE type = 'core.interaction_recorded' LIMIT 1"
        )
        await expect(db, written, "2 events, expected 1")
    async with undone(db):
        (tag,) = await one(db, "SELECT id FROM core_customer_tag LIMIT 1")
        await db.execute("DELETE FROM core_customer_tag WHERE id = ?", tag)
        await expect(db, written, "is there by half")
    async with undone(db):
        await db.execute(
            "UPDATE core_interaction SET idempotency_key = 'x.0' WHERE id = ?", interaction
        )
        await expect(db, written, "nobody tried to write it")
    async with undone(db):
        await db.execute("UPDATE core_customer SET version = version + 1")
        await expect(db, written, "core.customer_updated")
    async with undone(db):
        await db.execute("UPDATE kill_count_customer SET n = n + 1")
        assert await wrong_projection(db) != []
    assert await violations(db, written) == []


async def one(db: Database, sql: str) -> tuple[Any, ...]:
    row = await db.fetch_one(sql)
    assert row is not None
    return row


class _UndoError(Exception):
    """Rolls the damage back."""


@contextlib.asynccontextmanager
async def undone(db: Database) -> AsyncIterator[None]:
    """Damage that is gone after the block."""
    with contextlib.suppress(_UndoError):
        async with db.transaction():
            yield
            raise _UndoError


async def expect(db: Database, ledger: Ledger, *words: str) -> None:
    found = await violations(db, ledger)
    for word in words:
        assert any(word in each for each in found), f"nothing says {word!r} in {found}"
