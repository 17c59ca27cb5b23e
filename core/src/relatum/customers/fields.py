"""Declared custom fields: the only writer of their table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from relatum.access.viewer import current_viewer
from relatum.customers.events import DECLARED, FieldDeclared
from relatum.customers.types import FieldDraft
from relatum.db.database import to_json
from relatum.events.types import NewEvent
from relatum.values.problems import Conflict, InvalidInput

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.events.log import EventLog

COLUMNS = (
    *("key", "type", "title_en", "title_vi"),
    *("choices", "applies_to", "sensitivity", "purposes"),
)


class CustomFields:
    """Custom fields of customers.

    Args:
        changed: called after each commit that declared something.
    """

    def __init__(self, db: Database, events: EventLog, changed: Callable[[], None]) -> None:
        self._db = db
        self._events = events
        self._changed = changed

    async def all(self) -> list[FieldDraft]:
        """The declared custom fields, by key."""
        return await declared_fields(self._db)

    async def declare(self, drafts: Sequence[FieldDraft]) -> None:
        """Declare custom fields; declaring one again in the same way changes nothing.

        Raises:
            Conflict: a field exists with another type, or becomes a secret (or none any more).
            InvalidInput: a choice field without choices.
        """
        if not drafts:
            return
        async with self._db.transaction():
            known = {field.key: field for field in await self.all()}
            for draft in drafts:
                _refuse(draft, known.get(draft.key))
            wanted = [_kept(draft, known.get(draft.key)) for draft in drafts]
            await self._db.insert(
                "core_customer_field",
                COLUMNS,
                [_row(field) for field in wanted],
                on_conflict="ON CONFLICT (key) DO UPDATE SET title_en = excluded.title_en, "
                "title_vi = excluded.title_vi, choices = excluded.choices, "
                "applies_to = excluded.applies_to, sensitivity = excluded.sensitivity, "
                "purposes = excluded.purposes",
            )
            told = [_fact(known.get(each.key), each) for each in wanted]
            await self._events.append(
                [NewEvent(type=DECLARED, payload=fact) for fact in told if fact.changes],
                by=current_viewer().actor,
            )
            self._db.after_commit(self._changed)


async def declared_fields(db: Database) -> list[FieldDraft]:
    """The declared custom fields, by key."""
    found = await db.fetch(
        f"SELECT {', '.join(COLUMNS)} FROM core_customer_field ORDER BY key"  # noqa: S608 - names of our own
    )
    return [
        FieldDraft(
            key=key,
            type=type_,
            title_en=en,
            title_vi=vi,
            choices=msgspec.json.decode(choices),
            applies_to=applies_to,
            sensitivity=sensitivity,
            purposes=[] if purposes is None else msgspec.json.decode(purposes),
        )
        for key, type_, en, vi, choices, applies_to, sensitivity, purposes in found
    ]


def _kept(draft: FieldDraft, before: FieldDraft | None) -> FieldDraft:
    """An import that declares its fields again must not unmask them, nor free them."""
    purposes = draft.purposes
    if purposes is None:
        purposes = [] if before is None else before.purposes
    return msgspec.structs.replace(
        draft,
        sensitivity=draft.sensitivity or (None if before is None else before.sensitivity),
        purposes=sorted(set(purposes or [])),
    )


def _row(field: FieldDraft) -> tuple[Any, ...]:
    return (
        *(field.key, field.type, field.title_en, field.title_vi),
        *(to_json(field.choices), field.applies_to, field.sensitivity),
        to_json(field.purposes) if field.purposes else None,
    )


def _fact(before: FieldDraft | None, field: FieldDraft) -> FieldDeclared:
    was = {} if before is None else msgspec.structs.asdict(before)
    changes = {
        name: (was.get(name), value)
        for name, value in msgspec.structs.asdict(field).items()
        if was.get(name) != value
    }
    return FieldDeclared(key=field.key, changes=changes)


def _refuse(draft: FieldDraft, before: FieldDraft | None) -> None:
    if draft.type == "choice" and not draft.choices:
        raise InvalidInput(
            f"expected choices for field {draft.key!r}, got none; list the values it takes"
        )
    if before is None:
        return
    if before.type != draft.type:
        raise Conflict(
            f"expected field {draft.key!r} with its type {before.type}, got {draft.type}; "
            "choose another key"
        )
    classes = {before.sensitivity, draft.sensitivity or before.sensitivity}
    if len(classes) > 1 and "secret" in classes:
        raise Conflict(
            f"expected field {draft.key!r} with its class {before.sensitivity or 'none'}, got "
            f"{draft.sensitivity}; values that are there cannot change between secret and plain: "
            "choose another key"
        )
