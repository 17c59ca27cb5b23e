"""Values come back as they went in, and alike on both databases."""

from __future__ import annotations

import datetime as dt
import uuid
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from piccolo.columns import JSON, UUID, BigInt, Boolean, Date, Text, Timestamptz, Varchar
from piccolo.table import Table

from relatum.db.bound import bind
from relatum.db.database import MOST_VARIABLES, Database, marks, numbered, to_json

COLUMNS = ("id", "flag", "at", "day", "number", "label", "words", "free")


class Sample(Table, tablename="probe_sample"):
    id = UUID(primary_key=True, default=None)
    flag = Boolean(default=False)
    at = Timestamptz(default=None, null=True)
    day = Date(default=None, null=True)
    number = BigInt(default=None, null=True)
    label = Varchar(length=200, default="")
    words = Text(default="")
    free = JSON(default="{}")


@pytest.fixture
async def samples(db: Database) -> Database:
    bind(db.engine)
    await Sample.create_table().run()
    return db


# PostgreSQL takes no NUL and no half of a surrogate pair; nor does the house (`clean_line`).
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
zones = st.sampled_from(
    [dt.UTC, dt.timezone(dt.timedelta(hours=7)), dt.timezone(dt.timedelta(hours=-9, minutes=-30))]
)
moments = st.datetimes(
    min_value=dt.datetime(1000, 1, 2),  # noqa: DTZ001 - as Hypothesis wants its bounds
    max_value=dt.datetime(9000, 1, 1),  # noqa: DTZ001
    timezones=zones,
)
big = st.integers(min_value=-(2**63), max_value=2**63 - 1)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
rows = st.tuples(
    st.uuids(),
    st.booleans(),
    st.none() | moments,
    st.none() | st.dates(),
    st.none() | big,
    texts,
    texts,
    st.dictionaries(texts, json_values, max_size=3),
)
law = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@law
@given(row=rows)
async def test_rows_come_back_as_they_went_in(samples: Database, row: tuple[object, ...]) -> None:
    await samples.execute("DELETE FROM probe_sample")
    stored = (*row[:-1], to_json(row[-1]))
    await samples.insert("probe_sample", COLUMNS, [stored])
    found = await samples.fetch_one(f"SELECT {', '.join(COLUMNS)} FROM probe_sample")
    assert found is not None
    expected_at = row[2].astimezone(dt.UTC) if isinstance(row[2], dt.datetime) else None
    assert found[:-1] == (row[0], row[1], expected_at, *row[3:7])
    assert isinstance(found[0], uuid.UUID)
    assert isinstance(found[1], bool)
    assert found[2] is None or found[2].utcoffset() == dt.timedelta(0)
    assert isinstance(found[-1], str)
    assert msgspec.json.decode(found[-1]) == row[-1]


@law
@given(row=rows)
async def test_a_piccolo_table_reads_the_same_row(
    samples: Database, row: tuple[object, ...]
) -> None:
    await samples.execute("DELETE FROM probe_sample")
    await samples.insert("probe_sample", COLUMNS, [(*row[:-1], to_json(row[-1]))])
    (found,) = await Sample.select().run()
    assert found["id"] == row[0]
    assert found["flag"] is row[1]
    assert found["at"] == row[2]
    assert (found["day"], found["number"], found["label"]) == (row[3], row[4], row[5])


@law
@given(moments=st.lists(moments, min_size=2, max_size=8, unique=True))
async def test_times_sort_as_times(samples: Database, moments: list[dt.datetime]) -> None:
    """SQLite sorts text: every instant must have one form whose order is the order of time."""
    await samples.execute("DELETE FROM probe_sample")
    await samples.insert(
        "probe_sample",
        COLUMNS,
        [(uuid.uuid4(), True, at, None, None, "", "", "{}") for at in moments],
    )
    found = await samples.fetch("SELECT at FROM probe_sample ORDER BY at")
    assert [row[0] for row in found] == sorted(moments)
    middle = sorted(moments)[1]
    earlier = await samples.fetch("SELECT at FROM probe_sample WHERE at < ?", middle)
    assert [row[0] for row in earlier] == sorted(moments)[:1]


async def test_the_same_moment_of_two_zones_is_equal(samples: Database) -> None:
    moment = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.timezone(dt.timedelta(hours=7)))
    row = (uuid.uuid4(), True, moment, None, None, "", "", "{}")
    await samples.insert("probe_sample", COLUMNS, [row])
    in_utc = dt.datetime(2026, 11, 22, 2, 30, tzinfo=dt.UTC)
    assert await samples.fetch("SELECT at FROM probe_sample WHERE at = ?", in_utc) == [(in_utc,)]


async def test_the_hour_that_comes_twice_is_two_hours(samples: Database) -> None:
    """Of the same zone the two compare equal; they are an hour apart all the same."""
    first = dt.datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    moments = [first, first.replace(fold=1)]
    assert moments[0] == moments[1]
    for n, moment in enumerate(moments):
        row = (uuid.uuid4(), True, moment, None, n, "", "", "{}")
        await samples.insert("probe_sample", COLUMNS, [row])
    found = await samples.fetch("SELECT at FROM probe_sample ORDER BY number")
    assert [row[0].hour for row in found] == [0, 1]


async def test_truth_can_be_asked_for(samples: Database) -> None:
    rows = [(uuid.uuid4(), flag, None, None, None, "", "", "{}") for flag in (True, False, True)]
    await samples.insert("probe_sample", COLUMNS, rows)
    found = await samples.fetch("SELECT id FROM probe_sample WHERE flag = ?", True)
    assert {row[0] for row in found} == {rows[0][0], rows[2][0]}


async def test_many_keys_are_asked_for_in_slices(samples: Database) -> None:
    rows = [(uuid.uuid4(), True, None, None, n, "x", "", "{}") for n in range(300)]
    await samples.insert("probe_sample", COLUMNS, rows)
    keys = [uuid.uuid4() for _ in range(MOST_VARIABLES)] + [row[0] for row in rows]
    found = await samples.fetch_in(
        "SELECT number FROM probe_sample WHERE id IN ({}) AND label = ?", keys, "x"
    )
    assert sorted(row[0] for row in found) == list(range(300))
    assert await samples.fetch_in("SELECT id FROM probe_sample WHERE id IN ({})", []) == []


async def test_several_statements_in_one_hop(samples: Database) -> None:
    first, second = await samples.fetch_together(
        ("SELECT count(*) FROM probe_sample", ()), ("SELECT n FROM counter WHERE id = ?", (1,))
    )
    assert (first, second) == ([(0,)], [(0,)])


async def test_counts_and_returned_rows(samples: Database) -> None:
    await samples.insert("note", ("id", "text"), [(n, "a") for n in range(5)])
    assert await samples.execute("UPDATE note SET text = ? WHERE id < ?", "b", 3) == 3
    returned = await samples.execute_returning("DELETE FROM note WHERE id > 2 RETURNING id")
    assert sorted(returned) == [(3,), (4,)]


async def test_a_conflict_clause(samples: Database) -> None:
    await samples.insert("note", ("id", "text"), [(1, "first")])
    await samples.insert(
        "note",
        ("id", "text"),
        [(1, "second"), (2, "new")],
        on_conflict="ON CONFLICT (id) DO NOTHING",
    )
    assert await samples.fetch("SELECT id, text FROM note ORDER BY id") == [
        (1, "first"),
        (2, "new"),
    ]


def test_placeholders() -> None:
    assert numbered("a = ? AND b IN (?,?)") == "a = $1 AND b IN ($2,$3)"
    assert (marks(3), marks(0)) == ("?,?,?", "NULL")
