"""What reports need of every deal, read in one statement."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import msgspec

from relatum.api import Plugin, local_day, now
from relatum_sales_pipeline.services.book import Book
from relatum_sales_pipeline.types.pipelines import Stage

UNASSIGNED = "(none)"
SELECT = (
    "SELECT d.id, d.stage_id, d.owner_id, d.team_id, d.amount, d.currency, d.expected_close, "
    "d.engaged_on, d.closed_on, d.lost_reason_id, d.stage_since, d.last_activity_at, d.created_at "
    "FROM sales_pipeline_deal d"
)


class Figures(msgspec.Struct, frozen=True):
    """The figures of one deal; ``amount`` in minor units."""

    id: UUID
    stage_id: UUID
    owner_id: UUID | None
    team_id: UUID | None
    amount: int | None
    currency: str
    expected_close: dt.date | None
    engaged_on: dt.date | None
    closed_on: dt.date | None
    lost_reason_id: UUID | None
    stage_since: dt.datetime
    last_activity_at: dt.datetime | None
    created_at: dt.datetime


class Around(msgspec.Struct):
    """Names for the figures: stages, people, teams."""

    book: Book
    members: dict[UUID, str]
    teams: dict[UUID, str]
    regions: dict[UUID, str]
    today: dt.date
    moment: dt.datetime
    zone: str

    def stage(self, figures: Figures) -> Stage:
        return self.book.stage(figures.stage_id)

    def member(self, id: UUID | None) -> str:
        return UNASSIGNED if id is None else self.members[id]

    def team(self, id: UUID | None) -> str:
        return UNASSIGNED if id is None else self.teams[id]

    def region(self, id: UUID | None) -> str:
        return (UNASSIGNED if id is None else self.regions[id]) or UNASSIGNED


async def load(plugin: Plugin) -> tuple[list[Figures], Around]:
    """The figures of all deals, and the names around them, as of one moment on SQLite."""
    db = plugin.house.db
    book = await Book.load(db)
    deals, members, teams = await db.fetch_together(
        (SELECT, ()),
        ("SELECT id, name FROM sales_pipeline_member", ()),
        ("SELECT id, name, region FROM sales_pipeline_team", ()),
    )
    zone = plugin.house.settings.company.time_zone
    moment = now()
    around = Around(
        book=book,
        members=dict(members),
        teams={id: name for id, name, _ in teams},
        regions={id: region for id, _, region in teams},
        today=local_day(moment, zone),
        moment=moment,
        zone=zone,
    )
    return [Figures(*row) for row in deals], around


async def lines_of(plugin: Plugin) -> list[tuple[UUID, UUID, str, int | None]]:
    """Every line: deal, product, the product's name, amount in minor units."""
    rows = await plugin.house.db.fetch(
        "SELECT l.deal_id, l.product_id, p.name, l.amount FROM sales_pipeline_deal_line l "
        "JOIN sales_pipeline_product p ON p.id = l.product_id"
    )
    return [(deal, product, name, amount) for deal, product, name, amount in rows]
