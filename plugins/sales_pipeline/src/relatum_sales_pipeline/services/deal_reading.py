"""Reading deals: one statement for the page, one for each thing that belongs to it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import Amount, NotFound, Page, Plugin, now
from relatum_sales_pipeline.services.book import Book
from relatum_sales_pipeline.services.deal_rows import DEAL_COLUMNS, DealRow, read_row
from relatum_sales_pipeline.services.records import Conditions, Listing, fetch_page
from relatum_sales_pipeline.types.deals import Deal, DealQuery, Line, StageEntry
from relatum_sales_pipeline.types.pipelines import Stage

_OWN = ", ".join(f"d.{name}" for name in DEAL_COLUMNS)
#: Values that are missing sort last; neither database has them in a keyset otherwise.
_EXPECTED = "coalesce(CAST(d.expected_close AS TEXT), '9999-12-31')"
_VALUE = "coalesce(d.amount, -1)"
SELECT = (
    f"SELECT {_OWN}, m.name, t.name, {_EXPECTED}, {_VALUE} FROM sales_pipeline_deal d "  # noqa: S608 - names of our own
    "LEFT JOIN sales_pipeline_member m ON m.id = d.owner_id "
    "LEFT JOIN sales_pipeline_team t ON t.id = d.team_id"
)
_AFTER = len(DEAL_COLUMNS)
LISTING = Listing(
    select=SELECT,
    id_column="d.id",
    sorts={
        "name": ("d.search", str, DEAL_COLUMNS.index("search")),
        "value": (_VALUE, int, _AFTER + 3),
        "expected_close": (_EXPECTED, str, _AFTER + 2),
        "stage_since": ("d.stage_since", dt.datetime, DEAL_COLUMNS.index("stage_since")),
        "created_at": ("d.created_at", dt.datetime, DEAL_COLUMNS.index("created_at")),
        "updated_at": ("d.updated_at", dt.datetime, DEAL_COLUMNS.index("updated_at")),
    },
)


class Around(msgspec.Struct, kw_only=True):
    """What a deal shows that is not in its own row."""

    customer: str | None
    owner: str | None
    team: str | None
    lines: list[Line]
    lost_reason: str | None
    rotting: bool


class DealReader:
    """Deals as people see them."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._house = plugin.house
        self._db = plugin.house.db

    async def get(self, id: UUID) -> Deal:
        """One deal.

        Raises:
            NotFound: there is no such deal.
        """
        rows = await self._db.fetch(f"{SELECT} WHERE d.id = ?", id)
        if not rows:
            raise NotFound(f"expected the id of a deal, got {id}; there is none")
        return (await self._read(rows, await Book.load(self._db)))[0]

    async def get_many(self, ids: Sequence[UUID]) -> list[Deal]:
        """These deals in the order of ``ids``; unknown ids are left out."""
        rows = await self._db.fetch_in(f"{SELECT} WHERE d.id IN ({{}})", ids)
        deals = {deal.id: deal for deal in await self._read(rows, await Book.load(self._db))}
        return [deals[id] for id in ids if id in deals]

    async def find(self, query: DealQuery) -> Page[Deal]:
        """One page of the deals that fit.

        Raises:
            InvalidInput: an unknown sort order or a foreign cursor.
        """
        book = await Book.load(self._db)
        page = await fetch_page(
            self._db,
            LISTING,
            self._conditions(query, book),
            sort=query.sort,
            limit=query.limit,
            cursor=query.cursor,
            read=list,
        )
        return Page(await self._read(page.items, book), page.next)

    async def count(self, query: DealQuery) -> int:
        """How many deals fit."""
        where = self._conditions(query, await Book.load(self._db))
        condition = " AND ".join(where.sql) or "1 = 1"
        row = await self._db.fetch_one(
            f"SELECT count(*) FROM sales_pipeline_deal d WHERE {condition}",  # noqa: S608 - names of our own
            *where.params,
        )
        return int(row[0]) if row else 0

    async def ids(self, query: DealQuery, *, most: int) -> list[UUID]:
        """The ids of the deals that fit, in the order that was asked for, from the first on.

        Raises:
            InvalidInput: an unknown sort order.
        """
        page = await fetch_page(
            self._db,
            LISTING,
            self._conditions(query, await Book.load(self._db)),
            sort=query.sort,
            limit=most,
            cursor=None,
            read=list,
        )
        return [row[0] for row in page.items]

    async def history(self, id: UUID) -> list[StageEntry]:
        """How a deal came to its stage, oldest first.

        Raises:
            NotFound: there is no such deal.
        """
        await self.get(id)
        book = await Book.load(self._db)
        rows = await self._db.fetch(
            "SELECT from_stage_id, to_stage_id, changed_at, changed_by, note "
            "FROM sales_pipeline_stage_change WHERE deal_id = ? ORDER BY position",
            id,
        )
        return [
            StageEntry(
                from_stage=book.stage(left).key if left else None,
                to_stage=book.stage(entered).key,
                at=at,
                by=by,
                note=note,
            )
            for left, entered, at, by, note in rows
        ]

    async def last_notes(self, ids: Sequence[UUID]) -> dict[UUID, str]:
        """What was noted when these deals came to the stage they are in, where something was."""
        rows = await self._db.fetch_in(
            "SELECT deal_id, note FROM sales_pipeline_stage_change WHERE deal_id IN ({}) "
            "ORDER BY deal_id, position",
            ids,
        )
        last: dict[UUID, str] = dict(rows)
        return {id: note for id, note in last.items() if note}

    async def existing(self, ids: Sequence[UUID]) -> set[UUID]:
        """Those of the ids that are deals."""
        rows = await self._db.fetch_in("SELECT id FROM sales_pipeline_deal WHERE id IN ({})", ids)
        return {row[0] for row in rows}

    def rotting_limits(self, book: Book) -> dict[UUID, dt.datetime]:
        """Open stage → the moment since which nothing must have happened for a deal to rot."""
        moment = now()
        default = self._plugin.settings.rotting_days
        return {
            stage.id: moment - dt.timedelta(days=stage.rotting_days or default)
            for stage in book.stages
            if stage.outcome == "open"
        }

    def _conditions(self, query: DealQuery, book: Book) -> Conditions:
        where = Conditions()
        where.words("d.search", query.q)
        where.equal(
            d__owner_id=query.owner_id,
            d__team_id=query.team_id,
            d__customer_id=query.customer_id,
            d__currency=query.currency,
            d__external_ref=query.external_ref,
        )
        stages = [stage for stage in book.stages if _wanted(stage, query)]
        if query.pipeline or query.stage or query.outcome:
            _among(where, "d.stage_id", [stage.id for stage in stages])
        if query.lost_reason:
            reason = book.reason(query.lost_reason)
            _among(where, "d.lost_reason_id", [reason.id] if reason else [])
        if query.product_id:
            where.add(
                "EXISTS (SELECT 1 FROM sales_pipeline_deal_line l "
                "WHERE l.deal_id = d.id AND l.product_id = ?)",
                query.product_id,
            )
        _bounds(where, query)
        if query.rotting is not None:
            self._rotting(where, book, rotting=query.rotting)
        return where

    def _rotting(self, where: Conditions, book: Book, *, rotting: bool) -> None:
        tests, params = ["1 = 0"], []
        for stage, limit in self.rotting_limits(book).items():
            tests.append(
                "(d.stage_id = ? AND d.stage_since < ? "
                "AND (d.last_activity_at IS NULL OR d.last_activity_at < ?))"
            )
            params += [stage, limit, limit]
        test = f"({' OR '.join(tests)})"
        where.add(test if rotting else f"NOT {test}", *params)

    async def _read(self, rows: Sequence[tuple[Any, ...]], book: Book) -> list[Deal]:
        stored = [read_row(DealRow, row[:_AFTER]) for row in rows]
        lines = await self._lines([row.id for row in stored])
        wanted = list({row.customer_id for row in stored if row.customer_id})
        customers = {c.id: c.display_name for c in await self._house.customers.get_many(wanted)}
        limits = self.rotting_limits(book)
        deals = []
        for row, values in zip(stored, rows, strict=True):
            stage = book.stage(row.stage_id)
            limit = limits.get(stage.id)
            newest = max(row.stage_since, row.last_activity_at or row.stage_since)
            around = Around(
                customer=customers.get(row.customer_id) if row.customer_id else None,
                owner=values[_AFTER],
                team=values[_AFTER + 1],
                lines=lines[row.id],
                lost_reason=book.reason_key(row.lost_reason_id),
                rotting=limit is not None and newest < limit,
            )
            deals.append(_deal(row, stage, around))
        return deals

    async def _lines(self, ids: Sequence[UUID]) -> defaultdict[UUID, list[Line]]:
        rows = await self._db.fetch_in(
            "SELECT l.deal_id, l.product_id, p.name, l.quantity, l.unit_amount, l.amount "
            "FROM sales_pipeline_deal_line l JOIN sales_pipeline_product p ON p.id = l.product_id "
            "WHERE l.deal_id IN ({}) ORDER BY l.deal_id, l.position",
            ids,
        )
        lines: defaultdict[UUID, list[Line]] = defaultdict(list)
        for deal, product, name, quantity, unit, amount in rows:
            lines[deal].append(
                Line(
                    product_id=product,
                    product=name,
                    quantity=Decimal(quantity) / 1000,
                    unit_amount=unit,
                    amount=amount,
                )
            )
        return lines


def _deal(row: DealRow, stage: Stage, around: Around) -> Deal:
    amounts = [line.amount for line in around.lines]
    known = [amount for amount in amounts if amount is not None]
    priced = bool(known) and len(known) == len(amounts)
    return Deal(
        id=row.id,
        name=row.name,
        customer_id=row.customer_id,
        customer=around.customer,
        pipeline=stage.pipeline,
        stage=stage.key,
        stage_title=stage.title,
        outcome=stage.outcome,
        probability=stage.probability,
        owner_id=row.owner_id,
        owner=around.owner,
        team_id=row.team_id,
        team=around.team,
        lines=around.lines,
        value=None if row.amount is None else Amount(row.amount, row.currency),
        lines_value=Amount(sum(known), row.currency) if priced else None,
        currency=row.currency,
        expected_close=row.expected_close,
        engaged_on=row.engaged_on,
        closed_on=row.closed_on,
        lost_reason=around.lost_reason,
        competitor=row.competitor,
        external_source=row.external_source,
        external_ref=row.external_ref,
        stage_since=row.stage_since,
        last_activity_at=row.last_activity_at,
        rotting=around.rotting,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _wanted(stage: Stage, query: DealQuery) -> bool:
    return (
        query.pipeline in (None, stage.pipeline)
        and query.stage in (None, stage.key)
        and query.outcome in (None, stage.outcome)
    )


def _among(where: Conditions, column: str, ids: Sequence[UUID]) -> None:
    marks = ", ".join("?" * len(ids)) or "NULL"
    where.add(f"{column} IN ({marks})", *ids)


def _bounds(where: Conditions, query: DealQuery) -> None:
    bounds = (
        ("d.amount >= ?", query.minimum),
        ("d.amount <= ?", query.maximum),
        ("d.expected_close >= ?", query.expected_from),
        ("d.expected_close <= ?", query.expected_until),
        ("d.closed_on >= ?", query.closed_from),
        ("d.closed_on <= ?", query.closed_until),
    )
    for sql, value in bounds:
        if value is not None:
            where.add(sql, value)
