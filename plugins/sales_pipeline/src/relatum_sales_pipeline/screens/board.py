"""The board: deals of one pipeline as cards in the columns of its stages."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from relatum.api import Entry, Form, InvalidInput, Plugin, Text, Visit, WebPage
from relatum_sales_pipeline.permissions import DEALS_READ
from relatum_sales_pipeline.screens.reading import (
    ROOT,
    address,
    amount_of,
    chosen_pipeline,
    one_id,
    people,
    pipeline_pairs,
    stage_tones,
    titled,
)
from relatum_sales_pipeline.services.board import BoardReader
from relatum_sales_pipeline.services.book import Book
from relatum_sales_pipeline.services.pipelines import Pipelines
from relatum_sales_pipeline.types.deals import DealQuery
from relatum_sales_pipeline.types.pipelines import Pipeline

CARDS = 50
MOST_CARDS = 1000


class BoardFilter(msgspec.Struct, kw_only=True):
    """What stands in the address of a board."""

    q: Annotated[str, Meta(max_length=200)] = ""
    pipeline: str = ""
    owner: str = ""
    team: str = ""
    minimum: str = ""
    maximum: str = ""
    expected_from: dt.date | None = None
    expected_until: dt.date | None = None
    rotting: bool = False
    shown: Annotated[int, Meta(ge=1, le=MOST_CARDS)] = CARDS


async def load(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    form, asked = visit.query(BoardFilter)
    book = await Pipelines(plugin).book()
    reader = BoardReader(plugin)
    pipeline = await pipeline_of_board(reader, book, asked.pipeline)
    form.hold({"pipeline": pipeline.key})
    columns = await reader.board(book, pipeline, deal_query(asked, visit, form), shown=asked.shown)
    owners, teams = await people(plugin)
    tones = stage_tones(book)
    return {
        "filter": form,
        "asked": asked,
        "filtered": any(
            (asked.owner, asked.team, asked.minimum, asked.maximum, asked.rotting, asked.q)
        ),
        "pipeline": pipeline,
        "columns": columns,
        "tones": tones,
        "titles": {column.stage.id: titled(column.stage, visit) for column in columns},
        "moves": [(column.stage.key, titled(column.stage, visit)) for column in columns],
        "pipelines": pipeline_pairs(book, visit),
        "owners": owners,
        "teams": teams,
        "more": address(visit, shown=min(asked.shown * 2, MOST_CARDS)),
        "empty": not any(column.count for column in columns),
        "may_write": visit.may("sales_pipeline.deals.write"),
        "root": ROOT,
    }


async def pipeline_of_board(reader: BoardReader, book: Book, key: str) -> Pipeline:
    """The one that was asked for, or the one with most deals."""
    busiest = None if book.pipeline(key) else await reader.busiest()
    found = book.pipeline_by_id(busiest) if busiest else None
    return found if found is not None and found.active else chosen_pipeline(book, key)


def deal_query(asked: BoardFilter, visit: Visit, form: Form) -> DealQuery:
    """The filter as the services know it; what cannot be read is told beside its field."""
    currency = visit.plugin.settings.currency or visit.currency
    bounds: list[int | None] = []
    for name in ("minimum", "maximum"):
        try:
            amount = amount_of(getattr(asked, name), currency, visit, f"/{name}")
        except InvalidInput as error:
            form.refuse(error)
            amount = None
        bounds.append(amount.amount if amount else None)
    return DealQuery(
        q=asked.q,
        owner_id=one_id(asked.owner),
        team_id=one_id(asked.team),
        expected_from=asked.expected_from,
        expected_until=asked.expected_until,
        rotting=True if asked.rotting else None,
        minimum=bounds[0],
        maximum=bounds[1],
    )


PAGES = [
    WebPage(
        id="sales_pipeline.board",
        path="/board",
        title=Text(en="Deals", vi="Cơ hội"),
        permission=DEALS_READ,
        template="sales_pipeline/board.html",
        load=load,
        entry=Entry(icon="columns-3", order=30, key="d", phone=True),
        fragments={"board": "sales_pipeline/board_columns.html"},
    )
]
