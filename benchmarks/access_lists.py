"""A page of a list among a million customers: what it costs those who see only a part of them."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from benchmarks.measures import Condition, Measure, Reading
from benchmarks.million import ACCOUNTS, DENSE, SPARSE, TEAMS, account, million, team
from benchmarks.rounds import ratio
from relatum.access.sight.compiling import SightGuard, guard_for
from relatum.access.sight.masking import Masked
from relatum.access.viewer import Sight, Viewer
from relatum.app.asgi import Application, create_app
from relatum.app.house import House
from relatum.app.serve import settle
from relatum.config.settings import Settings
from relatum.customers.service import Customers
from relatum.customers.types import CustomerQuery
from relatum.db.guarded import guarded_tables
from relatum.db.guarding import guarded_by
from relatum.http.routes.customers import READ
from relatum.values.sensitivity import Sensitivity

CUSTOMERS = 1_000_000
SORTS = ("display_name", "created_at", "-created_at", "updated_at", "-updated_at")
ROUNDS = 21
#: how many pages of the restricted list the deep cursor has behind it
DEEP = 30
RULES = {SPARSE: 1, DENSE: 2}

_ME = account(3)
_MINE = (_ME,)
_BOTH = (RULES[SPARSE], RULES[DENSE])


def _teams(count: int) -> tuple[UUID, ...]:
    return tuple(team(number) for number in range(count))


CASES: dict[str, Sight] = {
    "own": Sight(owners=_MINE),
    "own, one team": Sight(owners=_MINE, teams=_teams(1)),
    "own, 8 teams": Sight(owners=_MINE, teams=_teams(8)),
    f"own, all {TEAMS} teams": Sight(owners=_MINE, teams=_teams(TEAMS)),
    "own, sparse rule (1 %)": Sight(owners=_MINE, rules=_BOTH[:1]),
    "own, dense rule (30 %)": Sight(owners=_MINE, rules=_BOTH[1:]),
    "own, one team, both rules": Sight(owners=_MINE, teams=_teams(1), rules=_BOTH),
    "own, 8 teams, both rules": Sight(owners=_MINE, teams=_teams(8), rules=_BOTH),
}


@dataclass(frozen=True)
class Cost:
    """One list: milliseconds a page for everybody's list and for the restricted one."""

    case: str
    sort: str
    place: str
    free: float
    restricted: float
    ratio: float


def list_cost() -> Reading:
    """Every case in every order, first page and deep cursor; the worst ratio counts."""
    costs = asyncio.run(_costs())
    masked = [cost for cost in costs if cost.case.endswith("masked")]
    rated = [cost for cost in costs if not cost.case.endswith("masked")]
    rows = [
        [each.case, each.sort, each.place, each.free, each.restricted, each.ratio] for each in costs
    ]
    worst = max(rated, key=lambda cost: cost.ratio)
    median = statistics.median(cost.ratio for cost in rated)
    return Reading(
        value=worst.ratio,
        heads=["sees", "sort", "page", "all: ms", "restricted: ms", "ratio"],
        rows=rows,
        conditions=[
            Condition(
                "worst with contact data masked", max(c.ratio for c in masked), "×", MASKED_LIMIT
            )
        ],
        notes=[
            (
                f"{CUSTOMERS:,} customers, SQLite; {ACCOUNTS} accounts in {TEAMS} teams own 80 % "
                f"of them; whole requests for pages of 50, processor time; medians of {ROUNDS} "
                "pages in turns with the same page of an unrestricted list"
            ),
            f"worst: {worst.case}, {worst.sort}, {worst.place}; median of all {median:.2f}",
        ],
    )


#: Masks are work that the unrestricted list does not do: two strings for each contact point.
MASKED_LIMIT = 1.25


async def _costs() -> list[Cost]:
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(
            home=Path(home),
            database=f"sqlite:///{million(CUSTOMERS)}",
            durability="normal",
            safe_mode=True,
        )
        async with await House.open(settings) as house:
            desk = Desk(create_app(house), house)
            settle()
            return [
                await _cost(desk, case, guard, sort, deep=deep)
                for case, guard in _guards()
                for sort in SORTS
                for deep in (False, True)
            ]


class Desk:
    """Asks the application for pages as somebody, without a socket and without who they are being
    looked up (which costs the same for everybody).
    """

    def __init__(self, app: Application, house: House) -> None:
        self.customers = house.customers
        self._answer = app._create_asgi_handler()
        self._app = app

    async def seconds(self, guard: SightGuard | None, query: CustomerQuery) -> float:
        """Processor time of one request for a full page."""
        asked = {"sort": query.sort} | ({"cursor": query.cursor} if query.cursor else {})
        body = bytearray()

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            body.extend(message.get("body", b""))

        with guarded_by(guard):
            started = time.process_time()
            await self._answer(self._scope(asked), receive, send)
            taken = time.process_time() - started
        if body.count(b'"display_name"') != query.limit:
            raise RuntimeError(f"expected a page of {query.limit}, got {bytes(body[:200])!r}")
        return taken

    def _scope(self, asked: dict[str, str]) -> Any:
        viewer = Viewer(actor="person:bench", kind="person", permissions=frozenset({READ}))
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/api/v1/customers",
            "raw_path": b"/api/v1/customers",
            "root_path": "",
            "query_string": urlencode(asked).encode(),
            "headers": [(b"host", b"127.0.0.1:8000"), (b"accept", b"*/*")],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8000),
            "state": {"request_id": "bench", "viewer": viewer},
            "app": self._app,
            "litestar_app": self._app,
        }


def _guards() -> Iterator[tuple[str, SightGuard | None]]:
    tables = guarded_tables()
    nothing: frozenset[Sensitivity] = frozenset()
    for case, sight in CASES.items():
        for name, masked in ((case, nothing), (f"{case}, masked", frozenset({"contact"}))):
            seen = msgspec.structs.replace(sight, masked=masked)
            yield name, guard_for(seen, tables, Masked(), kind="sqlite")


async def _cost(desk: Desk, case: str, guard: SightGuard | None, sort: str, *, deep: bool) -> Cost:
    query = CustomerQuery(sort=sort)
    free_query = query
    if deep:
        query = await _deep(desk.customers, guard, query)
        free_query = await _deep(desk.customers, None, free_query)
    free: list[float] = []
    restricted: list[float] = []
    for number in range(-1, ROUNDS):
        pair = [(free, None, free_query), (restricted, guard, query)]
        for times, seen_by, asked in pair if number % 2 else reversed(pair):
            taken = await desk.seconds(seen_by, asked)
            if number >= 0:
                times.append(taken * 1000)
    return Cost(
        case,
        sort,
        "deep" if deep else "first",
        statistics.median(free),
        statistics.median(restricted),
        ratio(restricted, free),
    )


async def _deep(
    customers: Customers, guard: SightGuard | None, query: CustomerQuery
) -> CustomerQuery:
    with guarded_by(guard):
        for _ in range(DEEP):
            page = await customers.find(query)
            if page.next is None:
                raise RuntimeError("expected more pages than that, got the last one")
            query = msgspec.structs.replace(query, cursor=page.next)
    return query


MEASURES = [
    Measure(
        id="access.list_cost_1m",
        title="list of 50 among a million customers for who sees a part, against all",
        unit="× time",
        limit=1.10,
        goal="at most",
        run=list_cost,
    )
]
