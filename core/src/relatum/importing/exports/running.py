"""Writing one export: what the person sees at this moment, up to the number that is let go."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from relatum.access.viewer import Viewer
from relatum.importing.acting import House, demand
from relatum.importing.exports.types import Export
from relatum.importing.stepwise import stepwise
from relatum.importing.watermark import Watermark
from relatum.importing.writers import WRITERS, Writer
from relatum.values.problems import InvalidInput, Problem

if TYPE_CHECKING:
    from relatum.hooks.declarations import ImportTarget

PERMISSION = "core.exports.write"
#: Of a list, not of what is in it.
_OF_LISTS = frozenset({"sort", "limit", "cursor"})


class Counted(msgspec.Struct, frozen=True):
    """How many records there are, and whether they were written (as there were not too many)."""

    records: int
    written: bool


async def write_export(
    house: House, export: Export, viewer: Viewer, path: Path, *, most: int | None
) -> Counted:
    """Write what the viewer sees; beyond ``most`` records only count them: what is written then is
    no export.

    Raises:
        Refused: the viewer may not take this out (any more).
        NotFound: the plugin of the target is off.
        InvalidInput: the filters are none of the target, or the form cannot hold the data.
    """
    target = house.registry.import_targets.get(export.target)
    demand(viewer, PERMISSION)
    demand(viewer, target.permission)
    query = query_of(target, export.filters)
    run = _Run(path, target, export, most)
    try:
        await asyncio.to_thread(run.open)
        async with house.sights.looking_as(viewer):
            async for records in _records(house, target, query):
                await run.take(records)
    finally:
        await asyncio.to_thread(run.close)
    return Counted(run.records, run.fits)


def query_of(target: ImportTarget, filters: dict[str, Any]) -> msgspec.Struct | None:
    """Filters as the query that the target takes; ``None`` for all of it.

    Raises:
        InvalidInput: it takes no such filter, or not this value.
    """
    if not filters:
        return None
    kind: type[msgspec.Struct] | None = getattr(target, "filters", None)
    known = filters_of(target)
    unknown = [name for name in filters if name not in known]
    if unknown or kind is None:
        shown = ", ".join(known) or "none"
        problems = [
            Problem(
                code="unknown-filter",
                message=f"{target.id} has no filter {name[:80]!r}",
                where=f"/filters/{name[:80]}",
                expected=shown,
                mend="Leave it out.",
            )
            for name in unknown
        ]
        raise InvalidInput(f"expected filters of {target.id} ({shown})", problems=problems)
    try:
        query = msgspec.convert(filters, kind, strict=False)
    except msgspec.ValidationError as error:
        problem = Problem(code="wrong-value", message=str(error), where="/filters")
        raise InvalidInput("A filter cannot be read.", problems=[problem]) from error
    _refuse_times_without_zone(query)
    return query


def _refuse_times_without_zone(query: msgspec.Struct) -> None:
    for name in query.__struct_fields__:
        value = getattr(query, name)
        if isinstance(value, dt.datetime) and value.tzinfo is None:
            problem = Problem(
                code="wrong-value",
                message="The time says no offset",
                where=f"/filters/{name}",
                expected="a time such as 2024-05-31T09:30:00+07:00",
                got=value.isoformat(),
                mend="Add the offset, or Z for UTC.",
            )
            raise InvalidInput("A filter cannot be read.", problems=[problem])


def filters_of(target: ImportTarget) -> list[str]:
    """The names of the filters that a target takes."""
    kind: type[msgspec.Struct] | None = getattr(target, "filters", None)
    return sorted(set(kind.__struct_fields__) - _OF_LISTS) if kind is not None else []


async def _records(
    house: House, target: ImportTarget, query: msgspec.Struct | None
) -> AsyncIterator[list[msgspec.Struct]]:
    plugin = house.registry.plugin_of(target.id)
    export: Any = target.export  # a target with filters takes them as one more argument
    of_target = export(plugin) if query is None else export(plugin, query)
    async for records in stepwise(plugin, of_target):
        yield records


class _Run:
    """The file being written, in threads: others are served meanwhile."""

    def __init__(self, path: Path, target: ImportTarget, export: Export, most: int | None) -> None:
        self._path = path
        self._target = target
        self._export = export
        self._most = most
        self._writer: Writer | None = None
        self.records = 0

    @property
    def fits(self) -> bool:
        return self._most is None or self.records <= self._most

    def open(self) -> None:
        export = self._export
        mark = Watermark(export=export.id, person=export.person, at=export.created_at)
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path.touch(mode=0o600)
        self._writer = WRITERS[export.format](self._path, self._target, mark)

    async def take(self, records: Sequence[msgspec.Struct]) -> None:
        self.records += len(records)
        if self.fits and self._writer is not None:
            await asyncio.to_thread(self._writer.write, records)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
