"""The list of customers and its search as you type, as people ask for them: whole requests.

In a company of 100,000 customers and two million interactions, signed in as somebody who sees all,
as one who sees all without contact data, as a manager of a team and as a seller.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.company import ANALYST, CUSTOMERS, INTERACTIONS, OWNER, company
from benchmarks.houses import installation
from benchmarks.measures import Measure, Reading
from benchmarks.million import account
from benchmarks.rounds import percentile
from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.app.serve import settle
from relatum.config.settings import Limits, Settings
from relatum.customers.reading import SORTS
from relatum.db.pages import Sort, cursor_at
from relatum_sdk.databases import PostgresDatabases
from relatum_sdk.people import client_of

SERVER = "RELATUM_TEST_POSTGRES"
VIEWERS = {"owner": OWNER, "analyst (masked)": ANALYST, "manager": 1, "seller": 3}
ROUNDS = 4
PATHS = (
    "/customers?view=all",
    "/customers?view=all&sort=display_name",
    "/customers?view=all&sort=-display_name",
    "/customers?view=all&sort=created_at",
    "/customers?view=all&sort=-created_at",
    "/customers?view=all&sort=updated_at",
    "/customers?role=prospect",
    "/customers?role=customer",
    "/customers?owner=me",
    "/customers?tag=dense&sort=display_name",
    "/customers?tag=sparse",
    "/customers?quiet=30",
    "/customers?created_first=2025-01-01&created_last=2025-03-31",
    "/customers?view=all&columns=phone,email,kind,roles,tags,owner,team,last_contact,created",
)
#: Pages that begin behind so many customers.
DEEP = 90_000
#: Typed letter by letter.
TYPED = ("nguyễn văn an", "tran hoa", "yen", "0912 3", "tran.thi.1", "example.vn", "zzq")
Asked = list[tuple[str, dict[str, str]]]
PARTIAL = {"hx-request": "true", "hx-request-type": "partial", "hx-target": "div#results"}


@dataclass(frozen=True)
class Times:
    """What one viewer waited, in milliseconds of the clock and of the processor."""

    database: str
    viewer: str
    clock: list[float]
    busy: list[float]
    slowest: str

    @property
    def p95(self) -> float:
        return percentile(self.clock, 0.95)


def list_pages() -> Reading:
    """Pages of the list with filters, orders and columns."""
    return _reading(_pages)


def search() -> Reading:
    """What the browser asks for with each letter."""
    return _reading(_letters)


async def _pages(house: House) -> Asked:
    """The pages above, and one far down in each order."""
    deep = []
    for name, (column, kind) in SORTS.items():
        [last] = await house.db.fetch(
            f"SELECT {column}, id FROM core_customer ORDER BY {column}, id LIMIT 1 OFFSET {DEEP}"
        )
        cursor = cursor_at(Sort(column, kind), *last)
        deep.append(f"/customers?view=all&sort={name}&cursor={quote(cursor)}")
    return [(path, {}) for path in [*PATHS, *deep]]


async def _letters(_house: House) -> Asked:
    texts = [text[: n + 1] for text in TYPED for n in range(len(text))]
    return [(f"/customers?q={quote(text)}", PARTIAL) for text in texts]


def _reading(asked: Callable[[House], Awaitable[Asked]]) -> Reading:
    times = [each for name, url in _databases() for each in asyncio.run(_times(name, url, asked))]
    worst = max(times, key=lambda each: each.p95)
    return Reading(
        value=worst.p95,
        heads=["database", "who", "p50 ms", "p95 ms", "busy p95 ms", "slowest"],
        rows=[
            [
                *(each.database, each.viewer, percentile(each.clock, 0.5), each.p95),
                *(percentile(each.busy, 0.95), each.slowest),
            ]
            for each in times
        ],
        notes=[
            (
                f"{CUSTOMERS:,} customers, {INTERACTIONS:,} interactions; whole requests in one "
                f"process with their session, templates and compression, {ROUNDS} of each after "
                "one to warm up; busy is the processor time of the process (not of PostgreSQL)"
            ),
            *([] if len({each.database for each in times}) > 1 else [f"no {SERVER}: SQLite alone"]),
        ],
    )


async def _times(name: str, url: str, asked: Callable[[House], Awaitable[Asked]]) -> list[Times]:
    with tempfile.TemporaryDirectory(prefix="relatum-bench-") as home:
        settings = Settings(
            home=Path(home),
            database=url,
            durability="normal",
            safe_mode=True,
            limits=Limits(token=0, account=0, address=0, sign_in=0),
        )
        async with await House.open(settings) as house:
            app = create_app(house)
            settle()
            wanted = await asked(house)
            return [
                await _of(name, viewer, await _client(house, app, number), wanted)
                for viewer, number in VIEWERS.items()
            ]


async def _client(house: House, app: Any, number: int) -> Any:
    client = client_of(app)
    session = await house.sign_in.at_once(account(number), address="127.0.0.1", user_agent="")
    client.cookies.set("relatum_session", session.secret, domain="127.0.0.1")
    client.headers["accept"] = "text/html"
    return client


async def _of(database: str, viewer: str, client: Any, asked: Asked) -> Times:
    clock: list[float] = []
    busy: list[float] = []
    slowest = (0.0, "")
    for path, headers in asked:
        for number in range(ROUNDS + 1):
            started, used = time.perf_counter(), time.process_time()
            answer = await client.get(path, headers=headers)
            taken = (time.perf_counter() - started) * 1e3
            if answer.status_code != 200:
                raise RuntimeError(f"expected 200 for {path}, got {answer.status_code}")
            if number:
                clock.append(taken)
                busy.append((time.process_time() - used) * 1e3)
                slowest = max(slowest, (taken, path.partition("?")[2]))
    return Times(database, viewer, clock, busy, slowest[1])


@contextmanager
def _moved(file: Path, server: str) -> Iterator[str]:
    """The company in a PostgreSQL database of its own."""
    databases = PostgresDatabases(server, lambda _: None)
    url = databases.empty()
    try:
        with installation(database=file) as made:
            made.run("move", "--to", url)
        yield url
    finally:
        databases.drop(url)


def _databases() -> Iterator[tuple[str, str]]:
    file = company()
    with installation(database=file) as made:
        yield "SQLite", f"sqlite:///{made.database}"
    server = os.environ.get(SERVER)
    if server:
        with _moved(file, server) as url:
            yield "PostgreSQL", url


MEASURES = [
    Measure(
        id="web.list",
        title="a page of the list of customers among 100,000, the whole request, p95",
        unit="ms",
        limit=100,
        goal="at most",
        run=list_pages,
    ),
    Measure(
        id="web.search",
        title="search as you type among 100,000 customers, on the server, p95",
        unit="ms",
        limit=60,
        goal="at most",
        run=search,
    ),
]
