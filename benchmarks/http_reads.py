"""Reading over HTTP, beside a bare route that runs the same SQL."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import random
import sqlite3
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.houses import installation, populated, settle
from benchmarks.load import CONNECTIONS, Load, press, tool
from benchmarks.measures import Measure, Reading
from benchmarks.rounds import in_turns, ratio
from benchmarks.servers import Server, bare, free_port, relatum

CUSTOMERS = 100_000
ROUNDS = 9
SECONDS = 2
IDS = 5_000
API = "/api/v1"


@contextlib.contextmanager
def both_servers() -> Iterator[tuple[Server, Server, list[str]]]:
    """Relatum, the reference, and the ids of some customers; both on the same rows."""
    ports = free_port(), free_port()
    with (
        installation(port=ports[0], database=populated(CUSTOMERS)) as made,
        contextlib.ExitStack() as stack,
    ):
        settle(made.database)
        with contextlib.closing(sqlite3.connect(made.database)) as connection:
            everybody = [row[0] for row in connection.execute("SELECT id FROM core_customer")]
        ids = random.Random(20261122).sample(everybody, IDS)
        ours = stack.enter_context(relatum(made, ports[0]))
        reference = stack.enter_context(bare(made.database, made.environment, ports[1]))
        yield ours, reference, ids


def read_one() -> Reading:
    """Customers by id, in random order."""
    with both_servers() as (ours, reference, ids):
        paths = [f"/customers/{id}" for id in ids]
        refuse_different(ours.get(API + paths[0]), reference.get(paths[0]))
        return compare(ours, reference, paths)


def list_100k() -> Reading:
    """The first page of fifty, newest first."""
    with both_servers() as (ours, reference, _):
        refuse_different(ours.get(f"{API}/customers"), reference.get("/customers"))
        return compare(ours, reference, ["/customers"])


def compare(ours: Server, reference: Server, paths: Sequence[str]) -> Reading:
    """Both in turns."""
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for server, prefix in ((ours, API), (reference, "")):
            files[server.port] = Path(folder) / f"{server.port}.txt"
            files[server.port].write_text("\n".join(prefix + path for path in paths))
        references, loads = in_turns(
            lambda: press(reference.port, files[reference.port], seconds=SECONDS),
            lambda: press(ours.port, files[ours.port], seconds=SECONDS, token=ours.token),
            rounds=ROUNDS,
        )
    value = ratio([load.rate for load in loads], [load.rate for load in references])
    note = (
        f"{CUSTOMERS:,} customers; {tool()}, {CONNECTIONS} connections; medians of {ROUNDS} "
        f"rounds of {SECONDS} s in turns, the ratio is the median of the rounds' ratios"
    )
    return Reading(
        value=value,
        heads=["server", "requests/s", "p50 ms", "p95 ms", "p99 ms", "ratio"],
        rows=[
            ["bare Litestar, sqlite3 in process", *medians(references), ""],
            ["relatum serve, core + sales_pipeline", *medians(loads), value],
        ],
        notes=[note],
    )


def medians(loads: Sequence[Load]) -> list[float]:
    """Requests a second, p50, p95, p99: each the median of all rounds."""
    return [
        statistics.median(getattr(load, name) for load in loads)
        for name in ("rate", "p50", "p95", "p99")
    ]


def refuse_different(ours: bytes, reference: bytes) -> None:
    """Both must answer the same; a reference that does less work would not be one.

    Raises:
        RuntimeError: they do not.
    """
    if comparable(json.loads(ours)) != comparable(json.loads(reference)):
        raise RuntimeError(
            f"expected the same answer from both, got\n{ours[:600]!r}\nand\n{reference[:600]!r}"
        )


def comparable(answer: Any) -> Any:
    """An answer without what may differ in spelling: cursors, and how a time is written."""
    if isinstance(answer, dict):
        return {
            key: bool(value) if key == "next" else comparable(value)
            for key, value in answer.items()
        }
    if isinstance(answer, list):
        return [comparable(each) for each in answer]
    if isinstance(answer, str) and answer[:2] == "20":
        with contextlib.suppress(ValueError):
            return dt.datetime.fromisoformat(answer).timestamp()
    return answer


MEASURES = [
    Measure(
        id="http.read_one",
        title="one customer by id over HTTP, against a bare route with the same SQL",
        unit="× requests/s",
        limit=0.50,
        goal="at least",
        run=read_one,
    ),
    Measure(
        id="http.list_100k",
        title="list of 50 among 100,000 customers, against a bare route with the same SQL",
        unit="× requests/s",
        limit=0.50,
        goal="at least",
        run=list_100k,
    ),
]
