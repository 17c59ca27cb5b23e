"""One page of the customers that somebody sees, at the cost of a page of all of them.

Who sees a part of the customers sees them for a few reasons: they belong to an account, to a team,
or fit a rule. For each reason an index has them in every order of lists, so a page is merged from
the beginnings of a few ranges, and what belongs to the page's customers is read for them alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from relatum.access.sight.compiling import SightGuard, Source, sources_of
from relatum.customers import reading
from relatum.customers.reading import Conditions
from relatum.customers.types import CustomerQuery
from relatum.db.columns import CUSTOMER_TABLE
from relatum.db.database import marks
from relatum.db.guarding import current_guard, guarded_by
from relatum.db.pages import PageQuery, Sort, from_cursor, paginate, sort_from

if TYPE_CHECKING:
    from relatum.db.database import Database, Rows

#: With more reasons than this (SQLite takes no more than 500), customers are looked at in the order
#: of the list until the page is full.
MOST_RANGES = 200
#: what the values of each kind of source are in PostgreSQL
_TYPES = {"owner": "UUID", "team": "UUID", "rule": "INTEGER"}

Values = Mapping[str, Sequence[Any]]


@contextlib.contextmanager
def details_only() -> Iterator[None]:
    """Mask as ever, but hide nothing: for customers whom the viewer is known to see."""
    guard = current_guard()
    if isinstance(guard, SightGuard) and not guard.sight.everything:
        guard = guard.details
    with guarded_by(guard):
        yield


async def page_of(db: Database, query: CustomerQuery, *, country: str) -> tuple[Rows, PageQuery]:
    """The rows of one page, one more than asked for when there are more.

    Raises:
        InvalidInput: an unknown sort order, or a foreign cursor.
    """
    guard = current_guard()
    if not isinstance(guard, SightGuard) or guard.sight.everything or _names_few(query):
        asked = reading.page_query(query, country=country, kind=db.kind)
        return await db.fetch(asked.sql, *asked.params), asked
    sources = sources_of(guard.sight)
    masked = guard.details is not None and CUSTOMER_TABLE in guard.details.shadows
    asked = ranged_query(query, sources, country=country, kind=db.kind, masked=masked)
    if not sources:
        return [], asked
    with details_only():
        found = await db.fetch(asked.sql, *asked.params)
    place = reading.SORT_VALUE[asked.sort.column]
    # Cheaper than to have the database sort rows that it has just found in their order.
    found.sort(key=lambda row: (row[place], row[0]), reverse=asked.sort.descending)
    return found, asked


def _names_few(query: CustomerQuery) -> bool:
    """Whether a filter leaves few customers, which are then looked at one by one."""
    return bool(query.phone or query.email or query.external_id)


def ranged_query(
    query: CustomerQuery,
    sources: Sequence[Source],
    *,
    country: str,
    kind: str,
    masked: bool = False,
) -> PageQuery:
    """The statement for the customers of one page, in any order.

    Args:
        sources: why customers are seen.
        kind: of the database.
        masked: whether a shadow stands in for the table of customers.

    Raises:
        InvalidInput: an unknown sort order, or a foreign cursor.
    """
    where = reading.conditions_of(query, country=country, kind=kind)
    with_rules = any(source.kind == "rule" for source in sources)
    if len(sources) > MOST_RANGES or (len(sources) == 1 and not with_rules):
        return _in_order(query, sources, where, kind)
    sort = sort_from(query.sort, reading.SORTS)
    # SQLite finds a row by its number in half the time that it takes by its key.
    numbered = kind == "sqlite" and not masked and not with_rules
    page, params = _page(query, sources, where, sort, kind, numbered=numbered)
    join = "c.rowid = page.r" if numbered else "c.id = page.k"
    sql = f"{reading.COLUMNS[kind]} FROM ({page}) page CROSS JOIN core_customer c WHERE {join}"
    return PageQuery(sql=sql, params=params, limit=query.limit, sort=sort)


def _in_order(
    query: CustomerQuery, sources: Sequence[Source], where: Conditions, kind: str
) -> PageQuery:
    """The customers in the order of the list, those of the sources taken out on the way."""
    # One value may be looked up in its index, which has the order too. With many a sign keeps
    # SQLite from doing so, and from sorting all that it finds.
    sign = "+" if kind == "sqlite" and len(sources) > 1 else ""
    seen = {
        "owner": f"{sign}owner_id IN ({{}})",
        "team": f"{sign}team_id IN ({{}})",
        "rule": "EXISTS (SELECT 1 FROM core_rule_member m "
        "WHERE m.customer_id = c.id AND m.rule_id IN ({}))",
    }
    values = {name: [each.value for each in sources if each.kind == name] for name in seen}
    conditions = [seen[name].format(marks(len(some))) for name, some in values.items() if some]
    return paginate(
        reading.SELECT[kind],
        [*where.sql, f"({' OR '.join(conditions)})"],
        [*where.params, *(value for some in values.values() for value in some)],
        sort=sort_from(query.sort, reading.SORTS),
        id_column="id",
        limit=query.limit,
        cursor=query.cursor,
    )


def _page(
    query: CustomerQuery,
    sources: Sequence[Source],
    where: Conditions,
    sort: Sort,
    kind: str,
    *,
    numbered: bool,
) -> tuple[str, list[Any]]:
    """The keys of the page (``k``) with their sort values (``v``) and row numbers (``r``)."""
    direction = " DESC" if sort.descending else ""
    order = f"ORDER BY v{direction}, k{direction} LIMIT ?"
    values = {name: [s.value for s in sources if s.kind == name] for name in _TYPES}
    if kind == "postgresql":
        union, params = _beginnings(query, values, where, sort, order)
    else:
        union, params = _merged(query, values, where, sort, numbered=numbered)
    return f"{union} {order}", [*params, query.limit + 1]


def _merged(
    query: CustomerQuery, values: Values, where: Conditions, sort: Sort, *, numbered: bool
) -> tuple[str, list[Any]]:
    """SQLite merges what indexes yield in order, and stops when the page is full."""
    parts: list[str] = []
    params: list[Any] = []
    for source, some in values.items():
        sql, each = _range(query, source, where, sort, number=", rowid AS r" if numbered else "")
        parts += [sql] * len(some)
        params += [param for value in some for param in (value, *each)]
    return " UNION ".join(parts), params


def _beginnings(
    query: CustomerQuery, values: Values, where: Conditions, sort: Sort, order: str
) -> tuple[str, list[Any]]:
    """PostgreSQL reads every part to its end, so each ends with the page; and it plans each part
    anew, so there is one for all values of a kind.
    """
    parts: list[str] = []
    params: list[Any] = []
    for source, some in values.items():
        if some:
            sql, each = _range(query, source, where, sort, equals="s.value")
            parts.append(
                f"(SELECT x.v, x.k FROM unnest(CAST(? AS {_TYPES[source]}[])) s(value) "  # noqa: S608 - our own
                f"CROSS JOIN LATERAL ({sql} {order}) x)"
            )
            params += [some, *each, query.limit + 1]
    return " UNION ".join(parts), params


def _range(
    query: CustomerQuery,
    source: str,
    where: Conditions,
    sort: Sort,
    *,
    number: str = "",
    equals: str = "?",
) -> tuple[str, list[Any]]:
    """The customers of one source from the cursor on, without order and end.

    Args:
        number: one more column.
        equals: the value that says which source; its parameter is not among those returned.
    """
    if source == "rule":
        select = f"SELECT {sort.column} AS v, customer_id AS k FROM core_rule_member"  # noqa: S608 - our own
        id_column, conditions = "customer_id", [f"rule_id = {equals}"]
        if where.sql:
            conditions.append(
                "EXISTS (SELECT 1 FROM core_customer "  # noqa: S608 - our own
                f"WHERE id = customer_id AND {' AND '.join(where.sql)})"
            )
    else:
        select = f"SELECT {sort.column} AS v, id AS k{number} FROM core_customer"  # noqa: S608 - our own
        id_column, conditions = "id", [f"{source}_id = {equals}", *where.sql]
    return from_cursor(
        select, conditions, where.params, sort=sort, id_column=id_column, cursor=query.cursor
    )
