"""The server engine: PostgreSQL through asyncpg, always with a pool."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

import asyncpg
from piccolo.engine.postgres import AsyncBatch, PostgresEngine, PostgresTransaction

from relatum.config.settings import PostgreSql
from relatum.db.columns import CUSTOMER_TABLE
from relatum.db.finishing import finished, to_end
from relatum.db.guarding import current_guard
from relatum.db.rewriting import Rewriter
from relatum.db.statements import refused
from relatum.telemetry.statements import Statements, began
from relatum.values.problems import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from piccolo.query.base import Query

Rows = list[tuple[Any, ...]]
Statement = tuple[str, Sequence[Any]]


class ServerTransaction(PostgresTransaction):
    """Piccolo's transaction, with callbacks after commit and inner savepoints."""

    __slots__ = ("active", "callbacks", "statements")

    def __init__(self, engine: ServerEngine) -> None:
        engine.forget_ended()
        super().__init__(engine)
        self.active = False
        self.callbacks: list[Callable[[], None]] = []
        self.statements = engine.statements

    async def __aenter__(self) -> PostgresTransaction:
        if self._parent is not None:
            return self._parent
        since = began()
        self.connection = await self.get_connection()  # type: ignore[no-untyped-call]
        self.statements.waited("connection", since)
        try:
            self.transaction = self.connection.transaction()
            await to_end(self.transaction.start())
        except BaseException:
            await to_end(self._abandon())
            raise
        self.active = True
        self.context = self.engine.current_transaction.set(self)
        return self

    async def __aexit__(self, exception_type: Any, exception: Any, traceback: Any) -> bool:
        if self._parent is not None:
            return False
        ending, cancelled = await finished(self._ended(commit=exception is None))
        self.active = False
        self.engine.current_transaction.reset(self.context)
        self.statements.ended(committed=exception is None and ending.exception() is None)
        try:
            ending.result()
            if exception is None:
                for callback in self.callbacks:
                    callback()
        finally:
            await to_end(self._release())
        if cancelled is not None:
            raise cancelled
        return False

    async def _ended(self, *, commit: bool) -> None:
        """End it in the database. A connection that is gone has rolled back what it was in."""
        # asyncpg refuses a connection that was lost before there is anything to await
        if commit:
            await self.transaction.commit()
        else:
            with contextlib.suppress(asyncpg.InterfaceError, asyncpg.PostgresConnectionError):
                await self.transaction.rollback()

    async def _abandon(self) -> None:
        try:
            with contextlib.suppress(asyncpg.InterfaceError):  # it never began
                await self.transaction.rollback()
        finally:
            await self._release()

    async def _release(self) -> None:
        if self.engine.pool is None:
            await self.connection.close()
        else:
            await self.engine.pool.release(self.connection)

    @contextlib.asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:  # type: ignore[override]
        """Undo only what happened inside when the block raises."""
        callbacks = len(self.callbacks)
        try:
            async with self.connection.transaction():
                yield
        except BaseException:
            del self.callbacks[callbacks:]
            raise


class ServerBatch(AsyncBatch):
    """Piccolo's way to read many rows in pieces, under the guard of the moment it begins."""

    async def __aenter__(self) -> Self:
        statement: Statement = self.query.querystrings[0].compile_string()
        guard = current_guard()
        if guard is not None:
            statement = (await rewriter_of(self.connection)).one(guard, *statement)
        self._transaction = self.connection.transaction()
        await self._transaction.start()
        self._cursor = await self.connection.cursor(statement[0], *statement[1])
        return self


async def rewriter_of(connection: Any) -> Rewriter:
    """A rewriter for the database at the other end of a connection."""
    schema, plain_strings = await connection.fetchrow(
        "SELECT coalesce((SELECT n.nspname FROM pg_class c JOIN pg_namespace n "
        "ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)), current_schema()), "
        "current_setting('standard_conforming_strings')",
        CUSTOMER_TABLE,
    )
    if plain_strings != "on":
        raise ConfigurationError(
            f"expected standard_conforming_strings = on in PostgreSQL, got {plain_strings}; "
            "without it nobody can tell where a text ends"
        )
    return Rewriter("postgresql", schema)


def _ways(options: PostgreSql) -> dict[str, Any]:
    """How every connection is made, in the words of asyncpg."""
    settings = {"application_name": options.application_name}
    ways: dict[str, Any] = {"timeout": options.connect_timeout, "server_settings": settings}
    if options.pooled:
        # The next statement may meet another connection, which has never heard of this one's. What
        # is set at the beginning of a session, PgBouncer refuses.
        return ways | {"statement_cache_size": 0}
    settings |= {
        "statement_timeout": _milliseconds(options.statement_timeout),
        "idle_in_transaction_session_timeout": _milliseconds(options.idle_in_transaction_timeout),
        # a machine that is gone keeps no locks for hours
        "tcp_keepalives_idle": "60",
        "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "3",
    }
    return ways


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


async def _leave_as_it_is(_: Any) -> None:
    """Nobody sets anything for longer than a transaction, so nothing is to be set back: asyncpg
    would ask the server to, with one more round trip for every statement. (It has rolled back what
    was open before this is called.)
    """


class ServerEngine(PostgresEngine):
    """PostgreSQL for any number of processes."""

    def __init__(self, url: str, options: PostgreSql | None = None) -> None:
        self.url = url
        self.options = options or PostgreSql()
        self.statements = Statements("postgresql")
        self._rewriter: Rewriter | None = None
        super().__init__(config={"dsn": url, **_ways(self.options)}, extensions=())

    @property
    def listen_address(self) -> str:
        """Where LISTEN works; ``""`` when that is nowhere."""
        options = self.options
        return options.listen or ("" if options.pooled else self.url)

    async def check_version(self) -> None:
        """Left to :meth:`open_pool`: constructing an engine does not connect."""

    async def open_pool(self) -> None:
        """Connect.

        Raises:
            Unavailable: the server does not answer or refuses.
        """
        try:
            self.pool = await asyncpg.create_pool(
                self.url,
                min_size=1,
                max_size=self.options.pool_size,
                reset=_leave_as_it_is,
                **_ways(self.options),
            )
        except (OSError, asyncpg.PostgresError, TimeoutError) as error:
            raise Unavailable(
                f"expected a PostgreSQL server that answers, got {type(error).__name__}: {error}; "
                "start it or mend `database` in the configuration"
            ) from error

    async def close_pool(self) -> None:
        """Let go of all connections."""
        if self.pool is not None:
            await self.pool.close()
            self.pool = None

    def active_transaction(self) -> ServerTransaction | None:
        """The transaction this task is in; one that has ended counts as none."""
        current = self.current_transaction.get()
        return current if isinstance(current, ServerTransaction) and current.active else None

    def forget_ended(self) -> None:
        """A task started inside a transaction may outlive it; it then is in none."""
        if self.current_transaction.get() is not None and self.active_transaction() is None:
            self.current_transaction.set(None)

    def transaction_exists(self) -> bool:
        return self.active_transaction() is not None

    def transaction(self, allow_nested: bool = True) -> ServerTransaction:
        return ServerTransaction(self)

    async def run_querystring(self, querystring: Any, in_pool: bool = True) -> Any:
        self.forget_ended()
        if current_guard() is None:
            return await super().run_querystring(querystring, in_pool=True)
        sql, params = await self._guarded(*querystring.compile_string())
        async with self.connection(sql) as connection:
            return await connection.fetch(sql, *params)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> Any:
        if current_guard() is not None:
            raise refused("data", "a change of tables", "change tables in migrations")
        return await super().run_ddl(ddl, in_pool)

    async def batch(
        self, query: Query[Any, Any], batch_size: int = 100, node: str | None = None
    ) -> ServerBatch:
        connection = await self.get_new_connection()
        return ServerBatch(connection=connection, query=query, batch_size=batch_size)

    async def rewriter(self) -> Rewriter:
        """What guards statements; made when it is first needed."""
        if self._rewriter is None:
            async with self.connection() as connection:
                self._rewriter = await rewriter_of(connection)
        return self._rewriter

    async def _guarded(self, sql: str, params: Sequence[Any]) -> Statement:
        guard = current_guard()
        if guard is None:
            return sql, params
        return (self._rewriter or await self.rewriter()).one(guard, sql, params)

    @contextlib.asynccontextmanager
    async def connection(self, sql: str = "") -> AsyncIterator[Any]:
        """The connection of the current transaction, or one from the pool.

        Args:
            sql: the statement that it is for, to be measured; none when it is empty.
        """
        current = self.active_transaction()
        if current is not None:
            with self._measured(sql):
                yield current.connection
            return
        if self.pool is None:
            raise Unavailable("expected an open database, got one that is closed; open it first")
        since = began()
        async with self.pool.acquire() as connection:
            self.statements.waited("connection", since)
            with self._measured(sql):
                yield connection

    @contextlib.contextmanager
    def _measured(self, sql: str) -> Iterator[None]:
        since = began()
        try:
            yield
        finally:
            if sql:
                reads = sql.lstrip()[:6].upper() == "SELECT"
                self.statements.ran("read" if reads else "write", since, sql)

    def connections(self) -> dict[str, int]:
        """How many there are of the pool, and how many of them are in use."""
        if self.pool is None:
            return {}
        open_, idle = self.pool.get_size(), self.pool.get_idle_size()
        return {"used": open_ - idle, "idle": idle, "most": self.pool.get_max_size()}

    async def fetch(self, sql: str, params: Sequence[Any]) -> Rows:
        if current_guard() is not None:
            sql, params = await self._guarded(sql, params)
        async with self.connection(sql) as connection:
            return [tuple(row) for row in await connection.fetch(sql, *params)]

    async def fetch_together(self, statements: Sequence[Statement]) -> list[Rows]:
        if current_guard() is not None:
            statements = [await self._guarded(sql, params) for sql, params in statements]
        async with self.connection("SELECT together") as connection:
            return [
                [tuple(row) for row in await connection.fetch(sql, *params)]
                for sql, params in statements
            ]

    async def execute(self, sql: str, params: Sequence[Any]) -> int:
        if current_guard() is not None:
            sql, params = await self._guarded(sql, params)
        async with self.connection(sql) as connection:
            status: str = await connection.execute(sql, *params)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def execute_returning(self, sql: str, params: Sequence[Any]) -> Rows:
        return await self.fetch(sql, params)

    async def execute_many(
        self, sql: str, rows: Iterable[Sequence[Any]], *, checked: bool = False
    ) -> int:
        guard = current_guard()
        if guard is not None:
            sql, rows = (await self.rewriter()).many(guard, sql, rows, checked=checked)
        async with self.connection(sql) as connection:
            await connection.executemany(sql, rows)
        return -1

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """PostgreSQL's fastest way in; no conflict clause, and no guard: ``Database.insert`` has
        looked at the rows.
        """
        async with self.connection(f"COPY INTO {table}") as connection:
            await connection.copy_records_to_table(table, columns=list(columns), records=rows)
