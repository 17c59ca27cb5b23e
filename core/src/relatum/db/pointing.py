"""Looking whether rows about to be inserted point at visible rows only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from relatum.db.guarding import Guard, Shadow
from relatum.values.problems import NotFound, Problem

if TYPE_CHECKING:
    from relatum.db.database import Database


async def refuse_hidden_references(
    database: Database,
    guard: Guard,
    table: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Look at every column that refers to a guarded table: one query for each.

    Raises:
        NotFound: a value names a row that is hidden or does not exist; which, is not said.
    """
    shadow = guard.shadows.get(table.lower())
    if shadow is None:
        return
    for place, column in enumerate(columns):
        parent = shadow.refers.get(column.lower())
        if parent is None or parent not in guard.shadows or not guard.shadows[parent].hides_rows:
            continue
        named = {_plain(row[place]) for row in rows if row[place] is not None}
        if parent == table.lower():
            named -= _keys(shadow, columns, rows)
        hidden = named - await _visible(database, parent, guard.shadows[parent].key, named)
        if hidden:
            raise _not_found(table, column, parent, hidden)


def _plain(value: Any) -> Any:
    """Ids come as ``UUID`` or as text."""
    if not isinstance(value, str):
        return value
    try:
        return UUID(value)
    except ValueError:
        return value


def _keys(shadow: Shadow, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> set[Any]:
    """Rows of one batch may point at each other."""
    if shadow.key not in columns:
        return set()
    place = columns.index(shadow.key)
    return {_plain(row[place]) for row in rows}


async def _visible(database: Database, table: str, key: str, named: set[Any]) -> set[Any]:
    if not named:
        return set()
    found = await database.fetch_in(
        f'SELECT "{key}" FROM "{table}" WHERE "{key}" IN ({{}})',  # noqa: S608 - names come from code
        list(named),
    )
    return {row[0] for row in found}


def _not_found(table: str, column: str, parent: str, hidden: set[Any]) -> NotFound:
    named = ", ".join(sorted(str(value) for value in hidden)[:5])
    return NotFound(
        f"expected {column} of {table} to name rows of {parent} that exist, got {named}",
        problems=[
            Problem(
                code="unknown-reference",
                message="there is no such row",
                where=f"/{column}",
                expected=f"the id of a row of {parent}",
                got=named,
                mend="look it up again",
            )
        ],
    )
