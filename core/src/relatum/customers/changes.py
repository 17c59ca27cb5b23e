"""What a change makes of a customer, and in what the two differ. No I/O."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from relatum.customers.rows import Ready
from relatum.customers.types import (
    ContactPointDraft,
    Customer,
    CustomerChange,
    CustomerDraft,
)

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
    }
    return {key: (before[key], after[key]) for key in before if before[key] != after[key]}
