"""The import target ``core.customer_links``: links between customers, by their external ids."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.customers.types import LinkDraft
from relatum.hooks.declarations import Finding, ImportScope, Numbered, Prepared, Written
from relatum.importing.targets.keys import customers_named, export_keys
from relatum.importing.targets.records import LinkRecord
from relatum.values.problems import Problem
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.hooks.context import Plugin

TABLE = "core_customer_link"


class LinksTarget:
    """Links; one that exists already is left as it is."""

    id = "core.customer_links"
    title = Text(en="Links between customers", vi="Liên kết giữa khách hàng")
    record: type[msgspec.Struct] = LinkRecord
    key: tuple[str, ...] = ("source", "kind", "target")
    permission = "core.customers.read"
    write_permission = "core.customers.write"
    aliases: Mapping[str, tuple[str, ...]] = {}

    async def prepare(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> Prepared:
        ids = await self._ids(plugin, records, scope)
        prepared = Prepared()
        for numbered in records:
            record: LinkRecord = numbered.record
            for end in ("source", "target"):
                name = getattr(record, end)
                if name not in ids:
                    problem = _nobody(end, name, scope.source)
                    prepared.findings.append(Finding(line=numbered.line, problem=problem))
        return prepared

    async def _ids(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> dict[str, UUID]:
        named = [
            name
            for numbered in records
            for name in (numbered.record.source, numbered.record.target)
        ]
        return await customers_named(plugin.house, scope.source, named)

    async def write(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> Written:
        ids = await self._ids(plugin, records, scope)
        drafts = [_draft(numbered.record, ids) for numbered in records]
        made = await plugin.house.customers.links.create(drafts, by=f"import:{scope.id}")
        return Written(
            created={TABLE: made},
            created_count=len(made),
            unchanged_count=len(records) - len(made),
        )

    async def finish(self, plugin: Plugin, scope: ImportScope) -> list[Finding]:
        return []

    async def undo(self, plugin: Plugin, written: Written, scope: ImportScope) -> list[Problem]:
        links = written.created.get(TABLE, [])
        await plugin.house.customers.links.remove(links, by=f"import:{scope.id}")
        return []

    async def export(self, plugin: Plugin) -> AsyncIterator[list[LinkRecord]]:
        house = plugin.house
        async for batch in house.customers.links.all_batches():
            ends = [end for link in batch for end in (link.source, link.target)]
            keys = await export_keys(house.db, ends)
            yield [
                LinkRecord(
                    source=keys[link.source],
                    kind=link.kind,  # type: ignore[arg-type]
                    target=keys[link.target],
                    role=link.role,
                    since=link.since,
                    until=link.until,
                )
                for link in batch
            ]


def _draft(record: LinkRecord, ids: dict[str, UUID]) -> LinkDraft:
    return LinkDraft(
        source=ids[record.source],
        target=ids[record.target],
        kind=record.kind,
        role=record.role,
        since=record.since,
        until=record.until,
    )


def _nobody(end: str, name: str, source: str) -> Problem:
    return Problem(
        code="no-such-customer",
        message="There is nobody with this external id",
        where=f"/{end}",
        expected=f"an external id of source {source!r}",
        got=name,
        mend="Import the customers first, or correct it.",
    )
