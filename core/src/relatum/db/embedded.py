"""The embedded engine: SQLite behind Piccolo's engine interface.

Piccolo's own SQLite engine opens a connection and a thread for every query. This one keeps one
writer thread with one connection and a few reader threads with a connection each, so that a query
costs one hop into a thread and finds its statement already prepared.

* WAL, foreign keys on, busy time-out, ``BEGIN IMMEDIATE`` for every write.
* Writers take turns inside the process (an asyncio lock, first come first served) and between
  processes (SQLite's own lock).
* Readers open with ``query_only``: a write that was taken for a read fails instead of slipping in.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import datetime as dt
import functools
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

import piccolo.engine.sqlite  # noqa: F401 - registers its adapters, which ours then replace
from piccolo.engine.base import BaseAtomic, BaseBatch, BaseTransaction, Engine

from relatum.db.finishing import finished
from relatum.db.guarding import current_guard
from relatum.db.rewriting import Rewriter
from relatum.db.statements import refused
from relatum.db.threads import ConnectionThreads
from relatum.telemetry.statements import Statements, began
from relatum.values.problems import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from piccolo.query.base import DDL, Query
    from piccolo.querystring import QueryString

T = TypeVar("T")
Rows = list[tuple[Any, ...]]
Statement = tuple[str, Sequence[Any]]
Durability = Literal["full", "normal"]

BUSY_SECONDS = 30
#: How often a process that wants to write looks whether another one has ended.
LOOK_SECONDS = 0.001
CACHED_STATEMENTS = 512
WRITER_CACHE_KIB = 32_768
READER_CACHE_KIB = 8_192


def _stored_time(value: dt.datetime) -> str:
    if value.tzinfo is not None and value.tzinfo is not dt.UTC:
        value = value.astimezone(dt.UTC)
    return _time_text(value)


@functools.lru_cache(maxsize=8_192)
def _time_text(value: dt.datetime) -> str:
    """Rows of one batch share their times. Only UTC may come here: elsewhere two hours are equal
    when the clock goes back."""
    return value.isoformat(" ")


def _read_time(value: bytes) -> dt.datetime:
    moment = dt.datetime.fromisoformat(value.decode())
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


@functools.lru_cache(maxsize=32_768)
def _read_uuid(value: bytes) -> uuid.UUID:
    """Half of what a page reads are ids it has read before; the rest go the short way."""
    identity = object.__new__(uuid.UUID)
    object.__setattr__(identity, "int", int(value.replace(b"-", b""), 16))
    object.__setattr__(identity, "is_safe", uuid.SafeUUID.unknown)
    return identity


def register_converters() -> None:
    """Replace Piccolo's adapters by ones that cost a third; the stored forms stay the same."""
    sqlite3.register_adapter(dt.datetime, _stored_time)
    sqlite3.register_adapter(uuid.UUID, functools.lru_cache(maxsize=8_192)(str))
    sqlite3.register_converter("TIMESTAMPTZ", _read_time)
    # Built-in callables: no frame of Python for the commonest values.
    sqlite3.register_converter("INTEGER", int)
    sqlite3.register_converter("BOOLEAN", b"1".__eq__)
    sqlite3.register_converter("UUID", _read_uuid)


def connect(
    path: Path, *, durability: Durability, read_only: bool, cache_kib: int
) -> sqlite3.Connection:
    """Open one connection with the settings every connection of the house has."""
    connection = sqlite3.connect(
        path,
        timeout=BUSY_SECONDS,
        detect_types=sqlite3.PARSE_DECLTYPES,
        isolation_level=None,
        cached_statements=CACHED_STATEMENTS,
        check_same_thread=False,
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {durability.upper()}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
    return connection


def _query(connection: sqlite3.Connection, sql: str, params: Sequence[Any]) -> Rows:
    return connection.execute(sql, params).fetchall()


def _query_dicts(
    connection: sqlite3.Connection, sql: str, params: Sequence[Any]
) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, params)
    if cursor.description is None:
        return []
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


@contextlib.contextmanager
def _one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """Several statements see the same state of the file."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def _query_together(connection: sqlite3.Connection, statements: Sequence[Statement]) -> list[Rows]:
    with _one_moment(connection):
        return [connection.execute(sql, params).fetchall() for sql, params in statements]


def _execute(connection: sqlite3.Connection, sql: str, params: Sequence[Any]) -> int:
    count = connection.execute(sql, params).rowcount
    if count < 0 and sql[:4].upper() == "WITH":
        # Python counts only what begins with INSERT, UPDATE or DELETE.
        count = connection.execute("SELECT changes()").fetchone()[0]
    return count


def _execute_many(connection: sqlite3.Connection, sql: str, rows: Iterable[Sequence[Any]]) -> int:
    return connection.executemany(sql, rows).rowcount


def _data_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def begin_writing(connection: sqlite3.Connection) -> None:
    """Wait for the writer's turn between processes.

    SQLite itself looks every 100 ms after a while; looking oftener shortens the longest waits
    beside a process that writes one transaction after the other.
    """
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        _begin_within(connection, time.monotonic() + BUSY_SECONDS)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


def _begin_within(connection: sqlite3.Connection, end: float) -> None:
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > end:
                raise
            time.sleep(LOOK_SECONDS)
        else:
            return


def _statement(connection: sqlite3.Connection, sql: str) -> None:
    connection.execute(sql)


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _commit(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("COMMIT")
    except sqlite3.Error:
        _roll_back(connection)
        raise


class EmbeddedTransaction(BaseTransaction):
    """One write transaction; a transaction opened inside another joins it."""

    __slots__ = ("_parent", "_savepoints", "_token", "active", "callbacks", "engine")

    def __init__(self, engine: EmbeddedEngine) -> None:
        self.engine = engine
        self.active = False
        self.callbacks: list[Callable[[], None]] = []
        self._parent: EmbeddedTransaction | None = None
        self._token: contextvars.Token[EmbeddedTransaction | None] | None = None
        self._savepoints = 0

    async def __aenter__(self) -> EmbeddedTransaction:
        current = self.engine.active_transaction()
        if current is not None:
            self._parent = current
            return current
        since = began()
        await self.engine.write_lock.acquire()
        try:
            await self.engine.writer.run_to_end(begin_writing)
        except BaseException:
            try:
                await self.engine.writer.run_to_end(_roll_back)
            finally:
                self.engine.write_lock.release()
            raise
        self.engine.statements.waited("writer", since)
        self.active = True
        self._token = self.engine.current_transaction.set(self)
        return self

    async def __aexit__(
        self, exception_type: Any, exception: Any, traceback: Any
    ) -> Literal[False]:
        if self._parent is not None:
            return False
        ending, cancelled = await finished(
            self.engine.writer.start(_commit if exception is None else _roll_back)
        )
        self.active = False
        if self._token is not None:
            self.engine.current_transaction.reset(self._token)
        self.engine.write_lock.release()
        self.engine.statements.ended(committed=exception is None and ending.exception() is None)
        ending.result()
        if exception is None:
            for callback in self.callbacks:
                callback()
        if cancelled is not None:
            raise cancelled
        return False

    @contextlib.asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo only what happened inside when the block raises."""
        self._savepoints += 1
        name = f"inner_{self._savepoints}"
        callbacks = len(self.callbacks)
        await self.engine.writer.run(_statement, f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            del self.callbacks[callbacks:]
            await self.engine.writer.run_to_end(_statement, f"ROLLBACK TO {name}")
            await self.engine.writer.run_to_end(_statement, f"RELEASE {name}")
            raise
        await self.engine.writer.run(_statement, f"RELEASE {name}")


class EmbeddedAtomic(BaseAtomic):
    """Piccolo's way to run several queries in one transaction."""

    __slots__ = ("engine", "queries")

    def __init__(self, engine: EmbeddedEngine) -> None:
        self.engine = engine
        self.queries: list[Query[Any, Any] | DDL] = []

    def add(self, *query: Query[Any, Any] | DDL) -> None:
        self.queries.extend(query)

    async def run(self) -> None:
        queries, self.queries = self.queries, []
        async with self.engine.transaction():
            for query in queries:
                await query.run()

    def run_sync(self) -> None:
        from piccolo.utils.sync import run_sync

        run_sync(self.run())

    def __await__(self) -> Any:
        return self.run().__await__()


class EmbeddedBatch(BaseBatch):
    """Rows of one query in pieces, from a connection of its own so that it sees one moment."""

    def __init__(self, engine: EmbeddedEngine, query: Query[Any, Any], size: int) -> None:
        self._query = query
        self._size = size
        self._engine = engine
        self._thread = ConnectionThreads("relatum-batch", 1, engine.open_reader)
        self._cursor: sqlite3.Cursor | None = None

    async def __aenter__(self) -> Self:
        sql, params = self._query.querystrings[0].compile_string(engine_type="sqlite")
        statement = self._engine.guarded(sql, params)
        self._cursor = await self._thread.run(lambda c: c.execute(*statement))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._thread.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[dict[str, Any]]:
        cursor = self._cursor
        if cursor is None:
            raise RuntimeError("expected: async with … as batch; got: iteration before it began")
        rows = await self._thread.run(lambda _: cursor.fetchmany(self._size))
        if not rows:
            raise StopAsyncIteration
        names = [column[0] for column in cursor.description]
        return await self._query._process_results(  # type: ignore[no-any-return]
            [dict(zip(names, row, strict=True)) for row in rows]
        )


class EmbeddedEngine(Engine[EmbeddedTransaction]):
    """SQLite for one process that serves many at a time."""

    __slots__ = ("durability", "path", "reader", "rewriter", "statements", "write_lock", "writer")

    def __init__(self, path: Path, *, durability: Durability = "full", readers: int = 3) -> None:
        register_converters()
        self.path = path
        self.durability: Durability = durability
        self.rewriter = Rewriter("sqlite", "main")
        self.current_transaction: contextvars.ContextVar[EmbeddedTransaction | None] = (
            contextvars.ContextVar("relatum_transaction", default=None)
        )
        self.statements = Statements("sqlite")
        self.write_lock = asyncio.Lock()
        self.writer = ConnectionThreads("relatum-writer", 1, self.open_writer)
        self.reader = ConnectionThreads("relatum-reader", readers, self.open_reader)
        super().__init__(engine_type="sqlite", min_version_number=3.38)

    def open_writer(self) -> sqlite3.Connection:
        """A connection that may write; the file is made when it is not there."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return connect(
            self.path, durability=self.durability, read_only=False, cache_kib=WRITER_CACHE_KIB
        )

    def open_reader(self) -> sqlite3.Connection:
        """A connection that refuses to write."""
        if not self.path.exists():
            self.open_writer().close()
        return connect(
            self.path, durability=self.durability, read_only=True, cache_kib=READER_CACHE_KIB
        )

    def close(self) -> None:
        """Wait for running work and close all connections."""
        self.reader.close()
        self.writer.close()

    async def get_version(self) -> float:
        return self.get_version_sync()

    def get_version_sync(self) -> float:
        major, minor, _ = sqlite3.sqlite_version_info
        return float(f"{major}.{minor:02d}")

    async def prep_database(self) -> None:
        """Nothing to prepare: every connection prepares itself."""

    def active_transaction(self) -> EmbeddedTransaction | None:
        """The transaction this task is in; one that has ended counts as none."""
        current = self.current_transaction.get()
        return current if current is not None and current.active else None

    def transaction_exists(self) -> bool:
        return self.active_transaction() is not None

    def transaction(self, *_: object, **__: object) -> EmbeddedTransaction:
        return EmbeddedTransaction(self)

    def atomic(self) -> EmbeddedAtomic:
        return EmbeddedAtomic(self)

    async def batch(
        self, query: Query[Any, Any], batch_size: int = 100, node: str | None = None
    ) -> EmbeddedBatch:
        return EmbeddedBatch(self, query, batch_size)

    async def read(self, work: Callable[..., T], *args: Any) -> T:
        """Run reading work: on the writer inside a transaction, on a reader otherwise."""
        thread = self.writer if self.active_transaction() is not None else self.reader
        since = began()
        try:
            return await thread.run(work, *args)
        finally:
            self.statements.ran("read", since, args[0] if args else "")

    async def write(self, work: Callable[..., T], *args: Any) -> T:
        """Run writing work: in the current transaction, or in one of its own."""
        if self.active_transaction() is None:
            async with self.transaction():
                return await self._write(work, *args)
        return await self._write(work, *args)

    async def _write(self, work: Callable[..., T], *args: Any) -> T:
        since = began()
        try:
            return await self.writer.run(work, *args)
        finally:
            self.statements.ran("write", since, args[0] if args else "")

    def connections(self) -> dict[str, int]:
        """How many there are of the writer, and how many of them are in use."""
        return {"used": int(self.write_lock.locked()), "most": 1}

    async def run_querystring(
        self, querystring: QueryString, in_pool: bool = False
    ) -> list[dict[str, Any]]:
        sql, params = querystring.compile_string(engine_type="sqlite")
        call = self.read if sql.lstrip()[:7].upper() == "SELECT " else self.write
        return await call(_query_dicts, *self.guarded(sql, params))

    async def run_ddl(self, ddl: str, in_pool: bool = False) -> list[dict[str, Any]]:
        if current_guard() is not None:
            raise refused("data", "a change of tables", "change tables in migrations")
        return await self.write(_query_dicts, ddl, ())

    def guarded(self, sql: str, params: Sequence[Any]) -> Statement:
        """A statement as the guard of this moment lets it through."""
        guard = current_guard()
        return (sql, params) if guard is None else self.rewriter.one(guard, sql, params)

    async def fetch(self, sql: str, params: Sequence[Any]) -> Rows:
        return await self.read(_query, *self.guarded(sql, params))

    async def fetch_together(self, statements: Sequence[Statement]) -> list[Rows]:
        statements = [self.guarded(sql, params) for sql, params in statements]
        return await self.read(_query_together, statements)

    async def execute(self, sql: str, params: Sequence[Any]) -> int:
        return await self.write(_execute, *self.guarded(sql, params))

    async def execute_returning(self, sql: str, params: Sequence[Any]) -> Rows:
        return await self.write(_query, *self.guarded(sql, params))

    async def execute_many(
        self, sql: str, rows: Iterable[Sequence[Any]], *, checked: bool = False
    ) -> int:
        guard = current_guard()
        if guard is not None:
            sql, rows = self.rewriter.many(guard, sql, rows, checked=checked)
        return await self.write(_execute_many, sql, rows)

    async def version_of_others(self) -> int:
        """A number that changes when another process has written to the file, and then only.

        It is the writer's: SQLite counts what other connections commit, and all writes of this
        process go through that one.
        """
        return await self.writer.run(_data_version)

    def check_integrity(self) -> str:
        """SQLite's own quick check: ``ok`` or what is broken.

        Raises:
            Unavailable: the file cannot be read as a database.
        """
        try:
            with contextlib.closing(self.open_reader()) as connection:
                return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        except sqlite3.DatabaseError as error:
            raise Unavailable(
                f"expected a SQLite database, got a file that cannot be read ({error}); "
                "restore it from a backup"
            ) from error
