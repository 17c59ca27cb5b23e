"""The rows of ``core_import_request``; their only writer. They are of the house, as the journal."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.db.database import to_json
from relatum.db.guarding import as_the_house
from relatum.importing.plan import Plan
from relatum.importing.requests.types import ImportState
from relatum.importing.results import Outcome, Preview, Progress, Undone
from relatum.values.problems import Conflict, NotFound, Problem
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database

_SELECT = (
    "SELECT id, account_id, by, plan, state, preview, outcome, undone, error, problems, attempts, "
    "progress, created_at, updated_at FROM core_import_request"
)
_PARTS: tuple[tuple[str, type[msgspec.Struct]], ...] = (
    ("preview", Preview),
    ("outcome", Outcome),
    ("undone", Undone),
    ("progress", Progress),
)
#: States in which there is something to do.
BUSY: tuple[ImportState, ...] = ("previewing", "applying", "undoing")


class StoredRequest(msgspec.Struct, kw_only=True):
    """One row."""

    id: UUID
    account: UUID | None
    by: str
    plan: Plan
    state: ImportState
    preview: Preview | None
    outcome: Outcome | None
    undone: Undone | None
    error: str
    problems: list[Problem]
    attempts: int
    progress: Progress | None
    created_at: dt.datetime
    updated_at: dt.datetime


class RequestRows:
    """Requests for imports as they are stored."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, id: UUID, plan: Plan, *, account: UUID | None, by: str) -> None:
        """A new request."""
        columns = ("id", "account_id", "by", "plan", "state", "created_at", "updated_at")
        moment = now()
        row = (id, account, by, to_json(plan), "ready", moment, moment)
        with as_the_house():
            await self._db.insert("core_import_request", columns, [row])

    async def get(self, id: UUID) -> StoredRequest:
        """One request.

        Raises:
            NotFound: there is none with this id.
        """
        found = await self._read("WHERE id = ?", id)
        if not found:
            raise nothing(id)
        return found[0]

    async def newest(self, limit: int) -> list[StoredRequest]:
        """The newest first, whoever asked."""
        return await self._read("ORDER BY created_at DESC, id DESC LIMIT ?", limit)

    async def begin(self, id: UUID) -> StoredRequest | None:
        """Take up a request in which there is something to do, also one that broke off; ``None``
        when there is nothing. Whoever had begun it before cannot end it any more."""
        with as_the_house():
            begun = await self._db.execute(
                "UPDATE core_import_request SET attempts = attempts + 1, progress = NULL "
                "WHERE id = ? AND state IN (?, ?, ?)",
                *(id, *BUSY),
            )
        return await self.get(id) if begun else None

    async def end(self, begun: StoredRequest, state: ImportState, **values: Any) -> None:
        """Change the state of a request that was begun.

        Raises:
            Conflict: somebody else has begun it since.
        """
        await self.move(
            begun.id, begun.state, state, **values, progress=None, expected_attempt=begun.attempts
        )

    async def note_progress(self, begun: StoredRequest, progress: Progress) -> None:
        """How far it is."""
        with as_the_house():
            await self._db.execute(
                "UPDATE core_import_request SET progress = ? WHERE id = ? AND attempts = ?",
                *(to_json(progress), begun.id, begun.attempts),
            )

    async def busy(self) -> list[UUID]:
        """The ids of requests in which there is something to do."""
        with as_the_house():
            rows = await self._db.fetch(
                "SELECT id FROM core_import_request WHERE state IN (?, ?, ?) ORDER BY id", *BUSY
            )
        return [row[0] for row in rows]

    async def move(
        self,
        id: UUID,
        before: ImportState,
        state: ImportState,
        *,
        expected_attempt: int | None = None,
        **values: Any,
    ) -> None:
        """Change the state of a request that is in the state it is expected to be in.

        Raises:
            Conflict: somebody else was faster.
        """
        names = "".join(f", {name} = ?" for name in values)
        plain = [
            v if v is None or isinstance(v, str | int) else to_json(v) for v in values.values()
        ]
        fence = "" if expected_attempt is None else " AND attempts = ?"
        with as_the_house():
            moved = await self._db.execute(
                f"UPDATE core_import_request SET state = ?, updated_at = ?{names} "  # noqa: S608
                f"WHERE id = ? AND state = ?{fence}",
                *(state, now(), *plain, id, before),
                *([] if expected_attempt is None else [expected_attempt]),
            )
        if moved != 1:
            raise Conflict(
                f"expected an import that is {before}, got one that has moved on; look at it again"
            )

    async def _read(self, rest: str, *params: Any) -> list[StoredRequest]:
        with as_the_house():
            rows = await self._db.fetch(f"{_SELECT} {rest}", *params)
        return [_stored(row) for row in rows]


def nothing(id: UUID) -> NotFound:
    """There is no such import, or it is nobody's business."""
    return NotFound(f"expected the id of an import of yours, got {id}; there is none")


def _stored(row: tuple[Any, ...]) -> StoredRequest:
    values = dict(zip(StoredRequest.__struct_fields__, row, strict=True))
    values["plan"] = msgspec.json.decode(values["plan"], type=Plan)
    values["problems"] = msgspec.json.decode(values["problems"], type=list[Problem])
    for name, kind in _PARTS:
        text = values[name]
        values[name] = None if text is None else msgspec.json.decode(text, type=kind)
    return StoredRequest(**values)
