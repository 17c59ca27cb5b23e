"""Exports that people ask for.

Up to a number of records a day everybody with the permission takes out what they see. Above it a
second person lets the export go, or refuses it. What is written is what the person who asked sees
at the moment of writing; every step is in the event log.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.access.links import LinkQuery, SignedLinks
from relatum.events.context import because
from relatum.events.types import NewEvent
from relatum.importing.acting import demand, viewer_of
from relatum.importing.exports import events as facts
from relatum.importing.exports.rows import Begun, ExportRows, Superseded, nothing
from relatum.importing.exports.running import PERMISSION, filters_of, query_of, write_export
from relatum.importing.exports.second_person import refuse_first_person
from relatum.importing.exports.types import Export, ExportDraft, ExportFile, ExportState
from relatum.importing.watermark import Watermark
from relatum.jobs.drafts import delete_drafts, draft_of
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, Refused, RelatumError
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.hooks.declarations import ImportTarget
    from relatum.importing.acting import House

log = logging.getLogger("relatum.exports")

APPROVE = "core.exports.approve"
LINK_PURPOSE = "export"
LINK_SECONDS = 15 * 60
CALLED_OFF = "it was called off"
#: The job that writes one.
WRITE = "core.write_export"
DAY = dt.timedelta(days=1)


class ExportWork(msgspec.Struct, frozen=True):
    """Which one to write."""

    export: UUID


class Exports:
    """Asks for, decides, writes and hands out exports."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._rows = ExportRows(house.db)
        self._links = SignedLinks(house.keys)

    async def request(self, draft: ExportDraft, *, viewer: Viewer, person: str) -> Export:
        """Ask for an export. It is written in the background.

        Args:
            person: the name that stands in the watermark.

        Raises:
            NotFound: there is no such target.
            Refused: the viewer may not read the target, or not export.
            InvalidInput: the target has no such filter.
        """
        target = self._house.registry.import_targets.get(draft.target)
        demand(viewer, PERMISSION)
        demand(viewer, target.permission)
        query_of(target, draft.filters)
        export = msgspec.structs.replace(
            _asked(draft, viewer), person=person, expires_at=now() + self._kept()
        )
        fact = facts.ExportRequested(
            export.id, draft.target, draft.format, draft.filters, draft.why
        )
        async with self._house.db.transaction():
            await self._rows.add(export)
            await self._tell(facts.REQUESTED, fact, by=viewer.actor, why=draft.why)
            await self._order(export)
        return export

    async def _order(self, export: Export) -> None:
        """Those of one account are written one after the other: each counts what the ones before
        it took out."""
        await self._house.jobs.enqueue(
            WRITE,
            ExportWork(export=export.id),
            key=str(export.account or export.by),
            unique=str(export.id),
        )

    async def find(
        self, viewer: Viewer, *, states: Sequence[ExportState] = (), limit: int = 50
    ) -> list[Export]:
        """The viewer's exports, the newest first; everybody's for those who approve."""
        return await self._rows.find(
            account=viewer.account, everybody=viewer.may(APPROVE), states=states, limit=limit
        )

    async def get(self, id: UUID, viewer: Viewer) -> Export:
        """One export.

        Raises:
            NotFound: there is none, or it is not the viewer's to see.
        """
        export = await self._rows.get(id)
        if not (_is_of(export, viewer) or viewer.may(APPROVE)):
            raise nothing(id)
        return export

    def filters_of(self, target: ImportTarget) -> list[str]:
        """The names of the filters that a target takes."""
        return filters_of(target)

    # -- the second person -----------------------------------------------------------------------

    async def approve(self, id: UUID, viewer: Viewer, *, why: str = "") -> Export:
        """Let a waiting export go; it is written anew, up to a tenth more than was counted.

        Raises:
            NotFound: there is none.
            Refused: the viewer may not approve, is who asked, or is no person.
            Conflict: it does not wait.
        """
        return await self._decide(id, viewer, "queued", why)

    async def refuse(self, id: UUID, viewer: Viewer, *, why: str = "") -> Export:
        """Refuse a waiting export; raises as :meth:`approve`."""
        return await self._decide(id, viewer, "refused", why)

    async def _decide(self, id: UUID, viewer: Viewer, state: ExportState, why: str) -> Export:
        demand(viewer, APPROVE)
        export = await self._rows.get(id)
        await refuse_first_person(self._house.events, export, viewer)
        if export.state != "waiting":
            raise Conflict(f"expected an export that waits, got one that is {export.state}")
        moment = now()
        values: dict[str, Any] = {
            "decided_account_id": viewer.account,
            "decided_by": viewer.actor,
            "decided_why": why,
            "decided_at": moment,
            "expires_at": moment + self._kept(),
        }
        if state == "queued":
            values |= {"approved_records": export.records, "attempts": 0}
        kind = facts.APPROVED if state == "queued" else facts.REFUSED
        fact = facts.ExportDecided(id, export.target, export.records or 0, why)
        async with self._house.db.transaction():
            await self._rows.move(id, "waiting", state, **values)
            await self._tell(kind, fact, by=viewer.actor, why=why)
            if state == "queued":
                await self._order(export)
        return await self._rows.get(id)

    # -- the file --------------------------------------------------------------------------------

    async def link(self, id: UUID, viewer: Viewer, path: str) -> str:
        """The path with a query that opens the file to this viewer for 15 minutes.

        Raises:
            NotFound: there is none, or it is somebody else's.
            Conflict: there is no file (yet, or any more).
        """
        export = await self._own(id, viewer)
        _refuse_without_file(export)
        return self._links.sign(
            path, purpose=LINK_PURPOSE, account=viewer.account, seconds=LINK_SECONDS
        )

    async def open(self, id: UUID, viewer: Viewer, path: str, query: LinkQuery) -> ExportFile:
        """The file behind a signed link.

        Raises:
            Refused: the link is none of ours, or has ended.
            NotFound, Conflict: as :meth:`link`.
        """
        self._links.check(path, query, purpose=LINK_PURPOSE, account=viewer.account)
        export = await self._own(id, viewer)
        _refuse_without_file(export)
        fact = facts.ExportCounted(id, export.target, export.records or 0)
        await self._tell(facts.DOWNLOADED, fact, by=viewer.actor, why=export.why)
        return ExportFile(path=self._path(export), name=export.file_name, size=export.size or 0)

    async def delete(self, id: UUID, viewer: Viewer) -> None:
        """Delete the file of one's own export before its time; raises as :meth:`link`."""
        export = await self._own(id, viewer)
        _refuse_without_file(export)
        await self._end(export, "deleted", facts.DELETED, "deleted by hand", by=viewer.actor)

    # -- at once ---------------------------------------------------------------------------------

    async def take_at_once(
        self,
        target: str,
        records: int,
        *,
        filters: dict[str, Any],
        why: str,
        viewer: Viewer,
        person: str,
    ) -> Watermark:
        """Note that a page hands out a list as it is shown, and how many records that are.

        It counts like any other export of the account: what would need a second person is refused
        here, and has to be asked for. There is no file that could be fetched again.

        Args:
            filters: what the list is narrowed by, as its address says it.
            person: the name that stands in the watermark.

        Returns:
            the mark that belongs into every row.

        Raises:
            NotFound: there is no such target.
            Refused: the viewer may not read the target, may not export, or it is too much.
            Conflict: another export of the account is being written.
        """
        kind = self._house.registry.import_targets.get(target)
        demand(viewer, PERMISSION)
        demand(viewer, kind.permission)
        moment = now()
        export = msgspec.structs.replace(
            _asked(ExportDraft(target=target, format="csv", filters=filters, why=why), viewer),
            state="deleted",
            person=person,
            records=records,
            created_at=moment,
            finished_at=moment,
            expires_at=moment,
        )
        asked = facts.ExportRequested(export.id, target, "csv", filters, why)
        fact = facts.ExportCounted(export.id, target, records)
        async with self._house.db.transaction():
            await self._house.db.hold(f"core.exports:{viewer.account or viewer.actor}")
            await self._refuse_too_many(export)
            await self._rows.add(export)
            for name, each in ((facts.REQUESTED, asked), (facts.DOWNLOADED, fact)):
                await self._tell(name, each, by=viewer.actor, why=why)
        return Watermark(export=export.id, person=person, at=moment)

    async def _refuse_too_many(self, export: Export) -> None:
        mine = await self._rows.find(
            account=export.account, everybody=False, states=("queued", "running"), limit=1
        )
        if mine:
            raise Conflict(
                "expected no export of yours that is being written, got one; wait until it is ready"
            )
        left, limit = await self._most(export, None), self._house.settings.exports.approval_above
        if (export.records or 0) > left:
            raise Refused(
                f"expected at most {left} records (of {limit} in 24 hours by one person), "
                f"got {export.records}; narrow the list, or ask for an export"
            )

    async def _own(self, id: UUID, viewer: Viewer) -> Export:
        export = await self._rows.get(id)
        if not _is_of(export, viewer):
            raise nothing(id)
        return export

    def _path(self, export: Export) -> Path:
        return self._folder() / f"{export.id}.{export.format}"

    def _folder(self) -> Path:
        return self._house.settings.home / "exports"

    # -- writing ---------------------------------------------------------------------------------

    async def write(self, id: UUID) -> None:
        """Write an export that waits to be written, or that broke off; another one is left alone.

        What goes wrong is told with the export.
        """
        begun = await self._rows.begin(id)
        if begun is None:
            return
        with because(begun.export.why, actor=begun.export.by):
            try:
                await self._write(begun)
            except Superseded:
                log.warning("export %s was taken over by another worker", id)

    async def _write(self, begun: Begun) -> None:
        export, path = begun.export, self._path(begun.export)
        draft = draft_of(path, begun.attempt)
        try:
            viewer = await viewer_of(self._house, export.account, export.by)
            most = await self._most(export, begun.approved)
            counted = await write_export(self._house, export, viewer, draft, most=most)
            size = await asyncio.to_thread(_size_of, draft) if counted.written else 0
        except RelatumError as error:
            await self._fail(begun, error.detail)
        except Exception as error:
            log.exception("export %s failed", export.id)
            await self._fail(begun, f"{type(error).__name__}; the log says more")
        else:
            if counted.written:
                await self._ready(begun, counted.records, size, draft)
            else:
                await self._wait(begun, counted.records)
        finally:
            await asyncio.to_thread(delete_drafts, path, begun.attempt)

    async def _most(self, export: Export, approved: int | None) -> int:
        """How many records may be written now."""
        if approved is not None:
            return approved + approved // 10
        taken = await self._rows.taken(export.account, export.by, now() - DAY)
        return max(self._house.settings.exports.approval_above - taken, 0)

    async def _ready(self, begun: Begun, records: int, size: int, draft: Path) -> None:
        moment, export = now(), begun.export
        fact = facts.ExportCounted(export.id, export.target, records)
        async with self._house.db.transaction():
            await self._rows.end(
                begun,
                "ready",
                records=records,
                size=size,
                finished_at=moment,
                expires_at=moment + self._kept(),
            )
            await self._tell(facts.WRITTEN, fact, by=export.by, why=export.why)
            # nobody sees that it is ready before it is there, nor another worker's file instead
            await asyncio.to_thread(draft.replace, self._path(export))

    async def _wait(self, begun: Begun, records: int) -> None:
        export = begun.export
        fact = facts.ExportCounted(export.id, export.target, records)
        async with self._house.db.transaction():
            await self._rows.end(
                begun,
                "waiting",
                records=records,
                approved_records=None,
                expires_at=now() + self._kept(),
            )
            await self._tell(facts.WAITS, fact, by=export.by, why=export.why)

    async def _fail(self, begun: Begun, reason: str) -> None:
        export = begun.export
        fact = facts.ExportEnded(export.id, export.target, reason[:300])
        async with self._house.db.transaction():
            await self._rows.end(begun, "failed", error=reason, finished_at=now())
            await self._tell(facts.FAILED, fact, by=export.by, why=export.why)

    async def take_up(self) -> int:
        """Order what is to be written and was never ordered (by a release before), and give up
        what broke off for good or was called off; returns how many."""
        busy = await self._rows.busy()
        runs = await self._house.jobs.latest(WRITE, [str(id) for id in busy])
        lost = 0
        for id in busy:
            run = runs.get(str(id))
            if run is None:
                await self._order(await self._rows.get(id))
            elif run.state == "failed":
                await self.give_up(id, f"it broke off {run.attempts} times")
            elif run.state == "cancelled":
                await self.give_up(id, CALLED_OFF)
            else:
                continue
            lost += 1
        return lost

    async def give_up(self, id: UUID, reason: str) -> None:
        """End an export that is to be written, or being written by nobody."""
        begun = await self._rows.begin(id)
        if begun is not None:
            await self._fail(begun, reason)

    # -- tidying ---------------------------------------------------------------------------------

    async def sweep(self) -> int:
        """Let requests lapse and delete files whose time has come; returns how many."""
        expired = await self._rows.expired()
        for export in expired:
            if export.state == "waiting":
                await self._end(export, "lapsed", facts.LAPSED, "nobody decided in time")
            else:
                await self._end(export, "deleted", facts.DELETED, "its time was over")
        known = await self._rows.with_files()
        await asyncio.to_thread(_delete_strangers, self._folder(), known)
        return len(expired)

    async def _end(
        self, export: Export, state: ExportState, kind: str, reason: str, *, by: str = "system"
    ) -> None:
        fact = facts.ExportEnded(export.id, export.target, reason)
        async with self._house.db.transaction():
            await self._rows.move(export.id, export.state, state)
            await self._tell(kind, fact, by=by, why="")
        await asyncio.to_thread(self._path(export).unlink, missing_ok=True)

    def _kept(self) -> dt.timedelta:
        return dt.timedelta(days=self._house.settings.exports.keep_days)

    async def _tell(self, kind: str, fact: msgspec.Struct, *, by: str, why: str) -> None:
        with because(why):
            await self._house.events.append([NewEvent(type=kind, payload=fact)], by=by)


def _asked(draft: ExportDraft, viewer: Viewer) -> Export:
    """A request as it begins, of nobody's name."""
    moment = now()
    return Export(
        id=new_id(),
        state="queued",
        target=draft.target,
        format=draft.format,
        filters=draft.filters,
        why=draft.why,
        account=viewer.account,
        by=viewer.actor,
        person="",
        records=None,
        size=None,
        decided_account=None,
        decided_by="",
        decided_why="",
        decided_at=None,
        error="",
        created_at=moment,
        finished_at=None,
        expires_at=moment,
    )


def _is_of(export: Export, viewer: Viewer) -> bool:
    if export.account is None:
        return viewer.account is None and export.by == viewer.actor
    return export.account == viewer.account


def _refuse_without_file(export: Export) -> None:
    if export.state != "ready":
        raise Conflict(f"expected an export that is ready, got one that is {export.state}")


def _size_of(file: Path) -> int:
    return file.stat().st_size


def _delete_strangers(folder: Path, known: set[str]) -> None:
    """Files that no request has: left behind by a process that died."""
    for path in folder.glob("*"):
        if path.name.partition(".")[0] not in known:
            path.unlink(missing_ok=True)
