"""Reading customers with everything that belongs to them, in one statement."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from relatum.customers.types import ContactPoint, Customer, CustomerQuery
from relatum.customers.wording import Term, escaped, patterns_of, spellings_of, terms_of
from relatum.db.database import marks
from relatum.db.pages import PageQuery, Sort, paginate, sort_from
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
    """The statement for the customers of one page, in any order.

    Args:
        country: how a phone number in the filter is read.
        kind: of the database (``sqlite`` or ``postgresql``), for looking into JSON.
    """
    where = conditions_of(query, country=country, kind=kind)
    page = paginate(
        "SELECT id AS k FROM core_customer c",
        where.sql,
        where.params,
        sort=sort_from(query.sort, SORTS),
        id_column="id",
        limit=query.limit,
        cursor=query.cursor,
    )
    # What belongs to a customer is read for those of the page alone, also where more are sorted.
    return msgspec.structs.replace(page, sql=whole(page.sql, kind))


def whole(ids: str, kind: str) -> str:
    """Everything of the customers that a statement finds as ``k``, in any order."""
    return f"{COLUMNS[kind]} FROM ({ids}) page CROSS JOIN core_customer c WHERE c.id = page.k"


def in_order(rows: list[tuple[Any, ...]], sort: Sort) -> None:
    """Order rows as a list has them: cheaper than to have the database sort what it has found."""
    place = SORT_VALUE[sort.column]
    rows.sort(key=lambda row: (row[place], row[0]), reverse=sort.descending)


def conditions_of(
    query: CustomerQuery, *, country: str, kind: str, by_index: bool = False
) -> Conditions:
    """The filters of a query, over the columns of ``core_customer c``.

    Args:
        by_index: everybody who fits is wanted, so that an index of words may be used; a page in
            the order of a list is found sooner without.
    """
    where = Conditions()
    _words(query, where, kind, country=country, by_index=by_index)
    for column, value in (
        ("kind", query.kind),
        ("owner_id", query.owner),
        ("team_id", query.team),
    ):
        if value:
            where.add(f"{column} = ?", value)
    if query.ids:
        where.add(f"c.id IN ({marks(len(query.ids))})", *query.ids)
    if query.unowned:
        where.add("owner_id IS NULL")
    _words_of_customers(query, where)
    _reached_by(query, country, where)
    _times(query, where)
    _fields(query, kind, where)
    return where


#: Of PostgreSQL, without the index. The planner takes it to be true of a third of all rows, and so
#: walks along the order of a list instead of sorting everybody; it is sooner done than LIKE, too.
_CONTAINS = "strpos({column}, ?) > 0"
#: Shorter words have no trigram: PostgreSQL would read the whole index for them, and everybody too.
SHORTEST_INDEXED = 3


def _words(
    query: CustomerQuery, where: Conditions, kind: str, *, country: str, by_index: bool
) -> None:
    exact = isinstance(query, Planned) and query.exact
    begun = _begun(query.q, where, kind, by_index=by_index) if exact else []
    for term in terms_of(query.q, country):
        if term in begun:
            continue
        parts = [part for choice in term.choices for part in choice]
        plain = kind == "sqlite" or (
            by_index and all(len(part) >= SHORTEST_INDEXED for part in parts)
        )
        each = "search LIKE ? ESCAPE '\\'" if plain else _CONTAINS.format(column="search")
        choices = [" AND ".join([each] * len(choice)) for choice in term.choices]
        looked_for = (f"%{escaped(part)}%" if plain else part for part in parts)
        where.add(f"({' OR '.join(choices)})", *looked_for)
    if query.marked is not None:
        _marks(query.q, query.marked, where)
    if isinstance(query, Planned) and query.exact is not None:
        _spelled(query.q, query.exact, where, kind)


def _begun(text: str, where: Conditions, kind: str, *, by_index: bool) -> list[Term]:
    """Words that stand in a name as they were typed begin a word of the folded name: that is looked
    at sooner than everything that a customer is found by. These words need no other look."""
    begun = []
    for word in map(fold, spellings_of(text)):
        # The beginning of a word is a trigram by itself, however short it is.
        if kind == "sqlite" or (by_index and word[:1].isalnum()):
            each = "search_name LIKE ? ESCAPE '\\'"
            where.add(f"({each} OR {each})", f"{escaped(word)}%", f"% {escaped(word)}%")
        else:
            where.add(_CONTAINS.format(column="(' ' || search_name)"), f" {word}")
        begun.append(Term(((word,),)))
    return begun


def spelled(text: str, kind: str) -> tuple[str, list[Any]]:
    """The condition that a name has every word as it was typed, and its parameters."""
    found = Conditions()
    _spelled(text, True, found, kind)
    return " AND ".join(found.sql), found.params


def _spelled(text: str, wanted: bool, where: Conditions, kind: str) -> None:
    """Names in which words begin as they were typed, or the others."""
    like = "display_name GLOB ?" if kind == "sqlite" else "display_name LIKE ? ESCAPE '\\'"
    found = Conditions()
    for word in spellings_of(text):
        patterns = patterns_of(word, kind)
        each = " OR ".join([like] * len(patterns))
        found.add(f"({each})", *patterns)
    if found.sql:
        joined = " AND ".join(found.sql)
        where.add(joined if wanted else f"NOT ({joined})", *found.params)


class Planned(CustomerQuery, kw_only=True, frozen=True):
    """A query of which more is known than was asked.

    Attributes:
        rare: which of tag and role few customers have: these are looked up, the others met on the
            way.
        exact: names in which every word of the search stands as it was typed, or only the others.
    """

    rare: frozenset[str] = frozenset()
    exact: bool | None = None


def known(query: CustomerQuery) -> Planned:
    """The query as one of which more may be known."""
    if isinstance(query, Planned):
        return query
    return Planned(**msgspec.structs.asdict(query))


#: By field of a query: the table and its column.
WORDS = {"role": ("core_customer_role", "role"), "tag": ("core_customer_tag", "tag")}


def _words_of_customers(query: CustomerQuery, where: Conditions) -> None:
    for field, (table, column) in WORDS.items():
        value = getattr(query, field)
        if not value:
            continue
        if not isinstance(query, Planned) or field in query.rare:
            where.among(table, f"{column} = ?", value)
        else:
            where.add(
                f"EXISTS (SELECT 1 FROM {table} w "  # noqa: S608 - names of our own
                f"WHERE w.customer_id = c.id AND w.{column} = ?)",
                value,
            )


def _reached_by(query: CustomerQuery, country: str, where: Conditions) -> None:
    if query.phone:
        number = normalise_phone(query.phone, country).e164 or query.phone
        where.among("core_contact_point", "normalised = ? AND kind = 'phone'", number)
    if query.email:
        address = (normalise_email(query.email).address or query.email).lower()
        where.among("core_contact_point", "normalised = ? AND kind = 'email'", address)
    if query.external_id:
        where.among("core_external_id", "source = ? AND external_id = ?", *query.external_id)


def _marks(text: str, wanted: bool, where: Conditions) -> None:
    found = Conditions()
    for word in [each for each in spellings_of(text.casefold()) if fold(each) != each]:
        # Neither database folds the case of these letters for us in every locale.
        spellings = dict.fromkeys((word, word.capitalize(), word.upper()))
        each = " OR ".join("display_name LIKE ? ESCAPE '\\'" for _ in spellings)
        found.add(f"({each})", *(f"%{escaped(spelling)}%" for spelling in spellings))
    if found.sql:
        joined = " AND ".join(found.sql)
        where.add(joined if wanted else f"NOT ({joined})", *found.params)


def _fields(query: CustomerQuery, kind: str, where: Conditions) -> None:
    """Keys are those of declared fields: plain identifiers."""
    for key, text in query.fields.items():
        where.add(f"{_field_text(key, kind)} = ?", text)
    for sign, bounds in ((">=", query.field_from), ("<=", query.field_until)):
        for key, text in bounds.items():
            number = _number(text)
            value = _field_text(key, kind)
            if number is None:
                where.add(f"{value} {sign} ?", text)
                continue
            if kind == "postgresql":
                # A mask is no number, and must not be an error either.
                value = f"CASE WHEN {value} ~ '^-?[0-9.]+$' THEN CAST({value} AS NUMERIC) END"
            else:
                value = f"CAST({value} AS NUMERIC)"
            where.add(f"{value} {sign} CAST(CAST(? AS TEXT) AS NUMERIC)", str(number))


def _field_text(key: str, kind: str) -> str:
    column = f"(c.fields::json ->> '{key}')" if kind == "postgresql" else f"c.fields ->> '{key}'"
    return f"CAST({column} AS TEXT)"


def _number(text: str) -> Decimal | None:
    """A bound as a number; days are compared as texts."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


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
    if query.quiet_since is not None:
        where.add(
            "NOT EXISTS (SELECT 1 FROM core_interaction i "
            "WHERE i.customer_id = c.id AND i.occurred_at >= ?)",
            query.quiet_since,
        )
