"""The database of the running process: one face for SQLite and PostgreSQL."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import msgspec

from relatum.config.settings import PostgreSql
from relatum.db.bound import bind
from relatum.db.embedded import Durability, EmbeddedEngine
from relatum.db.guarding import as_the_house, current_guard
from relatum.db.pointing import refuse_hidden_references
from relatum.db.rewriting import refuse_masks
from relatum.db.server import ServerEngine
from relatum.db.tokens import numbered
from relatum.values.problems import ConfigurationError

Rows = list[tuple[Any, ...]]
Statement = tuple[str, Sequence[Any]]

#: SQLite takes 32,766 variables in one statement, PostgreSQL 32,767.
MOST_VARIABLES = 30_000


def marks(count: int) -> str:
    """``count`` question marks for an ``IN (…)``; an empty list becomes ``NULL``."""
    return ",".join("?" * count) if count else "NULL"


def to_json(value: Any) -> str:
    """A value as it is stored in a JSON column of either database."""
    return msgspec.json.encode(value).decode()


class Database:
    """Reads, writes and transactions, with ``?`` as placeholder on both databases.

    Values come back as Python's own types (``UUID``, aware ``datetime``, ``bool``) when a column is
    selected directly. JSON columns are text. An *expression* (``max(occurred_at)``) loses its type
    on SQLite and comes back as stored.
    """

    def __init__(self, engine: EmbeddedEngine | ServerEngine, *, url: str) -> None:
        self.engine = engine
        self.url = url
        self._embedded = isinstance(engine, EmbeddedEngine)

    @classmethod
    async def open(
        cls, url: str, *, durability: Durability = "full", postgresql: PostgreSql | None = None
    ) -> Database:
        """Open and make it the one that Piccolo tables use.

        Args:
            url: ``sqlite:///relative/path``, ``sqlite:////absolute/path`` or ``postgresql://…``.
            durability: ``full`` survives a power cut; ``normal`` may lose the last moments of
                acknowledged work then (never on a crash of the process). PostgreSQL ignores it.
            postgresql: how to speak to the server; SQLite ignores it.

        Raises:
            ConfigurationError: the address is of neither kind.
            Unavailable: the server does not answer.
        """
        scheme = urlsplit(url).scheme
        if scheme == "sqlite":
            path = Path(unquote(url.removeprefix("sqlite:///")))
            database = cls(EmbeddedEngine(path, durability=durability), url=url)
        elif scheme in {"postgresql", "postgres"}:
            engine = ServerEngine(url, postgresql)
            await engine.open_pool()
            database = cls(engine, url=url)
        else:
            raise ConfigurationError(
                f"expected a database address sqlite:///… or postgresql://…, got the scheme "
                f"{scheme!r}; mend `database` in the configuration"
            )
        bind(database.engine)
        return database

    async def close(self) -> None:
        """Finish what runs and let go of every connection."""
        if isinstance(self.engine, ServerEngine):
            await self.engine.close_pool()
        else:
            self.engine.close()

    @property
    def kind(self) -> Literal["sqlite", "postgresql"]:
        return "sqlite" if self._embedded else "postgresql"

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Everything inside is written together or not at all; an inner one joins the outer."""
        async with self.engine.transaction():
            yield

    @contextlib.asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Inside a transaction: undo only this block when it raises."""
        current = self.engine.active_transaction()
        if current is None:
            async with self.transaction():
                yield
            return
        async with current.savepoint():
            yield

    async def hold(self, name: str) -> None:
        """Let nobody else pass here under this name, in any process, until the transaction ends.

        On SQLite whoever writes is alone anyway.

        Raises:
            RuntimeError: there is no transaction that could end.
        """
        if not self.in_transaction():
            raise RuntimeError("expected a transaction, got none; open one around what is held")
        if not self._embedded:
            with as_the_house():
                await self.fetch("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", name)

    def in_transaction(self) -> bool:
        return self.engine.transaction_exists()

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once the current transaction is on disk (now, when there is none)."""
        current = self.engine.active_transaction()
        if current is None:
            callback()
        else:
            current.callbacks.append(callback)

    def _sql(self, sql: str) -> str:
        return sql if self._embedded else numbered(sql)

    async def fetch(self, sql: str, *params: Any) -> Rows:
        """All rows of one reading statement, as tuples."""
        return await self.engine.fetch(self._sql(sql), params)

    async def fetch_one(self, sql: str, *params: Any) -> tuple[Any, ...] | None:
        """The first row, or ``None``."""
        rows = await self.fetch(sql, *params)
        return rows[0] if rows else None

    async def fetch_together(self, *statements: Statement) -> list[Rows]:
        """Several reading statements in one hop; on SQLite they see one moment."""
        return await self.engine.fetch_together(
            [(self._sql(sql), params) for sql, params in statements]
        )

    async def fetch_in(self, sql: str, keys: Sequence[Any], *params: Any) -> Rows:
        """Rows for many keys: ``{}`` in ``sql`` becomes the list, in slices of a safe size.

        ``params`` come after the keys.
        """
        rows: Rows = []
        for start in range(0, len(keys), MOST_VARIABLES):
            some = keys[start : start + MOST_VARIABLES]
            rows += await self.fetch(sql.replace("{}", marks(len(some))), *some, *params)
        return rows

    async def execute(self, sql: str, *params: Any) -> int:
        """One writing statement; returns the number of rows it touched."""
        return await self.engine.execute(self._sql(sql), params)

    async def execute_returning(self, sql: str, *params: Any) -> Rows:
        """One writing statement with ``RETURNING``."""
        return await self.engine.execute_returning(self._sql(sql), params)

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """One writing statement for many rows of parameters, in one hop."""
        await self.engine.execute_many(self._sql(sql), rows)

    async def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        *,
        on_conflict: str = "",
    ) -> None:
        """Many rows into one table, the fastest way each database has.

        Args:
            table: its name in the database.
            columns: their names in the database, in the order of each row.
            rows: values; UUIDs as ``UUID`` or text, JSON as text, times aware.
            on_conflict: for example ``ON CONFLICT (id) DO NOTHING``.

        Raises:
            NotFound: a row points at one that the viewer does not see.
            InvalidInput: a value is masked.
        """
        if not rows:
            return
        guard = current_guard()
        if guard is not None:
            await refuse_hidden_references(self, guard, table, columns, rows)
            if guard.masks:
                for row in rows:
                    refuse_masks(row)
        if isinstance(self.engine, ServerEngine) and not on_conflict:
            await self.engine.copy(table, columns, rows)
            return
        names = ",".join(f'"{name}"' for name in columns)
        await self.engine.execute_many(
            self._sql(
                f'INSERT INTO "{table}" ({names}) VALUES ({marks(len(columns))}) {on_conflict}'  # noqa: S608 - names come from code
            ),
            rows,
            checked=True,
        )
