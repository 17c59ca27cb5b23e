"""The import target ``core.interactions``: recorded once for each idempotency key."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.hooks.declarations import (
    Finding,
    ImportScope,
    InteractionKind,
    Numbered,
    Prepared,
    Written,
)
from relatum.importing.shapes import shapes_of
from relatum.importing.targets.keys import EXPORT_SOURCE, export_keys
from relatum.importing.targets.records import InteractionRecord
from relatum.interactions.types import Interaction, InteractionDraft
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
        keys = {_key(n.record, scope): n for n in records if n.record.idempotency_key is not None}
        recorded = await plugin.house.interactions.ids_by_key([key for key in keys if key])
        if not recorded:
            return []
        found = await plugin.house.interactions.get_many(list(recorded.values()))
        by_id = {one.id: one for one in found}
        drafts = _drafts(plugin, records, scope)
        by_key = {draft.idempotency_key: draft for draft in drafts}
        return [
            Finding(line=keys[key].line, problem=_other_content(key))
            for key, id in recorded.items()
            if not _same(by_key[key], by_id[id])
        ]

    async def write(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> Written:
        await _customers(plugin, records, scope)
        drafts = _drafts(plugin, records, scope)
        interactions = plugin.house.interactions
        keys = [draft.idempotency_key for draft in drafts if draft.idempotency_key is not None]
        before = set((await interactions.ids_by_key(keys)).values()) if keys else set()
        ids = await interactions.record(drafts, by=f"import:{scope.id}")
        made = [id for id in dict.fromkeys(ids) if id not in before]
        return Written(
            created={TABLE: made},
            created_count=len(made),
            unchanged_count=len(ids) - len(made),
        )

    async def finish(self, plugin: Plugin, scope: ImportScope) -> list[Finding]:
        return []

    async def undo(self, plugin: Plugin, written: Written, scope: ImportScope) -> list[Problem]:
        await plugin.house.interactions.remove(
            written.created.get(TABLE, []), by=f"import:{scope.id}"
        )
        return []

    async def export(self, plugin: Plugin) -> AsyncIterator[list[InteractionRecord]]:
        house = plugin.house
        async for batch in house.interactions.all_batches():
            named = [one.customer_id for one in batch if one.customer_id is not None]
            keys = await export_keys(house.db, named)
            yield [_exported(one, keys) for one in batch]


async def _customers(
    plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
) -> dict[str, UUID]:
    """External id → customer, remembered between batches."""
    known: dict[str, UUID] = scope.memory.setdefault("customers", {})
    wanted = {n.record.customer for n in records if n.record.customer is not None}
    missing = wanted - known.keys()
    if missing:
        found = await plugin.house.customers.ids_by_external(scope.source, missing)
        if len(known) > _MOST_REMEMBERED:
            known.clear()
            found = await plugin.house.customers.ids_by_external(scope.source, wanted)
        known.update(found)
    return known


def _key(record: InteractionRecord, scope: ImportScope) -> str | None:
    if record.idempotency_key is None or scope.options.get("whole_keys"):
        return record.idempotency_key
    return f"{scope.source}:{record.idempotency_key}"


def _drafts(
    plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
) -> list[InteractionDraft]:
    known: dict[str, UUID] = scope.memory["customers"]
    find = plugin.house.registry.interaction_kinds.find
    kinds = {kind: find(kind) for kind in {n.record.kind for n in records}}
    return [_draft(n.record, known, kinds[n.record.kind], scope) for n in records]


def _draft(
    record: InteractionRecord,
    customers: Mapping[str, UUID],
    kind: InteractionKind | None,
    scope: ImportScope,
) -> InteractionDraft:
    payload = record.payload
    if kind is not None:
        payload = _typed(payload, kind)
    customer = record.customer_id
    if record.customer is not None:
        customer = customers[record.customer]
    return InteractionDraft(
        kind=record.kind,
        customer_id=customer,
        channel=record.channel,
        direction=record.direction,
        occurred_at=record.occurred_at,
        payload=payload,
        money=record.money,
        handle=record.handle,
        subject=record.subject,
        actor=record.actor,
        idempotency_key=_key(record, scope),
    )


def _typed(payload: dict[str, Any], kind: InteractionKind) -> dict[str, Any]:
    """Text from a file as the payload's own types; what does not fit is left for the service."""
    wanted = _untext(kind.payload)
    if not any(name in wanted for name in payload):
        return payload
    try:
        typed = msgspec.convert(payload, kind.payload, strict=False)
    except msgspec.ValidationError:
        return payload
    made = msgspec.to_builtins(typed)
    return {name: made[name] for name in payload}


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
