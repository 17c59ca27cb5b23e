"""One page of the customers that somebody sees, at the cost of a page of all of them.

Who sees a part of the customers sees them for a few reasons: they belong to an account, to a team,
or fit a rule. For each reason an index has them in every order of lists, so a page is merged from
the beginnings of a few ranges, and what belongs to the page's customers is read for them alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from relatum.access.sight.compiling import SightGuard, Source, sources_of
from relatum.customers import reading
from relatum.customers.reading import Conditions
from relatum.customers.types import CustomerQuery
from relatum.db.guarding import current_guard, guarded_by
from relatum.db.pages import PageQuery, paginate, sort_from

if TYPE_CHECKING:
    from relatum.db.database import Database, Rows

#: With more reasons than this, looking at customers in order until the page is full costs less.
MOST_RANGES = 64


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
    asked = ranged_query(query, sources, country=country, kind=db.kind)
    if not sources:
        return [], asked
    with details_only():
        return await db.fetch(asked.sql, *asked.params), asked


def _names_few(query: CustomerQuery) -> bool:
    """Whether a filter leaves few customers, which are then looked at one by one."""
    return bool(query.phone or query.email or query.external_id)


def ranged_query(
    query: CustomerQuery, sources: Sequence[Source], *, country: str, kind: str
) -> PageQuery:
    """The statement for one page of the customers of these sources."""
    where = reading.conditions_of(query, country=country, kind=kind)
    ranges = [_range(query, source, where) for source in sources]
    sort = sort_from(query.sort, reading.SORTS)
    direction = " DESC" if sort.descending else ""
    # Each range is a subquery: only there may it have its own order and limit.
    parts = " UNION ".join(f"SELECT v, k FROM ({each.sql}) r{n}" for n, each in enumerate(ranges))  # noqa: S608 - our own
    page = f"{parts} ORDER BY v{direction}, k{direction} LIMIT ?"
    sql = (
        f"{reading.COLUMNS[kind]} FROM ({page}) page "
        f"CROSS JOIN core_customer c WHERE c.id = page.k ORDER BY v{direction}, k{direction}"
    )
    params: list[Any] = [param for each in ranges for param in each.params]
    return PageQuery(sql=sql, params=[*params, query.limit + 1], limit=query.limit, sort=sort)


def _range(query: CustomerQuery, source: Source, where: Conditions) -> PageQuery:
    """The beginning of one source's customers in the order of the list."""
    sort = sort_from(query.sort, reading.SORTS)
    if source.kind == "rule":
        table, id_column, conditions = "core_rule_member m", "m.customer_id", ["m.rule_id = ?"]
        column = f"m.{sort.column}"
        if where.sql:
            filters = " AND ".join(where.sql)
            conditions.append(
                f"EXISTS (SELECT 1 FROM core_customer WHERE id = m.customer_id AND {filters})"  # noqa: S608 - our own
            )
    else:
        table, id_column = "core_customer", "id"
        column = sort.column
        conditions = [f"{source.kind}_id = ?", *where.sql]
    return paginate(
        f"SELECT {column} AS v, {id_column} AS k FROM {table}",  # noqa: S608 - our own
        conditions,
        [source.value, *where.params],
        sort=sort,
        id_column=id_column,
        limit=query.limit,
        cursor=query.cursor,
    )
