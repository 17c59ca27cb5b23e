"""How deals, their lines and their history are stored."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from relatum.api import Database

DEAL = "sales_pipeline_deal"
LINE = "sales_pipeline_deal_line"
CHANGE = "sales_pipeline_stage_change"


class DealRow(msgspec.Struct, kw_only=True, frozen=True):
    """One row of deals; the fields are the columns."""

    id: UUID
    external_source: str | None
    external_ref: str | None
    name: str
    search: str
    customer_id: UUID | None
    pipeline_id: UUID
    stage_id: UUID
    owner_id: UUID | None
    team_id: UUID | None
    amount: int | None
    currency: str
    expected_close: dt.date | None
    engaged_on: dt.date | None
    closed_on: dt.date | None
    lost_reason_id: UUID | None
    competitor: str
    stage_since: dt.datetime
    last_activity_at: dt.datetime | None
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime


class LineRow(msgspec.Struct, kw_only=True, frozen=True):
    """One row of lines; ``quantity`` in thousandths."""

    id: UUID
    deal_id: UUID
    product_id: UUID
    position: int
    quantity: int
    unit_amount: int | None
    amount: int | None


class ChangeRow(msgspec.Struct, kw_only=True, frozen=True):
    """One row of the stage history."""

    id: UUID
    deal_id: UUID
    position: int
    from_stage_id: UUID | None
    to_stage_id: UUID
    changed_at: dt.datetime
    changed_by: str
    note: str


class Stored(msgspec.Struct):
    """A deal with everything that belongs to it."""

    row: DealRow
    lines: list[LineRow]
    history: list[ChangeRow]


Row = TypeVar("Row", DealRow, LineRow, ChangeRow)

DEAL_COLUMNS = DealRow.__struct_fields__
LINE_COLUMNS = LineRow.__struct_fields__
CHANGE_COLUMNS = ChangeRow.__struct_fields__
#: ``last_activity_at`` belongs to a handler; ``created_at`` and ``id`` never change.
CHANGING = tuple(
    name for name in DEAL_COLUMNS if name not in {"id", "created_at", "last_activity_at"}
)
SELECT_DEALS = f"SELECT {', '.join(DEAL_COLUMNS)} FROM {DEAL}"  # noqa: S608 - names of our own
SELECT_LINES = f"SELECT {', '.join(LINE_COLUMNS)} FROM {LINE}"  # noqa: S608 - names of our own
SELECT_CHANGES = f"SELECT {', '.join(CHANGE_COLUMNS)} FROM {CHANGE}"  # noqa: S608 - names of our own


def read_row(kind: type[Row], values: Sequence[Any]) -> Row:
    """A row of the database as its Struct."""
    return kind(**dict(zip(kind.__struct_fields__, values, strict=True)))


async def load(db: Database, ids: Sequence[UUID], *, lock: bool = False) -> dict[UUID, Stored]:
    """Deals with their lines and history; unknown ids are left out.

    Args:
        lock: keep others from changing them until the transaction ends.
    """
    ending = " ORDER BY id FOR UPDATE" if lock and db.kind == "postgresql" else ""
    deals = await db.fetch_in(f"{SELECT_DEALS} WHERE id IN ({{}}){ending}", ids)
    lines = await load_lines(db, ids)
    changes: defaultdict[UUID, list[ChangeRow]] = defaultdict(list)
    found = await db.fetch_in(
        f"{SELECT_CHANGES} WHERE deal_id IN ({{}}) ORDER BY deal_id, position", ids
    )
    for values in found:
        change = read_row(ChangeRow, values)
        changes[change.deal_id].append(change)
    rows = [read_row(DealRow, values) for values in deals]
    return {row.id: Stored(row, lines[row.id], changes[row.id]) for row in rows}


async def load_lines(db: Database, ids: Sequence[UUID]) -> defaultdict[UUID, list[LineRow]]:
    """The lines of these deals, in their order."""
    lines: defaultdict[UUID, list[LineRow]] = defaultdict(list)
    found = await db.fetch_in(
        f"{SELECT_LINES} WHERE deal_id IN ({{}}) ORDER BY deal_id, position", ids
    )
    for values in found:
        line = read_row(LineRow, values)
        lines[line.deal_id].append(line)
    return lines


async def insert(db: Database, stored: Sequence[Stored]) -> None:
    """Write new deals with their lines and history."""
    await _insert(db, DEAL, DEAL_COLUMNS, (one.row for one in stored))
    await insert_lines(db, [line for one in stored for line in one.lines])
    await insert_changes(db, [change for one in stored for change in one.history])


async def insert_lines(db: Database, lines: Sequence[LineRow]) -> None:
    await _insert(db, LINE, LINE_COLUMNS, lines)


async def insert_changes(db: Database, changes: Sequence[ChangeRow]) -> None:
    await _insert(db, CHANGE, CHANGE_COLUMNS, changes)


async def update(db: Database, rows: Sequence[DealRow]) -> None:
    """Write changed deals; who calls has locked them."""
    columns = ", ".join(f"{name} = ?" for name in CHANGING)
    await db.execute_many(
        f"UPDATE {DEAL} SET {columns} WHERE id = ?",  # noqa: S608 - names of our own
        [(*(getattr(row, name) for name in CHANGING), row.id) for row in rows],
    )


async def replace_lines(db: Database, deals: Sequence[UUID], lines: Sequence[LineRow]) -> None:
    """Put ``lines`` in the place of all lines of ``deals``."""
    await db.execute_many(f"DELETE FROM {LINE} WHERE deal_id = ?", [(id,) for id in deals])  # noqa: S608 - names of our own
    await insert_lines(db, lines)


async def replace_history(
    db: Database, deals: Sequence[UUID], changes: Sequence[ChangeRow]
) -> None:
    """Put ``changes`` in the place of the whole history of ``deals``."""
    await db.execute_many(f"DELETE FROM {CHANGE} WHERE deal_id = ?", [(id,) for id in deals])  # noqa: S608 - names of our own
    await insert_changes(db, changes)


async def delete(db: Database, ids: Sequence[UUID]) -> None:
    """Remove deals with everything that belongs to them, projections of handlers included."""
    tables = (
        ("sales_pipeline_deal_activity", "deal_id"),
        ("sales_pipeline_watched_deal", "deal_id"),
        ("sales_pipeline_rotting_note", "deal_id"),
        (CHANGE, "deal_id"),
        (LINE, "deal_id"),
        (DEAL, "id"),
    )
    for table, column in tables:
        await db.execute_many(f"DELETE FROM {table} WHERE {column} = ?", [(id,) for id in ids])  # noqa: S608 - names of our own


async def _insert(
    db: Database, table: str, columns: Sequence[str], rows: Iterable[msgspec.Struct]
) -> None:
    await db.insert(table, columns, [msgspec.structs.astuple(row) for row in rows])
