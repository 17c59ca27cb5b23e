"""The board of a pipeline with 500 deals, as a seller asks for it: whole requests."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.measures import Measure, Reading
from benchmarks.rounds import percentile
from relatum.api import Amount, CustomerDraft
from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.app.serve import settle
from relatum.config.settings import Limits, Settings
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.deals import DealDraft
from relatum_sales_pipeline.types.teams import MemberDraft, TeamDraft
from relatum_sdk.databases import PostgresDatabases
from relatum_sdk.people import client_of, make_person

SERVER = "RELATUM_TEST_POSTGRES"
DEALS = 500
ROUNDS = 25
PATHS = {
    "all 500 cards": "/p/sales_pipeline/board?shown=1000",
    "50 of each column": "/p/sales_pipeline/board",
    "search": "/p/sales_pipeline/board?q=7",
}
STAGES = ("prospecting", "engaging", "won", "lost")


def board() -> Reading:
    """The board with every card, the first cards, and a search."""
    rows = [row for name, url in _databases() for row in asyncio.run(_rows(name, url))]
    return Reading(
        value=max(row[3] for row in rows),
        heads=["database", "what", "p50 ms", "p95 ms", "busy p95 ms", "KB"],
        rows=rows,
        notes=[
            (
                f"{DEALS} deals of {DEALS} customers in four stages; whole requests in one process "
                f"with session, templates and compression, {ROUNDS} of each after one to warm up; "
                "busy is the processor time of the process"
            )
        ],
    )


def _databases() -> Iterator[tuple[str, str]]:
    yield "SQLite", ""
    server = os.environ.get(SERVER)
    if server:
        databases = PostgresDatabases(server, lambda _: None)
        url = databases.empty()
        try:
            yield "PostgreSQL", url
        finally:
            databases.drop(url)


async def _rows(name: str, url: str) -> list[list[Any]]:
    with tempfile.TemporaryDirectory(prefix="relatum-bench-") as home:
        settings = Settings(
            home=Path(home),
            database=url,
            durability="normal",
            limits=Limits(token=0, account=0, address=0, sign_in=0),
        )
        async with await House.open(settings) as house:
            await house.migrate_apply()
            await _fill(house)
            client = client_of(create_app(house))
            settle()
            account = await make_person(house, "owner")
            session = await house.sign_in.at_once(account, address="127.0.0.1", user_agent="")
            client.cookies.set("relatum_session", session.secret, domain="127.0.0.1")
            client.headers["accept"] = "text/html"
            return [[name, what, *await _times(client, path)] for what, path in PATHS.items()]


async def _times(client: Any, path: str) -> list[float]:
    clock: list[float] = []
    busy: list[float] = []
    size = 0
    for number in range(ROUNDS + 1):
        started, used = time.perf_counter(), time.process_time()
        answer = await client.get(path)
        taken = (time.perf_counter() - started) * 1e3
        if answer.status_code != 200:
            raise RuntimeError(f"expected 200 for {path}, got {answer.status_code}")
        size = int(answer.headers.get("content-length") or 0)
        if number:
            clock.append(taken)
            busy.append((time.process_time() - used) * 1e3)
    return [
        percentile(clock, 0.5),
        percentile(clock, 0.95),
        percentile(busy, 0.95),
        size / 1024,
    ]


async def _fill(house: House) -> None:
    plugin = house.registry.plugins["sales_pipeline"]
    drafts = [
        CustomerDraft(display_name=f"Công ty số {n}", kind="organisation") for n in range(DEALS)
    ]
    customers = await house.customers.create(drafts, by="system")
    (team,) = await Teams(plugin).create_teams([TeamDraft(name="Miền Nam")])
    members = await Teams(plugin).create_members(
        [MemberDraft(name=f"Người bán {n}", team_id=team) for n in range(12)]
    )
    await Deals(plugin).create(
        [
            DealDraft(
                name=f"Triển khai CRM cho công ty số {n}",
                customer_id=customer,
                owner_id=members[n % 12],
                stage=STAGES[n % 4],
                lost_reason="price" if n % 4 == 3 else None,
                value=Amount(1_000_000 * (n + 1), "VND"),
            )
            for n, customer in enumerate(customers)
        ],
        by="system",
    )


MEASURES = [
    Measure(
        id="web.board",
        title="the board of a pipeline with 500 deals, the whole request, p95",
        unit="ms",
        limit=200,
        goal="at most",
        run=board,
    )
]
