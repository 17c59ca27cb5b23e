"""The append-only event log.

Order: on SQLite there is one writer, so ``seq`` grows in the order of commits. PostgreSQL hands
numbers out before commit, so a reader that remembers only the last number would skip rows that
commit late; :class:`Horizon` says up to which number everything has been decided.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.db.database import marks
from relatum.db.signals import Signals
from relatum.events.context import context_text
from relatum.events.types import Event, NewEvent
from relatum.values.problems import InvalidInput
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.events.archived import Archived
    from relatum.hooks.registry import Registry

#: The signal that something was appended.
CHANNEL = "core_event"
COLUMNS = ("type", "version", "customer_id", "recorded_at", "by", "payload", "context")
SELECT = "SELECT seq, type, version, customer_id, recorded_at, by, payload FROM core_event"

Row = tuple[int, str, int, UUID | None, dt.datetime, str, str]


def event_of(row: Row) -> Event:
    """A stored row as an :class:`Event`."""
    seq, type_, version, customer, recorded_at, by, payload = row
    return Event(
        seq=seq,
        type=type_,
        version=version,
        customer=customer,
        recorded_at=recorded_at,
        by=by,
        payload=msgspec.Raw(payload),
    )


class EventLog:
    """Appends facts in the transaction that made them true, and reads them in order."""

    def __init__(self, db: Database, registry: Registry, signals: Signals | None = None) -> None:
        self._db = db
        #: where events are that have left the database; nowhere while there is no archive
        self.archived: Archived | None = None
        self._registry = registry
        self._signals = signals if signals is not None else Signals(db)
        self._encoder = msgspec.json.Encoder()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after each commit that appended something; the answer ends that.

        Commits of other processes are heard while the signals run; on SQLite any of their writes
        counts.
        """
        return self._signals.listen(CHANNEL, lambda _: listener())

    async def append(self, events: Sequence[NewEvent], *, by: str) -> None:
        """Append in the caller's transaction (or in one of its own), with the context of now.

        Raises:
            InvalidInput: a type is not declared, or a payload is not of its type.
        """
        if not events:
            return
        moment = now()
        beside = (moment, by, context_text(by))
        rows = [self._row(event, *beside) for event in events]
        await self._db.insert("core_event", COLUMNS, rows)
        self.tell()

    def _row(
        self, event: NewEvent, moment: dt.datetime, by: str, context: str | None
    ) -> tuple[Any, ...]:
        declared = self._registry.event_types.find(event.type)
        if declared is None or not isinstance(event.payload, declared.payload):
            expected = declared.payload.__name__ if declared else "a declared event type"
            raise InvalidInput(
                f"expected {expected} for event {event.type!r}, got "
                f"{type(event.payload).__name__}; declare it with relatum_register_event_types"
            )
        payload = self._encoder.encode(event.payload).decode()
        return (event.type, declared.version, event.customer, moment, by, payload, context)

    def tell(self) -> None:
        """Wake everybody who follows the log, after the current transaction."""
        self._signals.send_after_commit(CHANNEL)

    async def read(
        self,
        after: int,
        *,
        until: int,
        types: Sequence[str],
        limit: int,
        where: tuple[str, Sequence[str]] = ("", ()),
        holds: Callable[[UUID | None], bool] | None = None,
    ) -> list[Event]:
        """Events with ``after < seq <= until`` of the given types, in order; archived ones too.

        ``where`` is more SQL to go on with, and its parameters; ``holds`` says the same of an
        event's customer.

        Raises:
            ArchivedAway: what is archived cannot be read now.
        """

        async def live() -> list[Event]:
            rows = await self._db.fetch(
                f"{SELECT} WHERE seq > ? AND seq <= ? AND type IN ({marks(len(types))}){where[0]} "
                "ORDER BY seq LIMIT ?",
                *(after, until, *types, *where[1], limit),
            )
            return [event_of(row) for row in rows]

        if self.archived is None:
            return await live()
        return await self.archived.read(
            live, after, until=until, types=types, limit=limit, holds=holds
        )

    async def left(
        self,
        after: int,
        *,
        types: Sequence[str],
        where: tuple[str, Sequence[str]] = ("", ()),
        counted_after: int = 0,
    ) -> tuple[int, dt.datetime | None]:
        """How many events of the given types come after a number, and when the first came.

        Archived ones are left out; counted are only those after ``counted_after``.
        """
        condition = f"seq > ? AND type IN ({marks(len(types))}){where[0]}"
        first = "SELECT recorded_at FROM core_event"
        count, oldest = await self._db.fetch_together(
            (
                f"SELECT count(*) FROM core_event WHERE {condition}",  # noqa: S608 - ours
                (max(after, counted_after), *types, *where[1]),
            ),
            (f"{first} WHERE {condition} ORDER BY seq LIMIT 1", (after, *types, *where[1])),
        )
        return int(count[0][0]), oldest[0][0] if oldest else None

    async def count(self, *, until: int, types: Sequence[str]) -> int:
        """How many events of the given types there are up to a number, archived ones too."""
        row = await self._db.fetch_one(
            f"SELECT count(*) FROM core_event WHERE seq <= ? AND type IN ({marks(len(types))})",  # noqa: S608 - placeholders only
            *(until, *types),
        )
        archived = 0 if self.archived is None else await self.archived.count(types)
        return archived + (int(row[0]) if row else 0)

    async def by_seq(self, seqs: Sequence[int]) -> list[Event]:
        """The events with these numbers, in order; archived ones too.

        Raises:
            ArchivedAway: what is archived cannot be read now.
        """

        async def live() -> list[Event]:
            rows = await self._db.fetch_in(f"{SELECT} WHERE seq IN ({{}}) ORDER BY seq", seqs)
            return [event_of(row) for row in rows]

        return await (live() if self.archived is None else self.archived.by_seq(live, seqs))

    async def of_customer(
        self, customer: UUID, *, types: Sequence[str] = (), limit: int = 200
    ) -> list[Event]:
        """The newest events about one customer and everybody who was merged into it, newest first.

        Args:
            types: only these; all of them when there are none.
        """
        among = f" AND type IN ({marks(len(types))})" if types else ""
        merged = await self._db.fetch(
            "SELECT absorbed_id FROM core_merge WHERE customer_id = ? AND undone_at IS NULL",
            customer,
        )
        ids = [customer, *(id for (id,) in merged)]
        rows = await self._db.fetch(
            f"{SELECT} WHERE customer_id IN ({marks(len(ids))}){among} ORDER BY seq DESC LIMIT ?",
            *(*ids, *types, limit),
        )
        return [event_of(row) for row in rows]

    async def last(self) -> int:
        """The greatest number in the log, 0 when it is empty."""
        row = await self._db.fetch_one("SELECT coalesce(max(seq), 0) FROM core_event")
        return int(row[0]) if row else 0


#: Transactions that have written to the log or are about to. Whoever draws a number has taken this
#: lock before, and gives it back only after its rows can be seen (or never will be).
WRITERS = (
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND granted "
    "AND mode = 'RowExclusiveLock' AND relation = 'core_event'::regclass "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
MOST_WAITING = 100


class Horizon:
    """Up to which number every event is decided: committed and visible, or never coming.

    PostgreSQL: read the greatest number handed out, *then* who is writing to the log. Once those
    have all ended, everything up to that number is decided. Numbers come from the sequence, whose
    value is visible to everybody at once. Snapshots (``pg_current_snapshot``) would not do: their
    end is the newest transaction that has *ended*, so that one still open may lie beyond it, and a
    transaction can draw numbers before it has an id.
    """

    def __init__(self, db: Database, log: EventLog) -> None:
        self._db = db
        self._log = log
        #: numbers handed out, and who still has to end before they are decided
        self._waiting: deque[tuple[int, set[str]]] = deque()
        self._decided = 0
        #: the greatest number that there was at the last look, decided or not
        self.handed_out = 0

    @property
    def undecided(self) -> bool:
        """Whether there are greater numbers, of transactions that were still open."""
        return bool(self._waiting)

    async def now(self) -> int:
        """The greatest decided number at this moment."""
        if self._db.kind == "sqlite":
            self.handed_out = await self._log.last()
            return self.handed_out
        row = await self._db.fetch_one("SELECT last_value, is_called FROM core_event_seq_seq")
        handed_out = int(row[0]) if row and row[1] else 0
        writing = {name for (name,) in await self._db.fetch(WRITERS)}
        self.handed_out = handed_out
        self._waiting.append((handed_out, set(writing)))
        while self._waiting:
            number, before = self._waiting[0]
            before &= writing
            if before:
                break
            self._decided = max(self._decided, number)
            self._waiting.popleft()
        while len(self._waiting) > MOST_WAITING:
            del self._waiting[1]
        return self._decided
