"""Statements under a guard, one by one: what is seen, what is written, what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from typing import Any

import asyncpg
import pytest
from piccolo.columns import Integer, Text
from piccolo.table import Table

from relatum.access import policies
from relatum.db.bound import bind
from relatum.db.database import Database
from relatum.db.guarding import MASK, Guard, Shadow, as_the_house, current_guard, guarded_by
from relatum.db.rewriting import Rewriter, refuse_masks
from relatum.db.tokens import Kind, UnguardedStatement
from relatum.values.problems import ConfigurationError, InvalidInput, NotFound

MASKED_CONTACT = Shadow(
    select=f"SELECT g.id, g.customer_id, '{MASK}' AS raw, g.label FROM {{table}} g",
    masked=frozenset({"raw"}),
    hides_rows=False,
)
#: Enough to rewrite by, without a database.
PARTLY = Guard(
    shape="partly",
    shadows={
        "core_customer": Shadow(select="SELECT g.* FROM {table} g WHERE g.owner = 1"),
        "crm_deal": Shadow(
            select="SELECT g.* FROM {table} g WHERE EXISTS "
            "(SELECT 1 FROM core_customer s WHERE s.id = g.customer_id)",
            needs=("core_customer",),
            refers={"customer_id": "core_customer"},
        ),
    },
)
MASKED_ONLY = Guard(shape="masked only", shadows={"crm_contact": MASKED_CONTACT}, masks=True)
MASKED = Guard(shape="masked", shadows=PARTLY.shadows | MASKED_ONLY.shadows, masks=True)  # type: ignore[operator]
DATABASE_ERRORS = (sqlite3.Error, asyncpg.PostgresError)


async def hidden(world: Any) -> dict[str, set[Any]]:
    """The rows that the viewer does not see, as they are now."""
    now = await world.contents(world.full)
    seen = world.seen(world.everything)
    ids = {t: {row[0] for row in seen[t]} for t in seen}
    return {t: {row for row in rows if row[0] not in ids[t]} for t, rows in now.items()}


# -- reading -------------------------------------------------------------------------------------

CUSTOMERS, DEALS, LINES = 6, 8, 17


READ: list[tuple[str, Any]] = [
    ("SELECT count(*) FROM core_customer", [(CUSTOMERS,)]),
    ("select count(*) from CORE_CUSTOMER as core_deal", [(CUSTOMERS,)]),
    ('SELECT count(*) FROM "core_customer" AS "c"', [(CUSTOMERS,)]),
    ("SELECT count(*) FROM/**/core_customer--\n", [(CUSTOMERS,)]),
    ("SELECT (SELECT count(*) FROM crm_deal), count(*) FROM crm_line;", [(DEALS, LINES)]),
    ("WITH core AS (SELECT id FROM crm_deal) SELECT count(*) FROM core", [(DEALS,)]),
    (
        (
            "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) "
            "SELECT max(n), (SELECT count(*) FROM crm_deal) FROM r"
        ),
        [(3, DEALS)],
    ),
    ("VALUES ((SELECT count(*) FROM core_customer))", [(CUSTOMERS,)]),
    ("SELECT count(*) FROM crm_total", [(0,)]),
    ("SELECT count(*) FROM crm_plain WHERE text <> 'core_customer ?'", [(4,)]),
    (
        "SELECT count(*) FROM crm_deal WHERE customer_id NOT IN (SELECT id FROM core_customer)",
        [(0,)],
    ),
    ("SELECT n FROM crm_plain WHERE id = 2 -- of 'core_customer ?", [(4,)]),
]


async def test_only_visible_rows_are_read(world: Any) -> None:
    with guarded_by(world.guard(masks=False)):
        for sql, expected in READ:
            assert await world.full.fetch(sql) == expected, sql
    assert current_guard() is None


async def test_every_way_of_reading_is_guarded(world: Any) -> None:
    sql = "SELECT id FROM core_customer WHERE id IN ({})"
    with guarded_by(world.guard(masks=False)):
        assert await world.full.fetch_one("SELECT count(*) FROM core_customer") == (CUSTOMERS,)
        assert len(await world.full.fetch_in(sql, list(range(12)))) == CUSTOMERS
        both = await world.full.fetch_together(
            ("SELECT count(*) FROM core_customer", ()),
            ("SELECT count(*) FROM core_customer WHERE id > ?", (5,)),
        )
        assert both == [[(CUSTOMERS,)], [(3,)]]
        async with world.full.transaction(), world.full.savepoint():
            assert await world.full.fetch_one("SELECT count(*) FROM crm_deal") == (DEALS,)
        with as_the_house():
            assert await world.full.fetch_one("SELECT count(*) FROM core_customer") == (12,)
        assert await world.full.fetch_one("SELECT count(*) FROM crm_deal") == (DEALS,)


async def test_tasks_take_the_guard_of_their_maker(world: Any) -> None:
    async def count() -> Any:
        return await world.full.fetch_one("SELECT count(*) FROM core_customer")

    with guarded_by(world.guard(masks=False)):
        task = asyncio.create_task(count())
    assert await task == (CUSTOMERS,)
    assert await count() == (12,)


async def test_viewers_with_other_parameters_share_a_statement(world: Any) -> None:
    guard: Guard = world.guard(masks=False)
    shadow = guard.shadows["core_customer"]
    other = Guard(
        shape=guard.shape,
        shadows={
            **guard.shadows,
            "core_customer": Shadow(select=shadow.select, params=(0, 0)),
        },
    )
    sql = "SELECT id FROM core_customer WHERE id < ? ORDER BY id"
    with guarded_by(guard):
        assert await world.full.fetch(sql, 7) == [(1,), (2,), (5,), (6,)]
    with guarded_by(other):
        assert await world.full.fetch(sql, 7) == [(0,), (4,)]


REFUSED = [
    "SELECT * FROM main.core_customer",
    "SELECT * FROM public.core_customer",
    'SELECT * FROM "main" /* x */ . "Core_Customer"',
    "SELECT 1; DELETE FROM core_customer",
    "WITH gone AS (DELETE FROM core_customer RETURNING id) SELECT * FROM gone",
    "WITH x AS (SELECT 1) INSERT INTO crm_plain (id) SELECT 1; DROP TABLE crm_plain",
    "PRAGMA table_info(core_customer)",
    "CREATE VIEW everybody AS SELECT * FROM core_customer",
    "CREATE TEMP TABLE core_customer AS SELECT 1 AS id",
    "DROP TABLE crm_plain",
    "TRUNCATE crm_plain",
    "COPY core_customer TO STDOUT",
    "DO $$ BEGIN END $$",
    "EXPLAIN SELECT * FROM core_customer",
    "TABLE core_customer",
    "MERGE INTO core_customer USING crm_plain ON 1 = 1 WHEN MATCHED THEN DELETE",
    "SELECT * INTO copied FROM core_customer",
    "SELECT * FROM sqlite_stat1",
    "SELECT most_common_vals FROM pg_stats",
    "SELECT query_to_xml('SELECT * FROM core_customer', true, true, '')",
    "SELECT set_config('search_path', 'elsewhere', false)",
    "UPDATE crm_deal relatum_seen SET amount = 0",
    "REPLACE INTO core_customer (id, name, owner) VALUES (3, 'x', 1)",
    "INSERT OR REPLACE INTO core_customer (id, name, owner) VALUES (3, 'x', 1)",
    "UPDATE OR REPLACE crm_deal SET id = 3",
    "UPDATE crm_deal SET id = 99 WHERE id = 1",
    "UPDATE crm_deal SET (name, customer_id) = ('x', 3)",
    "INSERT INTO crm_deal (id, customer_id) VALUES (77, 1)",
    "INSERT INTO crm_deal VALUES (77, 1, 'x', 1)",
    "INSERT INTO crm_deal SELECT 77, 3, 'x', 1",
    "INSERT INTO crm_deal (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET customer_id = 3",
    (
        "INSERT INTO core_customer (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = 'a' "
        "ON CONFLICT (name) DO UPDATE SET name = 'b'"
    ),
    "",
    ";",
]


@pytest.mark.parametrize("sql", REFUSED)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_cannot_be_limited_is_refused(sql: str, kind: Kind) -> None:
    with pytest.raises(UnguardedStatement, match=r"expected .*, got"):
        Rewriter(kind, "public").one(PARTLY, sql, ())


async def test_what_is_refused_is_not_run(world: Any) -> None:
    before = await world.contents(world.full)
    with guarded_by(world.guard(masks=False)):
        for sql in REFUSED:
            for run in (world.full.fetch, world.full.execute, world.full.execute_returning):
                with pytest.raises(UnguardedStatement):
                    await run(sql)
    assert await world.contents(world.full) == before


IMPOSSIBLE = [
    "WITH core_customer AS (SELECT 7 AS id) SELECT * FROM core_customer",
    # The shadow of deals needs core_customer: a stand-in would make every deal visible.
    "WITH core_customer AS (SELECT customer_id AS id FROM crm_deal) SELECT * FROM crm_deal",
    "SELECT rowid FROM core_customer",
    "SELECT ctid FROM core_customer",
]


async def test_what_the_database_refuses(world: Any) -> None:
    with guarded_by(world.guard(masks=False)):
        for sql in IMPOSSIBLE:
            with pytest.raises(DATABASE_ERRORS):
                await world.full.fetch(sql)


async def test_stand_ins_in_subqueries_see_no_more(world: Any) -> None:
    sql = (
        "SELECT (WITH core_customer AS (SELECT customer_id AS id FROM crm_line l "
        "JOIN crm_deal d ON d.id = l.deal_id) SELECT count(*) FROM crm_deal)"
    )
    with guarded_by(world.guard(masks=False)):
        assert await world.full.fetch(sql) == [(DEALS,)]


# -- writing -------------------------------------------------------------------------------------


WRITTEN: list[tuple[str, tuple[Any, ...], int]] = [
    ("UPDATE crm_deal SET amount = 0", (), DEALS),
    ("UPDATE crm_deal AS d SET amount = ? WHERE d.id >= 0 OR 1 = 1 -- all", (5,), DEALS),
    ("UPDATE crm_deal SET amount = 0 WHERE id = 0", (), 0),
    ("DELETE FROM crm_line WHERE n > ? OR true", (100,), LINES),
    ("DELETE FROM crm_total", (), 0),
    ("UPDATE crm_deal SET customer_id = ? WHERE id = 1", (3,), 0),
    ("UPDATE crm_deal SET customer_id = ? WHERE id = 1", (2,), 1),
    ("UPDATE crm_deal SET name = 'x', customer_id = NULL WHERE id = 1", (), 1),
    ("UPDATE crm_deal SET customer_id = coalesce(?, customer_id) WHERE id = 1", (3,), 0),
    # Inside a subquery this `id` would be the customer's own.
    ("UPDATE crm_deal SET customer_id = id + 2 WHERE id = 1", (), 0),
    ("UPDATE crm_deal SET customer_id = id - 11 WHERE id = 13", (), 1),
    ("UPDATE crm_line SET deal_id = ? WHERE id = 1 AND n < ?", (0, 9), 0),
    ("INSERT INTO crm_deal (id, customer_id) SELECT ?, ?", (77, 3), 0),
    ("INSERT INTO crm_deal (id, customer_id) SELECT ?, ?", (77, 2), 1),
    ("INSERT INTO crm_deal (id, name) VALUES (77, 'nobody''s')", (), 1),
    (
        (
            "INSERT INTO crm_deal (id, customer_id, name) "
            "SELECT id + 100, id, ? FROM core_customer WHERE id > ? ORDER BY id LIMIT 2"
        ),
        ("new", 1),
        2,
    ),
    (
        (
            "WITH two AS (SELECT 80 AS id, 2 AS c UNION ALL SELECT 81, 3) "
            "INSERT INTO crm_deal (id, customer_id) SELECT id, c FROM two"
        ),
        (),
        1,
    ),
    (
        (
            "INSERT INTO core_customer (id, name, owner) VALUES (3, 'taken over', 1) "
            "ON CONFLICT (id) DO UPDATE SET name = excluded.name, owner = excluded.owner"
        ),
        (),
        0,
    ),
    (
        (
            "INSERT INTO core_customer (id, name, owner) VALUES (?, ?, 1) ON CONFLICT (id) "
            "DO UPDATE SET name = excluded.name WHERE core_customer.owner > 0"
        ),
        (2, "renamed"),
        1,
    ),
    ("UPDATE crm_plain SET n = d.amount FROM crm_deal d WHERE d.id = 0", (), 0),
]


class _TakeBack(Exception):
    pass


async def test_only_visible_rows_are_written(world: Any) -> None:
    before = await hidden(world)
    assert before["core_customer"]
    for sql, params, count in WRITTEN:
        with contextlib.suppress(_TakeBack):
            async with world.full.transaction():
                with guarded_by(world.guard(masks=False)):
                    assert await world.full.execute(sql, *params) == count, sql
                after = await hidden(world)
                assert all(rows <= after[table] for table, rows in before.items()), sql
                raise _TakeBack


async def test_many_rows_of_parameters(world: Any) -> None:
    with guarded_by(world.guard(masks=False)):
        await world.full.execute_many(
            "UPDATE crm_deal SET amount = ? WHERE id = ?", [(1, n) for n in range(14)]
        )
    amounts = dict(await world.full.fetch("SELECT id, amount FROM crm_deal"))
    seen = {row[0] for row in world.seen(world.everything)["crm_deal"]}
    assert {n for n, amount in amounts.items() if amount == 1} == seen | ({0} & seen)


async def test_inserting_looks_at_references(world: Any) -> None:
    columns = ("id", "customer_id", "name", "amount")
    with guarded_by(world.guard(masks=False)):
        await world.full.insert("crm_deal", columns, [(50, 2, "a", 1), (51, None, "b", 1)])
        with pytest.raises(NotFound):
            await world.full.insert("crm_deal", columns, [(52, 2, "c", 1), (53, 3, "d", 1)])
        await world.full.insert("crm_line", ("id", "deal_id", "n"), [(60, 50, 1)])
        with pytest.raises(NotFound):
            await world.full.insert("crm_line", ("id", "deal_id", "n"), [(61, 0, 1)])
        await world.full.insert(
            "crm_deal",
            columns,
            [(0, 2, "grabbed", 0), (50, 2, "changed", 0)],
            on_conflict="ON CONFLICT (id) DO UPDATE SET name = excluded.name",
        )
    names = dict(await world.full.fetch("SELECT id, name FROM crm_deal WHERE id IN (0, 50, 52)"))
    assert names == {0: "deal 0", 50: "changed"}


async def test_hidden_and_missing_are_told_alike(world: Any) -> None:
    texts = []
    with guarded_by(world.guard(masks=False)):
        for unseen in (3, 999):
            with pytest.raises(NotFound) as caught:
                await world.full.insert("crm_deal", ("id", "customer_id"), [(1, unseen)])
            texts.append(str(caught.value).replace(f"got {unseen}", "got …"))
    assert texts[0] == texts[1]


# -- masks ---------------------------------------------------------------------------------------


async def test_masks_are_read(world: Any) -> None:
    with guarded_by(world.guard(masks=True)):
        assert await world.full.fetch("SELECT DISTINCT raw FROM crm_contact") == [(MASK,)]
        found = await world.full.fetch("SELECT id FROM crm_contact WHERE raw LIKE '090%'")
        assert found == []


READS_MASKED = [
    "UPDATE crm_contact SET label = raw",
    'UPDATE crm_contact SET label = "RAW"',
    "UPDATE crm_contact SET label = 'x' WHERE raw LIKE '0900%'",
    "UPDATE crm_contact SET label = 'x' RETURNING raw",
    "UPDATE crm_contact SET label = 'x' RETURNING id, raw = '0900000001'",
    "UPDATE crm_contact SET label = 'x' RETURNING *",
    "UPDATE crm_contact AS c SET label = 'x' RETURNING id, c.*",
    "DELETE FROM crm_contact RETURNING raw",
    "UPDATE crm_contact AS excluded SET label = excluded.raw",
    (
        "INSERT INTO crm_contact (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET label = 'x' "
        "RETURNING raw"
    ),
    (
        "INSERT INTO crm_contact (id) VALUES (1) ON CONFLICT (id) DO UPDATE "
        "SET label = crm_contact.raw"
    ),
    # The shadow would have its mask saved.
    "INSERT INTO crm_plain (id, text) SELECT id + 100, raw FROM crm_contact",
    "INSERT INTO crm_plain SELECT * FROM crm_contact",
    "UPDATE crm_plain SET text = (SELECT raw FROM crm_contact WHERE id = 1)",
]


@pytest.mark.parametrize("sql", READS_MASKED)
@pytest.mark.parametrize("guard", ["MASKED", "MASKED_ONLY"])
def test_writes_do_not_read_what_is_masked(sql: str, guard: str) -> None:
    for kind in ("sqlite", "postgresql"):
        with pytest.raises(UnguardedStatement):
            Rewriter(kind, "public").one(globals()[guard], sql, ())


@pytest.mark.parametrize(
    "returned", ["to_jsonb(c)", "c", "row_to_json((c))", "c::text", "(SELECT c::text)"]
)
def test_whole_rows_hold_what_is_masked(returned: str) -> None:
    sql = f"UPDATE crm_contact AS c SET label = 'x' RETURNING {returned}"
    with pytest.raises(UnguardedStatement, match="the whole row c"):
        Rewriter("postgresql", "public").one(MASKED, sql, ())


async def test_masked_columns_can_be_set(world: Any) -> None:
    with guarded_by(world.guard(masks=True)):
        sql = "UPDATE crm_contact SET raw = ?, label = 'new' WHERE id = ? RETURNING id, label"
        assert await world.full.execute_returning(sql, "123", 1) == [(1, "new")]
        await world.full.insert(
            "crm_contact",
            ("id", "customer_id", "raw", "label"),
            [(1, 1, "456", "newer"), (20, 2, "789", "")],
            on_conflict="ON CONFLICT (id) DO UPDATE SET raw = excluded.raw",
        )
    stored = await world.full.fetch("SELECT id, raw FROM crm_contact WHERE id IN (1, 20)")
    assert sorted(stored) == [(1, "456"), (20, "789")]


def test_there_is_one_mask() -> None:
    assert policies.MASK == MASK


@pytest.mark.parametrize(
    "value",
    [
        f"{MASK}678",
        f'{{"a": ["{MASK}"]}}',
        '{"a": "\\u2022\\u2022\\u2022"}',
        [1, [MASK]],
        MASK.encode(),
    ],
)
def test_masks_are_found(value: Any) -> None:
    with pytest.raises(InvalidInput, match="masked value"):
        refuse_masks([1, None, "fine", value])


async def test_masks_are_not_saved(world: Any) -> None:
    value = f"{MASK}678"
    before = await world.contents(world.full)
    sql = "UPDATE crm_contact SET raw = ? WHERE id = ?"
    with guarded_by(world.guard(masks=True)):
        for call in (
            world.full.execute(sql, value, 1),
            world.full.execute_returning(f"{sql} RETURNING id", value, 1),
            world.full.execute_many(sql, [("fine", 1), (value, 1)]),
            world.full.insert("crm_plain", ("id", "n", "text"), [(9, 1, "x"), (10, 1, value)]),
            world.full.execute("INSERT INTO crm_plain (id, text) VALUES (?, ?)", 10, value),
        ):
            with pytest.raises(InvalidInput, match="masked value"):
                await call
        # Looking for it is no harm.
        assert await world.full.fetch("SELECT id FROM crm_plain WHERE text = ?", value) == []
    assert await world.contents(world.full) == before
    with guarded_by(world.guard(masks=False)):
        assert await world.full.execute(sql, value, 1) == 1


# -- Piccolo -------------------------------------------------------------------------------------


class Deal(Table, tablename="crm_deal"):
    id = Integer(primary_key=True, default=None)
    customer = Integer(db_column_name="customer_id", null=True, default=None)
    name = Text(default="")
    amount = Integer(default=0)


class Plain(Table, tablename="crm_plain"):
    id = Integer(primary_key=True, default=None)
    n = Integer(default=0)
    text = Text(default="")


async def test_piccolo_is_guarded(world: Any) -> None:
    bind(world.full.engine)
    before = await hidden(world)
    with guarded_by(world.guard(masks=False)):
        assert len(await Deal.select()) == DEALS
        assert await Deal.count() == DEALS
        assert await Deal.exists().where(Deal.id == 0) is False
        assert await Deal.objects().get(Deal.id == 0) is None
        assert len(await Deal.objects().where(Deal.amount >= 0)) == DEALS
        assert len(await Deal.raw("SELECT * FROM crm_deal WHERE id > {}", -1)) == DEALS
        async with await Deal.select().batch(batch_size=3) as batch:
            assert sum([len(rows) async for rows in batch]) == DEALS
        await Deal.update({Deal.amount: Deal.amount + 1}, force=True)
        await Deal.update({Deal.amount: -1}).where(Deal.id == 0)
        await Deal.delete(force=True).where(Deal.id != 1)
        with pytest.raises(UnguardedStatement, match=r"Database\.insert"):
            await Deal.insert(Deal(id=70, customer=3))
        await Plain.insert(Plain(id=70, n=1, text="piccolo"))
        atomic = world.full.engine.atomic()
        atomic.add(Deal.delete(force=True))
        await atomic.run()
        with pytest.raises(UnguardedStatement):
            await Deal.alter().drop_column(Deal.amount)
        with pytest.raises(UnguardedStatement):
            await Plain.create_table(if_not_exists=True)
        assert await Deal.count() == 0
    after = await hidden(world)
    assert after.pop("crm_plain") != before.pop("crm_plain")
    assert after == before
    assert await Plain.count().where(Plain.text == "piccolo") == 1


# -- locks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("relatum_database_kind", ["postgresql"], indirect=True)
@pytest.mark.postgres
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM crm_deal WHERE id = ? FOR UPDATE",
        'SELECT d.id, d.name FROM "crm_deal" AS d WHERE d.id = ? ORDER BY d.id FOR NO KEY UPDATE',
        "SELECT d.id FROM crm_plain p, crm_deal d WHERE d.id = ? AND p.id = 1 FOR UPDATE OF d",
        (
            "SELECT d.id FROM crm_deal d LEFT JOIN crm_plain p ON p.id = d.id WHERE d.id = ? "
            "FOR UPDATE OF d"
        ),
    ],
)
async def test_visible_rows_are_locked(world: Any, sql: str) -> None:
    """PostgreSQL silently locks nothing that it reads through WITH."""
    with guarded_by(world.guard(masks=False)):
        async with world.full.transaction():
            assert (await world.full.fetch(sql, 1))[0][0] == 1
            with pytest.raises(asyncpg.LockNotAvailableError):
                await _try_lock(world.full, 1)
            await _try_lock(world.full, 5)
            assert await world.full.fetch(sql, 0) == []
            await _try_lock(world.full, 0)


async def _try_lock(database: Database, deal: int) -> None:
    connection = await asyncpg.connect(database.url)
    try:
        await connection.fetch("SELECT 1 FROM crm_deal WHERE id = $1 FOR UPDATE NOWAIT", deal)
    finally:
        await connection.close()


# -- shadows that cannot be trusted --------------------------------------------------------------


@pytest.mark.parametrize(
    "shadow",
    [
        Shadow(select="SELECT g.* FROM {table} g WHERE g.owner = ?"),
        Shadow(select="SELECT g.* FROM {table} g", needs=("crm_missing",)),
        Shadow(select="SELECT g.* FROM {table} g", needs=("core_customer",)),
        # A statement could bring rows of its own under this name.
        Shadow(select="SELECT g.* FROM {table} g WHERE g.id IN (SELECT id FROM crm_members)"),
    ],
)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_faulty_shadows_are_refused(shadow: Shadow, kind: Kind) -> None:
    guard = Guard(shape="faulty", shadows={"core_customer": shadow})
    with pytest.raises(ConfigurationError, match="cannot be trusted"):
        Rewriter(kind, "public").one(guard, "SELECT 1 FROM core_customer", ())


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "sqlite",
            (
                'WITH "core_customer" AS NOT MATERIALIZED (SELECT g.id FROM "s"."core_customer" g '
                'JOIN "s".crm_members m ON m.id = g.id AND m.n IN (?,?)) '
                "SELECT 1 FROM core_customer WHERE id = ?"
            ),
        ),
        (
            "postgresql",
            (
                'WITH "core_customer" AS NOT MATERIALIZED (SELECT g.id FROM "s"."core_customer" g '
                'JOIN "s".crm_members m ON m.id = g.id AND m.n IN ($1,$2)) '
                "SELECT 1 FROM core_customer WHERE id = $3"
            ),
        ),
    ],
)
def test_the_rewritten_statement(kind: Kind, expected: str) -> None:
    shadow = Shadow(
        select="SELECT g.id FROM {table} g JOIN {real}.crm_members m ON m.id = g.id "
        "AND m.n IN (?,?)",
        params=(1, 2),
    )
    rewriter = Rewriter(kind, "s")
    mark = "?" if kind == "sqlite" else "$1"
    sql = f"SELECT 1 FROM core_customer WHERE id = {mark}"
    guard = Guard(shape="x", shadows={"core_customer": shadow})
    assert rewriter.one(guard, sql, (9,)) == (expected, [1, 2, 9])
    assert rewriter.rewritten(guard, sql) is rewriter.rewritten(guard, sql)


def test_statements_that_name_nothing_guarded_stay_as_they_are() -> None:
    guard = Guard(shape="x", shadows={"core_customer": Shadow(select="SELECT 1 FROM {table}")})
    sql = "UPDATE crm_plain SET n = ? WHERE id = ?"
    params = (1, 2)
    assert Rewriter("sqlite", "main").one(guard, sql, params) == (sql, params)
