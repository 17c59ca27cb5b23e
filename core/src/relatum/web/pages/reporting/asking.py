"""A chart as an address has it, so that any can be shared as a link."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from relatum.reports.periods import Compare, Range
from relatum.reports.types import ChartKind, ChartSpec, Cutting

if TYPE_CHECKING:
    from collections.abc import Sequence

Only = Annotated[str, Meta(max_length=200, pattern=r"^[a-z_]{1,40}:.+$")]


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The fields of the builder.

    Attributes:
        range: ``days`` are those from ``first`` to ``last``.
        only: ``dimension:part``.
        chart: the id of the kept chart that is being changed.
    """

    metric: Annotated[str, Meta(max_length=120)] = ""
    range: Range | Literal["days"] = "last_12_months"
    first: Annotated[str, Meta(max_length=10)] = ""
    last: Annotated[str, Meta(max_length=10)] = ""
    period: Cutting = "auto"
    by: Annotated[str, Meta(max_length=60)] = ""
    only: Annotated[list[Only], Meta(max_length=20)] = []
    kind: ChartKind = "bars"
    compare: Compare = ""
    most: Annotated[int, Meta(ge=1, le=50)] = 8
    chart: Annotated[str, Meta(max_length=40)] = ""


def spec_from(asked: Asked) -> ChartSpec:
    """The chart that is asked for; days that cannot be read are left out."""
    return ChartSpec(
        metric=asked.metric,
        range="" if asked.range == "days" else asked.range,
        first=_day(asked.first),
        last=_day(asked.last),
        period=asked.period,
        by=asked.by,
        only=only_from(asked.only),
        kind=asked.kind,
        compare=asked.compare,
        most=asked.most,
    )


def only_from(pairs: Sequence[str]) -> dict[str, str]:
    """``dimension:part`` as a mapping."""
    return {dimension: part for dimension, _, part in (each.partition(":") for each in pairs)}


def fields_of(spec: ChartSpec) -> dict[str, Any]:
    """What the fields of the builder hold for a chart."""
    return {
        "metric": spec.metric,
        "range": spec.range or "days",
        "first": spec.first.isoformat() if spec.first else "",
        "last": spec.last.isoformat() if spec.last else "",
        "period": spec.period,
        "by": spec.by,
        "only": [f"{dimension}:{part}" for dimension, part in spec.only.items()],
        "kind": spec.kind,
        "compare": spec.compare,
        "most": spec.most,
    }


def query_of(spec: ChartSpec, **more: str) -> str:
    """The part of an address behind ``?``, without what is as it is by default."""
    blank = fields_of(ChartSpec(metric=""))
    said = {name: value for name, value in fields_of(spec).items() if value != blank[name]}
    return urlencode({**said, **more}, doseq=True)


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
