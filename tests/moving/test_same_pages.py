"""AC-MIG-1: counts, sums, checksums and every answer about every customer are equal."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from relatum.app.asgi import create_app
from relatum.app.demo import seed_demo
from relatum.app.house import House
from relatum.app.relocation import move
from relatum.config.settings import Limits, Settings
from relatum_sdk.people import client_of, make_person, make_token

pytestmark = [pytest.mark.postgres, pytest.mark.long]

#: Lists, in the orders that people ask for.
LISTS = (
    "/api/v1/customers?limit=200&sort=display_name",
    "/api/v1/customers?limit=200&sort=-created_at",
    "/api/v1/customers?limit=200&q=nguyen",
    "/api/v1/interactions?limit=200",
    "/api/v1/plugins/sales_pipeline/deals?limit=200",
    "/api/v1/plugins/sales_pipeline/leads?limit=200",
    "/api/v1/accounts",
    "/api/v1/teams",
    "/people",
    "/roles",
    "/audit",
)
OF_A_CUSTOMER = (
    "/api/v1/customers/{}",
    "/api/v1/customers/{}/links",
    "/api/v1/interactions?customer_id={}&limit=200",
)
#: By hand, in SQL that both databases understand.
COUNTED = (
    "SELECT count(*), sum(amount), min(amount), max(amount) FROM core_interaction",
    "SELECT kind, currency, count(*), sum(amount) FROM core_interaction GROUP BY 1, 2 ORDER BY 1",
    "SELECT currency, count(*), sum(amount) FROM sales_pipeline_deal GROUP BY 1 ORDER BY 1",
    "SELECT sum(quantity), sum(unit_amount), sum(amount) FROM sales_pipeline_deal_line",
    "SELECT type, count(*), sum(seq) FROM core_event GROUP BY 1 ORDER BY 1",
)


@pytest.fixture
def urls(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A migrated SQLite database and an empty PostgreSQL one."""
    ours = request.getfixturevalue("_relatum_sqlite")
    theirs = request.getfixturevalue("_relatum_postgresql")
    here, there = ours.migrated(), theirs.empty()
    yield here, there
    ours.drop(here)
    theirs.drop(there)


async def test_every_answer_is_the_same(
    urls: tuple[str, str], relatum_home: Path, tmp_path: Path
) -> None:
    limits = Limits(token=0, account=0, address=0, sign_in=0)
    here = Settings(home=relatum_home, database=urls[0], durability="normal", limits=limits)
    async with await House.open(here) as house:
        await seed_demo(house)
        account = await make_person(house)
        token = await make_token(house, account)
        # an answer leaves its trace in the token's last use; it must be there before the move
        before = await _answers(house, token)
    moved = await move(here, urls[1])
    there = msgspec.structs.replace(here, database=urls[1])
    async with await House.open(there) as house:
        after = await _answers(house, token)
    assert len(before) > 600
    assert {path for path, (status, _) in before.items() if status != 200} == set()
    assert {path for path in before if before[path] != after[path]} == set()

    back = msgspec.structs.replace(there, home=tmp_path)
    again = await move(back, "sqlite:///back.sqlite3")
    assert {each.name: each.sums for each in moved.tables if each.sums}
    assert _counted(Path(urls[0].removeprefix("sqlite:///"))) == await _counted_there(urls[1])
    assert _counted(tmp_path / "back.sqlite3") == await _counted_there(urls[1])
    # the answers to the moved house have left their traces as well
    same = {each.name for each in moved.tables if each in again.tables}
    assert {each.name for each in moved.tables} - same <= {"core_api_token", "core_event"}


async def _answers(house: House, token: str) -> dict[str, tuple[int, Any]]:
    ids = [row[0] for row in await house.db.fetch("SELECT id FROM core_customer ORDER BY id")]
    paths = [*LISTS, *(path.format(id) for path in OF_A_CUSTOMER for id in ids)]
    async with client_of(create_app(house), token=token) as client:
        found = {}
        for path in paths:
            answer = await client.get(path)
            # how engaged a lead is fades by the minute, and a mark of the log is encrypted anew
            text = re.sub(r'"engagement":[\d.]+|data-live="[^"]*"', "", answer.text)
            found[path] = (answer.status_code, text)
    return found


def _counted(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return [connection.execute(each).fetchall() for each in COUNTED]


async def _counted_there(url: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return [[tuple(row) for row in await connection.fetch(each)] for each in COUNTED]
    finally:
        await connection.close()
