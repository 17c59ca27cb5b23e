"""What may leave the database, and what holds it there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec
from piccolo.table import TABLE_REGISTRY

from relatum.archive.catalogue import after, index_of, month_of_index, months_between, start_of
from relatum.archive.kinds import EVENTS, INTERACTIONS, KINDS, Kind
from relatum.db.columns import RowRef
from relatum.db.database import marks
from relatum.events.seals import BEGINNING
from relatum.interactions.tables import StoredInteraction
from relatum.values.problems import InvalidInput
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.archive.catalogue import ArchiveFile
    from relatum.db.database import Database
    from relatum.hooks.registry import Registry

_MONTHS = {
    "sqlite": "substr(CAST(recorded_at AS TEXT), 1, 7)",
    "postgresql": "to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM')",
}
# Columns of any table that point at interactions: by a foreign key, or by their name.
_POINTING = {
    "sqlite": """
        SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p
        WHERE m.type = 'table' AND (p.name = 'interaction_id' OR p.name LIKE '%!_interaction!_id'
        ESCAPE '!')
        UNION SELECT m.name, f."from" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f
        WHERE m.type = 'table' AND f."table" = 'core_interaction'""",
    "postgresql": """
        SELECT table_name::text, column_name::text FROM information_schema.columns
        WHERE table_schema = current_schema() AND (column_name = 'interaction_id'
        OR column_name LIKE '%!_interaction!_id' ESCAPE '!')
        UNION SELECT c.conrelid::regclass::text, a.attname::text FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey)
        WHERE c.contype = 'f' AND c.confrelid = 'core_interaction'::regclass""",
}
_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT table_name::text FROM information_schema.tables "
    "WHERE table_schema = current_schema()",
}


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one table that one file is made of.

    Attributes:
        after: keys greater than this one.
        last: up to this one (events).
        upto: the last event that needs what is in the file.
        holders: why it may not leave yet; nothing when it may.
    """

    kind: str
    month: str
    after: int = BEGINNING
    last: int = BEGINNING
    upto: int = 0
    holders: list[str] = []


class Holding:
    """Answers as of now. Call it as the house."""

    def __init__(self, db: Database, registry: Registry, ignored: Collection[str] = ()) -> None:
        """``ignored`` are handlers that hold nothing: what they miss, they read in the archive."""
        self._db = db
        self._registry = registry
        self._ignored = frozenset(ignored)

    def ignoring(self, handlers: Collection[str]) -> Holding:
        """The same, without these handlers."""
        return Holding(self._db, self._registry, handlers)

    async def months(self, kind: Kind) -> dict[str, int]:
        """Month → rows of it that are in the database."""
        month = _MONTHS[self._db.kind]
        rows = await self._db.fetch(
            f"SELECT {month}, count(*) FROM {kind.id} GROUP BY 1 ORDER BY 1"  # noqa: S608 - names of our own
        )
        return {str(found): int(count) for found, count in rows}

    async def events(self, until: str, known: Sequence[ArchiveFile]) -> list[Stretch]:
        """The oldest stretches of the log that are in no file, month by month."""
        files = [entry for entry in known if entry.kind == EVENTS]
        done = max((int(entry.last_key) for entry in files), default=BEGINNING)
        first = await self._db.fetch_one(
            "SELECT recorded_at FROM core_event WHERE seq > ? ORDER BY seq LIMIT 1", done
        )
        if first is None:
            return []
        begin = max([month_of(first[0]), *(after(entry.month) for entry in files)])
        stretches: list[Stretch] = []
        for month in months_between(begin, until):
            bound = await self._bound(month)
            last = await self._last() if bound is None else bound - 1
            if last <= done or not await self._any(done, last):
                continue
            holders = await self._holders(done, last)
            holders += [] if bound else ["nothing has happened since: the newest event stays"]
            holders += await self._unsealed(last)
            stretches.append(
                Stretch(kind=EVENTS, month=month, after=done, last=last, upto=last, holders=holders)
            )
            done = last
        return stretches

    async def again(self, entry: ArchiveFile) -> Stretch:
        """What a file was made of that has been restored, as it is now."""
        if entry.kind == INTERACTIONS:
            return (await self._interactions([entry.month]))[0]
        first, last = int(entry.first_key) - 1, int(entry.last_key)
        return Stretch(
            kind=EVENTS,
            month=entry.month,
            after=first,
            last=last,
            upto=last,
            holders=await self._holders(first, last),
        )

    async def interactions(self, until: str, known: Sequence[ArchiveFile]) -> list[Stretch]:
        """Months of interactions that are in no file."""
        done = {entry.month for entry in known if entry.kind == INTERACTIONS}
        found = await self.months(KINDS[INTERACTIONS])
        return await self._interactions([m for m in found if m <= until and m not in done])

    async def _interactions(self, months: Sequence[str]) -> list[Stretch]:
        stretches = []
        for month in months:
            bound = await self._bound(month)
            upto = await self._last() if bound is None else bound - 1
            holders = await self._holders(BEGINNING, upto)
            stretches.append(Stretch(kind=INTERACTIONS, month=month, upto=upto, holders=holders))
        return stretches

    async def _bound(self, month: str) -> int | None:
        """The first event after a month."""
        row = await self._db.fetch_one(
            "SELECT seq FROM core_event WHERE recorded_at >= ? ORDER BY seq LIMIT 1",
            start_of(after(month)),
        )
        return int(row[0]) if row else None

    async def _last(self) -> int:
        row = await self._db.fetch_one("SELECT coalesce(max(seq), 0) FROM core_event")
        return int(row[0]) if row else 0

    async def _any(self, first: int, last: int) -> bool:
        row = await self._db.fetch_one(
            "SELECT 1 FROM core_event WHERE seq > ? AND seq <= ? LIMIT 1", first, last
        )
        return row is not None

    async def _unsealed(self, last: int) -> list[str]:
        row = await self._db.fetch_one(
            "SELECT last_seq FROM core_event_seal ORDER BY number DESC LIMIT 1"
        )
        if row is not None and int(row[0]) >= last:
            return []
        return ["its events are not sealed yet (the running server does so every minute)"]

    async def _holders(self, first: int, last: int) -> list[str]:
        """Handlers that still need events of a stretch, or interactions that these tell of."""
        positions = await self._positions()
        holders = [
            f"handler {id} is at {position:,} and has not handled it"
            for id, position in positions.items()
            if position < last and await self._needs(id, max(first, position), last)
        ]
        parked = await self._db.fetch(
            "SELECT handler, count(*) FROM core_parked_event WHERE seq <= ? GROUP BY handler "
            "ORDER BY handler",
            last,
        )
        return holders + [f"handler {id} has parked {count:,} of it" for id, count in parked]

    async def _positions(self) -> dict[str, int]:
        rows = await self._db.fetch(
            "SELECT handler, min(position) FROM core_handler GROUP BY handler ORDER BY handler"
        )
        positions = {id: int(position) for id, position in rows}
        for handler in self._registry.handlers:
            if handler.begin == "beginning":
                positions.setdefault(handler.id, 0)
        return {id: at for id, at in positions.items() if id not in self._ignored}

    async def _needs(self, id: str, position: int, last: int) -> bool:
        """Idle handlers write their position seldom; one whose plugin is off is not known."""
        handler = self._registry.handlers.find(id)
        types = handler.events if handler is not None else ()
        condition = f" AND type IN ({marks(len(types))})" if handler is not None else ""
        row = await self._db.fetch_one(
            f"SELECT 1 FROM core_event WHERE seq > ? AND seq <= ?{condition} LIMIT 1",  # noqa: S608 - placeholders only
            *(position, last, *types),
        )
        return row is not None

    async def pointed_at(self, ids: Sequence[str]) -> set[str]:
        """Those of these interactions that a row of any table points at."""
        pointed: set[str] = set()
        if ids:
            for table, column in await self._pointing():
                rows = await self._db.fetch_in(
                    f'SELECT DISTINCT "{column}" FROM "{table}" WHERE "{column}" IN ({{}})',  # noqa: S608 - names of tables
                    ids,
                )
                pointed |= {str(row[0]) for row in rows}
        return pointed

    async def _pointing(self) -> set[tuple[str, str]]:
        found = await self._db.fetch(_POINTING[self._db.kind])
        tables = {name for (name,) in await self._db.fetch(_TABLES[self._db.kind])}
        declared = {pair for pair in _declared() if pair[0] in tables}
        return {(table.strip('"'), column) for table, column in found} | declared


def _declared() -> Iterable[tuple[str, str]]:
    """Columns of tables of this process that are declared to point at interactions."""
    for table in TABLE_REGISTRY:
        for column in table._meta.columns:
            if isinstance(column, RowRef) and column.to is StoredInteraction:
                yield table._meta.tablename, column._meta.db_column_name


def month_of(moment: dt.datetime) -> str:
    """``YYYY-MM`` in UTC."""
    return f"{moment.astimezone(dt.UTC):%Y-%m}"


def last_due(keep_months: int) -> str:
    """The newest month that may leave when so many full months stay besides the current one."""
    return month_of_index(index_of(month_of(now())) - keep_months - 1)


def checked_month(text: str) -> str:
    """A month that is over.

    Raises:
        InvalidInput: it is none.
    """
    try:
        month = month_of(dt.datetime.strptime(text, "%Y-%m").replace(tzinfo=dt.UTC))
    except ValueError:
        month = ""
    if month != text or month > last_due(0):
        raise InvalidInput(
            f"expected a month that is over, like {last_due(0)}, got {text!r}; write year and month"
        )
    return month
