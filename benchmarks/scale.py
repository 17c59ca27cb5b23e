"""Two web and two worker processes beside one of each, on one PostgreSQL.

Clients, PostgreSQL and what is measured share one small machine. So two things are measured:

* *held*: each web process gets a third of a core (a governor stops it when it has used that up), so
  that twice as many fit on the machine with everything else: what a second process brings where
  there is a core for it.
* *as they come*: everybody takes what there is. Seconds of processor time of each request, by who
  used them, and how much of the machine was left say what stops it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psutil

from benchmarks.houses import NO_LIMITS, RELATUM, TOKEN, Installation
from benchmarks.load import Load, press
from benchmarks.measures import Condition, Measure, NotRunError, Reading
from benchmarks.results import ROOT
from benchmarks.rounds import in_turns, ratio
from benchmarks.servers import fetch, free_port

SERVER = "RELATUM_TEST_POSTGRES"
CUSTOMERS = 5_000
BATCH = 500
CONNECTIONS = 16
ROUNDS = 5
SECONDS = 4
#: of a core, for each web process that is held
SHARE = 0.33
LOOK_SECONDS = 0.005
START_SECONDS = 90.0
NOTE = {"kind": "core.note", "payload": {"text": "Gọi lại, không ai nghe máy"}}


@dataclass(frozen=True)
class Burst:
    """What came of a burst: requests a second, and seconds of processor time by who used them."""

    rate: float
    requests: int
    web: float
    worker: float
    postgres: float
    clients: float
    #: of the machine's cores, nobody used so much
    idle: float

    def each(self, who: str) -> float:
        """Milliseconds of processor time for one request."""
        return float(getattr(self, who)) / self.requests * 1e3


class Fleet:
    """Some processes of one installation."""

    def __init__(self, made: Installation, web: int, worker: int) -> None:
        self._made = made
        self.ports = [free_port() for _ in range(web)]
        self.webs = [self._start("web", RELATUM_PORT=str(port)) for port in self.ports]
        self.workers = [self._start("worker") for _ in range(worker)]

    def _start(self, role: str, **environment: str) -> psutil.Popen:
        log = (self._made.home / f"{role}.log").open("ab")
        with log:
            return psutil.Popen(
                [*RELATUM, role],
                cwd=self._made.home,
                env=self._made.environment | environment,
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        """Until all answer."""
        deadline = time.monotonic() + START_SECONDS
        for port in self.ports:
            while True:
                try:
                    fetch(port, "/ready")
                    break
                except (OSError, RuntimeError) as error:
                    if time.monotonic() > deadline:
                        raise RuntimeError(f"port {port} does not answer: {error}") from error
                    time.sleep(0.05)

    def stop(self) -> None:
        for process in (*self.webs, *self.workers):
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait(10)

    def burst(self, paths: Path, body: Path | None, *, held: bool) -> Burst:
        """Press on all web processes at once, with the same number of connections in all."""
        databases = _processes_of_postgres(self._made.home.name)
        governor = Governor(self.webs) if held else contextlib.nullcontext()
        before = self._used(databases)
        whole = psutil.cpu_times()
        with governor, ThreadPoolExecutor(len(self.ports)) as threads:
            loads = list(threads.map(lambda port: self._press(port, paths, body), self.ports))
        web, worker, postgres, clients = (
            now - then for now, then in zip(self._used(databases), before, strict=True)
        )
        after = psutil.cpu_times()
        total = sum(after[:4]) - sum(whole[:4])
        return Burst(
            rate=sum(load.rate for load in loads),
            requests=sum(load.requests for load in loads),
            web=web,
            worker=worker,
            postgres=postgres,
            clients=clients,
            idle=(after.idle - whole.idle) / total if total else 0.0,
        )

    def _press(self, port: int, paths: Path, body: Path | None) -> Load:
        return press(
            port,
            paths,
            body,
            seconds=SECONDS,
            connections=CONNECTIONS // len(self.ports),
            token=self._made.token,
        )

    def _used(self, databases: Sequence[psutil.Process]) -> tuple[float, float, float, float]:
        children = os.times()
        return (
            _busy(self.webs),
            _busy(self.workers),
            _busy(databases),
            children.children_user + children.children_system,
        )


class Governor:
    """Holds processes to a share of a core, by stopping them when they have used it up."""

    def __init__(self, processes: Iterable[psutil.Process]) -> None:
        self._processes = list(processes)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._govern, daemon=True)

    def __enter__(self) -> Governor:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        for process in self._processes:
            process.send_signal(signal.SIGCONT)

    def _govern(self) -> None:
        began = time.perf_counter()
        begin = [_nanoseconds(process.pid) for process in self._processes]
        while not self._ended.wait(LOOK_SECONDS):
            allowed = (time.perf_counter() - began) * SHARE
            for process, then in zip(self._processes, begin, strict=True):
                used = (_nanoseconds(process.pid) - then) / 1e9
                process.send_signal(signal.SIGSTOP if used > allowed else signal.SIGCONT)


def _nanoseconds(pid: int) -> int:
    """Processor time of a process, all its threads, finer than clock ticks."""
    return sum(
        int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")
    )


def _busy(processes: Iterable[psutil.Process]) -> float:
    used = 0.0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
    return used


def _processes_of_postgres(database: str) -> list[psutil.Process]:
    """The connections of one database, and the server's own processes."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if process.info["name"] != "postgres":
            continue
        own = any(word in line for word in ("walwriter", "checkpointer", "background writer"))
        if own or database in line:
            found.append(process)
    return found


@contextlib.contextmanager
def _installation(name: str) -> Iterator[Installation]:
    """A migrated house on a PostgreSQL database of its own, both of this name."""
    server = os.environ.get(SERVER, "")
    if not server:
        raise NotRunError(f"{SERVER} is not set to the address of a PostgreSQL server")
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    drop = f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'
    asyncio.run(_execute(server, drop, f'CREATE DATABASE "{name}"'))
    try:
        with tempfile.TemporaryDirectory(prefix="relatum-bench-") as folder:
            home = Path(folder) / name
            home.mkdir()
            text = f"[plugins]\nenabled = []\n{NO_LIMITS}[log]\nlevel = 'warning'\n"
            (home / "relatum.toml").write_text(text, encoding="utf-8")
            kept = {k: v for k, v in os.environ.items() if not k.startswith(("RELATUM_", "PYTHON"))}
            environment = kept | {
                "RELATUM_HOME": str(home),
                "RELATUM_DATABASE": url,
                "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT)),
            }
            made = Installation(home, environment)
            made.run("migrate", "--apply")
            owner = ("Owner", "owner@example.com", "--role", "owner", "--token", "--json")
            environment[TOKEN] = json.loads(made.run("accounts", "add", *owner).stdout)["token"]
            yield made
    finally:
        asyncio.run(_execute(server, drop))


async def _execute(server: str, *statements: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _fill(port: int, token: str) -> list[str]:
    """Customers, and their ids."""
    ids: list[str] = []
    for start in range(0, CUSTOMERS, BATCH):
        items = [{"display_name": f"Khách {start + n}", "tags": ["vip"]} for n in range(BATCH)]
        body = json.dumps({"items": items}).encode()
        answer = json.loads(fetch(port, "/api/v1/customers/batch", body, token=token))
        ids += [item["id"] for item in answer["items"]]
    return ids


class House:
    """An installation with its processes, customers, and requests about them."""

    def __init__(self, stack: contextlib.ExitStack, processes: int) -> None:
        made = stack.enter_context(_installation(f"relatum_bench_scale_{os.getpid()}_{processes}"))
        self.fleet = Fleet(made, processes, processes)
        stack.callback(self.fleet.stop)
        self.fleet.wait()
        ids = _fill(self.fleet.ports[0], made.token)
        reads, writes, note = (made.home / name for name in ("reads", "writes", "note"))
        reads.write_text("\n".join(f"/api/v1/customers/{id}" for id in ids))
        writes.write_text("/api/v1/interactions\n")
        note.write_text(json.dumps({**NOTE, "customer_id": ids[0]}))
        self.works = {"read one": (reads, None), "record one": (writes, note)}

    def burst(self, what: str, *, held: bool) -> Burst:
        """One burst of one kind of work."""
        return self.fleet.burst(*self.works[what], held=held)


def two_processes() -> Reading:
    """Reading one customer and recording one interaction, held and as they come."""
    with contextlib.ExitStack() as stack:
        one, two = House(stack, 1), House(stack, 2)
        rows: list[Sequence[object]] = []
        held: list[float] = []
        costs: list[float] = []
        for is_held in (True, False):
            for what in one.works:
                ones, twos = in_turns(
                    lambda: one.burst(what, held=is_held),  # noqa: B023
                    lambda: two.burst(what, held=is_held),  # noqa: B023
                    rounds=ROUNDS,
                )
                factor = ratio([each.rate for each in twos], [each.rate for each in ones])
                cost = ratio([_cost(each) for each in twos], [_cost(each) for each in ones])
                if is_held:
                    held.append(factor)
                    costs.append(cost)
                name = f"{what}, {'held' if is_held else 'as they come'}"
                rows += [_row(f"{name}: 1 + 1", ones, ""), _row("  2 + 2", twos, f"{factor:.2f}")]
    return Reading(
        value=min(held),
        heads=[
            *("processes (web + worker)", "requests/s", "ratio"),
            *("ms each: web", "worker", "PostgreSQL", "clients", "idle cores %"),
        ],
        rows=rows,
        conditions=[
            Condition(
                "processor time of a request with two of each ÷ with one of each, held, the worse",
                max(costs),
                "×",
                1.25,
            )
        ],
        notes=[_note()],
    )


def _note() -> str:
    return (
        f"{CUSTOMERS:,} customers, {CONNECTIONS} connections in all, no proxy; medians of {ROUNDS} "
        f"rounds of {SECONDS} s in turns on {psutil.cpu_count()} cores (load "
        f"{os.getloadavg()[0]:.1f}). Held: each web process has {SHARE:.0%} of a core, so that two "
        "of them fit beside PostgreSQL and the clients; the value is the worse ratio held. As they "
        "come, the cores are used up, also by what else runs here: what a request costs, times the "
        "rate, is all there is"
    )


def _cost(burst: Burst) -> float:
    return sum(burst.each(who) for who in ("web", "worker", "postgres"))


def _row(name: str, bursts: Sequence[Burst], factor: str) -> list[object]:
    def middle(values: Iterable[float]) -> float:
        return statistics.median(values)

    return [
        name,
        round(middle(each.rate for each in bursts)),
        factor,
        *(
            f"{middle(each.each(who) for each in bursts):.2f}"
            for who in ("web", "worker", "postgres", "clients")
        ),
        f"{middle(each.idle for each in bursts) * 100:.0f}",
    ]


MEASURES = [
    Measure(
        id="scale.two_processes",
        title="two web and two worker processes ÷ one of each, on one PostgreSQL",
        unit="×",
        limit=1.6,
        goal="at least",
        run=two_processes,
    )
]
