"""Two lists of contact points become one: in which order, and which is the primary one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from relatum.customers.merging.catalogue import TableShape
from relatum.customers.merging.choosing import PRIMARY
from relatum.customers.merging.journal import Act, Content, Entry, Journal, rows_with, value_text
from relatum.customers.merging.types import Side

if TYPE_CHECKING:
    from uuid import UUID

    from relatum.db.database import Database

TABLE = "core_contact_point"


class Points:
    """Prepares the contact points of two customers for becoming those of one."""

    def __init__(self, db: Database, shape: TableShape, journal: Journal) -> None:
        self._db = db
        self._shape = shape
        self._journal = journal

    async def join(self, survivor: UUID, absorbed: UUID, sides: Mapping[str, Side]) -> None:
        """Number the absorbed one's points after the survivor's, leave one primary point of each
        kind, and keep what was known of a point that both have.
        """
        rows = await rows_with(self._db, self._shape, "customer_id", [survivor, absorbed])
        rows.sort(key=lambda row: row["position"])
        ours = [row for row in rows if str(row["customer_id"]) == str(survivor)]
        theirs = [row for row in rows if str(row["customer_id"]) == str(absorbed)]
        twins = {_said(row): row for row in ours if row["normalised"]}
        changes = [change for row in theirs if _said(row) in twins for change in _kept(row, twins)]
        coming = [row for row in theirs if _said(row) not in twins]
        first = max((row["position"] for row in ours), default=-1) + 1
        changes += [
            ("list", row, "position", first + n) for n, row in enumerate(coming) if n + first
        ]
        primary = _primary(ours, theirs, twins, sides)
        changes += [("set", row, "is_primary", row["id"] in primary) for row in ours]
        changes += [("list", row, "is_primary", row["id"] in primary) for row in coming]
        await self._write([each for each in changes if each[1][each[2]] != each[3]])

    async def _write(self, changes: Sequence[tuple[Act, Content, str, Any]]) -> None:
        if not changes:
            return
        await self._journal.note(
            [
                Entry(
                    act=act,
                    table=TABLE,
                    key=str(row["id"]),
                    column=column,
                    before=value_text(row[column]),
                    after=value_text(_like(row[column], value)),
                )
                for act, row, column, value in changes
            ]
        )
        for column in dict.fromkeys(column for _, _, column, _ in changes):
            await self._db.execute_many(
                f'UPDATE {TABLE} SET "{column}" = ? WHERE id = ?',  # noqa: S608 - names of our own
                [(value, row["id"]) for _, row, name, value in changes if name == column],
            )

    async def mend(self, customer: UUID) -> None:
        """One primary point of each kind: the first that says so, or else the first."""
        rows = await rows_with(self._db, self._shape, "customer_id", [customer])
        rows.sort(key=lambda row: row["position"])
        wanted = {row["id"] for row in _first_of_each(rows)}
        await self._db.execute_many(
            f"UPDATE {TABLE} SET is_primary = ? WHERE id = ?",  # noqa: S608 - our own
            [
                (row["id"] in wanted, row["id"])
                for row in rows
                if bool(row["is_primary"]) != (row["id"] in wanted)
            ],
        )


def _said(row: Content) -> tuple[str, str]:
    return row["kind"], row["normalised"]


def _kept(
    row: Content, twins: Mapping[tuple[str, str], Content]
) -> list[tuple[Act, Content, str, Any]]:
    """What a point that is set aside leaves to its twin."""
    twin = twins[_said(row)]
    return [
        ("set", twin, column, row[column])
        for column in ("verified_at", "label")
        if row[column] and not twin[column]
    ]


def _primary(
    ours: Sequence[Content],
    theirs: Sequence[Content],
    twins: Mapping[tuple[str, str], Content],
    sides: Mapping[str, Side],
) -> set[Any]:
    """The keys of the rows that are primary afterwards."""
    chosen: dict[str, Content] = {}
    for row in _first_of_each(theirs):
        chosen[row["kind"]] = twins.get(_said(row), row)
    for row in _first_of_each(ours):
        if sides.get(f"{PRIMARY}{row['kind']}", "survivor") == "survivor":
            chosen[row["kind"]] = row
    return {row["id"] for row in chosen.values()}


def _first_of_each(rows: Sequence[Content]) -> list[Content]:
    """By kind the row that says it is the primary one, or else the first."""
    found: dict[str, Content] = {}
    for row in rows:
        before = found.get(row["kind"])
        if before is None or (row["is_primary"] and not before["is_primary"]):
            found[row["kind"]] = row
    return list(found.values())


def _like(stored: Any, value: Any) -> Any:
    """SQLite's truth values are numbers."""
    return int(value) if isinstance(value, bool) and not isinstance(stored, bool) else value
