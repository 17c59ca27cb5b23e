"""What a change makes of a customer, and in what the two differ. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET

from relatum.access.policies import MASK
from relatum.customers.rows import Ready
from relatum.customers.types import (
    ContactPointDraft,
    Customer,
    CustomerChange,
    CustomerDraft,
)
from relatum.values.problems import Problem

#: a customer, what it becomes, and what differs
Changed = tuple[Customer, Ready, dict[str, tuple[Any, Any]]]


def draft_after(current: Customer, change: CustomerChange) -> CustomerDraft:
    """The whole customer as it would be after the change."""
    given = {
        name: value
        for name in CustomerChange.__struct_fields__
        if (value := getattr(change, name)) is not UNSET
    }
    if "fields" in given:
        given["fields"] = {**current.fields, **given["fields"]}
    return msgspec.structs.replace(draft_of(current), **given)


def unmasked(change: CustomerChange, seen: Customer, current: Customer) -> CustomerChange:
    """The change with the true values where it sends back what was shown masked.

    Args:
        seen: the customer as it is shown to whoever sent the change.
        current: as it is.
    """
    given: dict[str, Any] = {}
    if change.contact_points is not UNSET:
        pairs = zip(seen.contact_points, current.contact_points, strict=True)
        true = [(s.kind, s.raw, c.raw) for s, c in pairs if s.raw != c.raw]
        given["contact_points"] = [_true_point(point, true) for point in change.contact_points]
    if change.fields is not UNSET:
        given["fields"] = {
            key: current.fields[key] if _shown_masked(key, value, seen, current) else value
            for key, value in change.fields.items()
        }
    return msgspec.structs.replace(change, **given)


def _true_point(point: ContactPointDraft, true: list[tuple[str, str, str]]) -> ContactPointDraft:
    """Two points may look alike masked: each is taken once, in their order."""
    for n, (kind, shown, raw) in enumerate(true):
        if (point.kind, point.raw) == (kind, shown):
            del true[n]
            return msgspec.structs.replace(point, raw=raw)
    return point


def _shown_masked(key: str, value: Any, seen: Customer, current: Customer) -> bool:
    return key in current.fields and value == seen.fields.get(key) != current.fields[key]


def mask_problems(change: CustomerChange | CustomerDraft) -> list[Problem]:
    """Masks that would be saved in place of what they stand for."""
    return [
        Problem(
            code="masked-value",
            message="a masked value cannot be saved",
            where=where,
            expected="the value itself, or exactly what was shown to keep it",
            got=text[:80],
            mend="Leave it out, or write the whole value.",
        )
        for where, text in _texts(msgspec.to_builtins(change), "")
        if MASK in text
    ]


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, f"{where}/{key}")
    elif isinstance(value, list):
        for n, each in enumerate(value):
            yield from _texts(each, f"{where}/{n}")


def draft_of(customer: Customer) -> CustomerDraft:
    """The draft that gives any customer this content."""
    return CustomerDraft(
        display_name=customer.display_name,
        kind=customer.kind,  # type: ignore[arg-type]
        contact_points=[
            ContactPointDraft(kind=p.kind, raw=p.raw, label=p.label, primary=p.primary)  # type: ignore[arg-type]
            for p in customer.contact_points
        ],
        roles=list(customer.roles),  # type: ignore[arg-type]
        tags=list(customer.tags),
        fields=dict(customer.fields),
        external_ids=dict(customer.external_ids),
        owner=customer.owner,
        team=customer.team,
    )


def differences_of(current: Customer, ready: Ready) -> dict[str, tuple[Any, Any]]:
    """Field → (before, after), for those that differ."""
    before = {
        "kind": current.kind,
        "display_name": current.display_name,
        "contact_points": [
            {"kind": p.kind, "raw": p.raw, "label": p.label, "primary": p.primary}
            for p in current.contact_points
        ],
        "roles": current.roles,
        "tags": current.tags,
        "fields": current.fields,
        "external_ids": current.external_ids,
        "owner": current.owner,
        "team": current.team,
    }
    after = {
        "kind": ready.kind,
        "display_name": ready.display_name,
        "contact_points": [
            {"kind": p.kind, "raw": p.raw, "label": p.label, "primary": p.primary}
            for p in ready.contact_points
        ],
        "roles": ready.roles,
        "tags": ready.tags,
        "fields": ready.fields,
        "external_ids": ready.external_ids,
        "owner": ready.owner,
        "team": ready.team,
    }
    differing = {key: (before[key], after[key]) for key in before if before[key] != after[key]}
    if "contact_points" in differing:
        differing["contact_points"] = (_with_what_goes(current, ready), after["contact_points"])
    return differing


def _with_what_goes(current: Customer, ready: Ready) -> list[dict[str, Any]]:
    """Contact points before the change; of those that go also what cannot be typed again."""
    stays = {(point.kind, point.normalised) for point in ready.contact_points}
    found = []
    for point in current.contact_points:
        said: dict[str, Any] = {
            "kind": point.kind,
            "raw": point.raw,
            "label": point.label,
            "primary": point.primary,
        }
        if (point.kind, point.normalised) not in stays:
            said["id"] = point.id
            if point.verified_at is not None:
                said["verified_at"] = point.verified_at
        found.append(said)
    return found
