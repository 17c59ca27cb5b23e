"""Taking data out: one file for each import target, and the plan that brings it all back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from relatum.importing.plan import FilePlan, Plan, dump_plan
from relatum.importing.stepwise import stepwise
from relatum.importing.targets.keys import EXPORT_SOURCE
from relatum.importing.writers import WRITERS, ExportFormat, Writer, entry_of
from relatum.values.problems import Conflict

if TYPE_CHECKING:
    from relatum.hooks.context import House
    from relatum.hooks.declarations import ImportTarget

Watch = Callable[[str, int], None]
#: Targets that others refer to come first.
_FIRST = ("core.customers", "core.customer_links", "core.interactions")


class ExportedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file that was written."""

    path: str
    target: str
    records: int


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What was written where."""

    folder: str
    files: list[ExportedFile]


async def export_all(
    house: House,
    folder: Path,
    *,
    targets: Sequence[str] = (),
    form: ExportFormat = "jsonl",
    watch: Watch | None = None,
) -> Exported:
    """Write the data of the house, or of some targets, into an empty folder.

    Customers are named by their external id of the source ``relatum``, or by their own id where
    they have none. Cells that a spreadsheet would take for formulas get an apostrophe, which the
    plan takes away again.

    Raises:
        Conflict: there is something in the folder.
        NotFound: there is no such target.
    """
    _make_empty(folder)
    entries: list[FilePlan] = []
    files: list[ExportedFile] = []
    for target in _chosen(house, targets):
        path = folder / f"{target.id}.{form}"
        records = await _write(house, target, path, form, watch)
        if records:
            files.append(ExportedFile(path=path.name, target=target.id, records=records))
            entries.append(entry_of(target, path.name, form))
    if entries:
        fields = await house.customers.fields()
        plan = Plan(name=EXPORT_SOURCE, title="Export of Relatum", fields=fields, files=entries)
        (folder / "plan.toml").write_text(dump_plan(plan), encoding="utf-8")
    return Exported(folder=str(folder), files=files)


def _make_empty(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Conflict(
            f"Expected an empty folder, got {folder} with files in it; name a new one, so that "
            "nothing is overwritten."
        )


def _chosen(house: House, wanted: Sequence[str]) -> list[ImportTarget]:
    shelf = house.registry.import_targets
    ids = list(wanted) or shelf.ids()
    first = [id for id in _FIRST if id in ids]
    return [shelf.get(id) for id in dict.fromkeys([*first, *ids])]


async def _write(
    house: House, target: ImportTarget, path: Path, form: ExportFormat, watch: Watch | None
) -> int:
    plugin = house.registry.plugin_of(target.id)
    written = 0
    writer: Writer | None = None
    try:
        async for records in stepwise(plugin, target.export(plugin)):
            if records and writer is None:
                writer = WRITERS[form](path, target, None)
            if writer is not None:
                writer.write(records)
            written += len(records)
            if watch is not None:
                watch(target.id, written)
    finally:
        if writer is not None:
            writer.close()
    return written
