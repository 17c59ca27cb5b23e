"""``sales_pipeline.conversion``: from stage to stage, by the first passage of each deal."""

from __future__ import annotations

import asyncio
import datetime as dt
import statistics
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec

from relatum.api import Plugin
from relatum_sales_pipeline.rates import Rate, rate
from relatum_sales_pipeline.reports.summary import no_such_pipeline
from relatum_sales_pipeline.services.book import Book
from relatum_sales_pipeline.types.pipelines import Pipeline, Stage

DAY = 86_400


class ConversionParams(msgspec.Struct, frozen=True, kw_only=True):
    """One pipeline by its key; all of them when left out."""

    pipeline: str | None = None


class StageConversion(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the deals that reached one stage (or were in a later one without it).

    Attributes:
        entered: deals that reached the stage.
        advanced: those that went on to a later stage or were won.
        lost: those that were lost before going on.
        still_here: those of which neither is true yet; they are in no rate.
        conversion: advanced ÷ (advanced + lost).
        median_days: from the first time in the stage to the first time beyond it.
    """

    stage: str
    title: str
    entered: int
    advanced: int
    lost: int
    still_here: int
    conversion: Rate
    median_days: float | None


class PipelineConversion(msgspec.Struct, frozen=True, kw_only=True):
    """One pipeline: its open stages in their order, and from the first to won."""

    pipeline: str
    title: str
    stages: list[StageConversion]
    overall: Rate


class Conversion(msgspec.Struct, frozen=True, kw_only=True):
    """How deals pass through the stages. Later returns to a stage do not count again."""

    pipelines: list[PipelineConversion]


#: Deal → stages it came into, with the moment, in order.
Passages = dict[UUID, list[tuple[UUID, dt.datetime]]]
#: The stages of one deal, with the moments.
Way = Sequence[tuple[Stage, dt.datetime]]
Fate = Literal["advanced", "lost", "here"]


async def run(plugin: Plugin, params: ConversionParams) -> Conversion:
    """See :class:`Conversion`.

    Raises:
        InvalidInput: there is no such pipeline.
    """
    db = plugin.house.db
    book = await Book.load(db)
    if params.pipeline is not None and book.pipeline(params.pipeline) is None:
        raise no_such_pipeline(params.pipeline, ", ".join(each.key for each in book.pipelines))
    passages = await passages_of(plugin)
    wanted = [each for each in book.pipelines if params.pipeline in (None, each.key)]
    return await asyncio.to_thread(conversion, wanted, book, passages)


async def passages_of(plugin: Plugin) -> Passages:
    """How every deal went."""
    rows = await plugin.house.db.fetch(
        "SELECT deal_id, to_stage_id, changed_at FROM sales_pipeline_stage_change "
        "ORDER BY deal_id, position"
    )
    passages: Passages = defaultdict(list)
    for deal, stage, at in rows:
        passages[deal].append((stage, at))
    return passages


def conversion(wanted: Sequence[Pipeline], book: Book, passages: Passages) -> Conversion:
    """Conversion of each pipeline. Pure."""
    by_pipeline: dict[str, list[list[tuple[Stage, dt.datetime]]]] = defaultdict(list)
    for steps in passages.values():
        way = [(book.stage(stage), at) for stage, at in steps]
        by_pipeline[way[-1][0].pipeline].append(way)
    return Conversion(pipelines=[_of_pipeline(each, by_pipeline[each.key]) for each in wanted])


def _of_pipeline(
    pipeline: Pipeline, ways: Sequence[Sequence[tuple[Stage, dt.datetime]]]
) -> PipelineConversion:
    won = sum(way[-1][0].outcome == "won" for way in ways)
    lost = sum(way[-1][0].outcome == "lost" for way in ways)
    return PipelineConversion(
        pipeline=pipeline.key,
        title=pipeline.title,
        stages=[_of_stage(stage, ways) for stage in pipeline.stages if stage.outcome == "open"],
        overall=rate(won, won + lost),
    )


def _of_stage(stage: Stage, ways: Sequence[Sequence[tuple[Stage, dt.datetime]]]) -> StageConversion:
    entered = advanced = lost = 0
    days: list[float] = []
    for way in ways:
        here = next((at for each, at in way if each.id == stage.id), None)
        beyond = next((at for each, at in way if _is_beyond(each, stage)), None)
        if here is None and beyond is None:
            continue
        entered += 1
        became = fate(stage, way)
        advanced += became == "advanced"
        lost += became == "lost"
        if beyond is not None and here is not None and beyond >= here:
            days.append((beyond - here).total_seconds() / DAY)
    return StageConversion(
        stage=stage.key,
        title=stage.title,
        entered=entered,
        advanced=advanced,
        lost=lost,
        still_here=entered - advanced - lost,
        conversion=rate(advanced, advanced + lost),
        median_days=round(statistics.median(days), 2) if days else None,
    )


def fate(stage: Stage, way: Way) -> Fate | None:
    """What became of a deal that reached a stage; ``None`` when it never did."""
    if any(_is_beyond(each, stage) for each, _ in way):
        return "advanced"
    if all(each.id != stage.id for each, _ in way):
        return None
    return "lost" if way[-1][0].outcome == "lost" else "here"


def _is_beyond(stage: Stage, than: Stage) -> bool:
    if stage.outcome == "won":
        return True
    return stage.outcome == "open" and stage.position > than.position
