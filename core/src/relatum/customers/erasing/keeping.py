"""What the law obliges to keep: set apart and encrypted before the row loses its name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import msgspec

from relatum.customers.erasing.reach import Reach
from relatum.customers.erasing.types import KeptByLaw
from relatum.db.database import to_json
from relatum.values.ids import new_id
from relatum.values.problems import ConfigurationError

if TYPE_CHECKING:
    from relatum.customers.merging.catalogue import Catalogue
    from relatum.db.database import Database

TABLE = "core_erased_kept"
CONTENT = "content"
#: Rows that are let go in one statement.
BATCH = 500
_PLAIN = "abcdefghijklmnopqrstuvwxyz0123456789_"


class Keep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One duty to keep.

    Attributes:
        table: whose rows.
        column: which of them: those with one of ``values`` in this column.
        columns: what is kept of each.
        needs: a text that the kept JSON must have; all rows when empty.
        since: the column with the time from which ``years`` are counted.
        law: the rule and its article.
    """

    table: str
    columns: tuple[str, ...]
    since: str
    years: int
    law: str
    column: str = ""
    values: tuple[str, ...] = ()
    needs: str = ""


class Duties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that one country obliges to keep."""

    keep: tuple[Keep, ...] = ()


class Cipher(Protocol):
    """Encrypts text for one place."""

    def encrypt(self, text: str, place: str) -> str: ...


def load_duties(profile: str) -> Duties:
    """The duties of a regulation profile; none where the profile has none.

    Raises:
        ConfigurationError: the file is not what it has to be.
    """
    path = files("relatum.customers.erasing.profiles") / f"{profile}.toml"
    if not path.is_file():
        return Duties()
    try:
        duties = msgspec.toml.decode(path.read_bytes(), type=Duties)
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"expected duties to keep in {path.name}, got {error}") from error
    for each in duties.keep:
        for name in (
            each.table,
            each.since,
            *each.columns,
            *([each.column] if each.column else []),
        ):
            if set(name) - set(_PLAIN):
                raise ConfigurationError(
                    f"expected plain names of tables and columns in {path.name}, got {name!r}"
                )
    return duties


class _Found(msgspec.Struct):
    key: Any
    content: dict[str, Any]
    until: dt.date


class Keeping:
    """Finds and sets apart what has to be kept. Call it as the house."""

    def __init__(self, db: Database, duties: Duties, cipher: Cipher) -> None:
        self._db = db
        self._duties = duties
        self._cipher = cipher

    async def of(self, reach: Reach, catalogue: Catalogue, today: dt.date) -> list[KeptByLaw]:
        """What would be kept of these rows."""
        kept = []
        for duty in self._duties.keep:
            found = await self._find(duty, reach, catalogue, today)
            if found:
                kept.append(_told(duty, found))
        return kept

    async def keep(
        self, erasure: UUID, reach: Reach, catalogue: Catalogue, today: dt.date
    ) -> list[KeptByLaw]:
        """Set it apart, in the caller's transaction; call before anything is taken out."""
        kept = []
        for duty in self._duties.keep:
            found = await self._find(duty, reach, catalogue, today)
            rows = [self._sealed(erasure, duty, each) for each in found]
            await self._db.insert(
                TABLE,
                ("id", "erasure_id", "table_name", "key", CONTENT, "law", "until_day"),
                rows,
            )
            if found:
                kept.append(_told(duty, found))
        return kept

    async def let_go(self, today: dt.date) -> int:
        """Delete a first batch of what need not be kept any longer; returns how many rows."""
        return await let_go(self._db, today)

    def _sealed(self, erasure: UUID, duty: Keep, found: _Found) -> tuple[Any, ...]:
        id = new_id()
        content = self._cipher.encrypt(to_json(found.content), f"{TABLE}.{CONTENT}/{id}")
        return id, erasure, duty.table, str(found.key), content, duty.law[:300], found.until

    async def _find(
        self, duty: Keep, reach: Reach, catalogue: Catalogue, today: dt.date
    ) -> list[_Found]:
        shape = catalogue.tables.get(duty.table)
        keys = set(reach.doomed.get(duty.table, ()))
        for some in reach.nameless.get(duty.table, {}).values():
            keys |= some
        if shape is None or len(shape.key) != 1 or not keys:
            return []
        columns = ", ".join(f'CAST("{name}" AS TEXT)' for name in duty.columns)
        condition, params = "", duty.values[:0]
        if duty.column:
            condition = f' AND "{duty.column}" IN ({",".join("?" * len(duty.values))})'
            params = duty.values
        rows = await self._db.fetch_in(
            f'SELECT "{shape.key[0]}", "{duty.since}", {columns} FROM "{duty.table}" '  # noqa: S608 - checked names
            f'WHERE "{shape.key[0]}" IN ({{}}){condition}',
            list(keys),
            *params,
        )
        return [found for row in rows if (found := _found(duty, row, today)) is not None]


async def let_go(db: Database, today: dt.date) -> int:
    """Delete a batch of what need not be kept any longer; returns how many rows, 0 at the end."""
    return await db.execute(
        f"DELETE FROM {TABLE} WHERE id IN "  # noqa: S608 - a name of our own
        f"(SELECT id FROM {TABLE} WHERE until_day < ? ORDER BY until_day, id LIMIT ?)",
        today,
        BATCH,
    )


def _found(duty: Keep, row: Sequence[Any], today: dt.date) -> _Found | None:
    key, since, *values = row
    day: dt.date = since.date() if isinstance(since, dt.datetime) else since
    until = day.replace(year=day.year + duty.years + 1, month=1, day=1) - dt.timedelta(days=1)
    if until < today:
        return None
    content = dict(zip(duty.columns, values, strict=True))
    if duty.needs and not any(_has(value, duty.needs) for value in values):
        return None
    return _Found(key, content, until)


def _has(text: str | None, name: str) -> bool:
    try:
        value = msgspec.json.decode(text or "null")
    except msgspec.DecodeError:
        return False
    return isinstance(value, dict) and bool(value.get(name))


def _told(duty: Keep, found: Sequence[_Found]) -> KeptByLaw:
    return KeptByLaw(
        table=duty.table,
        columns=list(duty.columns),
        rows=len(found),
        law=duty.law,
        until=max(each.until for each in found),
    )
