"""Declared custom fields: the only writer of their table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from relatum.customers.types import FieldDraft
from relatum.db.database import to_json
from relatum.values.problems import Conflict, InvalidInput

if TYPE_CHECKING:
    from relatum.db.database import Database

COLUMNS = ("key", "type", "title_en", "title_vi", "choices", "applies_to", "sensitivity")


class CustomFields:
    """Custom fields of customers.

    Args:
        changed: called after each commit that declared something.
    """

    def __init__(self, db: Database, changed: Callable[[], None]) -> None:
        self._db = db
        self._changed = changed

    async def all(self) -> list[FieldDraft]:
        """The declared custom fields, by key."""
        found = await self._db.fetch(
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
            )
            for key, type_, en, vi, choices, applies_to, sensitivity in found
        ]

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
            await self._db.insert(
                "core_customer_field",
                COLUMNS,
                [
                    (
                        d.key,
                        d.type,
                        d.title_en,
                        d.title_vi,
                        to_json(d.choices),
                        d.applies_to,
                        d.sensitivity,
                    )
                    for d in drafts
                ],
                # An import that declares its fields again must not unmask them.
                on_conflict="ON CONFLICT (key) DO UPDATE SET title_en = excluded.title_en, "
                "title_vi = excluded.title_vi, choices = excluded.choices, "
                "applies_to = excluded.applies_to, sensitivity = "
                "coalesce(excluded.sensitivity, core_customer_field.sensitivity)",
            )
            self._db.after_commit(self._changed)


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
