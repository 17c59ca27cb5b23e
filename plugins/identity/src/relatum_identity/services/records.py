"""Customers as columns for the engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import Database
from relatum_identity.engine.schema import Columns, Field, Schema, Value
from relatum_identity.settings import Settings

#: What is known of people. Telephone and address are a household's.
FIELDS = (
    Field("name", "name"),
    Field("phone", "phone", shared=True),
    Field("email", "email"),
    Field("birth", "date"),
    Field("address", "address", shared=True),
)
_KINDS = ("phone", "email", "address")
_PEOPLE = "SELECT id, display_name, fields FROM core_customer WHERE kind = 'person'"
_POINTS = (
    "SELECT customer_id, kind, normalised, raw FROM core_contact_point "
    "WHERE kind IN ('phone', 'email', 'address')"
)


class People(msgspec.Struct):
    """Customers and their columns, in one order."""

    ids: list[UUID]
    columns: Columns


def schema_of(settings: Settings) -> Schema:
    """The engine's schema with the company's thresholds."""
    return Schema(FIELDS, auto_from=settings.auto_from, review_from=settings.review_from)


async def read_people(db: Database, birth_field: str, ids: Sequence[UUID] | None = None) -> People:
    """People as the viewer of the moment sees them; all of them when no ids are given."""
    if ids is None:
        people, points = await db.fetch_together(
            (f"{_PEOPLE} ORDER BY id", ()), (f"{_POINTS} ORDER BY customer_id, position", ())
        )
    else:
        people = await db.fetch_in(f"{_PEOPLE} AND id IN ({{}})", ids)
        points = await db.fetch_in(
            f"{_POINTS} AND customer_id IN ({{}}) ORDER BY position", [row[0] for row in people]
        )
    return _columns(people, points, birth_field)


def _columns(
    people: Sequence[tuple[Any, ...]], points: Sequence[tuple[Any, ...]], birth_field: str
) -> People:
    reach: dict[UUID, dict[str, list[str]]] = {}
    for customer, kind, normalised, raw in points:
        reach.setdefault(customer, {}).setdefault(kind, []).append(normalised or raw)
    columns: dict[str, list[Value]] = {each.name: [] for each in FIELDS}
    for id, name, fields in people:
        columns["name"].append(name)
        columns["birth"].append(_birth(fields, birth_field))
        known = reach.get(id, {})
        for kind in _KINDS:
            columns[kind].append(known.get(kind) or None)
    return People([row[0] for row in people], dict(columns))


def _birth(fields: Any, key: str) -> str | None:
    """The date of a customer's fields; one database gives JSON as text, the other parsed."""
    if isinstance(fields, str):
        if key not in fields:
            return None
        fields = msgspec.json.decode(fields)
    value = fields.get(key) if isinstance(fields, dict) else None
    if isinstance(value, dt.date):
        return value.isoformat()
    return value if isinstance(value, str) else None
