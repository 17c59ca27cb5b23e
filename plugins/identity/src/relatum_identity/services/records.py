"""Customers as columns for the engine: people, and organisations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, get_args
from uuid import UUID

import msgspec

from relatum.api import Database
from relatum_identity.engine.schema import Columns, Field, Schema, Value
from relatum_identity.settings import Settings
from relatum_identity.types import Kind, Sought

KINDS: tuple[Kind, ...] = get_args(Kind)
#: What is known of people. Telephone and address are a household's.
FIELDS = (
    Field("name", "name"),
    Field("phone", "phone", shared=True),
    Field("email", "email"),
    Field("birth", "date"),
    Field("address", "address", shared=True),
)
#: What is known of organisations. A group shares its site, a building its address.
ORGANISATION_FIELDS = (
    Field("name", "firm"),
    Field("tax", "tax"),
    Field("domain", "domain", shared=True),
    Field("phone", "phone", shared=True),
    Field("address", "address", shared=True),
)
_FIELDS = {"person": FIELDS, "organisation": ORGANISATION_FIELDS}
#: Kinds of contact points by the column that they fill.
_REACH = {
    "phone": ("phone",),
    "email": ("email",),
    "address": ("address",),
    "domain": ("email", "website"),
}
_CUSTOMERS = "SELECT id, display_name, fields FROM core_customer WHERE kind = ?"
_SOME = "SELECT id, display_name, fields, kind FROM core_customer WHERE id IN ({})"
_POINTS = (
    "SELECT customer_id, kind, normalised, raw FROM core_contact_point "
    "WHERE kind IN ('phone', 'email', 'address', 'website')"
)
Row = tuple[Any, ...]


class Records(msgspec.Struct):
    """Customers of one kind and their columns, in one order."""

    ids: list[UUID]
    columns: Columns


def schema_of(settings: Settings, kind: Kind = "person") -> Schema:
    """The engine's schema with the company's thresholds."""
    return Schema(_FIELDS[kind], auto_from=settings.auto_from, review_from=settings.review_from)


def columns_of(sought: Sequence[Sought], kind: Kind) -> Columns:
    """Drafts as the engine wants them."""
    columns: dict[str, list[Value]] = {each.name: [] for each in _FIELDS[kind]}
    for each in sought:
        reach: dict[str, list[str]] = {}
        for point in each.contact_points:
            reach.setdefault(point.kind, []).append(point.raw)
        birth = each.birth.isoformat() if each.birth else None
        _add(columns, each.display_name, reach, {"birth": birth, "tax": each.tax_code or None})
    return dict(columns)


async def read_records(
    db: Database, settings: Settings, kind: Kind, ids: Sequence[UUID] | None = None
) -> Records:
    """Customers of a kind as the viewer of the moment sees them; all when no ids are given."""
    if ids is None:
        rows, points = await db.fetch_together(
            (f"{_CUSTOMERS} ORDER BY id", (kind,)),
            (f"{_POINTS} ORDER BY customer_id, position", ()),
        )
        return _columns(rows, points, settings, kind)
    return (await read_some(db, settings, ids))[kind]


async def read_some(db: Database, settings: Settings, ids: Sequence[UUID]) -> dict[Kind, Records]:
    """These customers by kind, each in the order of ids."""
    some = sorted(ids)
    found = await db.fetch_in(_SOME, some)
    points = await db.fetch_in(f"{_POINTS} AND customer_id IN ({{}}) ORDER BY position", some)
    rows = sorted(found, key=lambda row: row[0])
    return {
        kind: _columns([row for row in rows if row[3] == kind], points, settings, kind)
        for kind in KINDS
    }


def _columns(
    customers: Sequence[Row], points: Sequence[Row], settings: Settings, kind: Kind
) -> Records:
    reach: dict[UUID, dict[str, list[str]]] = {}
    for customer, point, normalised, raw in points:
        reach.setdefault(customer, {}).setdefault(point, []).append(normalised or raw)
    columns: dict[str, list[Value]] = {each.name: [] for each in _FIELDS[kind]}
    for row in customers:
        fields = _fields(row[2])
        known = {
            "birth": text_of(fields.get(settings.birth_field)),
            "tax": text_of(fields.get(settings.tax_field)),
        }
        _add(columns, row[1], reach.get(row[0], {}), known)
    return Records([row[0] for row in customers], dict(columns))


def _add(
    columns: dict[str, list[Value]],
    name: str,
    reach: dict[str, list[str]],
    known: dict[str, str | None],
) -> None:
    for column, values in columns.items():
        if column == "name":
            values.append(name)
        elif column in known:
            values.append(known[column])
        else:
            some = [raw for kind in _REACH[column] for raw in reach.get(kind, ())]
            values.append(some or None)


def _fields(fields: Any) -> dict[str, Any]:
    """Custom fields; one database gives JSON as text, the other parsed."""
    if isinstance(fields, str):
        fields = msgspec.json.decode(fields) if len(fields) > 2 else {}
    return fields if isinstance(fields, dict) else {}


def text_of(value: Any) -> str | None:
    """A custom field as text; ``None`` for what is no text, number or day."""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None
