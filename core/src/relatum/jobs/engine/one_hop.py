"""A whole transaction of several statements in one go on the thread that writes to SQLite.

What the queue does is written once, for both databases, as coroutines over a ``Database``. On
SQLite every statement of them would be a way into the writer's thread and back. Here the coroutine
itself runs there: nothing in it has to wait for anything but the connection.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from relatum.db.database import marks
from relatum.db.embedded import begin_writing

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.db.embedded import EmbeddedEngine

T = TypeVar("T")
Rows = list[tuple[Any, ...]]
#: What is to be done, given the database.
Work = Callable[["Database"], Coroutine[Any, Any, T]]


class _OnConnection:
    """The part of a ``Database`` that the queue uses, without a way to go."""

    kind: Literal["sqlite"] = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield

    async def fetch(self, sql: str, *params: Any) -> Rows:
        return self._connection.execute(sql, params).fetchall()

    execute_returning = fetch

    async def fetch_in(self, sql: str, keys: Sequence[Any], *params: Any) -> Rows:
        return await self.fetch(sql.replace("{}", marks(len(keys))), *keys, *params)

    async def execute(self, sql: str, *params: Any) -> int:
        return self._connection.execute(sql, params).rowcount

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._connection.executemany(sql, rows)

    async def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        *,
        on_conflict: str = "",
    ) -> None:
        names = ",".join(f'"{name}"' for name in columns)
        values = marks(len(columns))
        self._connection.executemany(
            f'INSERT INTO "{table}" ({names}) VALUES ({values}) {on_conflict}',  # noqa: S608 - names of our own
            rows,
        )


async def in_one_hop(engine: EmbeddedEngine, work: Work[T], *, lasting: bool) -> T:
    """Do ``work`` in a transaction of its own.

    Args:
        lasting: ``False``: a power cut may undo it. That is harmless for what only says who works
            on what, and spares waiting for the disk.
    """
    async with engine.write_lock:
        return await engine.writer.run_to_end(_whole, work, lasting or engine.durability != "full")


def _whole(connection: sqlite3.Connection, work: Work[T], lasting: bool) -> T:
    if not lasting:
        connection.execute("PRAGMA synchronous = NORMAL")
    try:
        begin_writing(connection)
        try:
            answer = _at_once(work(cast("Database", _OnConnection(connection))))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    finally:
        if not lasting:
            connection.execute("PRAGMA synchronous = FULL")
    return answer


def _at_once(work: Coroutine[Any, Any, T]) -> T:
    try:
        work.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    work.close()
    raise RuntimeError("expected work that waits for nothing, got work that waits")
