"""The forecast put down every day, so that it can be compared with what came."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from uuid import UUID

import msgspec

from relatum.api import Plugin, new_id
from relatum_sales_pipeline.forecasting import split, weighted
from relatum_sales_pipeline.reports.forecast import OpenDeal, month_of, open_deals
from relatum_sales_pipeline.types.pipelines import stage_part

COLUMNS = (
    "id",
    "taken_on",
    "month",
    "team_id",
    "owner_id",
    "stage",
    "currency",
    "deals",
    "amount",
    "weighted",
)
Key = tuple[str, UUID | None, UUID | None, str]


class SnapshotRow(msgspec.Struct, kw_only=True, frozen=True):
    """Open deals of one month, team, owner, stage and currency; amounts in minor units.

    Attributes:
        stage: ``pipeline/stage``; empty when the day was before stages were put down.
    """

    month: str
    team_id: UUID | None
    owner_id: UUID | None
    stage: str
    currency: str
    deals: int
    amount: int
    weighted: int


class Snapshots:
    """The only writer of forecast snapshots."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._db = plugin.house.db

    async def take(self) -> int:
        """Put the forecast of today down, in the place of one taken today already.

        Returns:
            How many rows it has.
        """
        deals, around, _ = await open_deals(self._plugin, None)
        by_currency: dict[str, dict[Key, list[OpenDeal]]] = defaultdict(lambda: defaultdict(list))
        for deal in deals:
            figures = deal.figures
            month = _month(month_of(deal, around.today))
            key = (month, figures.team_id, figures.owner_id, stage_part(around.stage(figures)))
            by_currency[figures.currency][key].append(deal)
        rows = []
        for currency, groups in by_currency.items():
            exact = {
                key: weighted((deal.amount, deal.probability) for deal in group)
                for key, group in groups.items()
            }
            shares = split(exact)
            for key, group in groups.items():
                amount = sum(deal.amount for deal in group)
                rows.append(
                    (new_id(), around.today, *key, currency, len(group), amount, shares[key])
                )
        async with self._db.transaction():
            await self._db.execute(
                "DELETE FROM sales_pipeline_forecast_snapshot WHERE taken_on = ?", around.today
            )
            await self._db.insert("sales_pipeline_forecast_snapshot", COLUMNS, rows)
        return len(rows)

    async def latest(self, until: dt.date | None) -> tuple[dt.date | None, list[SnapshotRow]]:
        """The newest snapshot up to a day, and when it was taken."""
        found = await self._db.fetch_one(
            "SELECT taken_on FROM sales_pipeline_forecast_snapshot WHERE taken_on <= ? "
            "ORDER BY taken_on DESC LIMIT 1",
            until or dt.date.max,
        )
        if found is None:
            return None, []
        rows = await self._db.fetch(
            "SELECT month, team_id, owner_id, stage, currency, deals, amount, weighted "
            "FROM sales_pipeline_forecast_snapshot WHERE taken_on = ? ORDER BY currency, month, id",
            found[0],
        )
        names = SnapshotRow.__struct_fields__
        return found[0], [SnapshotRow(**dict(zip(names, row, strict=True))) for row in rows]


def _month(name: str) -> str:
    """What fits the column: ``2026-11``, ``overdue``, or nothing for no date."""
    return name if name[:1].isdigit() or name == "overdue" else ""
