"""Taking rows out, and names out of the rows that stay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from relatum.customers.erasing.marks import MARK, Marks, blanked_text, changed_text
from relatum.customers.erasing.reach import Reach, doomed_in_order, key_named
from relatum.customers.erasing.scrubbing import fitting, is_text
from relatum.customers.erasing.types import TableCount

if TYPE_CHECKING:
    from relatum.customers.merging.catalogue import Catalogue
    from relatum.db.database import Database

#: Columns of core that name somebody by their nature: emptied whatever they say.
_EMPTIED = {"core_interaction": ("handle", "idempotency_key")}
#: A column of so many characters holds codes; a longer one sentences.
LONGEST_CODE = 100
_AT_ONCE = 2_000


class Removing:
    """Writes what :mod:`reach` has found, in the caller's transaction. Call it as the house."""

    def __init__(
        self, db: Database, catalogue: Catalogue, lengths: Mapping[tuple[str, str], int]
    ) -> None:
        self._db = db
        self._catalogue = catalogue
        self._lengths = lengths

    async def remove(self, reach: Reach, marks: Marks) -> list[TableCount]:
        """First what stays loses its names, then what goes is deleted, pointers first."""
        counts = []
        for table, columns in sorted(reach.nameless.items()):
            counts.append(await self._anonymise(table, columns, marks))
        for table, rows in sorted(reach.hanging.items()):
            for some in _slices(list(rows)):
                await self._blank(table, self._texts(table), some, marks)
        for (table, column), keys in sorted(reach.loosened.items()):
            await self._set_null(table, column, keys)
        for table in doomed_in_order(reach, self._catalogue):
            doomed = list(reach.doomed[table])
            await self._db.execute_many(
                f'DELETE FROM "{table}" WHERE {self._named(table)} = ?',  # noqa: S608 - names of the catalogue
                [(key,) for key in doomed],
            )
            counts.append(TableCount(table=table, act="delete", rows=len(doomed)))
        return counts

    async def _set_null(self, table: str, column: str, keys: set[Any]) -> None:
        await self._db.execute_many(
            f'UPDATE "{table}" SET "{column}" = NULL WHERE {self._named(table)} = ?',  # noqa: S608 - names of the catalogue
            [(key,) for key in keys],
        )

    async def _anonymise(
        self, table: str, columns: dict[str, set[Any]], marks: Marks
    ) -> TableCount:
        every: set[Any] = set().union(*columns.values())
        texts = self._texts(table)
        for some in _slices(list(every)):
            await self._blank(table, texts, some, marks)
        for column, keys in columns.items():
            await self._set_null(table, column, keys)
        return TableCount(table=table, act="anonymise", rows=len(every))

    def _texts(self, table: str) -> list[str]:
        """Columns whose texts may tell who it was: those that name rows of other tables do not."""
        shape = self._catalogue.tables[table]
        pointing = {each.column for each in self._catalogue.of(table)}
        return [
            column
            for column, type_ in shape.columns.items()
            if is_text(type_) and column not in shape.key and column not in pointing
        ]

    async def _blank(self, table: str, texts: list[str], keys: list[Any], marks: Marks) -> None:
        if not texts:
            return
        selected = ", ".join(f'CAST("{column}" AS TEXT)' for column in texts)
        rows = await self._db.fetch_in(
            f'SELECT {self._named(table)}, {selected} FROM "{table}" '  # noqa: S608 - names of the catalogue
            f"WHERE {self._named(table)} IN ({{}})",
            keys,
        )
        changes = [self._change(table, column, marks) for column in texts]
        changed = await asyncio.to_thread(_blanked, rows, texts, changes)
        for column, values in changed.items():
            fit = fitting(self._catalogue, self._lengths, table, column)
            await self._db.execute_many(
                f'UPDATE "{table}" SET "{column}" = ? WHERE {self._named(table)} = ?',  # noqa: S608 - names of the catalogue
                [(None if text is None else fit(text), key) for text, key in values],
            )

    def _change(self, table: str, column: str, marks: Marks) -> Callable[[str], str | None]:
        """What becomes of the texts of one column."""
        if column in _EMPTIED.get(table, ()):
            return lambda _: None
        short = self._lengths.get((table, column), LONGEST_CODE + 1) <= LONGEST_CODE
        if short:
            return lambda text: changed_text(text, marks.blank)
        return lambda text: blanked_text(text, marks)

    def _named(self, table: str) -> str:
        return key_named(self._db, self._catalogue, table)


def _blanked(
    rows: Sequence[tuple[Any, ...]],
    texts: list[str],
    changes: Sequence[Callable[[str], str | None]],
) -> dict[str, list[tuple[str | None, Any]]]:
    """By column the new text of each row, where it is another, with the row's key."""
    found: dict[str, list[tuple[str | None, Any]]] = {}
    for key, *values in rows:
        for column, text, change in zip(texts, values, changes, strict=True):
            if text is None or text == MARK:
                continue
            after = change(text)
            if after != text:
                found.setdefault(column, []).append((after, key))
    return found


def _slices(keys: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]
