"""Whole rows of the catalogue (teams, members, products, prices), for imports and their undoing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import Database, Plugin
from relatum_sales_pipeline.services.records import (
    delete_rows,
    insert_rows,
    read_rows,
    used_in,
    write_rows,
)

Row = dict[str, Any]


class CatalogueTable(msgspec.Struct, frozen=True):
    """One table: its columns, and what may point at its rows."""

    name: str
    columns: tuple[str, ...]
    used_by: tuple[tuple[str, str], ...] = ()


TEAM = CatalogueTable(
    "sales_pipeline_team",
    ("id", "name", "name_key", "region", "manager", "active"),
    (
        ("sales_pipeline_member", "team_id"),
        ("sales_pipeline_deal", "team_id"),
        ("sales_pipeline_forecast_snapshot", "team_id"),
    ),
)
MEMBER = CatalogueTable(
    "sales_pipeline_member",
    ("id", "name", "name_key", "team_id", "active"),
    (
        ("sales_pipeline_deal", "owner_id"),
        ("sales_pipeline_lead", "owner_id"),
        ("sales_pipeline_account_plan", "owner_id"),
        ("sales_pipeline_forecast_snapshot", "owner_id"),
    ),
)
PRODUCT = CatalogueTable(
    "sales_pipeline_product",
    ("id", "code", "name", "name_key", "series", "active"),
    (("sales_pipeline_deal_line", "product_id"), ("sales_pipeline_price", "product_id")),
)
PRICE_LIST = CatalogueTable(
    "sales_pipeline_price_list",
    ("id", "name", "name_key", "position", "active"),
    (("sales_pipeline_price", "price_list_id"),),
)
PRICE = CatalogueTable(
    "sales_pipeline_price",
    ("id", "price_list_id", "product_id", "currency", "amount", "valid_from", "valid_until"),
)
#: In the order in which rows may be removed: nothing points at what comes later.
TABLES = (PRICE, PRICE_LIST, PRODUCT, MEMBER, TEAM)


class CatalogueRows:
    """Reads and writes whole rows; who calls has checked them."""

    def __init__(self, plugin: Plugin) -> None:
        self._db: Database = plugin.house.db

    async def all(self, table: CatalogueTable) -> list[Row]:
        """Every row."""
        names = ", ".join(table.columns)
        rows = await self._db.fetch(f"SELECT {names} FROM {table.name} ORDER BY id")  # noqa: S608 - names of our own
        return [dict(zip(table.columns, row, strict=True)) for row in rows]

    async def get(self, table: CatalogueTable, ids: Sequence[UUID]) -> dict[UUID, Row]:
        """These rows by id; unknown ids are left out."""
        return await read_rows(self._db, table.name, table.columns, ids)

    async def where(self, table: CatalogueTable, column: str, values: Sequence[Any]) -> list[Row]:
        """Rows whose column has one of the values."""
        names = ", ".join(table.columns)
        sql = f"SELECT {names} FROM {table.name} WHERE {column} IN ({{}}) ORDER BY id"  # noqa: S608 - names of our own
        rows = await self._db.fetch_in(sql, values)
        return [dict(zip(table.columns, row, strict=True)) for row in rows]

    async def insert(self, table: CatalogueTable, rows: Sequence[Mapping[str, Any]]) -> None:
        await insert_rows(self._db, table.name, rows)

    async def update(self, table: CatalogueTable, rows: Sequence[Mapping[str, Any]]) -> None:
        await write_rows(self._db, table.name, rows)

    async def delete(self, table: CatalogueTable, ids: Sequence[UUID]) -> None:
        await delete_rows(self._db, table.name, ids)

    async def in_use(self, table: CatalogueTable, ids: Sequence[UUID]) -> set[UUID]:
        """Those of the ids that something points at."""
        return await used_in(self._db, table.used_by, ids)
