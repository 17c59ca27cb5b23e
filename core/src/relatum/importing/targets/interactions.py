"""The import target ``core.interactions``: recorded once for each idempotency key."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.hooks.declarations import (
    Finding,
    ImportScope,
    Numbered,
    Prepared,
    Written,
)
from relatum.importing.shapes import shapes_of
from relatum.importing.targets.keys import EXPORT_SOURCE, customers_named, export_keys
from relatum.importing.targets.pages import pages_of
from relatum.importing.targets.records import InteractionRecord
from relatum.interactions.types import Interaction, InteractionDraft, InteractionQuery
from relatum.values.ids import new_id
from relatum.values.problems import Problem
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.hooks.context import Plugin

TABLE = "core_interaction"
#: Customers that are remembered between batches.
_MOST_REMEMBERED = 300_000


class InteractionsTarget:
    """Interactions. A key that was recorded before records nothing.

    Keys live in the plan's source (``<source>:<key>``), unless the plan says ``whole_keys = true``
    in its options. A known key with other content is an error: interactions do not change.
    """

    id = "core.interactions"
    title = Text(en="Interactions", vi="Tương tác")
    record: type[msgspec.Struct] = InteractionRecord
    key: tuple[str, ...] = ("idempotency_key",)
    filters = InteractionQuery
    permission = "core.interactions.read"
    write_permission = "core.interactions.write"
    #: keys are exported whole, with the source they live in
    export_options: Mapping[str, bool] = {"whole_keys": True}
    aliases: Mapping[str, tuple[str, ...]] = {
        "occurred_at": ("date", "time", "when", "ngày", "thời gian", "ngày giờ"),
        "customer": ("customer id", "mã khách hàng", "mã kh", "khách hàng"),
        "kind": ("type", "loại"),
        "money": ("amount", "total", "số tiền", "thành tiền", "tổng tiền"),
        "channel": ("kênh",),
        "idempotency_key": ("id", "record id", "mã", "số hoá đơn"),
    }

    async def prepare(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> Prepared:
        known = await _customers(plugin, records, scope)
        prepared = Prepared()
        for numbered in records:
            name = numbered.record.customer
            if name is not None and name not in known:
                problem = _nobody(name, scope.source)
                prepared.findings.append(Finding(line=numbered.line, problem=problem))
        prepared.findings += await self._differing(plugin, records, scope)
        return prepared

    async def _differing(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> list[Finding]:
        """Known keys whose interaction says something else."""
        keys, findings = _keys(records, _prefix(scope))
        recorded = await plugin.house.interactions.ids_by_key(list(keys))
        if not recorded:
            return findings
        found = await plugin.house.interactions.get_many(list(recorded.values()))
        by_id = {one.id: one for one in found}
        wanted = [keys[key] for key in recorded if _is_known(keys[key].record, scope)]
        by_key = {draft.idempotency_key: draft for draft in _drafts(plugin, wanted, scope)}
        return findings + [
            Finding(line=keys[key].line, problem=_other_content(key))
            for key, id in recorded.items()
            # what is archived cannot be compared here; its key is known, so nothing is recorded
            if key in by_key and id in by_id and not _same(by_key[key], by_id[id])
        ]

    async def write(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> Written:
        await _customers(plugin, records, scope)
        own = await _of_this_house(plugin, records)
        new = [n for n in records if n.record.idempotency_key not in own]
        drafts = _drafts(plugin, new, scope)
        interactions = plugin.house.interactions
        # Ids rise, so those made from here on are greater; known keys answer with lesser ones.
        mark = new_id()
        ids = await interactions.record(drafts, by=f"import:{scope.id}")
        made = [id for id in dict.fromkeys(ids) if id > mark]
        return Written(
            created={TABLE: made},
            created_count=len(made),
            unchanged_count=len(records) - len(made),
        )

    async def finish(self, plugin: Plugin, scope: ImportScope) -> list[Finding]:
        return []

    async def undo(self, plugin: Plugin, written: Written, scope: ImportScope) -> list[Problem]:
        await plugin.house.interactions.remove(
            written.created.get(TABLE, []), by=f"import:{scope.id}"
        )
        return []

    async def export(
        self, plugin: Plugin, query: InteractionQuery | None = None
    ) -> AsyncIterator[list[InteractionRecord]]:
        house = plugin.house
        interactions = house.interactions
        found = interactions.all_batches() if query is None else pages_of(interactions.find, query)
        async for batch in found:
            named = [one.customer_id for one in batch if one.customer_id is not None]
            keys = await export_keys(house.db, named)
            yield [_exported(one, keys) for one in batch]


async def _of_this_house(plugin: Plugin, records: Sequence[Numbered]) -> set[str]:
    """Keys that an export made of ids, of interactions that are still here."""
    named: dict[UUID, str] = {}
    for numbered in records:
        key = numbered.record.idempotency_key or ""
        source, colon, id = key.partition(":")
        if colon and source == EXPORT_SOURCE:
            with contextlib.suppress(ValueError):
                named[UUID(id)] = key
    interactions = plugin.house.interactions
    found = await interactions.get_many(list(named)) if named else []
    here = {named[one.id] for one in found if one.idempotency_key is None}
    missing = named.keys() - {one.id for one in found}
    if missing and interactions.archived is not None:
        archived = await interactions.archived.known(list(missing))
        here |= {named[id] for id, key in archived.items() if key is None}
    return here


async def _customers(
    plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
) -> dict[str, UUID]:
    """External id → customer, remembered between batches."""
    known: dict[str, UUID] = scope.memory.setdefault("customers", {})
    wanted = {n.record.customer for n in records if n.record.customer is not None}
    missing = wanted - known.keys()
    if missing:
        found = await customers_named(plugin.house, scope.source, missing)
        if len(known) > _MOST_REMEMBERED:
            known.clear()
            found = await customers_named(plugin.house, scope.source, wanted)
        known.update(found)
    return known


def _prefix(scope: ImportScope) -> str:
    """What keys of the file begin with in the house."""
    return "" if scope.options.get("whole_keys") else f"{scope.source}:"


def _keys(records: Sequence[Numbered], prefix: str) -> tuple[dict[str, Numbered], list[Finding]]:
    """The records by key, and those of the batch that give a key again with other content."""
    keys: dict[str, Numbered] = {}
    findings = []
    for numbered in records:
        if numbered.record.idempotency_key is not None:
            key = f"{prefix}{numbered.record.idempotency_key}"
            first = keys.setdefault(key, numbered)
            if first.record != numbered.record:
                findings.append(Finding(line=numbered.line, problem=_other_content(key)))
    return keys, findings


def _drafts(
    plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
) -> list[InteractionDraft]:
    customers: dict[str, UUID] = scope.memory["customers"]
    find = plugin.house.registry.interaction_kinds.find
    kinds = {kind: find(kind) for kind in {n.record.kind for n in records}}
    untext = {id: _untext(kind.payload) for id, kind in kinds.items() if kind is not None}
    prefix = _prefix(scope)
    drafts = []
    for numbered in records:
        record: InteractionRecord = numbered.record
        kind = kinds[record.kind]
        payload, key = record.payload, record.idempotency_key
        if kind is not None and untext[record.kind]:
            payload = _typed(payload, kind.payload, untext[record.kind])
        drafts.append(
            InteractionDraft(
                kind=record.kind,
                customer_id=record.customer_id
                if record.customer is None
                else customers[record.customer],
                channel=record.channel,
                direction=record.direction,
                occurred_at=record.occurred_at,
                payload=payload,
                money=record.money,
                handle=record.handle,
                subject=record.subject,
                actor=record.actor,
                idempotency_key=None if key is None else f"{prefix}{key}",
            )
        )
    return drafts


def _typed(
    payload: dict[str, Any], payload_type: type[msgspec.Struct], untext: frozenset[str]
) -> dict[str, Any]:
    """Text from a file as the payload's own types; what does not fit is left for the service."""
    if untext.isdisjoint(payload):
        return payload
    try:
        typed = msgspec.convert(payload, payload_type, strict=False)
    except msgspec.ValidationError:
        return payload
    made = msgspec.to_builtins(typed)
    return {name: made[name] for name in payload}


def _is_known(record: InteractionRecord, scope: ImportScope) -> bool:
    """Whether the record's customer is there; one that is not is a finding of its own."""
    return record.customer is None or record.customer in scope.memory["customers"]


@functools.lru_cache(maxsize=256)
def _untext(payload: type[msgspec.Struct]) -> frozenset[str]:
    """The fields of a payload that are not text."""
    shapes = shapes_of(payload)
    return frozenset(name for name, shape in shapes.items() if shape.sort != "text")


def _same(draft: InteractionDraft, one: Interaction) -> bool:
    return (
        draft.kind == one.kind
        and draft.customer_id == one.customer_id
        and draft.occurred_at == one.occurred_at
        and draft.money == one.money
        and draft.payload == msgspec.json.decode(one.payload)
    )


def _nobody(name: str, source: str) -> Problem:
    return Problem(
        code="no-such-customer",
        message="There is nobody with this external id",
        where="/customer",
        expected=f"an external id of source {source!r}, or nothing for an anonymous interaction",
        got=name,
        mend="Import the customers first, or correct it.",
    )


def _other_content(key: str | None) -> Problem:
    return Problem(
        code="key-taken",
        message="An interaction with this key is recorded and says something else",
        where="/idempotency_key",
        expected="the same content again, or another key",
        got=key or "",
        mend="Interactions do not change; undo the import that brought it, or correct the key.",
    )


def _exported(one: Interaction, keys: Mapping[UUID, str]) -> InteractionRecord:
    return InteractionRecord(
        kind=one.kind,
        occurred_at=one.occurred_at,
        idempotency_key=one.idempotency_key or f"{EXPORT_SOURCE}:{one.id}",
        customer=keys[one.customer_id] if one.customer_id is not None else None,
        channel=one.channel,
        direction=one.direction,  # type: ignore[arg-type]
        payload=msgspec.json.decode(one.payload),
        money=one.money,
        handle=one.handle,
        subject=one.subject,
        actor=one.actor,
    )
