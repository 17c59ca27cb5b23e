"""Both ends of a move, and what goes between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from relatum.moving.checksums import Checksum, Columns
from relatum.moving.layouts import Layout

State = Literal["none", "half moved", "empty", "filled"]


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Rows on their way.

    Attributes:
        lines: for PostgreSQL: the rows as its COPY reads text.
        values: for SQLite: the values of each row as they are stored.
        last: where to go on after this batch; ``None`` when the table must be copied in one go.
    """

    rows: int
    lines: bytes = b""
    values: Sequence[Sequence[Any]] = ()
    last: Sequence[str] | None = None


class Source(Protocol):
    """What is read: one moment of a database."""

    @property
    def kind(self) -> Literal["sqlite", "postgresql"]:
        """Of the database."""
        ...

    async def layouts(self) -> dict[str, Layout]:
        """Every table, by name."""
        ...

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a small statement without parameters."""
        ...

    async def checksum(self, table: str, columns: Columns) -> Checksum:
        """Of one table."""
        ...

    async def counters(self, layouts: Mapping[str, Layout]) -> dict[str, int]:
        """The highest number that was ever given to a row, of tables that count."""
        ...

    def batches(
        self, layout: Layout, columns: Columns, after: Sequence[str] | None
    ) -> AsyncIterator[Batch]:
        """The rows of a table in the form that the other database takes, behind ``after``."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...


class Target(Protocol):
    """What is written, with a journal in the same database."""

    @property
    def kind(self) -> Literal["sqlite", "postgresql"]:
        """Of the database."""
        ...

    async def layouts(self) -> dict[str, Layout]:
        """Every table, by name."""
        ...

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a small statement without parameters."""
        ...

    async def checksum(self, table: str, columns: Columns) -> Checksum:
        """Of one table."""
        ...

    async def journal(self) -> dict[str, str]:
        """The notes of the move, by part; empty when none was begun."""
        ...

    async def together(self, statements: Sequence[str], notes: Mapping[str, str | None]) -> None:
        """Statements and notes in one transaction; a note of ``None`` is struck out."""
        ...

    async def write(
        self, layout: Layout, columns: Columns, batch: Batch, notes: Mapping[str, str | None]
    ) -> None:
        """Rows and notes in one transaction."""
        ...

    async def clear(self) -> None:
        """Throw away everything that is in the database."""
        ...

    async def extras(self, layouts: Mapping[str, Layout]) -> list[tuple[str, str]]:
        """Statements that take away what slows copying down, each with the one that puts it back.

        In the order in which they are taken away; they are put back from the end.
        """
        ...

    async def settle(self, layouts: Mapping[str, Layout], counters: Mapping[str, int]) -> None:
        """After the last row: references hold, numbers of rows go on, statistics are made.

        Args:
            counters: the highest number that was ever given to a row, by table.

        Raises:
            Unavailable: a reference names no row.
        """
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...
