"""Undoing what an import did to the catalogue, and keeping what was changed or used since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import Plugin, Problem, Written
from relatum_sales_pipeline.services.catalogue_rows import TABLES, CatalogueRows, CatalogueTable

Row = dict[str, Any]


def image(before: Row, after: Row) -> Row:
    """The former values of a changed row, and what they were changed to."""
    plain: Row = msgspec.to_builtins({"id": before["id"], "before": before, "after": after})
    return plain


async def take_back(plugin: Plugin, written: Written) -> list[Problem]:
    """Restore changed rows and remove created ones.

    Returns:
        A problem for each row that stays: it was changed since, or something points at it.
    """
    rows = CatalogueRows(plugin)
    kept: list[Problem] = []
    for table in TABLES:
        kept += await _restore(rows, table, written.before.get(table.name, []))
    for table in TABLES:
        kept += await _remove(rows, table, written.created.get(table.name, []))
    return kept


async def _restore(
    rows: CatalogueRows, table: CatalogueTable, images: Sequence[Mapping[str, Any]]
) -> list[Problem]:
    if not images:
        return []
    ids = [UUID(str(each["id"])) for each in images]
    current = await rows.get(table, ids)
    restored, kept = [], []
    for id, each in zip(ids, images, strict=True):
        if id not in current:
            continue
        if msgspec.to_builtins(current[id]) == dict(each["after"]):
            restored.append(_typed(each["before"]))
        else:
            kept.append(_kept(table, id, "somebody changed it after the import"))
    await rows.update(table, restored)
    return kept


async def _remove(rows: CatalogueRows, table: CatalogueTable, ids: Sequence[UUID]) -> list[Problem]:
    if not ids:
        return []
    used = await rows.in_use(table, ids)
    await rows.delete(table, [id for id in ids if id not in used])
    return [_kept(table, id, "something that came later points at it") for id in ids if id in used]


def _typed(plain: Mapping[str, Any]) -> Row:
    """Values that went through JSON, as the columns have them."""
    return {name: _value(name, value) for name, value in plain.items()}


def _value(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name == "id" or name.endswith("_id"):
        return UUID(value)
    return dt.date.fromisoformat(value) if name.startswith("valid_") else value


def _kept(table: CatalogueTable, id: UUID, why: str) -> Problem:
    noun = table.name.removeprefix("sales_pipeline_").replace("_", " ")
    return Problem(
        code="kept",
        message=f"the {noun} stays as it is: {why}",
        where=f"{noun} {id}",
        expected="a row that only the import touched",
        mend="Look at it, and take back by hand what is not wanted.",
    )
