"""The journal of merges: what was done to which row, written before it is done.

Rows come from tables of any plugin, so values are kept as the database stores them: SQLite's own
(through ``+column``, which no converter touches), PostgreSQL's in their Python types.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec

from relatum.customers.merging.catalogue import TableShape
from relatum.db.database import marks
from relatum.values.problems import Conflict

if TYPE_CHECKING:
    from relatum.db.database import Database

#: ``list`` is a value that goes back in any case; ``field`` is one of the survivor itself, and
#: ``order`` that of its custom fields
Act = Literal["move", "set", "list", "field", "order", "aside"]
Content = dict[str, Any]

_COLUMNS = (
    *("merge_id", "step", "act", "table_name", "key", "column_name"),
    *("before", "after", "content"),
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row that was set aside, or one value that was changed."""

    act: Act
    table: str
    key: str
    column: str = ""
    before: str | None = None
    after: str | None = None
    content: str | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What was done at once: one column of one table, or rows set aside."""

    number: int
    act: Act
    table: str
    column: str
    before: str | None
    after: str | None
    rows: int


class Journal:
    """The journal of one merge, inside the service's transaction."""

    def __init__(self, db: Database, merge: UUID) -> None:
        self._db = db
        self.merge = merge
        self._step = 0

    def next_step(self) -> int:
        self._step += 1
        return self._step

    async def note(self, entries: Sequence[Entry]) -> None:
        """Rows set aside and values changed, in one step."""
        step = self.next_step()
        await self._db.insert(
            "core_merge_row",
            _COLUMNS,
            [
                (self.merge, step, e.act, e.table, e.key, e.column, e.before, e.after, e.content)
                for e in entries
            ],
        )

    async def note_moves(self, shape: TableShape, column: str, before: Any, after: Any) -> int:
        """Every row of a table whose column is ``before``; returns how many there are."""
        key, name = key_of(shape), shape.name
        text = _given(self._db, "VARCHAR")
        values = (_given(self._db, "UUID"), _given(self._db, "INTEGER"), "'move'", text)
        return await self._db.execute(
            f"INSERT INTO core_merge_row ({', '.join(_COLUMNS[:-1])}) "  # noqa: S608 - names of the catalogue
            f'SELECT {", ".join(values)}, CAST("{key}" AS VARCHAR), {text}, {text}, {text} '
            f'FROM "{name}" WHERE "{column}" = ? ORDER BY "{key}"',
            *(self.merge, self.next_step(), name, column, str(before), str(after), before),
        )

    async def steps(self) -> list[Step]:
        """What was done, the last first."""
        rows = await self._db.fetch(
            "SELECT step, act, table_name, min(column_name), min(before), min(after), count(*) "
            "FROM core_merge_row WHERE merge_id = ? GROUP BY step, act, table_name "
            "ORDER BY step DESC",
            self.merge,
        )
        return [Step(**dict(zip(Step.__struct_fields__, row, strict=True))) for row in rows]

    async def entries(self, step: int | None = None, *acts: Act) -> list[Entry]:
        """Entries in the order in which they were written."""
        where = "merge_id = ?" + " AND step = ?" * (step is not None)
        where += f" AND act IN ({marks(len(acts))})" if acts else ""
        rows = await self._db.fetch(
            "SELECT act, table_name, key, column_name, before, after, content "  # noqa: S608 - our own
            f"FROM core_merge_row WHERE {where} ORDER BY id",
            self.merge,
            *([step] if step is not None else []),
            *acts,
        )
        return [Entry(**dict(zip(Entry.__struct_fields__, row, strict=True))) for row in rows]

    async def clear(self) -> None:
        """Forget everything: the merge was undone."""
        await self._db.execute("DELETE FROM core_merge_row WHERE merge_id = ?", self.merge)


def key_of(shape: TableShape) -> str:
    """The one column by which rows of a table are named.

    Raises:
        Conflict: there is none.
    """
    if len(shape.key) != 1:
        raise Conflict(
            f"expected a primary key of one column in table {shape.name}, whose rows point at the "
            f"customer, got {len(shape.key)}; give the table one before customers are merged"
        )
    return shape.key[0]


def _given(db: Database, type_: str) -> str:
    """A mark whose type PostgreSQL cannot know by itself."""
    return f"CAST(? AS {type_})" if db.kind == "postgresql" else "?"


def key_value(db: Database, shape: TableShape, text: str, column: str = "") -> Any:
    """A value of a key (or of a column that points at one) from how the journal has it."""
    type_ = shape.columns[column or key_of(shape)].upper()
    if "INT" in type_ or "SERIAL" in type_:
        return int(text)
    return UUID(text) if type_ == "UUID" and db.kind == "postgresql" else text


def keys_in(db: Database, shape: TableShape) -> str:
    """The journal's keys of one step, as a selection in the type of the table's own."""
    type_ = shape.columns[key_of(shape)].upper()
    if db.kind == "postgresql":
        read = f"CAST(key AS {type_})"
    else:
        read = "CAST(key AS INTEGER)" if "INT" in type_ or "SERIAL" in type_ else "key"
    return f"SELECT {read} FROM core_merge_row WHERE merge_id = ? AND step = ?"  # noqa: S608


# -- whole rows ----------------------------------------------------------------------------------


async def rows_with(
    db: Database, shape: TableShape, column: str, values: Sequence[Any]
) -> list[Content]:
    """Whole rows whose column has one of these values, as they are stored, by their key."""
    plus = "+" if db.kind == "sqlite" else ""
    names = list(shape.columns)
    selected = ", ".join(f'{plus}"{name}"' for name in names)
    rows = await db.fetch_in(
        f'SELECT {selected} FROM "{shape.name}" WHERE "{column}" IN ({{}}) '  # noqa: S608 - names of the catalogue
        f'ORDER BY "{key_of(shape)}"',
        values,
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


async def put_back(db: Database, table: str, contents: Iterable[Content]) -> None:
    """Insert whole rows as they were."""
    for content in contents:
        await db.insert(table, list(content), [list(content.values())])


_WRITERS: Mapping[type, tuple[str, Any]] = {
    dt.datetime: ("datetime", dt.datetime.isoformat),
    dt.date: ("date", dt.date.isoformat),
    dt.time: ("time", dt.time.isoformat),
    dt.timedelta: ("seconds", dt.timedelta.total_seconds),
    Decimal: ("decimal", str),
    bytes: ("bytes", lambda value: base64.b64encode(value).decode()),
}
_READERS: Mapping[str, Any] = {
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "seconds": lambda value: dt.timedelta(seconds=value),
    "decimal": Decimal,
    "bytes": base64.b64decode,
    "uuid": UUID,
    "list": lambda values: [_read(value) for value in values],
}


def content_text(content: Content) -> str:
    """A whole row as the journal keeps it."""
    return msgspec.json.encode({name: _write(value) for name, value in content.items()}).decode()


def content_from(text: str) -> Content:
    """A whole row from the journal."""
    kept: Content = msgspec.json.decode(text)
    return {name: _read(value) for name, value in kept.items()}


def value_text(value: Any) -> str:
    """One value as the journal keeps it."""
    return msgspec.json.encode(_write(value)).decode()


def value_from(text: str | None) -> Any:
    """One value from the journal."""
    return None if text is None else _read(msgspec.json.decode(text))


def _write(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, UUID):
        return {"uuid": str(value)}
    if isinstance(value, list):
        return {"list": [_write(each) for each in value]}
    for type_, (name, write) in _WRITERS.items():
        if isinstance(value, type_):
            return {name: write(value)}
    raise Conflict(
        f"expected values that a journal can keep, got a {type(value).__name__}; the table that "
        "has them must be changed before these customers can be merged"
    )


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        [(name, kept)] = value.items()
        return _READERS[name](kept)
    return value
