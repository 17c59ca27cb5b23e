"""Handing a person what is held about them: looking at it, asking for the archive, fetching it.

The archive is written in the background. Whoever asked for it fetches it, by a link that is good
for a quarter of an hour; every step is in the event log, and that sensitive data was read.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import msgspec

from relatum.access.audit.events import SENSITIVE_READ, SensitiveRead
from relatum.access.links import LinkQuery, SignedLinks
from relatum.customers.subject import events as facts
from relatum.customers.subject.gathering import Gathering
from relatum.customers.subject.packing import pack
from relatum.customers.subject.readable import Hand, Readable, Saying, readable_of
from relatum.customers.subject.records import Begun, Records, Superseded, nothing
from relatum.customers.subject.types import (
    Subject,
    SubjectExport,
    SubjectExportState,
    SubjectFile,
    SubjectRequest,
)
from relatum.db.guarding import as_the_house
from relatum.events.context import because
from relatum.events.types import NewEvent
from relatum.hooks import context
from relatum.jobs.drafts import delete_drafts, draft_of
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, NotFound, Refused, RelatumError
from relatum.values.text import Text
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.sight.service import Sights
    from relatum.access.viewer import Viewer
    from relatum.config.keyring import Keyring

log = logging.getLogger("relatum.subject")

PERMISSION = "core.customers.subject_export"
LINK_PURPOSE = "subject-export"
LINK_SECONDS = 15 * 60
CALLED_OFF = "it was called off"
#: The job that writes one.
WRITE = "core.write_subject_export"
#: Rows of each table that a screen shows; the archive has all.
MOST_SHOWN = 50
#: What the sensitive read is noted for: every field there is.
ALL_FIELDS = "*"

Report = Callable[[int, int], Awaitable[None]]


class SubjectWork(msgspec.Struct, frozen=True):
    """Which one to write."""

    export: UUID


class House(context.House, Protocol):
    """The services that this room needs beside those of plugins."""

    sights: Sights
    keys: Keyring
    #: of rooms above this one: ``reading`` reads what has left the database, ``states`` tells of
    #: every installed plugin
    archive: Any
    plugins: Any


class Subjects:
    """Everything the house holds about one person."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._records = Records(house.db)
        self._links = SignedLinks(house.keys)

    # -- looking ---------------------------------------------------------------------------------

    async def collect(self, viewer: Viewer, customer: UUID) -> Subject:
        """Everything, at this moment; that it was read is noted.

        Raises:
            Refused: the viewer may not hand out what is held about people.
            NotFound: there is no such customer, or the viewer does not see them.
            ArchivedAway: a file of the archive cannot be read now.
        """
        await self._demand(viewer, customer)
        return await self._gather(viewer.actor, customer, noted=viewer.kind in _NOTED)

    async def read(
        self, viewer: Viewer, customer: UUID, language: str, hand: Hand | None = None
    ) -> Readable:
        """The same for people, with the newest rows of each table; raises as :meth:`collect`."""
        subject = await self.collect(viewer, customer)
        saying = await self._saying()
        return await asyncio.to_thread(
            readable_of, subject, language, saying, most=MOST_SHOWN, hand=hand
        )

    async def _gather(self, actor: str, customer: UUID, *, noted: bool) -> Subject:
        gathering = self._gathering()
        with as_the_house():
            subject = await gathering.gather(customer, list(self._plugins()))
            if noted:
                read = SensitiveRead([customer], [ALL_FIELDS])
                fact = NewEvent(type=SENSITIVE_READ, payload=read, customer=customer)
                await self._house.events.append([fact], by=actor)
        return subject

    def _gathering(self) -> Gathering:
        house = self._house
        return Gathering(house.db, house.registry, house.secrets, house.archive.reading)

    def _plugins(self) -> dict[str, str]:
        return {each.id: each.title for each in self._house.plugins.states()}

    async def _saying(self) -> Saying:
        with as_the_house():
            naming = await self._gathering().naming()
        zone = self._house.settings.company.time_zone
        return Saying(
            titles=naming.titles, values=naming.values, plugins=self._plugin_titles(), zone=zone
        )

    def _plugin_titles(self) -> dict[str, Text]:
        """What people know plugins by: their pages in the navigation, else what they say they
        are."""
        entries: dict[str, list[Text]] = {}
        for each in self._house.registry.pages.declared():
            if each.entry is not None:
                entries.setdefault(each.id.partition(".")[0], []).append(each.title)
        told = {id: Text(en=said, vi=said) for id, said in self._plugins().items() if said}
        return told | {
            id: Text(
                en=", ".join(t.en for t in some[:2]), vi=", ".join(t.vi or t.en for t in some[:2])
            )
            for id, some in entries.items()
        }

    async def _demand(self, viewer: Viewer, customer: UUID) -> None:
        if not viewer.may(PERMISSION):
            raise Refused(
                f"expected the permission {PERMISSION}, got somebody without it; ask whoever "
                "manages roles",
                extra={"permission": PERMISSION},
            )
        async with self._house.sights.looking_as(viewer):
            found = await self._house.db.fetch_one(
                "SELECT id FROM core_customer WHERE id = ?", customer
            )
        if found is None:
            raise NotFound(f"expected the id of a customer, got {customer}; there is none")

    # -- asking ----------------------------------------------------------------------------------

    async def request(
        self, customer: UUID, draft: SubjectRequest, *, viewer: Viewer, person: str
    ) -> SubjectExport:
        """Ask for the archive. It is written in the background.

        Args:
            person: the name of who asks.

        Raises:
            Refused, NotFound: as :meth:`collect`.
        """
        await self._demand(viewer, customer)
        moment = now()
        export = SubjectExport(
            id=new_id(),
            customer=customer,
            state="queued",
            language=draft.language,
            why=draft.why,
            account=viewer.account,
            by=viewer.actor,
            person=person,
            rows=None,
            size=None,
            sha256="",
            error="",
            created_at=moment,
            finished_at=None,
            expires_at=moment + self._kept(),
        )
        async with self._house.db.transaction():
            await self._records.add(export)
            asked = facts.SubjectExportAsked(export.id, draft.why)
            await self._tell(facts.REQUESTED, export, asked, by=viewer.actor)
            await self._order(export)
        return export

    async def _order(self, export: SubjectExport) -> None:
        await self._house.jobs.enqueue(
            WRITE, SubjectWork(export=export.id), key=str(export.customer), unique=str(export.id)
        )

    async def of(self, customer: UUID, viewer: Viewer) -> list[SubjectExport]:
        """Archives of one person that were asked for, the newest first; raises as
        :meth:`collect`."""
        await self._demand(viewer, customer)
        return await self._records.of(customer)

    async def get(self, id: UUID, viewer: Viewer, customer: UUID | None = None) -> SubjectExport:
        """One request; with ``customer``, only if it is about them.

        Raises:
            Refused: the viewer may not hand out what is held about people.
            NotFound: there is none, or its customer is not seen.
        """
        export = await self._records.get(id)
        if customer is not None and export.customer != customer:
            raise nothing(id)
        try:
            await self._demand(viewer, export.customer)
        except NotFound:
            raise nothing(id) from None
        return export

    # -- the file --------------------------------------------------------------------------------

    async def link(self, id: UUID, viewer: Viewer, path: str) -> str:
        """The path with a query that opens the file to this viewer for 15 minutes.

        Raises:
            NotFound: there is none, or somebody else asked for it.
            Conflict: there is no file (yet, or any more).
        """
        _refuse_without_file(await self._own(id, viewer))
        return self._links.sign(
            path, purpose=LINK_PURPOSE, account=viewer.account, seconds=LINK_SECONDS
        )

    async def open(self, id: UUID, viewer: Viewer, path: str, query: LinkQuery) -> SubjectFile:
        """The file behind a signed link; that it was fetched, and sensitive data read, is noted.

        Raises:
            Refused: the link is none of ours, or has ended.
            NotFound, Conflict: as :meth:`link`.
        """
        self._links.check(path, query, purpose=LINK_PURPOSE, account=viewer.account)
        export = await self._own(id, viewer)
        _refuse_without_file(export)
        fact = facts.SubjectExportMade(id, export.rows or 0, export.sha256)
        read = SensitiveRead([export.customer], [ALL_FIELDS])
        async with self._house.db.transaction():
            await self._tell(facts.DOWNLOADED, export, fact, by=viewer.actor)
            await self._tell(SENSITIVE_READ, export, read, by=viewer.actor)
        return SubjectFile(path=self._path(export), name=export.file_name, size=export.size or 0)

    async def delete(self, id: UUID, viewer: Viewer) -> None:
        """Delete the file of one's own request before its time; raises as :meth:`link`."""
        export = await self._own(id, viewer)
        _refuse_without_file(export)
        await self._end(export, "deleted by hand", by=viewer.actor)

    async def _own(self, id: UUID, viewer: Viewer) -> SubjectExport:
        export = await self.get(id, viewer)
        if (export.account, export.by) != (viewer.account, viewer.actor):
            raise nothing(id)
        return export

    def _path(self, export: SubjectExport) -> Path:
        return self._folder() / f"{export.id}.zip"

    def _folder(self) -> Path:
        return self._house.settings.home / "subject_exports"

    # -- writing ---------------------------------------------------------------------------------

    async def write(self, id: UUID, report: Report | None = None) -> None:
        """Write one that waits to be written, or that broke off; another one is left alone.

        What goes wrong is told with the request.
        """
        begun = await self._records.begin(id)
        if begun is None:
            return
        with because(begun.export.why, actor=begun.export.by):
            try:
                await self._write(begun, report or _silently)
            except Superseded:
                log.warning("subject export %s was taken over by another worker", id)

    async def _write(self, begun: Begun, report: Report) -> None:
        path = self._path(begun.export)
        draft = draft_of(path, begun.attempt)
        try:
            await report(0, 3)
            # noted when somebody fetches the file: nobody has seen anything yet
            subject = await self._gather(begun.export.by, begun.export.customer, noted=False)
            await report(1, 3)
            sha256 = await self._pack(subject, draft, begun.export.language)
            size = await asyncio.to_thread(_size_of, draft)
            await report(2, 3)
        except RelatumError as error:
            await self._fail(begun, error.detail)
        except Exception as error:
            log.exception("subject export %s failed", begun.export.id)
            await self._fail(begun, f"{type(error).__name__}; the log says more")
        else:
            await self._ready(begun, subject.rows, size, sha256, draft)
        finally:
            await asyncio.to_thread(delete_drafts, path, begun.attempt)

    async def _pack(self, subject: Subject, path: Path, language: str) -> str:
        saying = await self._saying()
        return await asyncio.to_thread(pack, subject, path, language=language, saying=saying)

    async def write_to(self, viewer: Viewer, customer: UUID, path: Path, language: str) -> Subject:
        """Write the archive to a new file at once, for the command line; it is noted as a read.

        Raises:
            Conflict: there is such a file already.
            Refused, NotFound, ArchivedAway: as :meth:`collect`.
        """
        if await asyncio.to_thread(path.exists):
            raise Conflict(f"expected the name of a new file, got {path}, which is there")
        await self._demand(viewer, customer)
        subject = await self._gather(viewer.actor, customer, noted=True)
        await self._pack(subject, path, language)
        return subject

    async def _ready(self, begun: Begun, rows: int, size: int, sha256: str, draft: Path) -> None:
        moment, export = now(), begun.export
        fact = facts.SubjectExportMade(export.id, rows, sha256)
        async with self._house.db.transaction():
            await self._records.end(
                begun,
                "ready",
                rows=rows,
                size=size,
                sha256=sha256,
                finished_at=moment,
                expires_at=moment + self._kept(),
            )
            await self._tell(facts.WRITTEN, export, fact, by=export.by)
            # nobody sees that it is ready before it is there, nor another worker's file instead
            await asyncio.to_thread(draft.replace, self._path(export))

    async def _fail(self, begun: Begun, reason: str) -> None:
        export = begun.export
        fact = facts.SubjectExportEnded(export.id, reason[:300])
        async with self._house.db.transaction():
            await self._records.end(begun, "failed", error=reason, finished_at=now())
            await self._tell(facts.FAILED, export, fact, by=export.by)

    async def give_up(self, id: UUID, reason: str) -> None:
        """End one that is to be written, or being written by nobody."""
        begun = await self._records.begin(id)
        if begun is not None:
            await self._fail(begun, reason)

    # -- tidying ---------------------------------------------------------------------------------

    async def sweep(self) -> int:
        """Give up what broke off for good, delete files whose time has come, and those of nobody
        (whoever was erased); returns how many requests ended."""
        ended = await self._take_up()
        expired = await self._records.expired()
        for export in expired:
            await self._end(export, "its time was over", by="system")
        known = await self._records.with_files()
        await asyncio.to_thread(_delete_strangers, self._folder(), known)
        return ended + len(expired)

    async def _take_up(self) -> int:
        busy = await self._records.busy()
        runs = await self._house.jobs.latest(WRITE, [str(each.id) for each in busy])
        ended = 0
        for export in busy:
            run = runs.get(str(export.id))
            if run is not None and run.state in ("failed", "cancelled"):
                reason = CALLED_OFF if run.state == "cancelled" else "it broke off several times"
                await self.give_up(export.id, reason)
                ended += 1
        return ended

    async def _end(self, export: SubjectExport, reason: str, *, by: str) -> None:
        fact = facts.SubjectExportEnded(export.id, reason)
        async with self._house.db.transaction():
            if await self._records.delete(export.id):
                await self._tell(facts.DELETED, export, fact, by=by)
        await asyncio.to_thread(self._path(export).unlink, missing_ok=True)

    def _kept(self) -> dt.timedelta:
        return dt.timedelta(days=self._house.settings.exports.keep_days)

    async def _tell(
        self, kind: str, export: SubjectExport, fact: msgspec.Struct, *, by: str
    ) -> None:
        told = NewEvent(type=kind, payload=fact, customer=export.customer)
        with because(export.why), as_the_house():
            await self._house.events.append([told], by=by)


_NOTED = frozenset({"person", "service"})


async def _silently(done: int, total: int) -> None:
    """Nobody is told."""


def _refuse_without_file(export: SubjectExport) -> None:
    if export.state != "ready":
        raise Conflict(f"expected a subject export that is ready, got one that is {export.state}")


def _size_of(file: Path) -> int:
    return file.stat().st_size


def _delete_strangers(folder: Path, known: Mapping[str, SubjectExportState]) -> None:
    """Files that no request has: of somebody erased, or left behind by a process that died."""
    for path in folder.glob("*"):
        id, _, ending = path.name.partition(".")
        state = known.get(id)
        if state is None or (state == "ready" and ending != "zip"):
            path.unlink(missing_ok=True)
