"""Taking an import back: batch by batch, the last one first, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from relatum.events.types import NewEvent
from relatum.hooks.declarations import ImportScope
from relatum.importing import events as facts
from relatum.importing.journal import Journal, StoredWritten
from relatum.importing.results import Progress, Undone
from relatum.values.problems import Conflict, Problem

if TYPE_CHECKING:
    from relatum.hooks.context import House
    from relatum.importing.plan import Plan

#: In the memory of the scope: the last event before the import.
POSITION = "relatum.log_position"


class Undoing:
    """One import on its way out."""

    def __init__(self, house: House, journal: Journal) -> None:
        self._house = house
        self._journal = journal

    async def run(self, id: UUID, watch: Callable[[Progress], None] | None) -> Undone:
        """See :meth:`relatum.importing.service.Imports.undo`."""
        entry = await self._journal.entry(id)
        if entry.state == "undone":
            raise Conflict(f"The import {id} ({entry.name}) is undone already.")
        plan, files, position = await self._journal.plan(id)
        await self._refuse_archived(position)
        batches = await self._journal.to_undo(id)
        for target in await self._journal.targets(id):
            # Before anything is touched: a target whose plugin is off cannot take anything back.
            self._house.registry.import_targets.get(target)
        await self._journal.set_state(id, "undoing")
        done = Undone(id=id, name=entry.name, taken_back=0, kept=[])
        memories: dict[str, dict[str, Any]] = {}
        for number, batch in enumerate(batches, start=1):
            written = await self._journal.written(batch)
            memory = memories.setdefault(written.target, {POSITION: position})
            await self._take_back(written, _scope(id, plan, memory), done)
            if watch is not None:
                watch(_progress(files, written.file, number, len(batches)))
        await self._close(id, done)
        return done

    async def _refuse_archived(self, position: int) -> None:
        """The log tells who changed what after the import, interactions whom they are about."""
        archived = self._house.events.archived
        months = await archived.since(position) if archived is not None else []
        if months:
            raise Conflict(
                f"expected everything since the import in the database, got {months[0]} to "
                f"{months[-1]} in the archive; bring them back first: relatum archive restore "
                f"--from {months[0]} --to {months[-1]}"
            )

    async def _take_back(self, stored: StoredWritten, scope: ImportScope, done: Undone) -> None:
        target = self._house.registry.import_targets.get(stored.target)
        plugin = self._house.registry.plugin_of(stored.target)
        written = stored.written
        async with self._house.db.transaction():
            kept: list[Problem] = []
            if written.created or written.before:
                async with plugin.at_work():
                    kept = list(await target.undo(plugin, written, scope))
            await self._journal.mark_undone(stored.id)
        done.kept += kept
        created = sum(len(ids) for ids in written.created.values())
        changed = sum(len(rows) for rows in written.before.values())
        done.taken_back += created + changed - len(kept)

    async def _close(self, id: UUID, done: Undone) -> None:
        fact = facts.ImportUndone(id, done.name, len(done.kept))
        async with self._house.db.transaction():
            await self._journal.set_state(id, "undone")
            await self._house.events.append(
                [NewEvent(type=facts.UNDONE, payload=fact)], by=f"import:{id}"
            )


def _scope(id: UUID, plan: Plan, memory: dict[str, Any]) -> ImportScope:
    return ImportScope(id=id, source=plan.name, memory=memory)


def _progress(files: list[str], file: int, done: int, total: int) -> Progress:
    name = files[file] if file < len(files) else ""
    return Progress(
        file=name, files_done=0, files=len(files), rows=done, fraction=done / max(total, 1)
    )
