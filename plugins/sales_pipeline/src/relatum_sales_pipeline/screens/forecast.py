"""The forecast by month, stage, team and person, against targets and against an earlier day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from relatum.api import Chart, Entry, Plugin, Series, Text, Visit, WebPage
from relatum_sales_pipeline.forecasting import WHOLE
from relatum_sales_pipeline.permissions import REPORTS_READ
from relatum_sales_pipeline.reports import comparison
from relatum_sales_pipeline.reports.forecast import LATER, NO_DATE, OVERDUE
from relatum_sales_pipeline.reports.outlook import (
    By,
    Looked,
    Outlook,
    OutlookOf,
    Won,
    outlook,
)
from relatum_sales_pipeline.reports.velocity import VelocityParams
from relatum_sales_pipeline.reports.velocity import run as velocity
from relatum_sales_pipeline.screens.reading import ROOT, month_name, pipeline_pairs, titled
from relatum_sales_pipeline.screens.rows import rows_href
from relatum_sales_pipeline.services.targets import Targets, bounds
from relatum_sales_pipeline.types.pipelines import stage_part

WEEK = 7


class ForecastFilter(msgspec.Struct, kw_only=True):
    """What stands in the address of the forecast."""

    pipeline: str = ""
    since: Literal["week", "month", "quarter"] = "week"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the forecast as it is shown."""

    name: str
    row: Outlook
    href: str
    won: Won | None = None
    won_href: str = ""
    target: int | None = None
    probability: float | None = None


class Names(msgspec.Struct, frozen=True):
    """What teams and people are called, also those who sell no more."""

    teams: Mapping[str, str]
    owners: Mapping[str, str]


async def load(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    form, asked = visit.query(ForecastFilter)
    form.hold({"since": asked.since})
    looked = await _looked(plugin, asked)
    book = looked.around.book
    pipeline = asked.pipeline if book.pipeline(asked.pipeline) else None
    names = Names(
        {str(id): name for id, name in looked.around.teams.items()},
        {str(id): name for id, name in looked.around.members.items()},
    )
    blocks = [
        await _Block(plugin, visit, looked, each, names, pipeline).values()
        for each in looked.blocks
    ]
    return {
        "filter": form,
        "blocks": blocks,
        "gaps": looked.gaps,
        "gap_href": rows_href("gap", pipeline=pipeline),
        "compared": None if pipeline else await _compared(plugin, visit, looked, asked, names),
        "speeds": (await velocity(plugin, VelocityParams(days=365))).currencies,
        "open_href": rows_href("open"),
        "pipelines": pipeline_pairs(book, visit),
        "chosen": pipeline,
        "since": [
            ("week", visit.text("a week ago")),
            ("month", visit.text("the start of the month")),
            ("quarter", visit.text("the start of the quarter")),
        ],
        "root": ROOT,
    }


async def _looked(plugin: Plugin, asked: ForecastFilter) -> Looked:
    """The forecast; of all pipelines when the one that was asked for is not there."""
    months = plugin.settings.forecast_months
    if not asked.pipeline:
        return await outlook(plugin, None, months)
    looked = await outlook(plugin, asked.pipeline, months)
    known = looked.around.book.pipeline(asked.pipeline) is not None
    return looked if known else await outlook(plugin, None, months)


class _Block:
    """What the page shows of one currency."""

    def __init__(
        self,
        plugin: Plugin,
        visit: Visit,
        looked: Looked,
        found: OutlookOf,
        names: Names,
        pipeline: str | None,
    ) -> None:
        self._plugin = plugin
        self._visit = visit
        self._looked = looked
        self._found = found
        self._names = names
        self._pipeline = pipeline
        self._which = {"currency": found.currency, "pipeline": pipeline}

    async def values(self) -> dict[str, Any]:
        found, visit = self._found, self._visit
        by_month, by_team = await self._targets()
        months = self._lines(
            found.months,
            "month",
            lambda part: month_name(part, visit),
            by_month,
            found.won_by_month,
        )
        return {
            "currency": found.currency,
            "total": found.total,
            "href": rows_href("forecast", **self._which),
            "won": found.won,
            "won_href": self._won_href(self._looked.months[0], self._looked.months[-1]),
            "target": sum(by_month.values()) if by_month else None,
            "months": months,
            "stages": self._lines(found.stages, "stage", self._stage_name),
            "teams": self._lines(found.teams, "team", self._team_name, by_team, found.won_by_team),
            "owners": self._lines(
                found.owners,
                "owner",
                lambda part: self._names.owners.get(part, visit.text("nobody")),
            ),
            "chart": _chart(months, found.currency, visit),
        }

    async def _targets(self) -> tuple[dict[str, int], dict[str, int]]:
        """By month and by team; none for one pipeline, since they are meant for all."""
        by_month: dict[str, int] = {}
        by_team: dict[str, int] = {}
        if self._pipeline is None:
            progress = await Targets(self._plugin).progress(
                self._looked.months, self._found.currency
            )
            for each in progress:
                if each.target is not None:
                    by_month[each.month] = by_month.get(each.month, 0) + each.target
                    team = str(each.team_id)
                    by_team[team] = by_team.get(team, 0) + each.target
        return by_month, by_team

    def _lines(
        self,
        rows: Sequence[Outlook],
        by: By,
        name: Callable[[str], str],
        targets: Mapping[str, int] | None = None,
        won: Mapping[str, Won] | None = None,
    ) -> list[Line]:
        """The rows; those with a target or with something won as well, though nothing is open."""
        known = {row.part: row for row in rows}
        more = [part for part in {**(won or {}), **(targets or {})} if part not in known]
        every = [*rows, *(_nothing(part) for part in more)]
        if by == "month":
            every.sort(key=lambda row: self._place(row.part))
        probabilities = {
            stage_part(each): each.probability / WHOLE for each in self._looked.around.book.stages
        }
        return [
            Line(
                name=name(row.part),
                row=row,
                href=rows_href("forecast", by=by, part=row.part, **self._which),
                won=None if won is None else won.get(row.part, Won()),
                won_href=self._won_by(by, row.part),
                target=(targets or {}).get(row.part),
                probability=probabilities.get(row.part),
            )
            for row in every
        ]

    def _place(self, part: str) -> int:
        """Overdue before the months, later and no date after them."""
        months = self._looked.months
        order = [OVERDUE, *months, LATER, NO_DATE]
        return order.index(part)

    def _won_by(self, by: By, part: str) -> str:
        months = self._looked.months
        if by == "month":
            return self._won_href(part, part) if part in months else ""
        if by == "team":
            which = {"team": part} if part else {"nobody": "team"}
            return self._won_href(months[0], months[-1], **which)
        return ""

    def _won_href(self, first: str, last: str, **which: object) -> str:
        return rows_href(
            "won",
            **self._which,
            closed_from=bounds(first)[0],
            closed_until=bounds(last)[1],
            **which,
        )

    def _team_name(self, part: str) -> str:
        return self._names.teams.get(part, self._visit.text("no team"))

    def _stage_name(self, part: str) -> str:
        return _stage_name(part, self._looked, self._visit, every=self._pipeline is None)


def _stage_name(part: str, looked: Looked, visit: Visit, *, every: bool) -> str:
    """What a stage is called; with its pipeline where there are several of them.

    One that is there no more is called by its key.
    """
    book = looked.around.book
    stage = next((each for each in book.stages if stage_part(each) == part), None)
    if stage is None:
        return part
    pipeline = book.pipeline(stage.pipeline)
    several = every and len(book.pipelines) > 1
    before = f"{titled(pipeline, visit)}: " if several and pipeline else ""
    return before + titled(stage, visit)


def _nothing(part: str) -> Outlook:
    return Outlook(part=part, deals=0, best=0, weighted=0, commit=0)


async def _compared(
    plugin: Plugin, visit: Visit, looked: Looked, asked: ForecastFilter, names: Names
) -> dict[str, Any]:
    until = _since(looked.around.today, asked.since)
    found = await comparison.compare(plugin, looked, until)

    def named(changes: Sequence[comparison.Change], name: Callable[[str], str]) -> list[Any]:
        return [(name(each.part), each) for each in changes]

    return {
        "until": until,
        "taken_on": found.taken_on,
        "currencies": [
            {
                "currency": each.currency,
                "total": each.total,
                "months": named(each.months, lambda part: month_name(part, visit)),
                "stages": named(
                    each.stages, lambda part: _stage_name(part, looked, visit, every=True)
                ),
                "teams": named(
                    each.teams, lambda part: names.teams.get(part, visit.text("no team"))
                ),
            }
            for each in found.currencies
        ],
    }


def _since(today: dt.date, since: str) -> dt.date:
    if since == "week":
        return today - dt.timedelta(days=WEEK)
    month = today.month if since == "month" else (today.month - 1) // 3 * 3 + 1
    return dt.date(today.year, month, 1)


def _chart(lines: Sequence[Line], currency: str, visit: Visit) -> Chart:
    def series(
        name: str, tone: str, value: Callable[[Line], int], link: Callable[[Line], str]
    ) -> Series:
        return Series(
            name=name,
            values=tuple(value(line) for line in lines),
            hrefs=tuple(link(line) for line in lines),
            tone=tone,  # type: ignore[arg-type]
        )

    return Chart(
        title=visit.text("Forecast by month"),
        kind="bars",
        labels=tuple(line.name for line in lines),
        series=(
            series(
                visit.text("Commit"),
                "good",
                lambda line: line.row.commit,
                lambda line: f"{line.href}&committed=on&figure=value",
            ),
            series(
                visit.text("Weighted"),
                "accent",
                lambda line: line.row.weighted,
                lambda line: f"{line.href}&figure=weighted",
            ),
            series(
                visit.text("Best case"),
                "quiet",
                lambda line: line.row.best,
                lambda line: f"{line.href}&figure=value",
            ),
        ),
        unit="money",
        currency=currency,
        heading=visit.text("Month"),
    )


PAGES = [
    WebPage(
        id="sales_pipeline.forecast",
        path="/forecast",
        title=Text(en="Sales figures", vi="Phân tích bán hàng"),
        permission=REPORTS_READ,
        template="sales_pipeline/forecast.html",
        load=load,
        entry=Entry(icon="report-analytics", group="insight", order=30, key="f"),
    ),
]
