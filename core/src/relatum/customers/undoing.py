"""From what the log says of a change back to what a customer was before it. No I/O."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import msgspec

from relatum.customers.changes import draft_of
from relatum.customers.events import CustomerUpdated
from relatum.customers.types import ContactPointDraft, Customer, CustomerChange, CustomerDraft

#: What of a contact point somebody types.
_TYPED = ContactPointDraft.__struct_fields__


class GonePoint(msgspec.Struct, frozen=True, kw_only=True):
    """A contact point that a change took away: what nobody can type again."""

    kind: str
    raw: str
    id: UUID
    verified_at: dt.datetime | None = None


def points_gone(change: CustomerUpdated) -> list[GonePoint]:
    """The contact points that the change took away."""
    before, _ = change.changes.get("contact_points", ([], []))
    return msgspec.convert([each for each in before if "id" in each], list[GonePoint], strict=False)


def fields_before(change: CustomerUpdated, current: Customer) -> dict[str, Any]:
    """The custom fields that the change touched, as they were stored before it."""
    before, after = change.changes.get("fields", ({}, {}))
    touched = {key for key in {**before, **after} if before.get(key) != after.get(key)}
    return {key: before.get(key) for key in sorted(touched)}


def draft_before(
    change: CustomerUpdated, current: Customer, fields: dict[str, Any]
) -> CustomerDraft:
    """The whole customer as it was before the change.

    Args:
        fields: what :func:`fields_before` found, in plain.
    """
    before = {name: pair[0] for name, pair in change.changes.items() if name != "fields"}
    if "contact_points" in before:
        before["contact_points"] = [
            {key: value for key, value in point.items() if key in _TYPED}
            for point in before["contact_points"]
        ]
    values = msgspec.convert(before, CustomerChange, strict=False)
    given = {name: getattr(values, name) for name in before}
    kept = {key: value for key, value in current.fields.items() if key not in fields}
    restored = {key: value for key, value in fields.items() if value is not None}
    return msgspec.structs.replace(draft_of(current), **given, fields={**kept, **restored})
