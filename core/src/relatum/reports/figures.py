"""Reading metrics: by permission, each on its own, with gaps filled, and the rows behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from relatum.hooks.isolation import NoAnswerError, within
from relatum.hooks.screens import MetricQuery, Point
from relatum.reports.counting import NOTHING
from relatum.reports.gathering import Gathering
from relatum.reports.periods import MOST_PERIODS, Bucket, Stretch, buckets
from relatum.reports.together import Shared
from relatum.telemetry.logs import about
from relatum.values.problems import InvalidInput, PluginError, Problem, Refused, RelatumError

if TYPE_CHECKING:
    from relatum.hooks.context import Plugin
    from relatum.hooks.registry import Registry
    from relatum.hooks.screens import Metric, Period, Row
    from relatum.web.visit import Visit

#: Seconds that one metric may take: what a page does not wait for comes after it.
LIMIT = 10.0
MOST_ROWS = 200
#: With fewer days in each period a chart is unreadable, and slow for those who see few customers.
_MOST_DAYS: Mapping[str, int] = {"day": 366, "week": 366 * 5}


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of a series and which rows are behind it.

    Attributes:
        drill: the question whose rows they are.
    """

    bucket: Bucket
    value: int | float | None
    rows: int
    drill: MetricQuery


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one part of a metric, one for each period.

    Attributes:
        part: of the dimension; empty when nothing is cut.
        name: what the part is called.
    """

    part: str
    name: str
    currency: str
    figures: list[Figure]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A metric as it was read.

    Attributes:
        failed: why there is nothing: ``slow``, ``broken``, ``refused`` (no permission) or
            ``question`` (it cannot be asked so); empty when there is.
        more: how many further parts there are.
    """

    metric: Metric
    query: MetricQuery
    series: list[Series] = []
    failed: str = ""
    more: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is behind any figure."""
        return not any(each.rows for series in self.series for each in series.figures)


class Figures:
    """Reads the metrics of core and plugins for whoever looks.

    What is read is guarded by whose figures they are: call it while the viewer acts.
    """

    def __init__(self, registry: Registry, *, limit: float = LIMIT) -> None:
        self._registry = registry
        self._limit = limit
        self._shared = Shared()
        self._gathering = Gathering()

    def known(self, visit: Visit) -> list[Metric]:
        """The metrics that the viewer may see, by title."""
        found = [each for each in self._registry.metrics if visit.may(each.permission)]
        return sorted(found, key=lambda each: (each.id.partition(".")[0] != "core", each.id))

    async def read(self, metric_id: str, visit: Visit, query: MetricQuery) -> Reading:
        """One metric; a failure is in the answer.

        Whoever asks the same while it is being read waits for the same answer, and so does the box
        that a page did not wait for.

        Raises:
            NotFound: there is no such metric, or its plugin is off.
        """
        metric = self._registry.metrics.get(metric_id)
        asked = (metric_id, visit.language, visit.viewer, msgspec.json.encode(query))
        return await self._shared.get(asked, lambda: self._read(metric, visit, query))

    async def _read(self, metric: Metric, visit: Visit, query: MetricQuery) -> Reading:
        metric_id = metric.id
        plugin = self._registry.plugin_of(metric_id)
        try:
            refuse_question(metric, visit, query)
            with self._gathering.here():
                points = await within(self._limit, _points(metric, plugin, visit, query))
            names = await within(self._limit, _names(metric, plugin, visit, query, points))
        except NoAnswerError:
            plugin.log.warning("metric %s took longer than %s s", metric_id, self._limit)
            return Reading(metric=metric, query=query, failed="slow")
        except Refused:
            return Reading(metric=metric, query=query, failed="refused")
        except InvalidInput:
            return Reading(metric=metric, query=query, failed="question")
        except Exception as error:  # noqa: BLE001 - whatever it is stays in its box
            _note(plugin, metric_id, error)
            return Reading(metric=metric, query=query, failed="broken")
        series = _series(metric, query, points, names)
        return Reading(metric=metric, query=query, series=series)

    async def read_together(
        self, asked: Sequence[tuple[str, MetricQuery]], visit: Visit
    ) -> list[Reading]:
        """Several metrics beside each other."""
        return list(
            await asyncio.gather(*(self.read(metric, visit, query) for metric, query in asked))
        )

    async def rows(
        self, metric_id: str, visit: Visit, query: MetricQuery, after: str = "", limit: int = 50
    ) -> tuple[list[Row], str]:
        """The rows behind one figure, and the cursor of those that follow (empty: none do).

        Raises:
            NotFound: there is no such metric.
            Refused: the viewer may not see it.
            InvalidInput: the question is about no figure of it.
            PluginError: the metric failed, or took longer than it may.
        """
        metric = self._registry.metrics.get(metric_id)
        plugin = self._registry.plugin_of(metric_id)
        refuse_question(metric, visit, query)
        limit = min(limit, MOST_ROWS)
        try:
            found = await within(
                self._limit, _listed(metric, plugin, visit, query, after, limit + 1)
            )
        except RelatumError:
            raise
        except Exception as error:
            _note(plugin, metric_id, error)
            raise PluginError(
                f"The metric {metric_id} of {plugin.id} {plugin.version} failed. The log says more."
            ) from error
        return found[:limit], found[limit - 1].id if len(found) > limit else ""

    async def part_names(
        self, metric_id: str, visit: Visit, dimension: str, parts: Sequence[str]
    ) -> Mapping[str, str]:
        """What parts of a dimension are called; those without a name are left out."""
        metric = self._registry.metrics.get(metric_id)
        known = next((each for each in metric.dimensions if each.id == dimension), None)
        if known is None or known.names is None:
            return {}
        plugin = self._registry.plugin_of(metric_id)
        return await within(self._limit, _named(known.names, plugin, visit, parts))


def refuse_question(metric: Metric, visit: Visit, query: MetricQuery) -> None:
    """Refuse what cannot be asked.

    Raises:
        Refused: the viewer may not see the metric.
        InvalidInput: it has no such dimension, or there would be too many periods.
    """
    if not visit.may(metric.permission):
        raise Refused(
            f"expected the permission {metric.permission}, got somebody without it",
            extra={"permission": metric.permission},
        )
    known = {each.id for each in metric.dimensions} | {"currency"}
    unknown = sorted({*query.only, *([query.by] if query.by else [])} - known)
    if unknown:
        raise _bad("by", f"one of {', '.join(sorted(known))}", unknown[0])
    days = (query.until - query.first).days
    if days < 1:
        raise _bad("first", "a first day before the last one", str(query.first))
    if query.period is not None and days > _MOST_DAYS.get(query.period, MOST_PERIODS * 28):
        raise _bad("period", "a longer period for so many days", query.period)


def _visit_of(plugin: Plugin, visit: Visit) -> Visit:
    """The same look as the plugin is given it: its texts are its own."""
    return type(visit)(plugin, visit.house, visit.viewer, visit.language)


def _bad(field: str, expected: str, got: str) -> InvalidInput:
    problem = Problem(
        code="bad-question",
        message="This cannot be asked of the metric",
        where=f"/{field}",
        expected=expected,
        got=got,
    )
    return InvalidInput(f"expected {expected}, got {got!r}", problems=[problem])


async def _points(
    metric: Metric, plugin: Plugin, visit: Visit, query: MetricQuery
) -> Sequence[Point]:
    async with plugin.at_work():
        return await metric.points(plugin, _visit_of(plugin, visit), query)


async def _listed(
    metric: Metric, plugin: Plugin, visit: Visit, query: MetricQuery, after: str, limit: int
) -> list[Row]:
    async with plugin.at_work():
        return list(await metric.rows(plugin, _visit_of(plugin, visit), query, after, limit))


async def _named(
    names: Any, plugin: Plugin, visit: Visit, parts: Sequence[str]
) -> Mapping[str, str]:
    async with plugin.at_work():
        named: Mapping[str, str] = await names(plugin, _visit_of(plugin, visit), parts)
    return named


async def _names(
    metric: Metric, plugin: Plugin, visit: Visit, query: MetricQuery, points: Sequence[Point]
) -> Mapping[str, str]:
    dimension = next((each for each in metric.dimensions if each.id == query.by), None)
    parts = list(dict.fromkeys(each.part for each in points if each.part != NOTHING))
    if dimension is None or dimension.names is None or not parts:
        return {}
    return await _named(dimension.names, plugin, visit, parts)


def _series(
    metric: Metric, query: MetricQuery, points: Sequence[Point], names: Mapping[str, str]
) -> list[Series]:
    """One for each part and currency, the largest first, with a figure for every period."""
    found: dict[tuple[str, str], dict[object, Point]] = {}
    for point in points:
        found.setdefault((point.part, point.currency), {})[point.start] = point
    if not found and not query.by:
        found[("", "")] = {}
    made = [
        Series(
            part=part,
            name=names.get(part, part),
            currency=currency,
            figures=_figures(metric, query, part, currency, there),
        )
        for (part, currency), there in found.items()
    ]
    return sorted(made, key=lambda each: (each.part == NOTHING, -_weight(each), each.name))


def _weight(series: Series) -> float:
    return sum(each.value or 0 for each in series.figures)


def _figures(
    metric: Metric, query: MetricQuery, part: str, currency: str, there: Mapping[object, Point]
) -> list[Figure]:
    if query.period is None:
        whole = [Bucket(query.first, query.first, query.until)]
    else:
        whole = buckets(query.period, Stretch(query.first, query.until))
    # nothing happened is a zero; a share or a mean of nothing is unknown
    gap = 0 if metric.unit in ("count", "money") else None
    made = []
    for bucket in whole:
        point = there.get(bucket.start if query.period else None)
        made.append(
            Figure(
                bucket=bucket,
                value=gap if point is None else point.value,
                rows=0 if point is None else point.rows,
                drill=drill_of(query, bucket, part, currency),
            )
        )
    return made


def drill_of(query: MetricQuery, bucket: Bucket, part: str, currency: str = "") -> MetricQuery:
    """The question for the rows behind exactly one figure."""
    only = dict(query.only)
    if query.by:
        only[query.by] = part
    if currency:
        only["currency"] = currency
    return MetricQuery(first=bucket.first, until=bucket.until, only=only)


def period_for(stretch: Stretch) -> Period:
    """The period that cuts a stretch into a number of points that can be read."""
    if stretch.days <= 31:
        return "day"
    if stretch.days <= 120:
        return "week"
    return "month" if stretch.days <= 366 * 3 else "quarter"


def _note(plugin: Plugin, metric_id: str, error: Exception) -> None:
    with about(plugin=plugin.id):
        plugin.log.error("metric %s failed", metric_id, exc_info=error)
