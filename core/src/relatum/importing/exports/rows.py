"""The rows of ``core_export``; their only writer. They are of the house, not of whoever looks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from relatum.db.database import marks, to_json
from relatum.db.guarding import as_the_house
from relatum.importing.exports.types import Export, ExportState
from relatum.values.problems import Conflict, NotFound
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database

_COLUMNS = (
    "id",
    "state",
    "target",
    "form",
    "filters",
    "why",
    "account_id",
    "by",
    "person",
    "records",
    "size",
    "decided_account_id",
    "decided_by",
    "decided_why",
    "decided_at",
    "error",
    "created_at",
    "finished_at",
    "expires_at",
)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM core_export"  # noqa: S608 - names of our own
_FIELDS = tuple(Export.__struct_fields__)


class Begun(NamedTuple):
    """A request that is being worked on: for which time, and how many records a second person let
    go, if any did."""

    export: Export
    attempt: int
    approved: int | None


class Superseded(Conflict):
    """Somebody else has begun this since."""


class ExportRows:
    """Requests for exports as they are stored."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, export: Export) -> None:
        """A new request."""
        values = {name: getattr(export, field) for name, field in _stored()}
        row = [to_json(v) if name == "filters" else v for name, v in values.items()]
        with as_the_house():
            await self._db.insert("core_export", _COLUMNS, [row])

    async def get(self, id: UUID) -> Export:
        """One request.

        Raises:
            NotFound: there is none with this id.
        """
        found = await self._read("WHERE id = ?", id)
        if not found:
            raise nothing(id)
        return found[0]

    async def find(
        self, *, account: UUID | None, everybody: bool, states: Sequence[str], limit: int
    ) -> list[Export]:
        """The newest first: those of one account, or all; in some states, or in any."""
        where: list[str] = []
        params: list[Any] = []
        if not everybody:
            where.append("account_id = ?" if account is not None else "account_id IS NULL")
            params += [account] if account is not None else []
        if states:
            where.append(f"state IN ({marks(len(states))})")
            params += states
        condition = f"WHERE {' AND '.join(where)} " if where else ""
        return await self._read(
            f"{condition}ORDER BY created_at DESC, id DESC LIMIT ?", *params, limit
        )

    async def begin(self, id: UUID) -> Begun | None:
        """Take up a request that is to be written, also one that broke off; ``None`` when there is
        nothing to do. Whoever had begun it before cannot end it any more."""
        with as_the_house():
            rows = await self._db.execute_returning(
                "UPDATE core_export SET state = 'running', attempts = attempts + 1 "
                "WHERE id = ? AND state IN ('queued', 'running') "
                "RETURNING approved_records, attempts",
                id,
            )
        if not rows:
            return None
        approved, attempt = rows[0]
        return Begun(await self.get(id), attempt, approved)

    async def end(self, begun: Begun, state: ExportState, **values: Any) -> None:
        """Change the state of a request that was begun.

        Raises:
            Superseded: somebody else has begun it since.
        """
        try:
            await self.move(
                begun.export.id, "running", state, **values, expected_attempt=begun.attempt
            )
        except Conflict as error:
            raise Superseded(error.detail) from None

    async def busy(self) -> list[UUID]:
        """The ids of requests that are to be written, or are being written."""
        with as_the_house():
            rows = await self._db.fetch(
                "SELECT id FROM core_export WHERE state IN ('queued', 'running') ORDER BY id"
            )
        return [row[0] for row in rows]

    async def move(
        self,
        id: UUID,
        before: ExportState,
        state: ExportState,
        *,
        expected_attempt: int | None = None,
        **values: Any,
    ) -> None:
        """Change the state of a request that is in the state it is expected to be in.

        Raises:
            Conflict: somebody else was faster.
        """
        names = "".join(f", {name} = ?" for name in values)
        fence = "" if expected_attempt is None else " AND attempts = ?"
        with as_the_house():
            moved = await self._db.execute(
                f"UPDATE core_export SET state = ?{names} WHERE id = ? AND state = ?{fence}",  # noqa: S608
                *(state, *values.values(), id, before),
                *([] if expected_attempt is None else [expected_attempt]),
            )
        if moved != 1:
            raise Conflict(
                f"expected an export that is {before}, got one that somebody has moved on; look at "
                "it again"
            )

    async def taken(self, account: UUID | None, by: str, since: dt.datetime) -> int:
        """How many records somebody took out without a second person since a moment."""
        whose = "by = ?" if account is None else "account_id = ?"
        with as_the_house():
            row = await self._db.fetch_one(
                "SELECT coalesce(sum(records), 0) FROM core_export "  # noqa: S608 - fixed texts
                f"WHERE {whose} AND finished_at > ? AND approved_records IS NULL "
                "AND state IN ('ready', 'deleted')",
                by if account is None else account,
                since,
            )
        return int(row[0]) if row else 0

    async def expired(self) -> list[Export]:
        """Requests nobody decided in time, and files that have lain long enough."""
        return await self._read(
            "WHERE state IN ('waiting', 'ready') AND expires_at <= ? ORDER BY id", now()
        )

    async def with_files(self) -> set[str]:
        """The ids of requests that have, or may be writing, a file."""
        with as_the_house():
            rows = await self._db.fetch(
                "SELECT id FROM core_export WHERE state IN ('queued', 'running', 'ready')"
            )
        return {str(row[0]) for row in rows}

    async def _read(self, rest: str, *params: Any) -> list[Export]:
        with as_the_house():
            rows = await self._db.fetch(f"{_SELECT} {rest}", *params)
        return [_export(row) for row in rows]


def nothing(id: UUID) -> NotFound:
    """There is no such export, or it is nobody's business."""
    return NotFound(f"expected the id of an export of yours, got {id}; there is none")


def _stored() -> list[tuple[str, str]]:
    return list(zip(_COLUMNS, _FIELDS, strict=True))


def _export(row: tuple[Any, ...]) -> Export:
    values = dict(zip(_FIELDS, row, strict=True))
    values["filters"] = msgspec.json.decode(values["filters"], type=dict[str, Any])
    return Export(**values)
