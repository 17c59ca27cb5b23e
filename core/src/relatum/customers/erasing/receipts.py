"""Receipts of erasures as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.customers.erasing.ledger import Line
from relatum.customers.erasing.types import Erasure, HeldBackup, KeptByLaw, TableCount
from relatum.db.database import to_json
from relatum.values.problems import NotFound

if TYPE_CHECKING:
    from relatum.db.database import Database

_COLUMNS = (
    *("id", "customer_id", "ids", "erased_at", "by", "reason"),
    *("tables", "kept", "backups", "notes"),
)
_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)
_SELECT = f"SELECT {_NAMES} FROM core_erasure"  # noqa: S608 - names of our own
_JSON: dict[str, Any] = {
    "ids": list[UUID],
    "tables": list[TableCount],
    "kept": list[KeptByLaw],
    "backups": list[HeldBackup],
    "notes": list[str],
}


class Receipts:
    """The only writer of receipts. They name nobody; whoever may erase may see all of them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, id: UUID) -> Erasure:
        """One receipt.

        Raises:
            NotFound: there is none.
        """
        found = await self._read("WHERE id = ?", id)
        if not found:
            raise NotFound(f"expected the id of an erasure, got {id}; there is none")
        return found[0]

    async def latest(self, most: int) -> list[Erasure]:
        """The newest, the last one first."""
        return await self._read("ORDER BY erased_at DESC, id DESC LIMIT ?", most)

    async def of(self, customers: Sequence[UUID]) -> dict[UUID, Erasure]:
        """By id of a customer the receipt of its erasure; also of those absorbed by it."""
        found: dict[UUID, Erasure] = {}
        for each in await self._read_in("WHERE customer_id IN ({})", list(customers)):
            found[each.customer] = each
        for id in customers:
            if id not in found:
                for each in await self._read("WHERE CAST(ids AS TEXT) LIKE ?", f"%{id}%"):
                    found[id] = each
        return found

    async def lines(self) -> list[Line]:
        """All of them, as the ledger has them."""
        rows = await self._db.fetch(
            "SELECT id, ids, erased_at, by, reason FROM core_erasure ORDER BY erased_at"
        )
        return [
            Line(
                id=id,
                ids=msgspec.json.decode(ids, type=list[UUID]),
                erased_at=at,
                by=by,
                reason=reason,
            )
            for id, ids, at, by, reason in rows
        ]

    async def add(self, erasures: Sequence[Erasure]) -> None:
        """New ones, in the caller's transaction."""
        rows = [
            [
                to_json(value) if name in _JSON else value
                for name, value in zip(_COLUMNS, _values(each), strict=True)
            ]
            for each in erasures
        ]
        await self._db.insert("core_erasure", _COLUMNS, rows)

    async def _read(self, rest: str, *params: Any) -> list[Erasure]:
        return [_erasure(row) for row in await self._db.fetch(f"{_SELECT} {rest}", *params)]

    async def _read_in(self, rest: str, keys: list[UUID]) -> list[Erasure]:
        return [_erasure(row) for row in await self._db.fetch_in(f"{_SELECT} {rest}", keys)]


def _values(each: Erasure) -> list[Any]:
    return [each.customer if name == "customer_id" else getattr(each, name) for name in _COLUMNS]


def _erasure(row: Sequence[Any]) -> Erasure:
    values = {
        "customer" if name == "customer_id" else name: (
            msgspec.json.decode(value, type=_JSON[name]) if name in _JSON else value
        )
        for name, value in zip(_COLUMNS, row, strict=True)
    }
    return Erasure(**values)
