"""Starting a server with ten plugins, and what it holds in memory when it has nothing to do."""

from __future__ import annotations

import statistics
import time

from benchmarks.houses import installation, populated
from benchmarks.measures import Measure, Reading
from benchmarks.servers import free_port, relatum

CUSTOMERS = 100_000
PLUGINS = 10
STARTS = 7
IDLE_SECONDS = 5
#: What people open first: the start page, what runs, the list, the search, the documentation.
VISITED = (
    "/",
    "/health",
    "/ready",
    "/api/v1/plugins",
    "/api/v1/customers",
    "/api/v1/customers?q=lan",
    "/api/v1/interactions",
)


def cold() -> Reading:
    """From starting the process to the first answer that comes out of the database."""
    port = free_port()
    seconds, busy = [], []
    with installation(idle_plugins=PLUGINS, port=port, database=populated(CUSTOMERS)) as made:
        for _ in range(STARTS):
            with relatum(made, port, first="/api/v1/customers?limit=1") as server:
                seconds.append(server.first_answer)
                busy.append(server.busy)
    value = statistics.median(seconds)
    note = (
        f"{STARTS} starts of `relatum serve` with {PLUGINS} idle plugins and the sales pipeline on "
        f"{CUSTOMERS:,} customers, from starting the process to the first page of the list; the "
        "files are in the system's cache. Busy is processor time"
    )
    return Reading(
        value=value,
        heads=["start", "s", "busy s"],
        rows=[
            ["median", value, statistics.median(busy)],
            ["fastest", min(seconds), min(busy)],
            ["slowest", max(seconds), max(busy)],
        ],
        notes=[note],
    )


def idle_memory() -> Reading:
    """After a few requests and a few seconds of quiet."""
    port = free_port()
    with (
        installation(idle_plugins=PLUGINS, port=port, database=populated(CUSTOMERS)) as made,
        relatum(made, port) as server,
    ):
        rows = [["after the start", *server.memory()]]
        for path in VISITED:
            for _ in range(3):
                server.get(path)
        time.sleep(IDLE_SECONDS)
        rows.append([f"{len(VISITED) * 3} requests later, {IDLE_SECONDS} s idle", *server.memory()])
        server.get("/schema")
        rows.append(["and with the API documentation shown once", *server.memory()])
    note = (
        f"the whole process tree, 10⁶ bytes a megabyte, {PLUGINS} idle plugins and the sales "
        f"pipeline, {CUSTOMERS:,} customers; the value is the greatest proportional size"
    )
    return Reading(
        value=max(float(str(row[2])) for row in rows),
        heads=["moment", "resident MB", "proportional MB"],
        rows=rows,
        notes=[note],
    )


MEASURES = [
    Measure(
        id="start.cold",
        title="cold start to the first answer with ten plugins",
        unit="s",
        limit=2.0,
        goal="at most",
        run=cold,
    ),
    Measure(
        id="start.idle_memory",
        title="memory of an idle server with ten plugins",
        unit="MB",
        limit=150,
        goal="at most",
        run=idle_memory,
    ),
]
