"""From the files somebody brought to a folder and a plan that fits it."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from relatum.importing.acting import demand
from relatum.importing.guessing import guess_plan, source_name
from relatum.importing.plan import Format, Plan, parse_plan
from relatum.importing.reading import open_table
from relatum.importing.targets.keys import EXPORT_SOURCE
from relatum.importing.uploads.inspecting import name_of
from relatum.values.problems import InvalidInput, Problem

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.hooks.declarations import ImportTarget
    from relatum.importing.acting import House
    from relatum.importing.requests.types import ImportDraft, ImportFile
    from relatum.importing.uploads.types import Upload

WRITE = "core.imports.write"
FIELDS = "core.fields.write"


class Brought(msgspec.Struct):
    """A file in the folder of an import, by the name it has there."""

    file: ImportFile
    name: str


async def lay_out(
    folder: Path, draft: ImportDraft, uploads: Sequence[tuple[Upload, Path]]
) -> list[Brought]:
    """Put the uploads into a folder of their own, where they stay until the import is done.

    Raises:
        InvalidInput: two of them have the same name.
    """
    brought = [
        Brought(file, name_of(file.name or upload.name, upload.kind))
        for file, (upload, _) in zip(draft.files, uploads, strict=True)
    ]
    names = [each.name for each in brought]
    for place, name in enumerate(names):
        if name in names[:place]:
            problem = Problem(
                code="same-name",
                message=f"Two files are called {name}",
                where=f"/files/{place}/name",
                expected="names that differ",
                got=name,
                mend="Give one of them another name.",
            )
            raise InvalidInput("Two files have the same name.", problems=[problem])
    pairs = [(path, folder / name) for (_, path), name in zip(uploads, names, strict=True)]
    await asyncio.to_thread(_copy, folder, pairs)
    return brought


def _copy(folder: Path, pairs: Sequence[tuple[Path, Path]]) -> None:
    folder.mkdir(parents=True, mode=0o700)
    for source, copy in pairs:
        try:
            os.link(source, copy)  # uploads never change
        except OSError:
            shutil.copyfile(source, copy)


async def plan_for(
    house: House, draft: ImportDraft, brought: Sequence[Brought], folder: Path
) -> Plan:
    """The plan of a draft, or one guessed from the headings of its files.

    Raises:
        InvalidInput: the plan cannot be read, or a file without a plan says no target.
        NotFound: there is no such target.
    """
    if draft.plan is not None:
        return parse_plan(draft.plan)
    missing = [place for place, each in enumerate(brought) if each.file.target is None]
    if missing:
        problems = [
            Problem(
                code="missing",
                message="The file says no target",
                where=f"/files/{place}/target",
                expected=", ".join(house.registry.import_targets.ids()),
                mend="Say where its records go, or send a plan.",
            )
            for place in missing
        ]
        raise InvalidInput("Without a plan every file says its target.", problems=problems)
    shelf = house.registry.import_targets
    targets = [shelf.get(each.file.target or "") for each in brought]
    return await asyncio.to_thread(
        _guessed, folder, draft, list(zip(brought, targets, strict=True)), _country(house)
    )


def _guessed(
    folder: Path,
    draft: ImportDraft,
    files: Sequence[tuple[Brought, ImportTarget]],
    country: str,
) -> Plan:
    guesses = [
        guess_plan(
            open_table(folder / each.name, Format(), name=each.name),
            target,
            name=source_name(each.name.partition(".")[0]),
            country=country,
        ).plan
        for each, target in files
    ]
    named = [guess.name for guess in guesses]
    name = EXPORT_SOURCE if EXPORT_SOURCE in named else named[0]
    return Plan(name=draft.name or name, files=[entry for g in guesses for entry in g.files])


def _country(house: House) -> str:
    return house.settings.company.country


async def demand_rights(house: House, plan: Plan, viewer: Viewer) -> None:
    """Refuse a plan that writes what the viewer may not write.

    Raises:
        Refused: naming the permission.
        NotFound: there is no such target.
    """
    demand(viewer, WRITE)
    for entry in plan.files:
        demand(viewer, house.registry.import_targets.get(entry.target).write_permission)
    if plan.fields:
        known = {field.key for field in await house.customers.fields()}
        if any(field.key not in known for field in plan.fields):
            demand(viewer, FIELDS)
