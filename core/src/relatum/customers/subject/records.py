"""The rows of ``core_subject_export``; their only writer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from relatum.customers.subject.types import SubjectExport, SubjectExportState
from relatum.db.guarding import as_the_house
from relatum.values.problems import Conflict, NotFound
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database

_COLUMNS = (
    *("id", "customer_id", "state", "language", "why", "account_id", "by", "person", "rows"),
    *("size", "sha256", "error", "created_at", "finished_at", "expires_at"),
)
_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)
_SELECT = f"SELECT {_NAMES} FROM core_subject_export"  # noqa: S608 - names of our own
_FIELDS = tuple(SubjectExport.__struct_fields__)


class Begun(NamedTuple):
    """A request that is being worked on, and for which time."""

    export: SubjectExport
    attempt: int


class Superseded(Conflict):
    """Somebody else has begun this since."""


class Records:
    """Requests as they are stored. They are of the house; who may see one, the service says."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, export: SubjectExport) -> None:
        """A new request."""
        row = [getattr(export, field) for field in _FIELDS]
        with as_the_house():
            await self._db.insert("core_subject_export", _COLUMNS, [row])

    async def get(self, id: UUID) -> SubjectExport:
        """One request.

        Raises:
            NotFound: there is none with this id.
        """
        found = await self._read("WHERE id = ?", id)
        if not found:
            raise nothing(id)
        return found[0]

    async def of(self, customer: UUID) -> list[SubjectExport]:
        """Those about one customer, the newest first."""
        return await self._read(
            "WHERE customer_id = ? ORDER BY created_at DESC, id DESC LIMIT 50", customer
        )

    async def expired(self) -> list[SubjectExport]:
        """Files that have lain long enough."""
        return await self._read("WHERE state = 'ready' AND expires_at <= ? ORDER BY id", now())

    async def busy(self) -> list[SubjectExport]:
        """Those that are to be written, or are being written."""
        return await self._read("WHERE state IN ('queued', 'running') ORDER BY id")

    async def with_files(self) -> dict[str, SubjectExportState]:
        """By id the state of requests that have, or may be writing, a file."""
        found = await self._read("WHERE state IN ('queued', 'running', 'ready')")
        return {str(each.id): each.state for each in found}

    async def begin(self, id: UUID) -> Begun | None:
        """Take up a request that is to be written, also one that broke off; ``None`` when there is
        nothing to do. Whoever had begun it before cannot end it any more."""
        with as_the_house():
            rows = await self._db.execute_returning(
                "UPDATE core_subject_export SET state = 'running', attempts = attempts + 1 "
                "WHERE id = ? AND state IN ('queued', 'running') RETURNING attempts",
                id,
            )
        return Begun(await self.get(id), rows[0][0]) if rows else None

    async def end(self, begun: Begun, state: SubjectExportState, **values: Any) -> None:
        """Change the state of a request that was begun.

        Raises:
            Superseded: somebody else has begun it since.
        """
        if not await self._move(begun.export.id, "running", state, begun.attempt, values):
            raise Superseded(
                "expected a subject export that nobody else has begun, got one that another "
                "worker is writing; look at it again"
            )

    async def delete(self, id: UUID) -> bool:
        """The file of a ready one is to go; whether it was still ready."""
        return await self._move(id, "ready", "deleted", None, {})

    async def _move(
        self,
        id: UUID,
        before: SubjectExportState,
        state: SubjectExportState,
        attempt: int | None,
        values: dict[str, Any],
    ) -> bool:
        names = "".join(f', "{name}" = ?' for name in values)
        fence = "" if attempt is None else " AND attempts = ?"
        with as_the_house():
            moved = await self._db.execute(
                f"UPDATE core_subject_export SET state = ?{names} "  # noqa: S608 - names of our own
                f"WHERE id = ? AND state = ?{fence}",
                *(state, *values.values(), id, before),
                *([] if attempt is None else [attempt]),
            )
        return moved == 1

    async def _read(self, rest: str, *params: Any) -> list[SubjectExport]:
        with as_the_house():
            rows = await self._db.fetch(f"{_SELECT} {rest}", *params)
        return [_export(row) for row in rows]


def nothing(id: UUID) -> NotFound:
    """There is no such request, or it is nobody's business."""
    return NotFound(f"expected the id of a subject export of yours, got {id}; there is none")


def _export(row: Sequence[Any]) -> SubjectExport:
    return SubjectExport(**dict(zip(_FIELDS, row, strict=True)))
