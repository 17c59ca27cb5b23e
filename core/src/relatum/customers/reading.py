"""Reading customers: one statement for the customers, one for each thing that belongs to them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from relatum.customers.types import ContactPoint, Customer, CustomerQuery
from relatum.db.database import Rows, Statement, marks
from relatum.db.pages import PageQuery, paginate, sort_from
from relatum.values.email import normalise_email
from relatum.values.phone import normalise_phone
from relatum.values.text import fold

SELECT = (
    "SELECT id, kind, display_name, fields, version, created_at, updated_at, sort_key "
    "FROM core_customer"
)
SORTS: dict[str, tuple[str, type[Any]]] = {
    "display_name": ("sort_key", str),
    "created_at": ("created_at", dt.datetime),
    "updated_at": ("updated_at", dt.datetime),
}
#: index in SELECT of the value each column sorts by
SORT_VALUE = {"sort_key": 7, "created_at": 5, "updated_at": 6}

CHILDREN = (
    "SELECT customer_id, id, kind, raw, normalised, label, is_primary, verified_at "
    "FROM core_contact_point WHERE customer_id IN ({}) ORDER BY customer_id, position",
    "SELECT customer_id, role FROM core_customer_role WHERE customer_id IN ({}) ORDER BY id",
    "SELECT customer_id, tag FROM core_customer_tag WHERE customer_id IN ({}) ORDER BY id",
    "SELECT customer_id, source, external_id FROM core_external_id "
    "WHERE customer_id IN ({}) ORDER BY id",
)
CHILDREN_OF_ONE = tuple(sql.replace("{}", "?") for sql in CHILDREN)
SELECT_ONE = f"{SELECT} WHERE id = ?"

_decode_fields = msgspec.json.Decoder(dict[str, Any]).decode


def children_of(ids: Sequence[UUID]) -> list[Statement]:
    """The statements for everything that belongs to these customers."""
    if not ids:
        return []
    some = marks(len(ids))
    return [(sql.replace("{}", some), ids) for sql in CHILDREN]


def of_one(id: UUID) -> list[Statement]:
    """The statements for one customer and everything that belongs to it."""
    return [(SELECT_ONE, (id,)), *((sql, (id,)) for sql in CHILDREN_OF_ONE)]


def assemble(rows: Rows, children: Sequence[Rows]) -> list[Customer]:
    """Put customers and what belongs to them together, in the order of ``rows``."""
    points: defaultdict[UUID, list[ContactPoint]] = defaultdict(list)
    roles: defaultdict[UUID, list[str]] = defaultdict(list)
    tags: defaultdict[UUID, list[str]] = defaultdict(list)
    external: defaultdict[UUID, dict[str, str]] = defaultdict(dict)
    if children:
        for customer, id, kind, raw, normalised, label, primary, verified in children[0]:
            points[customer].append(
                ContactPoint(
                    id=id,
                    kind=kind,
                    raw=raw,
                    normalised=normalised,
                    label=label,
                    primary=primary,
                    verified_at=verified,
                )
            )
        for customer, role in children[1]:
            roles[customer].append(role)
        for customer, tag in children[2]:
            tags[customer].append(tag)
        for customer, source, value in children[3]:
            external[customer][source] = value
    return [
        Customer(
            id=id,
            kind=kind,
            display_name=name,
            roles=roles[id],
            tags=tags[id],
            contact_points=points[id],
            fields=_decode_fields(fields),
            external_ids=external[id],
            version=version,
            created_at=created,
            updated_at=updated,
        )
        for id, kind, name, fields, version, created, updated, _ in rows
    ]


class Conditions:
    """Conditions joined by AND, with their parameters."""

    def __init__(self) -> None:
        self.sql: list[str] = []
        self.params: list[Any] = []

    def add(self, sql: str, *params: Any) -> None:
        self.sql.append(sql)
        self.params += params

    def among(self, table: str, condition: str, *params: Any) -> None:
        """Customers that have a row in ``table`` for which ``condition`` holds."""
        self.add(f"id IN (SELECT customer_id FROM {table} WHERE {condition})", *params)  # noqa: S608 - names of our own


def page_query(query: CustomerQuery, *, country: str, kind: str) -> PageQuery:
    """The statement for one page.

    Args:
        country: how a phone number in the filter is read.
        kind: of the database (``sqlite`` or ``postgresql``), for looking into JSON.
    """
    where = Conditions()
    for word in fold(query.q).split():
        where.add("search LIKE ? ESCAPE '\\'", f"%{_escaped(word)}%")
    if query.kind:
        where.add("kind = ?", query.kind)
    if query.role:
        where.among("core_customer_role", "role = ?", query.role)
    if query.tag:
        where.among("core_customer_tag", "tag = ?", query.tag)
    if query.phone:
        number = normalise_phone(query.phone, country).e164 or query.phone
        where.among("core_contact_point", "normalised = ? AND kind = 'phone'", number)
    if query.email:
        address = (normalise_email(query.email).address or query.email).lower()
        where.among("core_contact_point", "normalised = ? AND kind = 'email'", address)
    if query.external_id:
        where.among("core_external_id", "source = ? AND external_id = ?", *query.external_id)
    _times(query, where)
    for key, value in query.fields.items():
        column = f"(fields::json ->> '{key}')" if kind == "postgresql" else f"fields ->> '{key}'"
        where.add(f"CAST({column} AS TEXT) = ?", value)
    return paginate(
        SELECT,
        where.sql,
        where.params,
        sort=sort_from(query.sort, SORTS),
        id_column="id",
        limit=query.limit,
        cursor=query.cursor,
    )


def _times(query: CustomerQuery, where: Conditions) -> None:
    bounds = (
        ("created_at >= ?", query.created_from),
        ("created_at < ?", query.created_before),
        ("updated_at >= ?", query.updated_from),
        ("updated_at < ?", query.updated_before),
    )
    for sql, moment in bounds:
        if moment is not None:
            where.add(sql, moment)


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
