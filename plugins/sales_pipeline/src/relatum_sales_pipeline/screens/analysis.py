"""Why deals are won and lost, how they pass through the stages, and how old they get there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec

from relatum.api import Chart, Plugin, Series, Text, Visit, WebPage
from relatum_sales_pipeline.permissions import REPORTS_READ
from relatum_sales_pipeline.reports import ageing, conversion, win_loss
from relatum_sales_pipeline.reports.deal_figures import UNASSIGNED
from relatum_sales_pipeline.reports.win_loss import NO_PRODUCT
from relatum_sales_pipeline.screens.board import pipeline_of_board
from relatum_sales_pipeline.screens.reading import ROOT, pipeline_pairs, titled, tones_by_key
from relatum_sales_pipeline.screens.rows import rows_href
from relatum_sales_pipeline.services.board import BoardReader
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.pipelines import Pipelines

#: Rotting deals that are listed on the page itself.
MOST_ROTTING = 20


class WinsFilter(msgspec.Struct, kw_only=True):
    """Days of closing."""

    closed_from: dt.date | None = None
    closed_until: dt.date | None = None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the analysis as it is shown."""

    name: str
    won: int
    lost: int
    rate: Any
    won_href: str
    lost_href: str


async def wins(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    form, asked = visit.query(WinsFilter)
    params = win_loss.WinLossParams(closed_from=asked.closed_from, closed_until=asked.closed_until)
    found = await win_loss.run(plugin, params)
    book = await Pipelines(plugin).book()
    days = {"closed_from": asked.closed_from, "closed_until": asked.closed_until}
    reasons = {each.key: titled(each, visit) for each in book.reasons}
    named = [(each, reasons.get(each.reason, visit.text("not said"))) for each in found.by_reason]
    hrefs = [
        rows_href("wins", by="reason", part=each.reason, outcome="lost", **days)
        for each, _ in named
    ]
    return {
        "filter": form,
        "overall": found.overall,
        "won_href": rows_href("wins", outcome="won", **days),
        "lost_href": rows_href("wins", outcome="lost", **days),
        "reasons": list(zip(named, hrefs, strict=True)),
        "chart": _reasons_chart(named, hrefs, visit),
        "products": _groups(found.by_product, "product", days, visit),
        "people": _groups(found.by_agent, "agent", days, visit),
        "sizes": [
            (
                band,
                _size_href(band, days, "won"),
                _size_href(band, days, "lost"),
            )
            for band in found.by_size
        ],
        "sizeless": found.sizeless,
        "sizeless_href": rows_href("wins", by="size", **days),
        "here": "sales_pipeline.forecast",
        "root": ROOT,
    }


def _size_href(band: win_loss.SizeBand, days: dict[str, Any], outcome: str) -> str:
    return rows_href(
        "wins",
        by="size",
        currency=band.currency,
        part=str(band.band),
        outcome=outcome,
        **days,
    )


def _reasons_chart(
    named: Sequence[tuple[win_loss.ReasonRow, str]], hrefs: Sequence[str], visit: Visit
) -> Chart:
    return Chart(
        title=visit.text("Reasons for losing"),
        kind="rows",
        labels=tuple(name for _, name in named),
        series=(
            Series(
                name=visit.text("Lost"),
                values=tuple(each.lost for each, _ in named),
                hrefs=tuple(hrefs),
                tone="bad",
            ),
        ),
        heading=visit.text("Reason"),
    )


def _groups(
    rows: Sequence[win_loss.WinLossRow], by: str, days: dict[str, Any], visit: Visit
) -> list[Group]:
    names = {UNASSIGNED: visit.text("nobody"), NO_PRODUCT: visit.text("no product")}
    return [
        Group(
            name=names.get(row.name, row.name),
            won=row.won,
            lost=row.lost,
            rate=row.win_rate,
            won_href=rows_href("wins", by=by, part=row.name, outcome="won", **days),
            lost_href=rows_href("wins", by=by, part=row.name, outcome="lost", **days),
        )
        for row in rows
    ]


class FlowFilter(msgspec.Struct, kw_only=True):
    """Which pipeline."""

    pipeline: str = ""


async def flow(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    form, asked = visit.query(FlowFilter)
    book = await Pipelines(plugin).book()
    pipeline = await pipeline_of_board(BoardReader(plugin), book, asked.pipeline)
    form.hold({"pipeline": pipeline.key})
    passed = await conversion.run(plugin, conversion.ConversionParams(pipeline=pipeline.key))
    aged = await ageing.run(plugin, ageing.AgeingParams(pipeline=pipeline.key))
    titles = {stage.key: titled(stage, visit) for stage in pipeline.stages}
    (way,) = passed.pipelines
    waits = {each.deal_id: each.days_without_activity for each in aged.rotting[:MOST_ROTTING]}
    return {
        "filter": form,
        "pipeline": pipeline,
        "pipelines": pipeline_pairs(book, visit),
        "way": way,
        "aged": aged,
        "titles": titles,
        "waits": waits,
        "rotting": await Deals(plugin).get_many(list(waits)),
        "rotting_href": rows_href("rotting", pipeline=pipeline.key),
        "tones": tones_by_key(book),
        "href": rows_href,
        "funnel": _funnel(way, titles, visit),
        "ages": _ages(aged, pipeline.key, titles, visit),
        "here": "sales_pipeline.forecast",
        "root": ROOT,
    }


def _funnel(way: conversion.PipelineConversion, titles: dict[str, str], visit: Visit) -> Chart:
    return Chart(
        title=visit.text("Deals that reached each stage"),
        kind="funnel",
        labels=(*(titles[each.stage] for each in way.stages), visit.text("Won")),
        series=(
            Series(
                name=visit.text("Deals"),
                values=(*(each.entered for each in way.stages), way.overall.numerator),
                hrefs=(
                    *(
                        rows_href("conversion", pipeline=way.pipeline, stage=each.stage)
                        for each in way.stages
                    ),
                    rows_href("won", pipeline=way.pipeline),
                ),
            ),
        ),
        heading=visit.text("Stage"),
    )


def _ages(aged: ageing.Ageing, pipeline: str, titles: dict[str, str], visit: Visit) -> Chart:
    return Chart(
        title=visit.text("Age of open deals in their stage"),
        kind="stacked",
        labels=tuple(titles[each.stage] for each in aged.stages),
        series=tuple(
            Series(
                name=visit.text("%(band)s days", band=band),
                values=tuple(each.by_age[band] for each in aged.stages),
                hrefs=tuple(
                    rows_href("ageing", pipeline=pipeline, stage=each.stage, band=band)
                    for each in aged.stages
                ),
            )
            for band in ageing.BANDS
        ),
        heading=visit.text("Stage"),
    )


PAGES = [
    WebPage(
        id="sales_pipeline.wins",
        path="/wins",
        title=Text(en="Wins and losses", vi="Phân tích thắng thua"),
        permission=REPORTS_READ,
        template="sales_pipeline/wins.html",
        load=wins,
    ),
    WebPage(
        id="sales_pipeline.flow",
        path="/flow",
        title=Text(en="Conversion and age", vi="Chuyển đổi và tuổi"),
        permission=REPORTS_READ,
        template="sales_pipeline/flow.html",
        load=flow,
    ),
]
