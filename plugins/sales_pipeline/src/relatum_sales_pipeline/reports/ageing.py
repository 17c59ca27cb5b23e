"""``sales_pipeline.ageing``: how long open deals have been in their stage, and which rot."""

from __future__ import annotations

import asyncio
import datetime as dt
import statistics
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import msgspec

from relatum.api import Plugin, local_day
from relatum_sales_pipeline.reports.deal_figures import Around, Figures, load
from relatum_sales_pipeline.reports.summary import no_such_pipeline

LIMITS = (7, 30, 90, 180, 365)
BANDS = (*(f"≤ {limit}" for limit in LIMITS), f"> {LIMITS[-1]}")
MOST_LISTED = 100


class AgeingParams(msgspec.Struct, frozen=True, kw_only=True):
    """One pipeline by its key; all of them when left out."""

    pipeline: str | None = None


class StageAgeing(msgspec.Struct, frozen=True, kw_only=True):
    """The open deals of one stage.

    ``by_age`` counts them by days in the stage: ``≤ 7``, ``≤ 30``, … , ``> 365``.
    """

    pipeline: str
    stage: str
    title: str
    deals: int
    rotting: int
    rotting_after_days: int
    median_days: float
    by_age: dict[str, int]


class RottingDeal(msgspec.Struct, frozen=True, kw_only=True):
    """An open deal in which nothing happens."""

    deal_id: UUID
    stage: str
    owner: str
    days_without_activity: int


class Ageing(msgspec.Struct, frozen=True, kw_only=True):
    """Ages of open deals by stage; the rotting ones, longest first (the first hundred)."""

    as_of: dt.date
    stages: list[StageAgeing]
    rotting: list[RottingDeal]
    rotting_total: int


async def run(plugin: Plugin, params: AgeingParams) -> Ageing:
    """See :class:`Ageing`.

    Raises:
        InvalidInput: there is no such pipeline.
    """
    figures, around = await load(plugin)
    book = around.book
    if params.pipeline is not None and book.pipeline(params.pipeline) is None:
        raise no_such_pipeline(params.pipeline, ", ".join(each.key for each in book.pipelines))
    days = plugin.settings.rotting_days
    return await asyncio.to_thread(ageing, figures, around, params.pipeline, days)


def ageing(
    figures: Sequence[Figures], around: Around, pipeline: str | None, default_days: int
) -> Ageing:
    """Ages by stage. Pure."""
    by_stage: dict[UUID, list[Figures]] = defaultdict(list)
    rotting: list[RottingDeal] = []
    for deal in figures:
        stage = around.stage(deal)
        if stage.outcome != "open" or pipeline not in (None, stage.pipeline):
            continue
        by_stage[stage.id].append(deal)
        if is_rotting(deal, around, stage.rotting_days or default_days):
            rotting.append(
                RottingDeal(
                    deal_id=deal.id,
                    stage=stage.key,
                    owner=around.member(deal.owner_id),
                    days_without_activity=(around.moment - last_sign(deal)).days,
                )
            )
    rotting.sort(key=lambda each: (-each.days_without_activity, each.deal_id))
    return Ageing(
        as_of=around.today,
        stages=[
            _of_stage(stage.id, by_stage[stage.id], around, default_days)
            for each in around.book.pipelines
            for stage in each.stages
            if by_stage.get(stage.id)
        ],
        rotting=rotting[:MOST_LISTED],
        rotting_total=len(rotting),
    )


def last_sign(deal: Figures) -> dt.datetime:
    """When something last happened in a deal: it moved, or somebody did something."""
    return max(deal.stage_since, deal.last_activity_at or deal.stage_since)


def is_rotting(deal: Figures, around: Around, days: int) -> bool:
    """Whether nothing happened for more than so many days."""
    return around.moment - last_sign(deal) > dt.timedelta(days=days)


def age_of(deal: Figures, around: Around) -> int:
    """Days in its stage."""
    return (around.today - local_day(deal.stage_since, around.zone)).days


def band_of(age: int) -> str:
    """The one of :data:`BANDS` that an age is in."""
    limit = next((limit for limit in LIMITS if age <= limit), None)
    return BANDS[-1] if limit is None else f"≤ {limit}"


def _of_stage(id: UUID, deals: Sequence[Figures], around: Around, default_days: int) -> StageAgeing:
    stage = around.book.stage(id)
    days = stage.rotting_days or default_days
    ages = [age_of(deal, around) for deal in deals]
    by_age = dict.fromkeys(BANDS, 0)
    for age in ages:
        by_age[band_of(age)] += 1
    return StageAgeing(
        pipeline=stage.pipeline,
        stage=stage.key,
        title=stage.title,
        deals=len(deals),
        rotting=sum(is_rotting(deal, around, days) for deal in deals),
        rotting_after_days=days,
        median_days=float(statistics.median(ages)),
        by_age=by_age,
    )
