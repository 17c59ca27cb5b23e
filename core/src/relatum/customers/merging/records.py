"""The records of merges: which there are, which count, and which hang together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.customers.merging.catalogue import Catalogue
from relatum.customers.merging.journal import Journal, content_from
from relatum.customers.merging.types import Merge, Side
from relatum.db.database import to_json
from relatum.values.problems import NotFound
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database

_COLUMNS = (
    *("id", "customer_id", "survivor_id", "absorbed_id", "name", "choices", "reason", "evidence"),
    *("by", "merged_at", "undone_by", "undone_at", "undone_because"),
)
_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)
SELECT = f"SELECT {_NAMES} FROM core_merge"  # noqa: S608 - names of our own
_LATER = "number > (SELECT number FROM core_merge WHERE id = ?) AND undone_at IS NULL"


class Records:
    """The only writer of records of merges. Reading goes through the guard of the moment."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, id: UUID) -> Merge:
        """One merge.

        Raises:
            NotFound: there is none with this id, or its customer is not seen.
        """
        row = await self._db.fetch_one(f"{SELECT} WHERE id = ?", id)
        if row is None:
            raise NotFound(f"expected the id of a merge, got {id}; there is none")
        return _merge(row)

    async def of(self, customer: UUID) -> list[Merge]:
        """Merges whose absorbed one lives (or lived last) in this customer, the newest first."""
        rows = await self._db.fetch(
            f"{SELECT} WHERE customer_id = ? ORDER BY merged_at DESC, id DESC", customer
        )
        return [_merge(row) for row in rows]

    async def current_of(self, ids: Sequence[UUID]) -> dict[UUID, UUID]:
        """Absorbed id → the customer it lives in now, for those that are absorbed."""
        rows = await self._db.fetch_in(
            "SELECT absorbed_id, customer_id FROM core_merge "
            "WHERE absorbed_id IN ({}) AND undone_at IS NULL",
            list(dict.fromkeys(ids)),
        )
        return dict(rows)

    async def absorbed_by(self, customer: UUID) -> list[UUID]:
        """Everybody who lives in this customer now, in the order in which they came."""
        rows = await self._db.fetch(
            "SELECT absorbed_id FROM core_merge WHERE customer_id = ? AND undone_at IS NULL "
            "ORDER BY number",
            customer,
        )
        return [id for (id,) in rows]

    # -- writing, as the house -------------------------------------------------------------------

    async def add(self, merge: Merge) -> None:
        """A new merge, the last one that counts."""
        values = [getattr(merge, name) for name in Merge.__struct_fields__]
        values[5], values[7] = to_json(merge.choices), to_json(merge.evidence)
        number = await self._next()
        await self._db.insert("core_merge", ("number", *_COLUMNS), [(number, *values)])

    async def again(self, merge: Merge, choices: dict[str, Side]) -> None:
        """A merge that was undone for a moment counts again, as the last one."""
        await self._db.execute(
            "UPDATE core_merge SET number = ?, customer_id = ?, choices = ?, undone_at = NULL "
            "WHERE id = ?",
            *(await self._next(), merge.survivor, to_json(choices), merge.id),
        )

    async def _next(self) -> int:
        [(last,)] = await self._db.fetch("SELECT coalesce(max(number), 0) FROM core_merge")
        return int(last) + 1

    async def end(self, id: UUID, *, by: str | None, reason: str) -> None:
        """A merge does not count any more."""
        await self._db.execute(
            "UPDATE core_merge SET undone_at = ?, undone_by = ?, undone_because = ? WHERE id = ?",
            *(now(), by, reason, id),
        )

    # -- which hang together ---------------------------------------------------------------------

    async def later(self, merge: Merge, catalogue: Catalogue) -> list[Merge]:
        """Later merges that stand on what this one did, in the order in which they count.

        These are merges that have the same customer in the end; that set aside a row which this
        one has moved, or the twin of one; or that set aside what one of its own rows set aside
        points at; and those that stand on these.
        """
        found: dict[UUID, None] = {}
        open_: list[UUID] = [merge.id]
        while open_:
            id = open_.pop()
            for other in await self._standing_on(id, merge.id, catalogue):
                if other not in found and other != merge.id:
                    found[other] = None
                    open_.append(other)
        rows = await self._db.fetch_in(f"{SELECT} WHERE id IN ({{}}) ORDER BY number", list(found))
        return [_merge(row) for row in rows]

    async def _standing_on(self, id: UUID, first: UUID, catalogue: Catalogue) -> list[UUID]:
        same = await self._db.fetch(
            "SELECT id FROM core_merge WHERE customer_id = "  # noqa: S608 - our own
            f"(SELECT customer_id FROM core_merge WHERE id = ?) AND {_LATER}",
            *(id, first),
        )
        touching = (
            "SELECT DISTINCT g.id FROM core_merge_row m "  # noqa: S608 - our own
            "JOIN core_merge_row a ON a.table_name = m.table_name AND a.act = 'aside' "
            "AND {} = m.key JOIN core_merge g ON g.id = a.merge_id "
            f"WHERE m.merge_id = ? AND {_LATER}"
        )
        over = [
            row
            for named in ("a.key", "a.after")
            for row in await self._db.fetch(touching.replace("{}", named), id, first)
        ]
        under: list[UUID] = []
        for table, keys in (await self._pointed_at(id, catalogue)).items():
            rows = await self._db.fetch_in(
                "SELECT DISTINCT g.id FROM core_merge_row a JOIN core_merge g ON g.id = a.merge_id "  # noqa: S608 - our own
                f"WHERE a.key IN ({{}}) AND a.act = 'aside' AND a.table_name = ? AND {_LATER}",
                keys,
                *(table, first),
            )
            under += [other for (other,) in rows]
        return [*(other for (other,) in same), *(other for (other,) in over), *under]

    async def _pointed_at(self, id: UUID, catalogue: Catalogue) -> dict[str, list[str]]:
        """By table the keys that rows set aside by a merge point at."""
        found: dict[str, dict[str, None]] = {}
        for entry in await Journal(self._db, id).entries(None, "aside"):
            content = content_from(entry.content or "{}")
            for reference in catalogue.of(entry.table):
                value = content.get(reference.column)
                if value is not None:
                    found.setdefault(reference.parent, {})[str(value)] = None
        return {table: list(keys) for table, keys in found.items()}


def _merge(row: Sequence[Any]) -> Merge:
    values = dict(zip(Merge.__struct_fields__, row, strict=True))
    values["choices"] = msgspec.json.decode(values["choices"])
    values["evidence"] = msgspec.json.decode(values["evidence"])
    return Merge(**values)
