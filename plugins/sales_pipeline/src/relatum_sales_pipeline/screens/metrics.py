"""Figures of deals over time, each with the deals behind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal
from uuid import UUID

from relatum.api import (
    NOTHING,
    Counted,
    Cut,
    Dimension,
    Metric,
    MetricQuery,
    Plugin,
    Point,
    Row,
    Stretch,
    Text,
    Visit,
    count,
)
from relatum_sales_pipeline.permissions import DEALS_READ
from relatum_sales_pipeline.services.book import Book
from relatum_sales_pipeline.services.teams import Teams

Names = Callable[[Plugin, Visit, Sequence[str]], Awaitable[Mapping[str, str]]]

SOURCE = "sales_pipeline_deal d JOIN sales_pipeline_stage s ON s.id = d.stage_id"
CUTS = {
    "owner": Cut(value="d.owner_id", ids=True),
    "team": Cut(value="d.team_id", ids=True),
    "pipeline": Cut(value="d.pipeline_id", ids=True),
    "stage": Cut(value="d.stage_id", ids=True),
}
LOST_CUTS = {**CUTS, "lost_reason": Cut(value="d.lost_reason_id", ids=True)}
WON = "s.outcome = 'won' AND d.closed_on IS NOT NULL"
LOST = "s.outcome = 'lost' AND d.closed_on IS NOT NULL"
OPEN = "s.outcome = 'open' AND d.expected_close IS NOT NULL"
VALUED = "d.amount IS NOT NULL"


def _ids(parts: Sequence[str]) -> list[UUID]:
    return [UUID(part) for part in parts if part != NOTHING]


async def _members(plugin: Plugin, visit: Visit, parts: Sequence[str]) -> Mapping[str, str]:
    found = await Teams(plugin).get_members(_ids(parts))
    return {str(id): member.name for id, member in found.items()}


async def _teams(plugin: Plugin, visit: Visit, parts: Sequence[str]) -> Mapping[str, str]:
    found = await Teams(plugin).get_teams(_ids(parts))
    return {str(id): team.name for id, team in found.items()}


def titled(visit: Visit, title: str, title_vi: str) -> str:
    """A title that people gave, in the language of the page."""
    return visit.say(Text(en=title, vi=title_vi or title))


def _of_book(pick: Callable[[Book], Sequence[object]]) -> Names:
    async def names(plugin: Plugin, visit: Visit, parts: Sequence[str]) -> Mapping[str, str]:
        book = await Book.load(plugin.house.db)
        return {
            str(each.id): titled(visit, each.title, each.title_vi)  # type: ignore[attr-defined]
            for each in pick(book)
            if str(each.id) in parts  # type: ignore[attr-defined]
        }

    return names


def _dimension(id: str, en: str, vi: str, names: Names) -> Dimension:
    return Dimension(id=id, title=Text(en=en, vi=vi), names=names)


DIMENSIONS = (
    _dimension("owner", "Seller", "Người bán", _members),
    _dimension("team", "Sales team", "Đội bán hàng", _teams),
    _dimension("pipeline", "Pipeline", "Quy trình", _of_book(lambda book: book.pipelines)),
    _dimension("stage", "Stage", "Giai đoạn", _of_book(lambda book: list(book.stages))),
)
LOST_DIMENSIONS = (
    *DIMENSIONS,
    _dimension("lost_reason", "Lost reason", "Lý do thua", _of_book(lambda book: book.reasons)),
)


class Deals:
    """The functions of one metric.

    Args:
        counted: which deals, and what of them.
    """

    def __init__(self, counted: Counted) -> None:
        self._counted = counted

    async def points(self, plugin: Plugin, visit: Visit, query: MetricQuery) -> Sequence[Point]:
        """The figures, of the deals that the viewer sees."""
        house = plugin.house
        return await count(house.db, house.settings.company.time_zone, [self._counted], query)

    async def rows(
        self, plugin: Plugin, visit: Visit, query: MetricQuery, after: str, limit: int
    ) -> Sequence[Row]:
        """The deals behind one figure, in the order of their ids."""
        counted, house = self._counted, plugin.house
        first = dt.date.min if counted.standing else query.first
        condition, params = counted.condition(
            house.settings.company.time_zone, Stretch(first, query.until), query.only
        )
        found = await house.db.fetch(
            "SELECT d.id, d.name, d.amount, d.currency, d.created_at, s.title, s.title_vi "  # noqa: S608 - names of our own
            f"FROM {SOURCE} WHERE {condition} AND d.id > ? ORDER BY d.id LIMIT ?",
            *params,
            UUID(after) if after else UUID(int=0),
            limit,
        )
        return [
            Row(
                id=str(id),
                title=name,
                href=f"/p/sales_pipeline/deals/{id}",
                when=created,
                value=amount if counted.value else None,
                currency=currency if counted.value else "",
                detail=titled(visit, title, title_vi),
            )
            for id, name, amount, currency, created, title, title_vi in found
        ]


def _counted(moment: str, where: str = "", *, money: bool = False, lost: bool = False) -> Counted:
    conditions = [where, VALUED if money else ""]
    return Counted(
        source=SOURCE,
        moment=f"d.{moment}",
        key="d.id",
        where=" AND ".join(filter(None, conditions)),
        value="d.amount" if money else "",
        currency="d.currency" if money else "",
        daily=moment != "created_at",
        cuts=LOST_CUTS if lost else CUTS,
    )


def _metric(
    name: str, title: Text, about: Text, counted: Counted, direction: Literal["up", "down"] = "up"
) -> Metric:
    functions = Deals(counted)
    return Metric(
        id=f"sales_pipeline.{name}",
        title=title,
        permission=DEALS_READ,
        unit="money" if counted.value else "count",
        points=functions.points,
        rows=functions.rows,
        dimensions=LOST_DIMENSIONS if "lost_reason" in counted.cuts else DIMENSIONS,
        direction=direction,
        description=about,
    )


METRICS = [
    _metric(
        "deals_created",
        Text(en="New deals", vi="Cơ hội mới"),
        Text(en="Taken up in the period.", vi="Được tạo trong kỳ."),
        _counted("created_at"),
    ),
    _metric(
        "deals_won",
        Text(en="Deals won", vi="Cơ hội thắng"),
        Text(en="Closed as won in the period.", vi="Chốt thắng trong kỳ."),
        _counted("closed_on", WON),
    ),
    _metric(
        "amount_won",
        Text(en="Value won", vi="Giá trị thắng"),
        Text(
            en="The value of the deals that were won in the period, by currency.",
            vi="Giá trị các cơ hội chốt thắng trong kỳ, theo từng loại tiền.",
        ),
        _counted("closed_on", WON, money=True),
    ),
    _metric(
        "deals_lost",
        Text(en="Deals lost", vi="Cơ hội thua"),
        Text(en="Closed as lost in the period.", vi="Chốt thua trong kỳ."),
        _counted("closed_on", LOST, lost=True),
        direction="down",
    ),
    _metric(
        "deals_expected",
        Text(en="Open deals by expected close", vi="Cơ hội đang mở theo ngày dự kiến chốt"),
        Text(
            en="Open at this moment and expected to close in the period.",
            vi="Đang mở và dự kiến chốt trong kỳ.",
        ),
        _counted("expected_close", OPEN),
    ),
    _metric(
        "amount_expected",
        Text(en="Open pipeline by expected close", vi="Giá trị đang mở theo ngày dự kiến chốt"),
        Text(
            en="The value of the deals that are open and expected to close in the period; not "
            "weighted.",
            vi="Giá trị các cơ hội đang mở, dự kiến chốt trong kỳ; chưa nhân xác suất.",
        ),
        _counted("expected_close", OPEN, money=True),
    ),
]
