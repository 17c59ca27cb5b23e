"""One page of the customers that somebody sees, at the cost of a page of all of them.

Who sees a part of the customers sees them for a few reasons: they belong to an account, to a team,
or fit a rule. For each reason an index has them in every order of lists, so a page is merged from
the beginnings of a few ranges, and what belongs to the page's customers is read for them alone.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from relatum.access.sight.compiling import SightGuard, Source, sources_of
from relatum.customers import reading
from relatum.customers.reading import Conditions
from relatum.customers.types import CustomerQuery
from relatum.db.columns import CUSTOMER_TABLE
from relatum.db.database import marks
from relatum.db.guarding import current_guard, guarded_by
from relatum.db.pages import PageQuery, Sort, beyond, paginate, sort_from, values_of

if TYPE_CHECKING:
    from relatum.access.viewer import Sight
    from relatum.db.database import Database, Rows

#: With more reasons than this (SQLite takes no more than 500), customers are looked at in the order
#: of the list until the page is full.
MOST_RANGES = 200
#: From this many on it is tried first whether the page is among the first rows of the whole list:
#: who sees so much often sees most.
MANY = 12
LOOKED_AT = 200
#: for so many seconds it is remembered that it was not
REMEMBERED = 60.0
MOST_REMEMBERED = 1_000
_INDEXES = {
    "sort_key": "core_customer_by_name",
    "created_at": "core_customer_by_created",
    "updated_at": "core_customer_by_updated",
}
#: what the values of each kind of source are in PostgreSQL
_TYPES = {"owner": "UUID", "team": "UUID", "rule": "INTEGER"}


@contextlib.contextmanager
def details_only() -> Iterator[None]:
    """Mask as ever, but hide nothing: for customers whom the viewer is known to see."""
    guard = current_guard()
    if isinstance(guard, SightGuard) and not guard.sight.everything:
        guard = guard.details
    with guarded_by(guard):
        yield


class Thin:
    """Who was found to see too little for a page among the first rows; forgotten in a while."""

    def __init__(self) -> None:
        self._until: dict[Sight, float] = {}

    def __contains__(self, sight: Sight) -> bool:
        return self._until.get(sight, 0.0) > time.monotonic()

    def add(self, sight: Sight) -> None:
        if len(self._until) >= MOST_REMEMBERED:
            self._until.clear()
        self._until[sight] = time.monotonic() + REMEMBERED


async def page_of(
    db: Database, query: CustomerQuery, *, country: str, thin: Thin
) -> tuple[Rows, PageQuery]:
    """The rows of one page, one more than asked for when there are more.

    Raises:
        InvalidInput: an unknown sort order, or a foreign cursor.
    """
    guard = current_guard()
    if not isinstance(guard, SightGuard) or guard.sight.everything or _names_few(query):
        asked = reading.page_query(query, country=country, kind=db.kind)
        found = await db.fetch(asked.sql, *asked.params)
        reading.in_order(found, asked.sort)
        return found, asked
    sources = sources_of(guard.sight)
    masked = guard.details is not None and CUSTOMER_TABLE in guard.details.shadows
    asked = ranged_query(query, sources, country=country, kind=db.kind, masked=masked)
    if not sources:
        return [], asked
    found = []
    with details_only():
        if len(sources) >= MANY and _may_be_first(query) and guard.sight not in thin:
            first = _first_rows(query, sources, db.kind)
            found = await db.fetch(first.sql, *first.params)
            if len(found) <= query.limit:
                thin.add(guard.sight)
        if len(found) <= query.limit:
            found = await db.fetch(asked.sql, *asked.params)
    reading.in_order(found, asked.sort)
    return found, asked


def _may_be_first(query: CustomerQuery) -> bool:
    """Whether nothing is filtered and the page is a part of what is looked at."""
    plain = CustomerQuery(sort=query.sort, limit=query.limit, cursor=query.cursor)
    return query == plain and 2 * query.limit <= LOOKED_AT


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
    values = {name: [s.value for s in sources if s.kind == name] for name in _TYPES}
    each = [*where.params, *(values_of(query.cursor, sort, "id") if query.cursor else [])]
    page = _Page(
        sort=sort,
        where=tuple(where.sql),
        counts=tuple(len(some) for some in values.values()),
        follows=query.cursor is not None,
        masked=masked,
    )
    if kind == "postgresql":
        sql = page.postgresql()
        params = [p for some in values.values() if some for p in (some, *each, query.limit + 1)]
    else:
        sql = page.sqlite()
        params = [p for some in values.values() for value in some for p in (value, *each)]
    return PageQuery(sql=sql, params=[*params, query.limit + 1], limit=query.limit, sort=sort)


def _first_rows(query: CustomerQuery, sources: Sequence[Source], kind: str) -> PageQuery:
    """The page out of the first rows of the list, whoever they belong to."""
    sort = sort_from(query.sort, reading.SORTS)
    first = paginate(
        "SELECT * FROM core_customer",
        [],
        [],
        sort=sort,
        id_column="id",
        limit=LOOKED_AT - 1,
        cursor=query.cursor,
    )
    seen, values = _seen(sources)
    sql = f"{reading.COLUMNS[kind]} FROM ({first.sql}) c WHERE {seen} LIMIT ?"
    return PageQuery(
        sql=sql, params=[*first.params, *values, query.limit + 1], limit=query.limit, sort=sort
    )


def _seen(sources: Sequence[Source], sign: str = "") -> tuple[str, list[Any]]:
    """The condition for customers ``c`` that a source shows, and its parameters."""
    seen = {
        "owner": f"{sign}owner_id IN ({{}})",
        "team": f"{sign}team_id IN ({{}})",
        "rule": "EXISTS (SELECT 1 FROM core_rule_member m "
        "WHERE m.customer_id = c.id AND m.rule_id IN ({}))",
    }
    values = {name: [each.value for each in sources if each.kind == name] for name in seen}
    conditions = [seen[name].format(marks(len(some))) for name, some in values.items() if some]
    params = [value for some in values.values() for value in some]
    return f"({' OR '.join(conditions)})", params


def _in_order(
    query: CustomerQuery, sources: Sequence[Source], where: Conditions, kind: str
) -> PageQuery:
    """The customers in the order of the list, those of the sources taken out on the way."""
    # One value may be looked up in its index, which has the order too. With many a sign keeps
    # SQLite from doing so, and from sorting all that it finds.
    sign = "+" if kind == "sqlite" and len(sources) > 1 else ""
    seen, values = _seen(sources, sign)
    return paginate(
        reading.SELECT[kind],
        [*where.sql, seen],
        [*where.params, *values],
        sort=sort_from(query.sort, reading.SORTS),
        id_column="id",
        limit=query.limit,
        cursor=query.cursor,
    )


class _Page(NamedTuple):
    """What the text of a statement depends on; the texts are kept."""

    sort: Sort
    where: tuple[str, ...]
    #: how many owners, teams and rules
    counts: tuple[int, ...]
    #: whether it begins behind a cursor
    follows: bool
    masked: bool

    @functools.lru_cache(maxsize=512)  # noqa: B019 - of values, not of things that live
    def sqlite(self) -> str:
        """SQLite merges what indexes yield in order, and stops when the page is full."""
        # It finds a row by its number in half the time that it takes by its key.
        numbered = not self.masked and not self.counts[-1]
        number = ", rowid AS r" if numbered else ""
        parts = [
            self._range(source, number=number)
            for source, count in zip(_TYPES, self.counts, strict=True)
            for _ in range(count)
        ]
        union = f"{' UNION '.join(parts)} {self._order()}"
        return f"{reading.COLUMNS['sqlite']} FROM ({union}) page CROSS JOIN {self._join(numbered)}"

    def _join(self, numbered: bool) -> str:
        if numbered:
            return "core_customer c WHERE c.rowid = page.r"
        if self.masked:
            return "core_customer c WHERE c.id = page.k"
        # Neighbours in the order of the list share pages of its index; their keys are far apart.
        column = self.sort.column
        return (
            f"core_customer c INDEXED BY {_INDEXES[column]} "
            f"WHERE c.{column} = page.v AND c.id = page.k"
        )

    @functools.lru_cache(maxsize=512)  # noqa: B019 - of values, not of things that live
    def postgresql(self) -> str:
        """PostgreSQL reads every part to its end, so each ends with the page; and it plans each
        part anew, so there is one for all values of a kind.
        """
        parts = [
            f"(SELECT x.v, x.k FROM unnest(CAST(? AS {type_}[])) s(value) "  # noqa: S608 - our own
            f"CROSS JOIN LATERAL ({self._range(source, equals='s.value')} {self._order()}) x)"
            for (source, type_), count in zip(_TYPES.items(), self.counts, strict=True)
            if count
        ]
        union = f"{' UNION '.join(parts)} {self._order()}"
        return (
            f"{reading.COLUMNS['postgresql']} FROM ({union}) page "
            "CROSS JOIN core_customer c WHERE c.id = page.k"
        )

    def _order(self) -> str:
        direction = " DESC" if self.sort.descending else ""
        return f"ORDER BY v{direction}, k{direction} LIMIT ?"

    def _range(self, source: str, *, number: str = "", equals: str = "?") -> str:
        """The customers of one source from the cursor on, without order and end: their keys
        (``k``), sort values (``v``) and one more column.
        """
        column = self.sort.column
        if source == "rule":
            select = f"SELECT {column} AS v, customer_id AS k FROM core_rule_member"  # noqa: S608 - our own
            id_column, conditions = "customer_id", [f"rule_id = {equals}"]
            if self.where:
                conditions.append(
                    "EXISTS (SELECT 1 FROM core_customer c "  # noqa: S608 - our own
                    f"WHERE c.id = customer_id AND {' AND '.join(self.where)})"
                )
        else:
            select = f"SELECT {column} AS v, id AS k{number} FROM core_customer c"  # noqa: S608 - our own
            id_column, conditions = "id", [f"{source}_id = {equals}", *self.where]
        if self.follows:
            conditions.append(beyond(self.sort, id_column))
        return f"{select} WHERE {' AND '.join(conditions)}"
