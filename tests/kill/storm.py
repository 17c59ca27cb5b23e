"""Processes of Relatum at work, and the kills that they have to survive.

A :class:`Town` is one database with a web process, workers, and something outside that jobs call.
People write over HTTP until they are told to stop; what was not acknowledged they send again. Kills
come at random moments of that.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import asyncpg
import httpx
import msgspec

from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.db.database import Database
from relatum.values.problems import Unavailable
from relatum_sdk.people import make_person, make_token
from relatum_sdk.temporary import make_plugin
from tests.kill import jobs_plugin
from tests.kill.cluster import Cluster, free_port
from tests.kill.receiver import Receiver

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
SETTLE_SECONDS = 120.0
PEOPLE = 3

#: what a process says once it has started
STARTED = "Relatum "

Target = Literal["web", "worker", "database"]

CONFIGURATION = """
[plugins]
enabled = ["kill_jobs"]
[limits]
token = 0
account = 0
address = 0
[jobs]
concurrency = 8
heartbeat_seconds = {heartbeat}
max_deliveries = 1000
"""


class Order(msgspec.Struct, frozen=True):
    """What somebody asks for; the same of one seed."""

    key: str
    effects: int
    sends: int


class Ledger:
    """What was asked for, and what was acknowledged."""

    def __init__(self) -> None:
        self.tried: dict[str, Order] = {}
        self.done: dict[str, list[UUID]] = {}


class Town:
    """One database and the processes on it.

    Attributes:
        kills: how many processes of each sort were killed.
    """

    def __init__(
        self,
        folder: Path,
        url: str,
        receiver: Receiver,
        *,
        broken: str = "",
        workers: int = 2,
        heartbeat: float = 2.0,
    ) -> None:
        self.url = url
        self.receiver = receiver
        self.workers = workers
        self.kills: dict[str, int] = {}
        self._broken = broken
        self._home = folder / "home"
        self._home.mkdir(parents=True)
        (self._home / "relatum.toml").write_text(
            CONFIGURATION.format(heartbeat=heartbeat), encoding="utf-8"
        )
        source = Path(jobs_plugin.__file__).read_text(encoding="utf-8")
        make_plugin(folder / "plugins", "kill_jobs", plugin_py=source)
        kept = {key: text for key, text in os.environ.items() if not key.startswith("RELATUM_")}
        self._port = free_port()
        self._environment = kept | {
            "PYTHONPATH": os.pathsep.join([str(folder / "plugins"), str(ROOT)]),
            "RELATUM_HOME": str(self._home),
            "RELATUM_DATABASE": url,
            "RELATUM_PORT": str(self._port),
            "RELATUM_TEST_BROKEN": broken,
            "RELATUM_TEST_RECEIVER": receiver.url,
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        #: where in its file each one's words begin
        self._began: dict[str, int] = {}
        self._lock = threading.RLock()
        self._token = ""

    # -- processes -------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Migrate what is not migrated yet, make the plugin's tables and an owner."""
        settings = Settings(home=self._home, database=self.url, durability="normal")
        async with await House.open(settings) as house:
            await house.migrate_apply()
            for statement in jobs_plugin.TABLES:
                await house.db.execute(statement)
            self._token = await make_token(house, await make_person(house))

    def names(self) -> list[str]:
        return ["web", *(f"worker{n}" for n in range(self.workers))]

    def start(self, name: str) -> None:
        """Start one of the processes; what it prints goes into a file."""
        command = "worker" if name.startswith("worker") else name
        with self._lock, (self._home / f"{name}.log").open("ab") as log:
            self._began[name] = log.tell()
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", "relatum.cli.main", command],
                cwd=self._home,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self, name: str) -> None:
        """SIGKILL; the process has to have been alive."""
        with self._lock:
            self.tend()
            process = self._processes.pop(name)
            process.kill()
            process.wait(30)
        target = name.rstrip("0123456789")
        self.kills[target] = self.kills.get(target, 0) + 1

    def tend(self) -> None:
        """Start again what found no database while it started, as a supervisor of services would;
        nothing else may have ended."""
        with self._lock:
            for name, process in list(self._processes.items()):
                if process.poll() is not None:
                    with (self._home / f"{name}.log").open("rb") as log:
                        log.seek(self._began[name])
                        words = log.read().decode(errors="replace")
                    gone = self.kills.get("database") and f"\n{STARTED}" not in f"\n{words}"
                    assert gone, f"{name} had ended by itself:\n{words[-8_000:]}"
                    self.start(name)

    def stop(self) -> None:
        """Let everything end in order, and see that it does."""
        for process in self._processes.values():
            process.terminate()
        for name, process in self._processes.items():
            code = process.wait(60)
            # one that was still starting ends at once
            assert code in {0, -signal.SIGTERM}, (
                f"{name} ended with {code}:\n{self.last_words(name)}"
            )
        self._processes.clear()

    def end(self) -> None:
        """Leave no process behind, however the test ended."""
        for process in self._processes.values():
            process.kill()
            process.wait(30)

    def last_words(self, name: str) -> str:
        return (self._home / f"{name}.log").read_text(errors="replace")[-4_000:]

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    async def start_all(self) -> None:
        """Start every process and wait for the first answer."""
        for name in self.names():
            await asyncio.to_thread(self.start, name)
        await self.ready()

    def strike(self, names: Sequence[str], pause: float = 0.0) -> None:
        """Kill these and start them again after a pause (seconds)."""
        for name in names:
            self.kill(name)
        time.sleep(pause)
        for name in names:
            self.start(name)

    # -- people ----------------------------------------------------------------------------------

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self._port}",
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=20,
            trust_env=False,
        )

    async def ready(self) -> None:
        """Wait until the web process answers."""
        end = time.monotonic() + START_SECONDS
        async with self.http() as http:
            while time.monotonic() < end:
                self.tend()
                with contextlib.suppress(httpx.TransportError):
                    if (await http.get("/health")).status_code == 200:
                        return
                await asyncio.sleep(0.05)
        raise AssertionError(f"no answer within {START_SECONDS} s:\n{self.last_words('web')}")

    async def order(self, http: httpx.AsyncClient, ledger: Ledger, order: Order) -> None:
        """Ask until it is acknowledged."""
        ledger.tried[order.key] = order
        headers = {"Content-Type": "application/json"}
        if not self._broken and order.effects != 1:
            # core answers it in one transaction then, whatever the plugin does
            headers["Idempotency-Key"] = order.key
        end = time.monotonic() + 2 * START_SECONDS
        while time.monotonic() < end:
            try:
                answer = await http.post(
                    "/api/v1/plugins/kill_jobs/works",
                    content=msgspec.json.encode(order),
                    headers=headers,
                )
            except httpx.TransportError:
                await asyncio.to_thread(self.tend)
                await asyncio.sleep(0.05)
                continue
            if answer.status_code in {200, 201}:
                ledger.done[order.key] = [UUID(run) for run in answer.json()["runs"]]
                return
            assert answer.status_code in {409, 500, 503}, answer.text
            await asyncio.sleep(0.05)
        raise AssertionError(f"{order.key} was never acknowledged:\n{self.last_words('web')}")


def orders(seed: int) -> Iterator[Order]:
    """What people ask for, one after the other, for ever."""
    chance = random.Random(seed)
    number = 0
    while True:
        yield Order(f"w{number}", chance.choice([0, 1, 1, 3]), chance.choice([0, 1, 2]))
        number += 1


class Storm:
    """People at work while processes are killed."""

    def __init__(self, town: Town, chance: random.Random, cluster: Cluster | None = None) -> None:
        self.town = town
        self.ledger = Ledger()
        self._chance = chance
        self._cluster = cluster
        self._orders = orders(chance.randrange(2**32))
        self._stopping = False

    async def rage(self, kills: Sequence[Target]) -> None:
        """Kill in this order at random moments of work, then let everything come to an end."""
        town = self.town
        self._stopping = False
        await town.start_all()
        people = [asyncio.create_task(self._somebody()) for _ in range(PEOPLE)]
        try:
            for target in kills:
                await self._strike(target)
            await asyncio.sleep(0.5)
            self._stopping = True
            await asyncio.gather(*people)
        finally:
            for task in people:
                task.cancel()
        await settled(town)

    async def _somebody(self) -> None:
        async with self.town.http() as http:
            while not self._stopping:
                await self.town.order(http, self.ledger, next(self._orders))
                await asyncio.sleep(self._chance.uniform(0.0, 0.2))

    async def _strike(self, target: Target) -> None:
        """One kill (now and then of all workers at once), a moment after the target was at work."""
        names = [name for name in self.town.names() if name.startswith(target)]
        if names and self._chance.random() < 0.7:
            names = [self._chance.choice(names)]
        await self._at_work(names)
        await asyncio.sleep(self._chance.uniform(0.0, 0.6))
        pause = self._chance.choice([0.0, 0.0, 0.3])
        if target == "database":
            await asyncio.to_thread(self._strike_database, pause)
        else:
            await asyncio.to_thread(self.town.strike, names, pause)

    async def _at_work(self, names: Sequence[str]) -> None:
        """Wait until these have done something since they started, and somebody got an answer."""
        answered = len(self.ledger.done)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            await asyncio.to_thread(self.town.tend)
            at_work = await asked(self.town.url, "SELECT DISTINCT pid FROM kill_jobs_effect")
            workers = {self.town.pid(name) for name in names if name.startswith("worker")}
            if workers <= {pid for (pid,) in at_work} and len(self.ledger.done) > answered:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{names} did nothing:\n{[self.town.last_words(n) for n in names]}")

    def _strike_database(self, pause: float) -> None:
        assert self._cluster is not None
        self.town.kills["database"] = self.town.kills.get("database", 0) + 1
        if self._chance.random() < 0.3:
            self._cluster.kill_backend()
        else:
            self._cluster.kill()
            time.sleep(pause)
            self._cluster.start()


async def settled(town: Town) -> None:
    """Wait until nothing is left to do; schedules do not count."""
    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end:
        town.tend()
        if await asked(town.url, OPEN_WORK) == [(0, 0)]:
            return
        await asyncio.sleep(0.1)
    left = await asked(
        town.url,
        "SELECT entrypoint, status, stage, attempts, deliveries, error FROM core_queue LIMIT 20",
    )
    words = "\n\n".join(town.last_words(name) for name in town.names())
    raise AssertionError(f"after {SETTLE_SECONDS} s there is still work: {left}\n{words}")


#: runs that wait or go on, and works whose event is not handled yet
OPEN_WORK = """
    SELECT (SELECT count(*) FROM core_queue WHERE status <> 'failed'
            AND entrypoint LIKE 'kill_jobs.%' AND entrypoint <> 'kill_jobs.tick'),
        (SELECT count(*) FROM kill_jobs_work w
            WHERE NOT EXISTS (SELECT 1 FROM kill_jobs_followed f WHERE f.work = w.key))
"""


async def asked(url: str, sql: str) -> list[tuple[Any, ...]]:
    """What the database answers; nothing while it does not."""
    try:
        database = await Database.open(url)
        try:
            return await database.fetch(sql)
        finally:
            await database.close()
    except (Unavailable, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return []


async def calm_run(town: Town, ledger: Ledger) -> Ledger:
    """The same orders, in a town where nothing is killed."""
    again = Ledger()
    orders = iter(list(ledger.tried.values()))
    await town.start_all()

    async def somebody() -> None:
        async with town.http() as http:
            for order in orders:
                await town.order(http, again, order)

    await asyncio.gather(*(somebody() for _ in range(PEOPLE)))
    await settled(town)
    return again
