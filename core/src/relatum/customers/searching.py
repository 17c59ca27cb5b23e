"""Finding few among many: who fits a search, how many they are, and their pages.

A search that fits few customers is answered from those few; one that fits many soon finds a page of
them in the order of the list (:mod:`relatum.customers.ranges`). Which of both it is, one look at
all of them tells, and how many they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from relatum.access.sight.compiling import SightGuard, Source, sources_of
from relatum.customers import reading
from relatum.customers.ranges import MOST_RANGES, details_only
from relatum.customers.reading import Conditions
from relatum.customers.types import CustomerQuery
from relatum.db.guarding import as_the_house, current_guard
from relatum.db.pages import PageQuery, from_cursor, sort_from

if TYPE_CHECKING:
    from relatum.db.database import Database, Rows

#: So many are few.
FEW = 2_000
#: With more reasons to see customers than this, or with rules, all customers are looked at.
MOST_MEMBERS = 4


class Fitting(NamedTuple):
    """Who fits.

    Attributes:
        number: how many; one more than was counted when there are more.
        ids: everybody, when they are few.
        complete: whether those in whose names the search stands as it was typed were all met.
        exact: those, when they are few.
    """

    number: int
    ids: list[UUID] | None
    complete: bool = False
    exact: list[UUID] | None = None


async def planned(db: Database, query: CustomerQuery) -> CustomerQuery:
    """The query with what is known of how many have its tag and its role."""
    asked = [field for field in reading.WORDS if getattr(query, field)]
    if not asked:
        return query
    with as_the_house():
        counts = await db.fetch_together(
            *(
                (_limited_count(*reading.WORDS[field]), (getattr(query, field), FEW + 1))
                for field in asked
            )
        )
    rare = {field for field, [(number,)] in zip(asked, counts, strict=True) if number <= FEW}
    return reading.Planned(**msgspec.structs.asdict(query), rare=frozenset(rare))


def _limited_count(table: str, column: str) -> str:
    return (
        f"SELECT count(*) FROM (SELECT 1 FROM {table} "  # noqa: S608 - names of our own
        f"WHERE {column} = ? LIMIT ?) held"
    )


async def fitting(db: Database, query: CustomerQuery, *, country: str, most: int) -> Fitting:
    """Who fits and is seen by the viewer, counted up to ``most``."""
    gathered, few = _GATHERED[db.kind], min(FEW, most)
    column = f"count(*), CASE WHEN count(*) <= {few} THEN {gathered} END"
    asked = isinstance(query, reading.Planned) and query.exact is not None
    exact, params = ("", []) if asked else reading.spelled(query.q, db.kind)
    if not exact or _looked_through(query) is not None:
        [(number, ids)] = await _found(db, query, column, country=country, most=most)
        return Fitting(int(number), None if number > few else _ids(ids))
    # Those who stand first need no look of their own when everybody is looked at here.
    [(number, ids, first)] = await _found(
        db,
        query,
        f"{column}, CASE WHEN count(*) <= {most} THEN {gathered} FILTER (WHERE exact) END",
        country=country,
        most=most,
        more=(f", ({exact}) AS exact", params),
    )
    met = _ids(first)
    return Fitting(
        int(number),
        None if number > few else _ids(ids),
        complete=number <= most,
        exact=None if number > most or len(met) > few else met,
    )


_GATHERED = {"sqlite": "json_group_array(id)", "postgresql": "array_agg(id)"}


def _ids(gathered: Any) -> list[UUID]:
    if isinstance(gathered, str):
        return msgspec.json.decode(gathered, type=list[UUID])
    return list(gathered or [])


async def exact_ids(db: Database, query: reading.Planned, *, country: str) -> Sequence[UUID] | None:
    """Those of a search that many fit in whose names it stands as it was typed; None when they are
    many too."""
    exact = msgspec.structs.replace(query, exact=True, cursor=None)
    return (await fitting(db, exact, country=country, most=FEW)).ids


async def count_of(db: Database, query: CustomerQuery, *, country: str, most: int) -> int:
    """How many fit and are seen; ``most + 1`` when there are more than ``most``."""
    field = _only_word(query)
    if field and current_guard() is None:
        sql = _limited_count(*reading.WORDS[field])
        [(number,)] = await db.fetch(sql, getattr(query, field), most + 1)
        return int(number)
    [(number,)] = await _found(db, query, "count(*)", country=country, most=most)
    return int(number)


def _only_word(query: CustomerQuery) -> str:
    """``role`` or ``tag``, when nothing else is asked for."""
    for field in reading.WORDS:
        value = getattr(query, field)
        alone = CustomerQuery(
            **{field: value, "sort": query.sort, "limit": query.limit, "cursor": query.cursor}
        )
        plain = {name: getattr(query, name) for name in CustomerQuery.__struct_fields__}
        if value and plain == msgspec.structs.asdict(alone):
            return field
    return ""


async def page_among(
    db: Database, query: CustomerQuery, ids: Sequence[UUID], *, country: str
) -> tuple[Rows, PageQuery]:
    """The rows of one page of these customers, one more than asked for when there are more.

    Raises:
        InvalidInput: an unknown sort order, or a foreign cursor.
    """
    sort = sort_from(query.sort, reading.SORTS)
    where = reading.conditions_of(query, country=country, kind=db.kind)
    among, listed = _among(db.kind, ids)
    # What belongs to a customer is read for those of the page alone.
    inner, params = from_cursor(
        "SELECT id AS k FROM core_customer c",
        [among, *where.sql],
        [listed, *where.params],
        sort=sort,
        id_column="id",
        cursor=query.cursor,
    )
    direction = " DESC" if sort.descending else ""
    ordered = f"{inner} ORDER BY {sort.column}{direction}, id{direction} LIMIT ?"
    sql = reading.whole(ordered, db.kind)
    asked = PageQuery(sql=sql, params=[*params, query.limit + 1], limit=query.limit, sort=sort)
    rows = await db.fetch(asked.sql, *asked.params)
    reading.in_order(rows, sort)
    return rows, asked


def _among(kind: str, ids: Sequence[UUID]) -> tuple[str, Any]:
    """One statement for any number of ids."""
    if kind == "postgresql":
        return "c.id = ANY(CAST(? AS UUID[]))", list(ids)
    return "c.id IN (SELECT value FROM json_each(?))", msgspec.json.encode(ids).decode()


async def _found(
    db: Database,
    query: CustomerQuery,
    column: str,
    *,
    country: str,
    most: int,
    more: tuple[str, Sequence[Any]] = ("", ()),
) -> Rows:
    """A column of those who fit and are seen, at most one more than ``most``.

    Args:
        more: what is selected besides their ids where everybody is looked at, and its parameters.
    """
    sources = _looked_through(query)
    if sources == []:
        return [(0,) if column == "count(*)" else (0, None)]
    if sources is None:
        where = reading.conditions_of(query, country=country, kind=db.kind, by_index=True)
        clause = f" WHERE {' AND '.join(where.sql)}" if where.sql else ""
        inner = f"SELECT id{more[0]} FROM core_customer c{clause} LIMIT ?"  # noqa: S608 - our own
        return await db.fetch(
            f"SELECT {column} FROM ({inner}) found",  # noqa: S608 - our own
            *more[1],
            *where.params,
            most + 1,
        )
    where = reading.conditions_of(query, country=country, kind=db.kind)
    # As soon as one source has too many the rest does not matter.
    parts = [f"SELECT * FROM ({_members(each, where)} LIMIT ?) m" for each in sources]  # noqa: S608
    params = [p for each in sources for p in (each.value, *where.params, most + 1)]
    with details_only():
        return await db.fetch(
            f"SELECT {column} FROM (SELECT * FROM ({' UNION '.join(parts)}) seen LIMIT ?) found",  # noqa: S608 - our own
            *params,
            most + 1,
        )


def _looked_through(query: CustomerQuery) -> list[Source] | None:
    """The reasons to see customers that are looked through; None when everybody is looked at."""
    guard = current_guard()
    if not isinstance(guard, SightGuard) or guard.sight.everything:
        return None
    sources = sources_of(guard.sight)
    return None if _looks_at_all(sources, query) else sources


def _looks_at_all(sources: Sequence[Source], query: CustomerQuery) -> bool:
    if len(sources) > MOST_RANGES:
        return True
    wide = len(sources) > MOST_MEMBERS or any(each.kind == "rule" for each in sources)
    return wide and bool(query.q or query.phone or query.email or query.external_id)


def _members(source: Source, where: Conditions) -> str:
    """The customers of one source, in no order."""
    if source.kind != "rule":
        conditions = " AND ".join([f"{source.kind}_id = ?", *where.sql])
        return f"SELECT id FROM core_customer c WHERE {conditions}"  # noqa: S608 - our own
    members = "SELECT customer_id AS id FROM core_rule_member WHERE rule_id = ?"
    if not where.sql:
        return members
    return (
        f"{members} AND EXISTS (SELECT 1 FROM core_customer c "  # noqa: S608 - our own
        f"WHERE c.id = customer_id AND {' AND '.join(where.sql)})"
    )
