"""What the law keeps of erased customers: produced when it is asked for, gone when its day is over.

It is for whoever works on the machine and holds its keys; no page and no answer of the API shows
it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.access.secrets import place_of
from relatum.customers.erasing.keeping import CONTENT, TABLE, let_go
from relatum.events.types import NewEvent
from relatum.hooks.checks import CORE_PRIORITY
from relatum.hooks.declarations import EventType, Job
from relatum.values.problems import InvalidInput, NotFound
from relatum.values.text import Text
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.secrets import Secrets
    from relatum.db.database import Database
    from relatum.events.log import EventLog
    from relatum.hooks.context import Plugin
    from relatum.jobs.types import Run

LONGEST_REASON = 500
_SELECT = f"SELECT id, erasure_id, table_name, key, law, until_day, {CONTENT} FROM {TABLE}"  # noqa: S608 - names of our own


class KeptRow(msgspec.Struct, kw_only=True, frozen=True):
    """A row that the law keeps, without what it says.

    Attributes:
        erasure: id of the receipt.
        table: whose row it was.
        key: its key there.
        law: the rule and its source.
        until: the last day on which it has to be kept.
    """

    id: UUID
    erasure: UUID
    table: str
    key: str
    law: str
    until: dt.date


class OpenedRow(msgspec.Struct, kw_only=True, frozen=True):
    """One of them with what it says, by column."""

    row: KeptRow
    content: dict[str, Any]


class KeptRead(msgspec.Struct, frozen=True):
    """Somebody was shown what the law keeps of a row of an erased customer."""

    kept: UUID
    erasure: UUID
    why: str


KEPT_READ = "core.erased_kept_read"

EVENT_TYPES = [
    EventType(
        id=KEPT_READ,
        title=Text(en="Kept data of an erased customer read", vi="Đã xem dữ liệu giữ theo luật"),
        payload=KeptRead,
    )
]


class KeptRows:
    """Reads what is kept. Call it as the house."""

    def __init__(self, db: Database, events: EventLog, secrets: Secrets) -> None:
        self._db = db
        self._events = events
        self._secrets = secrets

    async def listed(self, erasure: UUID | None = None, most: int = 1000) -> list[KeptRow]:
        """What is kept (of one erasure), what may go first at the top."""
        condition, params = ("", ()) if erasure is None else (" WHERE erasure_id = ?", (erasure,))
        rows = await self._db.fetch(
            f"{_SELECT}{condition} ORDER BY until_day, id LIMIT ?", *params, most
        )
        return [_row(row[:-1]) for row in rows]

    async def open(self, id: UUID, *, by: str, why: str) -> OpenedRow:
        """What one row says; that it was read is an entry of the event log.

        Raises:
            NotFound: there is none with this id.
            InvalidInput: no reason is given.
            UnreadableSecret: it was changed, or belongs somewhere else.
            ConfigurationError: the file of keys does not have its key.
        """
        if not why.strip() or len(why) > LONGEST_REASON:
            raise InvalidInput(
                f"expected a reason of 1 to {LONGEST_REASON} characters, got {len(why)}; write who "
                "asks for it and by which right"
            )
        row, text = await self._stored(id)
        content = self._secrets.decrypt(text, place_of(TABLE, CONTENT, id))
        payload = KeptRead(row.id, row.erasure, why.strip())
        await self._events.append([NewEvent(type=KEPT_READ, payload=payload)], by=by)
        return OpenedRow(row=row, content=msgspec.json.decode(content))

    async def _stored(self, id: UUID) -> tuple[KeptRow, str]:
        found = await self._db.fetch_one(f"{_SELECT} WHERE id = ?", id)
        if found is None:
            raise NotFound(
                f"expected the id of a row that is kept, got {id}; there is none, see relatum "
                "erased-kept list"
            )
        *row, text = found
        return _row(row), text


def _row(row: Sequence[Any]) -> KeptRow:
    id, erasure, table, key, law, until = row
    return KeptRow(id=id, erasure=erasure, table=table, key=key, law=law, until=until)


async def _let_go(plugin: Plugin, run: Run[None]) -> None:
    today = now().date()
    while await let_go(plugin.house.db, today):
        pass


LET_GO = Job(
    id="core.let_go_of_kept",
    title=Text(
        en="Delete what the law no longer keeps of erased customers",
        vi="Xoá dữ liệu hết hạn lưu theo luật của khách đã xoá",
    ),
    run=_let_go,
    daily_at="03:10",
    priority=CORE_PRIORITY,
)
