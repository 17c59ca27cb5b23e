"""Reading customers with everything that belongs to them, in one statement."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from relatum.customers.types import ContactPoint, Customer, CustomerQuery
from relatum.db.pages import PageQuery, paginate, sort_from
from relatum.values.email import normalise_email
from relatum.values.phone import normalise_phone
from relatum.values.text import fold

SORTS: dict[str, tuple[str, type[Any]]] = {
    "display_name": ("sort_key", str),
    "created_at": ("created_at", dt.datetime),
    "updated_at": ("updated_at", dt.datetime),
}
#: index in the selected columns of the value each column sorts by
SORT_VALUE = {"sort_key": 7, "created_at": 5, "updated_at": 6}

# What belongs to a customer comes as JSON inside the row: one statement, and the rows are taken
# apart by msgspec instead of by a converter for every value.
_SQLITE = """
SELECT id, kind, display_name, fields, version, created_at, updated_at, sort_key, owner_id, team_id,
 (SELECT json_group_array(json_object('id', p.id, 'kind', p.kind, 'raw', p.raw,
    'normalised', p.normalised, 'label', p.label, 'primary', p.is_primary,
    'verified_at', p.verified_at))
  FROM (SELECT * FROM core_contact_point WHERE customer_id = c.id ORDER BY position) p),
 (SELECT json_group_array(r.role)
  FROM (SELECT role FROM core_customer_role WHERE customer_id = c.id ORDER BY id) r),
 (SELECT json_group_array(t.tag)
  FROM (SELECT tag FROM core_customer_tag WHERE customer_id = c.id ORDER BY id) t),
 (SELECT json_group_object(e.source, e.external_id)
  FROM (SELECT source, external_id FROM core_external_id WHERE customer_id = c.id ORDER BY id) e)"""
_POSTGRESQL = """
SELECT id, kind, display_name, fields, version, created_at, updated_at, sort_key, owner_id, team_id,
 (SELECT json_agg(json_build_object('id', p.id, 'kind', p.kind, 'raw', p.raw,
    'normalised', p.normalised, 'label', p.label, 'primary', p.is_primary,
    'verified_at', p.verified_at) ORDER BY p.position)
  FROM core_contact_point p WHERE p.customer_id = c.id),
 (SELECT json_agg(r.role ORDER BY r.id) FROM core_customer_role r WHERE r.customer_id = c.id),
 (SELECT json_agg(t.tag ORDER BY t.id) FROM core_customer_tag t WHERE t.customer_id = c.id),
 (SELECT json_object_agg(e.source, e.external_id ORDER BY e.id)
  FROM core_external_id e WHERE e.customer_id = c.id)"""
#: everything of a customer, to be selected from ``core_customer c``
COLUMNS = {
    "sqlite": " ".join(_SQLITE.split()),
    "postgresql": " ".join(_POSTGRESQL.split()),
}
SELECT = {kind: f"{columns} FROM core_customer c" for kind, columns in COLUMNS.items()}

_decode_fields = msgspec.json.Decoder(dict[str, Any]).decode
# SQLite has no truth values in JSON: 0 and 1 are read as such.
_decode_points = msgspec.json.Decoder(list[ContactPoint], strict=False).decode
_decode_words = msgspec.json.Decoder(list[str]).decode
_decode_external = msgspec.json.Decoder(dict[str, str]).decode


def customer_of(row: tuple[Any, ...]) -> Customer:
    """A selected row as a :class:`Customer`."""
    (id, kind, name, fields, version, created, updated, _, owner, team, *children) = row
    points, roles, tags, external = children
    return Customer(
        id=id,
        kind=kind,
        display_name=name,
        roles=_decode_words(roles) if roles else [],
        tags=_decode_words(tags) if tags else [],
        contact_points=_decode_points(points) if points else [],
        fields=_decode_fields(fields),
        external_ids=_decode_external(external) if external else {},
        version=version,
        created_at=created,
        updated_at=updated,
        owner=owner,
        team=team,
    )


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
    where = conditions_of(query, country=country, kind=kind)
    return paginate(
        SELECT[kind],
        where.sql,
        where.params,
        sort=sort_from(query.sort, SORTS),
        id_column="id",
        limit=query.limit,
        cursor=query.cursor,
    )


def conditions_of(query: CustomerQuery, *, country: str, kind: str) -> Conditions:
    """The filters of a query, over the columns of ``core_customer``."""
    where = Conditions()
    for word in fold(query.q).split():
        where.add("search LIKE ? ESCAPE '\\'", f"%{_escaped(word)}%")
    for column, value in (
        ("kind", query.kind),
        ("owner_id", query.owner),
        ("team_id", query.team),
    ):
        if value:
            where.add(f"{column} = ?", value)
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
    for key, text in query.fields.items():
        column = f"(fields::json ->> '{key}')" if kind == "postgresql" else f"fields ->> '{key}'"
        where.add(f"CAST({column} AS TEXT) = ?", text)
    return where


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
