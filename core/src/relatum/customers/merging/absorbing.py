"""Making one row of two: what points at one points at the other, in any table.

Customers are only the first rows that are made one. A row that would stand twice under a unique
index (both have a card of the same programme) is made one with its twin in the same way: what
points at it points at the twin, and it is set aside whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from relatum.customers.merging.catalogue import Catalogue, Reference, TableShape, Unique
from relatum.customers.merging.journal import (
    Content,
    Entry,
    Journal,
    content_text,
    key_of,
    key_value,
    rows_with,
)
from relatum.customers.merging.references import DERIVED, SAID_BY
from relatum.db.database import marks

if TYPE_CHECKING:
    from relatum.db.database import Database

#: Of a row that is set aside, and of the one that stands for it.
Pair = tuple[Any, Any]


class Absorber:
    """Re-points rows, and writes down how to take that back."""

    def __init__(self, db: Database, catalogue: Catalogue, journal: Journal) -> None:
        self._db = db
        self._catalogue = catalogue
        self._journal = journal
        self._at_work: set[tuple[str, Any]] = set()

    async def absorb(self, table: str, pairs: Sequence[Pair]) -> None:
        """Everything that points at the first of a pair points at the second; the first goes.

        Raises:
            Conflict: rows of a table cannot be named by one key.
        """
        for some in _rounds(pairs):
            self._at_work.update((table, gone) for gone, _ in some)
            for reference, named in await self._in_use(table, some):
                if reference.table in DERIVED:
                    await self._forget(reference, named)
                else:
                    await self._repoint(reference, named)
            await self._set_aside(table, {str(gone): kept for gone, kept in some})

    async def _set_aside(self, table: str, twins: Mapping[str, Any]) -> None:
        """Keep rows whole in the journal, and take them out of their table.

        Args:
            twins: by key of a row (as text) the one that stands for it; ``None`` for none.
        """
        shape = self._catalogue.tables[table]
        key = key_of(shape)
        keys = [key_value(self._db, shape, text) for text in twins]
        rows = await rows_with(self._db, shape, key, keys)
        await self._journal.note([_aside(shape, row, twins[str(row[key])]) for row in rows])
        await self._delete(table, key, keys)

    async def _forget(self, reference: Reference, pairs: Sequence[Pair]) -> None:
        await self._delete(reference.table, reference.column, [gone for gone, _ in pairs])

    async def _delete(self, table: str, column: str, values: Sequence[Any]) -> None:
        await self._db.execute_many(
            f'DELETE FROM "{table}" WHERE "{column}" = ?',  # noqa: S608 - names of the catalogue
            [(value,) for value in values],
        )

    async def _in_use(
        self, table: str, pairs: Sequence[Pair]
    ) -> list[tuple[Reference, Sequence[Pair]]]:
        """References that rows hold to those that go, with the pairs as each names them."""
        found = [
            (reference, await self._in_words_of(reference, pairs))
            for reference in self._catalogue.to(table)
        ]
        held = await self._db.fetch_together(
            *(
                (
                    (
                        f'SELECT 1 FROM "{reference.table}" WHERE "{reference.column}" '  # noqa: S608 - names of the catalogue
                        f"IN ({marks(len(named))}) LIMIT 1"
                    ),
                    [gone for gone, _ in named],
                )
                for reference, named in found
            )
        )
        return [each for each, rows in zip(found, held, strict=True) if rows]

    async def _in_words_of(self, reference: Reference, pairs: Sequence[Pair]) -> Sequence[Pair]:
        """The pairs as a reference names them, which need not be by their key."""
        shape = self._catalogue.tables[reference.parent]
        key = key_of(shape)
        if reference.parent_column == key:
            return pairs
        ends = [end for pair in pairs for end in pair]
        found: Sequence[tuple[Any, Any]] = await self._db.fetch_in(
            f'SELECT "{key}", "{reference.parent_column}" FROM "{shape.name}" '  # noqa: S608 - names of the catalogue
            f'WHERE "{key}" IN ({{}})',
            ends,
        )
        named = dict(found)
        return [(named[gone], named[kept]) for gone, kept in pairs]

    async def _repoint(self, reference: Reference, pairs: Sequence[Pair]) -> None:
        shape = self._catalogue.tables[reference.table]
        for one, other in shape.apart:
            if reference.column in (one, other):
                beside = other if reference.column == one else one
                await self._set_aside_circles(shape, reference.column, beside, pairs)
        for unique in shape.uniques:
            if reference.column in unique.parts:
                twins = await self._twins(shape, reference, unique, pairs)
                await self.absorb(shape.name, twins)
        for gone, kept in pairs:
            await self._move(shape, reference.column, gone, kept)

    async def _set_aside_circles(
        self, shape: TableShape, column: str, beside: str, pairs: Sequence[Pair]
    ) -> None:
        """Rows that would point at the same row twice."""
        keys = []
        for gone, kept in pairs:
            keys += await self._db.fetch(
                f'SELECT "{key_of(shape)}" FROM "{shape.name}" '  # noqa: S608 - names of the catalogue
                f'WHERE "{column}" = ? AND "{beside}" = ?',
                *(gone, kept),
            )
        if keys:
            await self._set_aside(shape.name, {str(key): None for (key,) in keys})

    async def _twins(
        self, shape: TableShape, reference: Reference, unique: Unique, pairs: Sequence[Pair]
    ) -> list[Pair]:
        """Rows about to be moved that are there already, and the ones that are."""
        rest = [part for part in unique.parts if part != reference.column]
        named = [f'"{part}"' if part in shape.columns else f"({part})" for part in rest]
        parts = "".join(f", {part} AS p{n}" for n, part in enumerate(named))
        side = (
            f'SELECT "{key_of(shape)}" AS k, "{reference.column}" AS c{parts} FROM "{shape.name}"'  # noqa: S608 - names of the catalogue
        )
        if unique.predicate:
            side += f" WHERE {unique.predicate}"
        equal = "".join(f" AND a.p{n} = b.p{n}" for n in range(len(rest)))
        mark = "?"
        if self._db.kind == "postgresql":
            mark = f"CAST(? AS {shape.columns[reference.column]})"
        rows = ", ".join([f"({mark}, {mark})"] * len(pairs))
        found = await self._db.fetch(
            f"WITH m (gone, kept) AS (VALUES {rows}) "  # noqa: S608 - names of the catalogue
            f"SELECT a.k, b.k FROM m JOIN ({side}) a ON a.c = m.gone "
            f"JOIN ({side}) b ON b.c = m.kept{equal}",
            *(value for pair in pairs for value in pair),
        )
        pairs_of_keys = [(gone, kept) for gone, kept in found if gone != kept]
        return [pair for pair in pairs_of_keys if (shape.name, pair[0]) not in self._at_work]

    async def _move(self, shape: TableShape, column: str, gone: Any, kept: Any) -> None:
        if shape.name in SAID_BY:
            rows = await rows_with(self._db, shape, column, [gone])
            await self._journal.note([_moved(shape, row, column, kept) for row in rows])
            number = len(rows)
        else:
            number = await self._journal.note_moves(shape, column, gone, kept)
        if number:
            await self._db.execute(
                f'UPDATE "{shape.name}" SET "{column}" = ? WHERE "{column}" = ?',  # noqa: S608 - names of the catalogue
                *(kept, gone),
            )


def _rounds(pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
    """Pairs that do not meddle with one another: nobody goes twice, or stands for two at once."""
    left = list(dict(reversed(pairs)).items())
    while left:
        some: list[Pair] = []
        later: list[Pair] = []
        for gone, kept in reversed(left):
            busy = {end for pair in some for end in pair}
            (later if gone in busy or kept in busy else some).append((gone, kept))
        yield some
        left = list(reversed(later))


def _aside(shape: TableShape, row: Content, twin: Any) -> Entry:
    return Entry(
        act="aside",
        table=shape.name,
        key=str(row[key_of(shape)]),
        after=None if twin is None else str(twin),
        content=content_text(row),
    )


def _moved(shape: TableShape, row: Content, column: str, kept: Any) -> Entry:
    return Entry(
        act="move",
        table=shape.name,
        key=str(row[key_of(shape)]),
        column=column,
        before=str(row[column]),
        after=str(kept),
        content=content_text(row),
    )
