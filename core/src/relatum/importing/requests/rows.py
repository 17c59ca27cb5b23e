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
from relatum.importing.results import Outcome, Preview, Undone
from relatum.values.problems import Conflict, NotFound, Problem
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database

_SELECT = (
    "SELECT id, account_id, by, plan, state, preview, outcome, undone, error, problems, attempts, "
    "created_at, updated_at FROM core_import_request"
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

    async def next_busy(self) -> StoredRequest | None:
        """The oldest in which there is something to do, also one that broke off."""
        found = await self._read("WHERE state IN (?, ?, ?) ORDER BY updated_at, id LIMIT 1", *BUSY)
        return found[0] if found else None

    async def move(self, id: UUID, before: ImportState, state: ImportState, **values: Any) -> None:
        """Change the state of a request that is in the state it is expected to be in.

        Raises:
            Conflict: somebody else was faster.
        """
        names = "".join(f", {name} = ?" for name in values)
        plain = [v if isinstance(v, str | int) else to_json(v) for v in values.values()]
        with as_the_house():
            moved = await self._db.execute(
                f"UPDATE core_import_request SET state = ?, updated_at = ?{names} "  # noqa: S608
                "WHERE id = ? AND state = ?",
                *(state, now(), *plain, id, before),
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
    for name, kind in (("preview", Preview), ("outcome", Outcome), ("undone", Undone)):
        text = values[name]
        values[name] = None if text is None else msgspec.json.decode(text, type=kind)
    return StoredRequest(**values)
