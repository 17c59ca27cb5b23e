"""The law of pages: together they are the whole, in order, whatever comes and goes meanwhile."""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from piccolo.columns import UUID, BigInt, Text, Timestamptz
from piccolo.table import Table

from relatum.db.bound import bind
from relatum.db.database import Database
from relatum.db.pages import cut, paginate, sort_from
from relatum.values.problems import InvalidInput

SORTS: dict[str, tuple[str, type[Any]]] = {
    "rank": ("rank", int),
    "label": ("label", str),
    "at": ("at", dt.datetime),
    "id": ("id", uuid.UUID),
}
VALUE = {"id": 0, "rank": 1, "label": 2, "at": 3}
SELECT = "SELECT id, rank, label, at FROM probe_thing"
FIRST = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

Row = tuple[uuid.UUID, int, str, dt.datetime]


class Thing(Table, tablename="probe_thing"):
    id = UUID(primary_key=True, default=None)
    rank = BigInt(default=0)
    label = Text(default="")
    at = Timestamptz(default=None, null=False)


@pytest.fixture
async def things(db: Database) -> Database:
    bind(db.engine)
    await Thing.create_table().run()
    return db


# Few different values, so that most rows tie and the id has to decide.
one_row = st.tuples(
    st.uuids(),
    st.integers(0, 3),
    st.sampled_from(["", "a", "á", "B", "%_\\", "z"]),
    st.integers(0, 3).map(lambda n: FIRST + dt.timedelta(microseconds=n)),
)
some_rows = st.lists(one_row, max_size=25, unique_by=lambda row: row[0])
between = st.lists(st.tuples(st.lists(one_row, max_size=3), st.integers(0, 30)), max_size=8)
law = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


async def one_page(
    db: Database, sort: str, limit: int, cursor: str | None, *conditions: str
) -> tuple[list[Row], str | None]:
    query = paginate(
        SELECT,
        conditions,
        [],
        sort=sort_from(sort, SORTS),
        id_column="id",
        limit=limit,
        cursor=cursor,
    )
    rows = await db.fetch(query.sql, *query.params)
    assert len(rows) <= limit + 1
    return cut(rows, query, value=VALUE[query.sort.column], id=0)


async def whole(db: Database, sort: str) -> list[Row]:
    """Everything in order, by the database itself."""
    name, direction = sort.lstrip("-"), "DESC" if sort.startswith("-") else "ASC"
    return await db.fetch(f"{SELECT} ORDER BY {name} {direction}, id {direction}")


sorts = st.sampled_from([sign + name for name in SORTS for sign in ("", "-")])


@law
@given(rows=some_rows, sort=sorts, limit=st.integers(1, 7))
async def test_pages_put_together_are_the_whole_in_order(
    things: Database, rows: list[Row], sort: str, limit: int
) -> None:
    await things.execute("DELETE FROM probe_thing")
    await things.insert("probe_thing", ("id", "rank", "label", "at"), rows)
    pages: list[list[Row]] = []
    cursor = None
    while cursor is not None or not pages:
        page, cursor = await one_page(things, sort, limit, cursor)
        pages.append(page)
    assert [row for page in pages for row in page] == await whole(things, sort)
    assert all(len(page) == limit for page in pages[:-1]), "only the last page may be short"
    assert len(pages) == max(1, -(-len(rows) // limit)), "no empty page at the end"


@law
@given(rows=some_rows, sort=sorts, limit=st.integers(1, 4), changes=between)
async def test_rows_that_come_and_go_between_pages(
    things: Database,
    rows: list[Row],
    sort: str,
    limit: int,
    changes: list[tuple[list[Row], int]],
) -> None:
    """No row twice, none out of order, none lost that was there from the first page to the last."""
    await things.execute("DELETE FROM probe_thing")
    await things.insert("probe_thing", ("id", "rank", "label", "at"), rows)
    stayed, seen = {row[0] for row in rows}, []
    added: set[uuid.UUID] = set()
    cursor, turn = None, 0
    while True:
        page, cursor = await one_page(things, sort, limit, cursor)
        seen += page
        if cursor is None:
            break
        new, victim = changes[turn] if turn < len(changes) else ([], None)
        fresh = [row for row in new if row[0] not in stayed | added]
        await things.insert(
            "probe_thing",
            ("id", "rank", "label", "at"),
            fresh,
            on_conflict="ON CONFLICT DO NOTHING",
        )
        added |= {row[0] for row in fresh}
        if victim is not None and victim < len(rows):
            await things.execute("DELETE FROM probe_thing WHERE id = ?", rows[victim][0])
            stayed.discard(rows[victim][0])
        turn += 1
    ids = [row[0] for row in seen]
    assert len(ids) == len(set(ids))
    assert stayed <= set(ids)
    assert set(ids) <= {row[0] for row in rows} | added
    # The order of the database itself, over everything that was ever seen.
    await things.execute("DELETE FROM probe_thing")
    await things.insert("probe_thing", ("id", "rank", "label", "at"), seen)
    assert seen == await whole(things, sort)


async def test_an_offset_would_break_the_law(things: Database) -> None:
    """Negative control: the same check catches the usual way of paging."""
    rows = [(uuid.uuid4(), n, "", FIRST) for n in range(1, 7)]
    await things.insert("probe_thing", ("id", "rank", "label", "at"), rows)
    seen = await things.fetch(f"{SELECT} ORDER BY rank LIMIT 3 OFFSET 0")
    await things.insert(
        "probe_thing", ("id", "rank", "label", "at"), [(uuid.uuid4(), 0, "", FIRST)]
    )
    seen += await things.fetch(f"{SELECT} ORDER BY rank LIMIT 3 OFFSET 3")
    assert len({row[0] for row in seen}) < len(seen)


async def test_conditions_hold_on_every_page(things: Database) -> None:
    rows = [(uuid.uuid4(), n % 3, "", FIRST) for n in range(30)]
    await things.insert("probe_thing", ("id", "rank", "label", "at"), rows)
    seen: list[Row] = []
    page, cursor = await one_page(things, "id", 4, None, "rank = 1")
    seen += page
    while cursor:
        page, cursor = await one_page(things, "id", 4, cursor, "rank = 1")
        seen += page
    assert {row[0] for row in seen} == {row[0] for row in rows if row[1] == 1}


# -- cursors from elsewhere ----------------------------------------------------------------------


async def test_a_cursor_of_another_order_is_refused(things: Database) -> None:
    rows = [(uuid.uuid4(), n, "", FIRST) for n in range(5)]
    await things.insert("probe_thing", ("id", "rank", "label", "at"), rows)
    _, cursor = await one_page(things, "rank", 2, None)
    for other in ("-rank", "label", "at", "id"):
        with pytest.raises(InvalidInput) as refused:
            await one_page(things, other, 2, cursor)
        assert refused.value.problems[0].code == "bad-cursor"


@settings(max_examples=300, deadline=None)
@given(
    cursor=st.text(max_size=80) | st.binary(max_size=60).map(lambda b: b.hex()),
    sort=sorts,
)
def test_any_text_as_cursor_is_refused_or_read(cursor: str, sort: str) -> None:
    with contextlib.suppress(InvalidInput):
        paginate(
            SELECT, [], [], sort=sort_from(sort, SORTS), id_column="id", limit=5, cursor=cursor
        )


@pytest.mark.parametrize("name", ["", "-", "--rank", "rank;", "rank DESC", "nothing"])
def test_an_unknown_order_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        sort_from(name, SORTS)
    assert "rank" in refused.value.problems[0].expected
