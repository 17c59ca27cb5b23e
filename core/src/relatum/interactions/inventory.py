"""Which kinds of interaction there are in the database, also of plugins that are gone."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec

from relatum.db.guarding import current_guard

if TYPE_CHECKING:
    from relatum.db.database import Database

#: Interactions of one kind are counted up to here: each kind costs a look at so many places of an
#: index at most.
MOST = 100_000

#: From one kind to the next by the index; a DISTINCT would read all of it.
_KINDS = (
    "WITH RECURSIVE found(kind) AS (SELECT min(kind) FROM core_interaction UNION ALL "
    "SELECT (SELECT min(i.kind) FROM core_interaction i WHERE i.kind > found.kind) "
    "FROM found WHERE found.kind IS NOT NULL) SELECT kind FROM found WHERE kind IS NOT NULL"
)


_SEEN = "SELECT kind, count(*), max(occurred_at) FROM core_interaction GROUP BY kind"
_COUNT = (
    "SELECT count(*), (SELECT max(occurred_at) FROM core_interaction WHERE kind = ?) "  # noqa: S608 - a number of our own
    f"FROM (SELECT 1 FROM core_interaction WHERE kind = ? LIMIT {MOST}) AS counted"
)


class KindInUse(msgspec.Struct, frozen=True):
    """A kind that interactions have.

    Attributes:
        count: at most ``MOST``.
        last: when the latest one happened.
    """

    kind: str
    count: int
    last: dt.datetime


async def kinds_in_use(db: Database) -> dict[str, KindInUse]:
    """The kinds of the interactions that the viewer sees, by id."""
    if current_guard() is not None:
        # which rows are seen stands in no index: they are read
        rows = await db.fetch(_SEEN)
        return {kind: KindInUse(kind, min(count, MOST), _moment(at)) for kind, count, at in rows}
    kinds = [kind for (kind,) in await db.fetch(_KINDS)]
    statements = [(_COUNT, (kind, kind)) for kind in kinds]
    found = await db.fetch_together(*statements)
    return {
        kind: KindInUse(kind, rows[0][0], _moment(rows[0][1]))
        for kind, rows in zip(kinds, found, strict=True)
        if rows[0][0]
    }


def _moment(found: dt.datetime | str) -> dt.datetime:
    """SQLite knows the type of a column, not that of a maximum."""
    return found if isinstance(found, dt.datetime) else dt.datetime.fromisoformat(found)
