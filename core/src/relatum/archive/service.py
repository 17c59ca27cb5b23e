"""The archive: what left the database and when, taking months out, bringing them back."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import UUID

import msgspec

from relatum.archive.catalogue import NAME, ArchiveFile, Catalogue, path_of
from relatum.archive.files import About, ForeignFile, Reader, pyarrow
from relatum.archive.holding import Holding, Stretch, checked_month, last_due
from relatum.archive.kinds import EVENTS, INTERACTIONS, KINDS, Row
from relatum.archive.leaving import Leaving, Watch, open_checked
from relatum.archive.reading import Reading
from relatum.archive.restoring import Restoring
from relatum.customers.holdings import ids_of
from relatum.db.guarding import as_the_house
from relatum.events.context import because
from relatum.values.problems import Conflict, NotFound

if TYPE_CHECKING:
    from relatum.config.settings import Settings
    from relatum.db.database import Database
    from relatum.events.log import EventLog
    from relatum.hooks.registry import Registry


class MonthStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One month of one table.

    Attributes:
        in_database: rows that are in the database.
        due: whether the settings want it archived.
        held_by: why it may not leave yet.
        file: its entry in the index.
    """

    kind: str
    month: str
    in_database: int
    due: bool = False
    held_by: list[str] = []
    file: ArchiveFile | None = None


class ArchiveStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Every month, and what lies in the folder without being in the index."""

    folder: str
    keep_months_events: int
    keep_months_interactions: int
    months: list[MonthStatus]
    unknown_files: list[str]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did, and which months stayed and why."""

    archived: list[ArchiveFile] = []
    held: dict[str, list[str]] = {}


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What became of checking one file."""

    id: str
    file: str
    result: Literal["ok", "missing", "changed", "unknown"]
    message: str


class Archive:
    """One per process. Everything here is done as the house: archives are not for viewers."""

    def __init__(
        self, db: Database, events: EventLog, registry: Registry, settings: Settings
    ) -> None:
        self.folder = settings.archive_path
        self._settings = settings.archive
        self._events = events
        self._db = db
        self._catalogue = Catalogue(db)
        self._holding = Holding(db, registry)
        self._leaving = Leaving(db, events, self._catalogue, self._holding, self.folder)
        self._restoring = Restoring(db, events, self._catalogue, self.folder)
        self.reading = Reading(self._catalogue, self.folder)

    # -- looking ---------------------------------------------------------------------------------

    async def files(self) -> list[ArchiveFile]:
        """The index: every file, by table and month."""
        with as_the_house():
            return await self._catalogue.every()

    async def damaged(self) -> list[ArchiveFile]:
        """Entries whose file is not there or has another size; no file is read."""
        files = await self.files()
        return await asyncio.to_thread(lambda: [entry for entry in files if not self._fits(entry)])

    def _fits(self, entry: ArchiveFile) -> bool:
        try:
            return path_of(self.folder, entry).stat().st_size == entry.bytes
        except (OSError, ForeignFile):
            return False

    async def status(self) -> ArchiveStatus:
        """Every month that is in the database or in the archive."""
        with as_the_house():
            files = await self._catalogue.every()
            months: list[MonthStatus] = []
            for kind in KINDS.values():
                months += await self._months(kind.id, files)
        return ArchiveStatus(
            folder=str(self.folder),
            keep_months_events=self._settings.keep_months_events,
            keep_months_interactions=self._settings.keep_months_interactions,
            months=months,
            unknown_files=await asyncio.to_thread(self._unknown, files),
        )

    async def _months(self, kind: str, files: Sequence[ArchiveFile]) -> list[MonthStatus]:
        there = await self._holding.months(KINDS[kind])
        entries = {entry.month: entry for entry in files if entry.kind == kind}
        due = self._due(kind)
        stretches = await _stretches(self._holding, kind, due, files) if due else []
        holders = {stretch.month: stretch.holders for stretch in stretches}
        return [
            MonthStatus(
                kind=kind,
                month=month,
                in_database=there.get(month, 0),
                due=month in holders,
                held_by=holders.get(month, []),
                file=entries.get(month),
            )
            for month in sorted(there.keys() | entries.keys())
        ]

    def _due(self, kind: str) -> str:
        """The newest month that the settings want archived; empty for none."""
        keep = (
            self._settings.keep_months_events
            if kind == EVENTS
            else self._settings.keep_months_interactions
        )
        return last_due(keep) if keep else ""

    def _unknown(self, files: Sequence[ArchiveFile]) -> list[str]:
        known = {entry.file for entry in files}
        with contextlib.suppress(FileNotFoundError):
            names = (entry.name for entry in os.scandir(self.folder))
            return sorted(name for name in names if name not in known and name != _LOCK)
        return []

    # -- taking out ------------------------------------------------------------------------------

    async def run(
        self,
        *,
        until: str = "",
        kinds: Sequence[str] = tuple(KINDS),
        ignoring: Sequence[str] = (),
        by: str = "system",
        why: str = "",
        watch: Watch | None = None,
    ) -> Outcome:
        """Archive what is due, the oldest months first, and go on with what was interrupted.

        Args:
            until: every month up to this one, whatever the settings say.
            kinds: these tables.
            ignoring: handlers that hold nothing, by id; should they run again, they read the
                archive, or refuse until interactions are restored.
            by: who asks for it.
            why: the reason, for the index.
            watch: told how far it is.

        Raises:
            InvalidInput: ``until`` is no month that is over.
            Conflict: another process archives, or rows cannot be taken out as they are.
            ConfigurationError: the library for the files is not installed.
        """
        until = checked_month(until) if until else ""
        outcome = Outcome(archived=[], held={})
        if not (until or any(map(self._due, kinds)) or await self._interrupted()):
            return outcome
        holding = self._holding.ignoring(ignoring)
        with as_the_house(), because(why), self._alone():
            await self._go_on(kinds, outcome, by=by, why=why, watch=watch)
            for kind in kinds:
                last = until or self._due(kind)
                files = await self._catalogue.every()
                due = await _stretches(holding, kind, last, files) if last else []
                await self._run(due, outcome, by=by, why=why, watch=watch)
        return outcome

    async def _interrupted(self) -> bool:
        return any(entry.state == "leaving" for entry in await self.files())

    async def _go_on(
        self, kinds: Sequence[str], outcome: Outcome, *, by: str, why: str, watch: Watch | None
    ) -> None:
        for entry in await self._catalogue.every():
            if entry.state == "leaving" and entry.kind in kinds:
                done = await self._leaving.go_on(entry, by=by, why=why or entry.why, watch=watch)
                outcome.archived.append(done)

    async def _run(
        self,
        due: Sequence[Stretch],
        outcome: Outcome,
        *,
        by: str,
        why: str,
        watch: Watch | None,
    ) -> None:
        for stretch in due:
            if stretch.holders:
                outcome.held[f"{stretch.kind}-{stretch.month}"] = stretch.holders
                if stretch.kind == EVENTS:
                    return  # the oldest go first: later ones are held by it
                continue
            entry = await self._leaving.begin(stretch, by=by, why=why)
            if entry is not None:
                entry = await self._leaving.go_on(entry, by=by, why=why, watch=watch)
                outcome.archived.append(entry)

    # -- bringing back ---------------------------------------------------------------------------

    async def restore(
        self,
        kind: str,
        month: str,
        *,
        by: str = "system",
        why: str = "",
        watch: Watch | None = None,
    ) -> ArchiveFile:
        """Put a month back into the database; the file stays.

        Raises:
            NotFound: it is not in the archive.
            Conflict: see :meth:`Restoring.restore`.
        """
        with as_the_house(), because(why), self._alone():
            return await self._restoring.restore(
                await self._entry(kind, month), by=by, why=why, watch=watch
            )

    async def drop(
        self,
        kind: str,
        month: str,
        *,
        by: str = "system",
        why: str = "",
        watch: Watch | None = None,
    ) -> ArchiveFile:
        """Take a restored month out again. Its file is made anew: rows may have changed.

        Raises:
            NotFound: it is not in the archive.
            Conflict: it is not restored, or something holds it.
        """
        with as_the_house(), because(why), self._alone():
            entry = await self._entry(kind, month)
            if entry.state != "restored":
                raise Conflict(
                    f"expected a month that is restored, got {entry.id}, which is {entry.state}; "
                    "see relatum archive status"
                )
            stretch = await self._holding.again(entry)
            if stretch.holders:
                raise Conflict(
                    f"expected that nothing needs {entry.id}, got: {'; '.join(stretch.holders)}"
                )
            made = await self._leaving.begin(stretch, by=by, why=why)
            if made is None:
                raise Conflict(
                    f"expected rows of {entry.id} that may leave, got none: something points at "
                    "each of them"
                )
            return await self._leaving.go_on(made, by=by, why=why, watch=watch)

    async def _entry(self, kind: str, month: str) -> ArchiveFile:
        entry = await self._catalogue.find(kind, month)
        if entry is None:
            raise NotFound(
                f"expected a month of {KINDS[kind].short} that is in the archive, got {month}; see "
                "relatum archive status"
            )
        return entry

    # -- looking into files ----------------------------------------------------------------------

    async def verify(self) -> AsyncIterator[Checked]:
        """Read every file to its end; what is restored is compared with the database too."""
        pyarrow()
        with as_the_house():
            files = await self._catalogue.every()
            for entry in files:
                yield await self._verify(entry)
        for name in await asyncio.to_thread(self._unknown, files):
            yield Checked(id="", file=name, result="unknown", message=_of_unknown(name))

    async def _verify(self, entry: ArchiveFile) -> Checked:
        missing = not await asyncio.to_thread((self.folder / entry.file).exists)
        try:
            with await asyncio.to_thread(open_checked, self.folder, entry) as reader:
                await asyncio.to_thread(reader.check, reader.about)
                differs = await self._differs(entry, reader)
        except ForeignFile as error:
            result: Literal["missing", "changed"] = "missing" if missing else "changed"
            return Checked(id=entry.id, file=entry.file, result=result, message=error.detail)
        text = f"{entry.rows:,} rows, {entry.bytes / 1e6:,.1f} MB, {entry.state}"
        if differs:
            text += f"; {differs}"
        return Checked(id=entry.id, file=entry.file, result="ok", message=text)

    async def _differs(self, entry: ArchiveFile, reader: Reader) -> str:
        for number in range(entry.gone, entry.pieces):
            rows = await asyncio.to_thread(reader.piece, number)
            if await self._leaving.stored(reader.kind, entry, rows) != rows:
                return "the database has other rows by now; dropping it makes a new file"
        return ""

    async def show(self, kind: str, month: str, *, rows: int = 0) -> tuple[About, list[Row]]:
        """What a file says of itself, and its first rows.

        Raises:
            NotFound: it is not in the archive.
            ForeignFile: the file is not the one that was written.
        """
        with as_the_house():
            entry = await self._entry(kind, month)
        with await asyncio.to_thread(open_checked, self.folder, entry) as reader:
            found: list[Row] = []
            for number in range(len(reader.about.pieces)):
                if len(found) >= rows:
                    break
                found += await asyncio.to_thread(reader.piece, number)
            return reader.about, found[:rows]

    async def of_customer(self, customer: UUID) -> AsyncIterator[tuple[ArchiveFile, list[Row]]]:
        """Every file with rows of one customer, and these rows; restored months too.

        What left the database before somebody was merged into them keeps that one's id, and is
        theirs as long as the merge is. Nobody else is in the answer.

        Raises:
            ForeignFile: a file is not the one that was written.
        """
        with as_the_house():
            ids = [str(id) for id in await ids_of(self._db, customer)]
        for entry in await self.files():
            with await asyncio.to_thread(open_checked, self.folder, entry) as reader:
                rows = [
                    row for id in ids for row in await asyncio.to_thread(reader.of_customer, id)
                ]
            if rows:
                yield entry, rows

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time changes the archive (in one folder)."""
        pyarrow()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for draft in Path(self.folder).glob(".*.draft"):
                draft.unlink(missing_ok=True)
            yield
        except BlockingIOError as error:
            raise Conflict(
                "expected to be the only process that changes the archive, got another one at "
                "work; wait for it"
            ) from error
        finally:
            os.close(opened)


async def _stretches(
    holding: Holding, kind: str, until: str, files: Sequence[ArchiveFile]
) -> list[Stretch]:
    find = holding.events if kind == EVENTS else holding.interactions
    return await find(until, files)


_LOCK = ".lock"


def _of_unknown(name: str) -> str:
    if NAME.fullmatch(name):
        return "not in the index: left of a run that was interrupted; the next one needs it or not"
    return "not in the index, and none that Relatum writes"


def kind_named(short: str) -> str:
    """The table that the command line calls so."""
    return {kind.short: kind.id for kind in KINDS.values()}[short]


__all__ = ["EVENTS", "INTERACTIONS", "Archive", "ArchiveStatus", "Checked", "Outcome"]
