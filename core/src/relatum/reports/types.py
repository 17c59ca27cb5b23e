"""What crosses the border of this room: charts, dashboards, schedules."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.reports.periods import Compare, Range

#: ``auto`` is a period that suits the number of days, ``whole`` does not cut the time.
Cutting = Literal["auto", "whole", "day", "week", "month", "quarter", "year"]
ChartKind = Literal["line", "area", "bars", "stacked", "rows", "number", "table"]
Shared = Literal["private", "role", "everybody"]
FileFormat = Literal["xlsx", "csv", "html"]
Every = Literal["day", "week", "month"]
Title = Annotated[str, Meta(min_length=1, max_length=100)]
RoleKey = Annotated[str, Meta(max_length=60)]
Days = Annotated[int, Meta(ge=1, le=31)]

MOST_TILES = 40


class ChartSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A question to a metric, and how its answer is drawn.

    Attributes:
        range: the name of a stretch of days; ``""`` for those from ``first`` to ``last``.
        by: the dimension that it is cut by; the largest ``most`` parts are drawn.
        only: dimension → part, to look at one part.
    """

    metric: str
    range: Range | Literal[""] = "last_12_months"
    first: dt.date | None = None
    last: dt.date | None = None
    period: Cutting = "auto"
    by: str = ""
    only: dict[str, str] = {}
    kind: ChartKind = "bars"
    compare: Compare = ""
    most: int = 8


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """A chart that somebody keeps."""

    id: UUID
    account: UUID
    title: str
    spec: ChartSpec
    shared: Shared
    role: str
    updated_at: dt.datetime


class ChartDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A chart to keep."""

    title: Title
    spec: ChartSpec
    shared: Shared = "private"
    role: RoleKey = ""


class Tile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One box of a dashboard: a declared widget, or a chart that somebody keeps.

    Attributes:
        id: unique on its dashboard.
        width: of four columns.
    """

    id: str
    widget: str = ""
    chart: UUID | None = None
    width: int = 1


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """Boxes in an order.

    Attributes:
        id: none for the one that everybody has who arranged nothing.
        account: whose it is; none for that one.
        is_default: what people of its role begin with.
    """

    id: UUID | None
    account: UUID | None
    title: str
    tiles: list[Tile]
    range: Range
    compare: Compare
    shared: Shared = "private"
    role: str = ""
    is_default: bool = False


class ScheduleDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is to be made again and again.

    Attributes:
        day: of the week (Monday is 1) or of the month; says nothing for ``day``.
        at: ``HH:MM`` by the company's clock.
    """

    kind: Literal["chart", "dashboard"]
    subject: UUID
    format: FileFormat = "xlsx"
    language: Literal["vi", "en"] = "vi"
    every: Every = "week"
    day: Days = 1
    at: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "07:00"
    keep_days: Annotated[int, Meta(ge=1, le=366)] = 90


class Schedule(ScheduleDraft, frozen=True, kw_only=True):
    """A schedule as it stands."""

    id: UUID
    account: UUID
    due_at: dt.datetime | None


class ReportFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a schedule came to once.

    Attributes:
        error: why there is no file; empty when there is one.
    """

    id: UUID
    schedule: UUID
    due_at: dt.datetime
    made_at: dt.datetime
    expires_at: dt.datetime
    name: str
    size: int
    error: str
