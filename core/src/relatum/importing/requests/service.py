"""Imports that people ask for over HTTP.

They run in the background in the name of who asked: what that person does not see is not changed.
Masks are off meanwhile, so that a masked value is never taken for the value before; what an import
reports comes from its own files.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.events.context import because
from relatum.importing.acting import demand, viewer_of
from relatum.importing.plan import Plan, dump_plan
from relatum.importing.requests.planning import WRITE, demand_rights, lay_out, plan_for
from relatum.importing.requests.plans import Insight, RequestPlans
from relatum.importing.requests.rows import BUSY, RequestRows, StoredRequest, nothing
from relatum.importing.requests.types import ImportDraft, ImportRequest, ImportState
from relatum.importing.results import Counts, Entry, Outcome, Progress, State
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, NotFound, RelatumError

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.importing.acting import House
    from relatum.importing.service import Imports
    from relatum.importing.uploads.service import Uploads

log = logging.getLogger("relatum.imports")

#: Records that a preview writes and takes back at once; other writers wait meanwhile. A larger
#: file is tried out in parts.
REHEARSED = 2_000
#: How often it is written down how far an import is.
TELL_SECONDS = 0.5
CALLED_OFF = "It was called off."
#: The job that works on one.
WORK = "core.run_import"
_FILES = "files"


#: As :meth:`relatum.jobs.types.Run.report`.
Report = Callable[[int, int, str], Awaitable[None]]
Watch = Callable[[Progress], None]


class ImportWork(msgspec.Struct, frozen=True):
    """Which one to work on."""

    request: UUID


class ImportRequests:
    """Makes, tries out, applies and takes back imports of uploaded files.

    Attributes:
        plans: their plans, while nothing is written.
    """

    def __init__(self, house: House, imports: Imports, uploads: Uploads) -> None:
        self._house = house
        self._imports = imports
        self._uploads = uploads
        self._rows = RequestRows(house.db)
        insight = Insight(
            visible=self._visible, begun=self._was_begun, folder=self._folder, sees=_sees
        )
        self.plans = RequestPlans(house, self._rows, uploads, insight)

    async def create(self, draft: ImportDraft, viewer: Viewer) -> ImportRequest:
        """A plan for files that the viewer uploaded; nothing is read into the house yet.

        Raises:
            NotFound: an upload is not the viewer's, or there is no such target.
            InvalidInput: the plan or a file cannot be used.
            Refused: the viewer may not write what the plan writes.
        """
        uploads = await self._uploads.get_many([file.upload for file in draft.files], viewer)
        id = new_id()
        folder = self._folder(id)
        try:
            pairs = [(upload, self._uploads.path(upload.id)) for upload in uploads]
            brought = await lay_out(folder, draft, pairs)
            plan = await plan_for(self._house, draft, brought, folder)
            await demand_rights(self._house, plan, viewer)
            await self._rows.add(id, plan, account=viewer.account, by=viewer.actor)
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, folder.parent, ignore_errors=True)
            raise
        return await self.get(id, viewer)

    async def get(self, id: UUID, viewer: Viewer) -> ImportRequest:
        """One import that was asked for, and how far it is.

        Raises:
            NotFound: there is none, or it is not the viewer's to see.
        """
        return await self._shown(await self._visible(id, viewer))

    async def find(self, viewer: Viewer, *, limit: int = 50) -> list[Entry]:
        """The viewer's imports, the newest first; everybody's for those who see everything."""
        stored = [one for one in await self._rows.newest(limit) if _sees(viewer, one)]
        entries = [
            entry
            for entry in await self._imports.entries(limit)
            if _sees_all(viewer) or entry.by == viewer.actor
        ]
        asked = {one.id: one for one in stored}
        entries = [_with_request(entry, asked.pop(entry.id, None)) for entry in entries]
        entries += [_entry(one) for one in asked.values()]
        return sorted(entries, key=lambda entry: entry.started_at, reverse=True)[:limit]

    # -- what is to be done ----------------------------------------------------------------------

    async def preview(self, id: UUID, viewer: Viewer) -> ImportRequest:
        """Try the import out in the background; raises as :meth:`apply`."""
        return await self._order(id, viewer, {"ready": "previewing", "failed": "previewing"})

    async def apply(self, id: UUID, viewer: Viewer) -> ImportRequest:
        """Bring the data in, in the background; one that failed goes on where it was.

        Raises:
            NotFound: there is none, or it is not the viewer's to see.
            Refused: the viewer may not write what the plan writes.
            Conflict: it is being worked on, or done.
        """
        return await self._order(id, viewer, {"ready": "applying", "failed": "applying"})

    async def undo(self, id: UUID, viewer: Viewer) -> ImportRequest:
        """Take the import back in the background; raises as :meth:`apply`."""
        steps: dict[ImportState, ImportState] = {"applied": "undoing"}
        if await self._was_begun(id):  # it failed half-way, and was perhaps looked at again
            steps |= {"failed": "undoing", "ready": "undoing"}
        return await self._order(id, viewer, steps)

    async def stop(self, id: UUID, viewer: Viewer) -> ImportRequest:
        """Stop what is being done; what is written stays, and it can go on or be taken back.

        Raises:
            NotFound: there is none, or it is not the viewer's to see.
            Refused: the viewer may not import.
            Conflict: nothing is being done.
        """
        stored = await self._visible(id, viewer)
        demand(viewer, WRITE)
        run = (await self._house.jobs.latest(WORK, [str(id)])).get(str(id))
        if stored.state not in BUSY or run is None:
            raise Conflict(f"expected an import that is worked on, got one that is {stored.state}")
        if (await self._house.jobs.cancel(run.id)).state == "cancelled":
            await self.give_up(id, CALLED_OFF)
        return await self.get(id, viewer)

    async def _order(
        self, id: UUID, viewer: Viewer, steps: dict[ImportState, ImportState]
    ) -> ImportRequest:
        stored = await self._visible(id, viewer)
        await demand_rights(self._house, stored.plan, viewer)
        if stored.state not in steps:
            raise Conflict(
                f"expected an import that is {' or '.join(steps)}, got one that is {stored.state}"
            )
        async with self._house.db.transaction():
            await self._rows.move(id, stored.state, steps[stored.state], attempts=0, error="")
            await self._hand_on(id)
        return await self.get(id, viewer)

    async def _hand_on(self, id: UUID) -> None:
        await self._house.jobs.enqueue(WORK, ImportWork(request=id), unique=str(id))

    async def _was_begun(self, id: UUID) -> bool:
        return await self._in_journal(id) is not None

    async def _in_journal(self, id: UUID) -> State | None:
        return await self._imports.journal.state(id)

    # -- doing it --------------------------------------------------------------------------------

    async def work(self, id: UUID, report: Report) -> None:
        """Do what there is to do in a request; what goes wrong is told with it.

        Args:
            report: told now and then how far it is.
        """
        stored = await self._rows.begin(id)
        if stored is None:
            return
        try:
            with because(actor=stored.by):
                await self._do(stored, report)
        except RelatumError as error:
            problems = list(error.problems)[:100]
            await self._rows.end(stored, "failed", error=error.detail, problems=problems)
        except Exception as error:
            log.exception("import %s failed", stored.id)
            said = f"{type(error).__name__}; the log says more"
            await self._rows.end(stored, "failed", error=said, problems=[])

    async def _do(self, stored: StoredRequest, report: Report) -> None:
        viewer = await viewer_of(self._house, stored.account, stored.by)
        await demand_rights(self._house, stored.plan, viewer)
        unmasked = msgspec.structs.replace(viewer.sight, masked=frozenset())
        viewer = msgspec.structs.replace(viewer, sight=unmasked)
        async with (
            self._telling(stored, report) as watch,
            self._house.sights.looking_as(viewer),
        ):
            state, values = await self._done(stored, watch)
        await self._rows.end(stored, state, error="", problems=[], **values)

    async def _done(
        self, stored: StoredRequest, watch: Watch
    ) -> tuple[ImportState, dict[str, Any]]:
        """Do what the state says; returns the state after it and what to keep."""
        id, plan = stored.id, stored.plan
        folder = self._folder(id)
        if stored.state == "previewing":
            preview = await self._imports.preview(
                plan, folder, watch=watch, rehearse=REHEARSED, in_parts=True
            )
            return "ready", {"preview": preview}
        if stored.state == "undoing":
            if (await self._imports.journal.entry(id)).state == "undone":
                return "undone", {}  # it broke off just before this was written down
            return "undone", {"undone": await self._imports.undo(id, watch=watch)}
        outcome = await self._imports.apply(plan, folder, id=id, by=stored.by, watch=watch)
        return "applied", {"outcome": _public(outcome)}

    @contextlib.asynccontextmanager
    async def _telling(self, stored: StoredRequest, report: Report) -> AsyncIterator[Watch]:
        """Write down now and then what is heard of the progress, apart from what is being done."""
        heard: list[Progress] = []

        async def tell() -> None:
            while True:
                await asyncio.sleep(TELL_SECONDS)
                if heard:
                    progress = heard.pop()
                    heard.clear()
                    await self._rows.note_progress(stored, progress)
                    await report(progress.rows, 0, progress.file)

        teller = asyncio.create_task(tell())
        try:
            yield self._watch(stored.id, heard)
        finally:
            teller.cancel()
            await asyncio.wait([teller])

    def _watch(self, id: UUID, heard: list[Progress]) -> Watch:
        return heard.append

    async def take_up(self) -> int:
        """Hand on what is to be done and was never handed on (by a release before), and give up
        what broke off for good or was called off; returns how many."""
        busy = await self._rows.busy()
        runs = await self._house.jobs.latest(WORK, [str(id) for id in busy])
        lost = 0
        for id in busy:
            run = runs.get(str(id))
            if run is None:
                await self._hand_on(id)
            elif run.state == "failed":
                await self.give_up(id, f"It broke off {run.attempts} times.")
            elif run.state == "cancelled":
                await self.give_up(id, CALLED_OFF)
            else:
                continue
            lost += 1
        return lost

    async def give_up(self, id: UUID, reason: str) -> None:
        """End what is to be done, or being done by nobody."""
        stored = await self._rows.begin(id)
        if stored is not None:
            await self._rows.end(stored, "failed", error=reason, problems=[])

    # -- files -----------------------------------------------------------------------------------

    async def rejected(self, id: UUID, name: str, viewer: Viewer) -> Path:
        """A file of rows that were kept out.

        Raises:
            NotFound: there is none of this name.
        """
        await self._visible(id, viewer)
        if name not in await self._rejected(id):
            raise NotFound(f"expected a file of rejected rows of this import, got {name[:80]!r}")
        return self._imports.folder(id) / name

    async def _rejected(self, id: UUID) -> list[str]:
        return await asyncio.to_thread(_names_in, self._imports.folder(id))

    def _folder(self, id: UUID) -> Path:
        """The files of an import, inside of the folder that its rejected rows come into."""
        return self._imports.folder(id) / _FILES

    # -- who sees it -----------------------------------------------------------------------------

    async def _visible(self, id: UUID, viewer: Viewer) -> StoredRequest:
        stored = await self._rows.get(id)
        if not _sees(viewer, stored):
            raise nothing(id)
        return stored

    async def _shown(self, stored: StoredRequest) -> ImportRequest:
        plan: Plan = stored.plan
        return ImportRequest(
            id=stored.id,
            state=stored.state,
            name=plan.name,
            title=plan.title,
            account=stored.account,
            by=stored.by,
            plan=dump_plan(plan),
            files=[entry.path for entry in plan.files],
            preview=stored.preview,
            outcome=stored.outcome,
            undone=stored.undone,
            error=stored.error,
            problems=stored.problems,
            progress=stored.progress,
            rejected=await self._rejected(stored.id),
            journal=await self._in_journal(stored.id),
            created_at=stored.created_at,
            updated_at=stored.updated_at,
        )


def _sees_all(viewer: Viewer) -> bool:
    return viewer.sight.everything and not viewer.sight.masked


def _sees(viewer: Viewer, stored: StoredRequest) -> bool:
    if _sees_all(viewer):
        return True
    return stored.account is not None and stored.account == viewer.account


def _entry(stored: StoredRequest) -> Entry:
    """A request that is not in the journal yet."""
    return Entry(
        id=stored.id,
        name=stored.plan.name,
        title=stored.plan.title,
        state=stored.state,
        by=stored.by,
        started_at=stored.created_at,
        finished_at=None,
        undone_at=None,
        files=[entry.path for entry in stored.plan.files],
        counts=Counts(),
        progress=stored.progress,
        asked=True,
    )


def _with_request(entry: Entry, stored: StoredRequest | None) -> Entry:
    """An import of the journal as it stands for whoever asked for it."""
    if stored is None:
        return entry
    return msgspec.structs.replace(entry, state=stored.state, progress=stored.progress, asked=True)


def _public(outcome: Outcome) -> Outcome:
    """Without the places of this machine's disk."""
    outcome.folder = ""
    for report in outcome.files:
        report.mend = None if report.mend is None else Path(report.mend).name
    return outcome


def _names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*") if path.is_file())
