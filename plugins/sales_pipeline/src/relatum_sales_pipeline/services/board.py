"""The board: one pipeline, its stages as columns; three statements however many deals there are."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import Amount, local_day, now
from relatum_sales_pipeline.services.book import Book
from relatum_sales_pipeline.services.deal_reading import DealReader
from relatum_sales_pipeline.types.deals import DealQuery
from relatum_sales_pipeline.types.pipelines import Pipeline, Stage

CARD = (
    "d.id, d.stage_id, d.name, d.customer_id, d.amount, d.currency, d.expected_close, d.closed_on, "
    "d.owner_id, d.version, d.stage_since, d.last_activity_at"
)
#: Open deals by the day they are expected, closed ones newest first.
ORDER = "d.closed_on DESC, coalesce(CAST(d.expected_close AS TEXT), '9999-12-31'), d.id"

TOTALS = (
    "SELECT d.stage_id, d.currency, count(*), sum(d.amount) FROM sales_pipeline_deal d "
    "WHERE {} GROUP BY d.stage_id, d.currency"
)
CARDS = (
    f"SELECT r.* FROM (SELECT {CARD}, m.name AS owner_name, row_number() OVER "  # noqa: S608 - names of our own
    f"(PARTITION BY d.stage_id ORDER BY {ORDER}) AS place FROM sales_pipeline_deal d "
    "LEFT JOIN sales_pipeline_member m ON m.id = d.owner_id WHERE {}) r "
    "WHERE r.place <= ? ORDER BY r.stage_id, r.place"
)
Rows = Sequence[tuple[Any, ...]]


class Card(msgspec.Struct, kw_only=True, frozen=True):
    """A deal on the board; ``days`` in its stage; ``late`` when the expected day is past."""

    id: UUID
    name: str
    customer_id: UUID | None
    customer: str | None
    value: Amount | None
    expected_close: dt.date | None
    closed_on: dt.date | None
    owner: str | None
    version: int
    days: int
    rotting: bool
    late: bool


class BoardColumn(msgspec.Struct, kw_only=True, frozen=True):
    """One stage: how many deals it has, their values by currency, and the first of them."""

    stage: Stage
    count: int
    sums: list[Amount]
    cards: list[Card]

    @property
    def hidden(self) -> int:
        """How many there are beyond the cards."""
        return self.count - len(self.cards)


class BoardReader(DealReader):
    """Reads boards."""

    async def board(
        self, book: Book, pipeline: Pipeline, query: DealQuery, *, shown: int
    ) -> list[BoardColumn]:
        """The columns of a pipeline, with those of its deals that fit.

        Args:
            shown: cards of each column at most; counts and sums are of all.
        """
        where = self._conditions(msgspec.structs.replace(query, pipeline=pipeline.key), book)
        condition = " AND ".join(where.sql) or "1 = 1"
        totals, cards = await self._db.fetch_together(
            (TOTALS.format(condition), where.params),
            (CARDS.format(condition), [*where.params, shown]),
        )
        by_stage = await self._cards(cards, book)
        counts: dict[UUID, int] = defaultdict(int)
        sums: dict[UUID, list[Amount]] = defaultdict(list)
        for stage, currency, count, amount in totals:
            counts[stage] += count
            if amount:
                sums[stage].append(Amount(int(amount), currency))
        return [
            BoardColumn(
                stage=stage,
                count=counts[stage.id],
                sums=sorted(sums[stage.id], key=lambda each: each.currency),
                cards=by_stage[stage.id],
            )
            for stage in pipeline.stages
            if stage.active or counts[stage.id]
        ]

    async def busiest(self) -> UUID | None:
        """The pipeline that has most deals of those that the viewer sees."""
        row = await self._db.fetch_one(
            "SELECT pipeline_id, count(*) AS n FROM sales_pipeline_deal "
            "GROUP BY pipeline_id ORDER BY n DESC, pipeline_id LIMIT 1"
        )
        return row[0] if row else None

    async def _cards(
        self, rows: list[tuple[Any, ...]], book: Book
    ) -> defaultdict[UUID, list[Card]]:
        names = await self._names({row[3] for row in rows if row[3]})
        limits = self.rotting_limits(book)
        moment = now()
        today = local_day(moment, self._house.settings.company.time_zone)
        by_stage: defaultdict[UUID, list[Card]] = defaultdict(list)
        for (
            id,
            stage,
            name,
            customer,
            amount,
            currency,
            expected,
            closed,
            _,
            version,
            *rest,
        ) in rows:
            since, activity, owner, _ = rest
            limit = limits.get(stage)
            card = Card(
                id=id,
                name=name,
                customer_id=customer,
                customer=names.get(customer),
                value=None if amount is None else Amount(amount, currency),
                expected_close=expected,
                closed_on=closed,
                owner=owner,
                version=version,
                days=(moment - since).days,
                rotting=limit is not None and max(since, activity or since) < limit,
                late=limit is not None and expected is not None and expected < today,
            )
            by_stage[stage].append(card)
        return by_stage

    async def _names(self, ids: set[UUID]) -> dict[UUID, str]:
        return {each.id: each.display_name for each in await self._house.customers.get_many([*ids])}
