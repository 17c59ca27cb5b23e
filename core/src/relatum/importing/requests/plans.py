"""Plans of imports while somebody makes them: looking at the files, choosing, using one again."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.importing.choosing import fitting_target, named
from relatum.importing.columns import Source
from relatum.importing.getters import headings_of
from relatum.importing.guessing import guess_plan
from relatum.importing.plan import FilePlan, Format, Plan, dump_plan, load_plan
from relatum.importing.reading import Table, open_table
from relatum.importing.requests.looking import FileLook, look
from relatum.importing.requests.planning import demand_rights
from relatum.importing.requests.types import ImportDraft, ImportFile
from relatum.values.problems import Conflict, InvalidInput, NotFound, Problem

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.hooks.declarations import ImportTarget
    from relatum.importing.acting import House
    from relatum.importing.requests.rows import RequestRows, StoredRequest
    from relatum.importing.uploads.service import Uploads
    from relatum.importing.uploads.types import Upload

#: Imports among which plans that have a title are looked for.
LOOKED_THROUGH = 200
#: The plan that lies beside rows that were kept out.
MENDED = "plan.toml"


class KeptPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that somebody gave a title, to be used for other files.

    Attributes:
        id: of the import that it was made for.
        files: how its files were called.
    """

    id: UUID
    title: str
    name: str
    files: list[str]
    targets: list[str]
    at: dt.datetime


class Insight(msgspec.Struct, kw_only=True):
    """What plans need to know of imports.

    Attributes:
        visible: the request, as far as the viewer may see it.
        begun: whether something of it was written.
        folder: where its files are.
        sees: whether the viewer may see it.
    """

    visible: Callable[[UUID, Viewer], Awaitable[StoredRequest]]
    begun: Callable[[UUID], Awaitable[bool]]
    folder: Callable[[UUID], Path]
    sees: Callable[[Viewer, StoredRequest], bool]


class RequestPlans:
    """Reads and changes the plans of imports that were not begun."""

    def __init__(self, house: House, rows: RequestRows, uploads: Uploads, insight: Insight) -> None:
        self._house = house
        self._rows = rows
        self._uploads = uploads
        self._insight = insight

    async def get(self, id: UUID, viewer: Viewer) -> Plan:
        """The plan of an import.

        Raises:
            NotFound: there is none, or it is not the viewer's to see.
        """
        return (await self._insight.visible(id, viewer)).plan

    async def look(self, id: UUID, viewer: Viewer) -> list[FileLook]:
        """The files of an import as they lie there, in the order of the plan."""
        plan = await self.get(id, viewer)
        folder = self._insight.folder(id)
        return [await asyncio.to_thread(look, folder, entry) for entry in plan.files]

    async def change(self, id: UUID, plan: Plan, viewer: Viewer) -> None:
        """Give an import another plan; what was found out by a preview is forgotten.

        Raises:
            NotFound: there is none, or it is not the viewer's to see; or no such target.
            Refused: the viewer may not write what the plan writes.
            Conflict: it is being worked on, or something of it was written already.
        """
        stored = await self._insight.visible(id, viewer)
        await demand_rights(self._house, plan, viewer)
        if stored.state not in ("ready", "failed") or await self._insight.begun(id):
            raise Conflict(
                "expected an import of which nothing was written, got one that is "
                f"{stored.state}; take it back, or send the file again"
            )
        await self._rows.move(
            id, stored.state, "ready", plan=plan, preview=None, error="", problems=[]
        )

    async def read_as(
        self, id: UUID, place: int, target: str, form: Format, viewer: Viewer
    ) -> None:
        """Read one file of an import differently, or for another target; its columns are guessed
        anew when that makes them others.

        Raises:
            InvalidInput: the file cannot be read like that.
            NotFound, Refused, Conflict: as :meth:`change`.
        """
        plan = await self.get(id, viewer)
        if not 0 <= place < len(plan.files):
            raise InvalidInput(f"expected a file of this import, got number {place + 1}")
        entry = plan.files[place]
        path = self._insight.folder(id) / entry.path
        wanted = self._house.registry.import_targets.get(target)
        table = await asyncio.to_thread(open_table, path, form, name=entry.path)
        if not table.headings:
            raise _nothing_left(form)
        if target != entry.target or not _fits(entry, table):
            entry = await asyncio.to_thread(self._guess, table, wanted)
        entry = msgspec.structs.replace(entry, format=form)
        files = [entry if n == place else each for n, each in enumerate(plan.files)]
        await self.change(id, msgspec.structs.replace(plan, files=files), viewer)

    async def targets_of(self, uploads: Sequence[UUID], viewer: Viewer) -> list[str]:
        """Where the records of uploaded files probably go, by their headings.

        Raises:
            NotFound: an upload is not the viewer's.
            Refused: there is nothing that the viewer may import.
        """
        found = await self._uploads.get_many(uploads, viewer)
        targets = self._targets(viewer)
        country = self._house.settings.company.country
        return [
            await asyncio.to_thread(
                _fitting, self._uploads.path(upload.id), upload.name, targets, country
            )
            for upload in found
        ]

    async def kept(self, viewer: Viewer) -> list[KeptPlan]:
        """Plans that have a title, the newest of each title first."""
        found: dict[str, KeptPlan] = {}
        for stored in await self._rows.newest(LOOKED_THROUGH):
            title = stored.plan.title
            if title and title not in found and self._insight.sees(viewer, stored):
                found[title] = KeptPlan(
                    id=stored.id,
                    title=title,
                    name=stored.plan.name,
                    files=[entry.path for entry in stored.plan.files],
                    targets=[entry.target for entry in stored.plan.files],
                    at=stored.created_at,
                )
        return list(found.values())

    async def draft_like(self, id: UUID, uploads: Sequence[Upload], viewer: Viewer) -> ImportDraft:
        """An import of other files by the plan of an earlier one.

        Raises:
            InvalidInput: there are more files than the plan has entries.
            NotFound: as :meth:`get`.
        """
        return await self._draft(await self.get(id, viewer), uploads)

    async def draft_mended(
        self, id: UUID, uploads: Sequence[Upload], viewer: Viewer
    ) -> ImportDraft:
        """An import of the rows that an earlier one kept out, now that they are mended.

        Raises:
            InvalidInput: there are more files than files with rows that were kept out.
            NotFound: no rows were kept out, or as :meth:`get`.
        """
        await self.get(id, viewer)
        path = self._insight.folder(id).parent / MENDED
        if not await asyncio.to_thread(path.exists):
            raise NotFound("expected an import that kept rows out, got one that did not")
        plan = await asyncio.to_thread(load_plan, path)
        # a few rows are no plan to be used again
        return await self._draft(msgspec.structs.replace(plan, title=""), uploads)

    async def _draft(self, plan: Plan, uploads: Sequence[Upload]) -> ImportDraft:
        if len(uploads) > len(plan.files):
            raise InvalidInput(
                f"expected at most {len(plan.files)} files for the plan {plan.title or plan.name}, "
                f"got {len(uploads)}; send them one after the other"
            )
        paths = [(upload, self._uploads.path(upload.id)) for upload in uploads]
        pairs = await asyncio.to_thread(_paired, plan, paths)
        files = [msgspec.structs.replace(entry, path=upload.name) for upload, entry in pairs]
        plan = msgspec.structs.replace(plan, files=files)
        return ImportDraft(
            files=[ImportFile(upload=upload.id) for upload, _ in pairs], plan=dump_plan(plan)
        )

    def _guess(self, table: Table, target: ImportTarget) -> FilePlan:
        country = self._house.settings.company.country
        return guess_plan(table, target, name="guess", country=country).plan.files[0]

    def _targets(self, viewer: Viewer) -> list[ImportTarget]:
        shelf = self._house.registry.import_targets
        return [target for target in shelf if viewer.may(target.write_permission)]


def _nothing_left(form: Format) -> InvalidInput:
    problem = Problem(
        code="nothing-left",
        message="nothing is left of the file below these lines",
        where="/skip_lines",
        expected="a line of headings",
        got=f"{form.skip_lines} lines above the headings",
        mend="Leave out fewer.",
    )
    return InvalidInput("Nothing is left of the file.", problems=[problem])


def _fitting(path: Path, name: str, targets: Sequence[ImportTarget], country: str) -> str:
    try:
        table = open_table(path, Format(), name=name)
    except InvalidInput:
        return targets[0].id if targets else ""  # what is wrong is told when it is looked at
    return fitting_target(table, targets, country)


def _fits(entry: FilePlan, table: Table) -> bool:
    """Whether a table has every column that the entry takes."""
    return bool(entry.columns) and _headings_of(entry) <= set(named(table.headings))


def _headings_of(entry: FilePlan) -> set[str]:
    sources: list[Source] = list(entry.columns.values())
    specs = [spec for each in sources for spec in (each if isinstance(each, list) else [each])]
    return {heading for spec in specs for heading in headings_of(spec)}


def _paired(plan: Plan, uploads: Sequence[tuple[Upload, Path]]) -> list[tuple[Upload, FilePlan]]:
    """Each file with the entry whose columns it has most of, in the order of the plan."""
    left = list(enumerate(plan.files))
    pairs: list[tuple[int, Upload, FilePlan]] = []
    for upload, path in uploads:
        headings = _found_headings(path, upload.name)

        def known(pair: tuple[int, FilePlan], headings: set[str] = headings) -> float:
            wanted = _headings_of(pair[1])
            return len(wanted & headings) / max(len(wanted), 1)

        best = max(left, key=known)
        left.remove(best)
        pairs.append((best[0], upload, best[1]))
    return [(upload, entry) for _, upload, entry in sorted(pairs, key=lambda each: each[0])]


def _found_headings(path: Path, name: str) -> set[str]:
    try:
        return set(named(open_table(path, Format(), name=name).headings))
    except InvalidInput:
        return set()
