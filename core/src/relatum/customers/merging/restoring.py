"""Taking a merge back: its journal read from the end, each act turned round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relatum.customers.merging.catalogue import Catalogue, TableShape
from relatum.customers.merging.journal import (
    Content,
    Entry,
    Journal,
    Step,
    content_from,
    key_of,
    key_value,
    keys_in,
    put_back,
    rows_with,
    value_from,
)
from relatum.customers.merging.references import SAID_BY

if TYPE_CHECKING:
    from relatum.db.database import Database


class Restorer:
    """Puts rows where they were.

    A row that was moved goes back unless somebody has since moved it elsewhere or removed it. A row
    that was set aside is put back whole. A value is set back unless it was changed again.
    """

    def __init__(self, db: Database, catalogue: Catalogue, journal: Journal) -> None:
        self._db = db
        self._catalogue = catalogue
        self._journal = journal

    async def restore(self) -> None:
        """Turn round everything that the journal has, and clear it.

        What belongs to a table that is gone (its plugin was detached) is left out.
        """
        for step in await self._journal.steps():
            shape = self._catalogue.tables.get(step.table)
            if shape is not None:
                await self._turn_round(step, shape)
        await self._journal.clear()

    async def _turn_round(self, step: Step, shape: TableShape) -> None:
        if step.act in ("field", "order"):
            return
        if step.act == "aside":
            entries = await self._journal.entries(step.number)
            contents = [content_from(entry.content or "{}") for entry in entries]
            await put_back(self._db, shape.name, [_fitting(each, shape) for each in contents])
        elif step.act in ("set", "list"):
            for entry in await self._journal.entries(step.number, step.act):
                await self._set_back(entry, shape)
        elif shape.name in SAID_BY:
            await self._move_back_by_content(step, shape)
        else:
            await self._move_back(step, shape)

    async def _move_back(self, step: Step, shape: TableShape) -> None:
        sql = f'UPDATE "{shape.name}" SET "{step.column}" = ? WHERE "{step.column}" = ?'  # noqa: S608 - names of the catalogue
        typed = self._typed(shape, step.column)
        ends = (typed(step.before), typed(step.after))
        if step.column == key_of(shape):
            await self._db.execute(sql, *ends)
            return
        await self._db.execute(
            f'{sql} AND "{key_of(shape)}" IN ({keys_in(self._db, shape)})',
            *(*ends, self._journal.merge, step.number),
        )

    def _typed(self, shape: TableShape, column: str) -> Any:
        return lambda text: key_value(self._db, shape, text, column)

    async def _move_back_by_content(self, step: Step, shape: TableShape) -> None:
        """Lists of a customer are written anew when one of them is edited: a row that is not there
        any more may be there again under another key, saying the same.
        """
        key, said = key_of(shape), SAID_BY[shape.name]
        after = key_value(self._db, shape, step.after or "", step.column)
        there = await rows_with(self._db, shape, step.column, [after])
        by_key = {str(row[key]): row for row in there}
        by_words = {tuple(row[name] for name in said): row for row in there}
        kept: list[tuple[Any, Any]] = []
        gone: list[tuple[Any]] = []
        back: list[Content] = []
        for entry in await self._journal.entries(step.number):
            was = content_from(entry.content or "{}")
            again = by_words.get(tuple(was[name] for name in said))
            if entry.key in by_key:
                kept.append((was[step.column], was[key]))
            elif again is not None:
                gone.append((again[key],))
                same = {key: was[key], step.column: was[step.column]}
                back.append(_fitting({**again, **same}, shape))
            elif _crowded_out(shape, was, there):
                back.append(_fitting(was, shape))
        name = shape.name
        await self._db.execute_many(
            f'UPDATE "{name}" SET "{step.column}" = ? WHERE "{key}" = ?',  # noqa: S608 - names of the catalogue
            kept,
        )
        await self._db.execute_many(f'DELETE FROM "{name}" WHERE "{key}" = ?', gone)  # noqa: S608
        await put_back(self._db, name, back)

    async def _set_back(self, entry: Entry, shape: TableShape) -> None:
        key = key_of(shape)
        named = key_value(self._db, shape, entry.key, key)
        rows = await rows_with(self._db, shape, key, [named])
        if not rows:
            return
        if entry.act == "set" and rows[0][entry.column] != value_from(entry.after):
            return
        await self._db.execute(
            f'UPDATE "{shape.name}" SET "{entry.column}" = ? WHERE "{key}" = ?',  # noqa: S608 - names of the catalogue
            *(value_from(entry.before), named),
        )


def _crowded_out(shape: TableShape, was: Content, there: list[Content]) -> bool:
    """A customer shows one id of each source: whoever wrote that one anew did not mean this one."""
    return shape.name == "core_external_id" and any(row["source"] == was["source"] for row in there)


def _fitting(content: Content, shape: TableShape) -> Content:
    """Without columns that the table has lost since."""
    return {name: value for name, value in content.items() if name in shape.columns}
