"""Charts and dashboards that are written into files on a schedule.

A file holds what its owner sees at the moment of writing. It is kept in the database, for its owner
alone, until its time is over.
"""

from __future__ import annotations

import asyncio
import calendar
import datetime as dt
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.hooks.checks import CORE_PRIORITY
from relatum.hooks.declarations import Job, Retry
from relatum.importing.acting import viewer_of
from relatum.reports.drawing import draw, today_in
from relatum.reports.files import file_name, written
from relatum.reports.sharing import account_of, nothing
from relatum.reports.sheets import Sheet, sheet_of
from relatum.reports.types import ChartSpec, ReportFile, Schedule, ScheduleDraft
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, RelatumError
from relatum.values.text import Text
from relatum.values.time import local_day, now, zone_of

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.hooks.context import Plugin
    from relatum.jobs.types import Run
    from relatum.reports.sharing import House
    from relatum.web.visit import Visit

log = logging.getLogger("relatum.reports")

WRITE = "core.write_report"
MOST_SCHEDULES = 100
_SCHEDULE = "id, account_id, kind, subject_id, format, language, every, day, at, keep_days, due_at"
_FILE = "id, schedule_id, due_at, made_at, expires_at, name, size, error"
_FAILED = Text(
    en="It could not be read with your rights of now.",
    vi="Không đọc được với quyền hiện nay của bạn.",
)

Look = Callable[["Viewer", str], AbstractAsyncContextManager["Visit"]]


class WriteWork(msgspec.Struct, frozen=True):
    """Which schedule is to be written, and for which time."""

    schedule: UUID
    due: dt.datetime


def next_due(draft: ScheduleDraft, after: dt.datetime, zone: str) -> dt.datetime:
    """The first time of a schedule that is later than a moment; UTC.

    A day that a month does not have is its last.
    """
    clock = zone_of(zone)
    hour, minute = (int(part) for part in draft.at.split(":"))
    day = local_day(after, zone)
    while True:
        if _is_day(draft, day):
            due = dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=clock)
            if due.astimezone(dt.UTC) > after:
                return due.astimezone(dt.UTC)
        day += dt.timedelta(days=1)


def _is_day(draft: ScheduleDraft, day: dt.date) -> bool:
    if draft.every == "day":
        return True
    if draft.every == "week":
        return day.isoweekday() == min(draft.day, 7)
    return day.day == min(draft.day, calendar.monthrange(day.year, day.month)[1])


class Schedules:
    """Keeps schedules, has them written, hands their files out.

    Args:
        look: the visit of a viewer in a language, without a request; within it days and numbers
            are written as that viewer reads them.
    """

    def __init__(self, house: House, look: Look) -> None:
        self._house = house
        self._look = look

    async def keep(self, draft: ScheduleDraft, *, viewer: Viewer) -> UUID:
        """Begin a schedule.

        Raises:
            NotFound: the viewer sees no such chart or dashboard.
            Refused: the viewer has no account.
            Conflict: there are as many as may be.
        """
        await self._title(draft, viewer)
        account, id, moment = account_of(viewer), new_id(), now()
        there = await self._house.db.fetch_one(
            "SELECT count(*) FROM core_report_schedule WHERE account_id = ?", account
        )
        if there is not None and there[0] >= MOST_SCHEDULES:
            raise Conflict(f"expected at most {MOST_SCHEDULES} schedules, got one more")
        due = next_due(draft, moment, self._zone)
        await self._house.db.insert(
            "core_report_schedule",
            (
                *("id", "account_id", "kind", "subject_id", "format", "language", "every", "day"),
                *("at", "keep_days", "due_at", "created_at"),
            ),
            [
                (
                    *(id, account, draft.kind, draft.subject, draft.format, draft.language),
                    *(draft.every, draft.day, draft.at, draft.keep_days, due, moment),
                )
            ],
        )
        return id

    async def find(self, viewer: Viewer) -> list[tuple[Schedule, str, list[ReportFile]]]:
        """The viewer's schedules with title and files, the newest first."""
        account = account_of(viewer)
        found = await self._house.db.fetch(
            f"SELECT {_SCHEDULE} FROM core_report_schedule WHERE account_id = ? "  # noqa: S608
            "ORDER BY created_at DESC, id",
            account,
        )
        schedules = [_schedule(row) for row in found]
        files = await self._house.db.fetch_in(
            f"SELECT {_FILE} FROM core_report_file WHERE schedule_id IN ({{}}) "  # noqa: S608
            "AND expires_at > ? ORDER BY due_at DESC, id",
            [each.id for each in schedules],
            now(),
        )
        made: dict[UUID, list[ReportFile]] = {}
        for row in files:
            file = _file(row)
            made.setdefault(file.schedule, []).append(file)
        titles = await self._titles(schedules, viewer)
        return [(each, titles.get(each.subject, ""), made.get(each.id, [])) for each in schedules]

    async def end(self, id: UUID, *, viewer: Viewer) -> None:
        """End a schedule; its files go with it.

        Raises:
            NotFound: it is none of the viewer's.
        """
        await self._own(id, viewer)
        await self._house.db.execute("DELETE FROM core_report_file WHERE schedule_id = ?", id)
        await self._house.db.execute("DELETE FROM core_report_schedule WHERE id = ?", id)

    async def order(self, id: UUID, *, viewer: Viewer) -> None:
        """Have a file made now; raises as :meth:`end`."""
        await self._own(id, viewer)
        work = WriteWork(schedule=id, due=now())
        await self._house.jobs.enqueue(WRITE, work, unique=str(id))

    async def open(self, id: UUID, *, viewer: Viewer) -> tuple[ReportFile, bytes]:
        """One file with its content.

        Raises:
            NotFound: there is none, or it is of somebody else.
        """
        row = await self._house.db.fetch_one(
            "SELECT f.id, f.schedule_id, f.due_at, f.made_at, f.expires_at, f.name, f.size, "
            "f.error, f.content FROM core_report_file f "
            "JOIN core_report_schedule s ON s.id = f.schedule_id "
            "WHERE f.id = ? AND s.account_id = ? AND f.expires_at > ? AND f.error = ''",
            *(id, account_of(viewer), now()),
        )
        if row is None:
            raise nothing("file", id)
        return _file(row[:-1]), bytes(row[-1])

    # -- in the background -----------------------------------------------------------------------

    async def order_due(self) -> int:
        """Order what is due and set the next times; returns how many."""
        moment = now()
        async with self._house.db.transaction():
            found = await self._house.db.fetch(
                f"SELECT {_SCHEDULE} FROM core_report_schedule WHERE due_at <= ?",  # noqa: S608
                moment,
            )
            for each in map(_schedule, found):
                work = WriteWork(schedule=each.id, due=each.due_at or moment)
                await self._house.jobs.enqueue(WRITE, work, unique=str(each.id))
                await self._house.db.execute(
                    "UPDATE core_report_schedule SET due_at = ? WHERE id = ?",
                    *(next_due(each, moment, self._zone), each.id),
                )
        return len(found)

    async def sweep(self) -> None:
        """Delete files whose time is over."""
        await self._house.db.execute("DELETE FROM core_report_file WHERE expires_at <= ?", now())

    async def write(self, work: WriteWork) -> None:
        """Write one file, as its owner sees it now. What goes wrong is told with the file."""
        row = await self._house.db.fetch_one(
            f"SELECT {_SCHEDULE} FROM core_report_schedule WHERE id = ?",  # noqa: S608
            work.schedule,
        )
        if row is None:
            return
        schedule = _schedule(row)
        try:
            title, content = await self._written(schedule)
            error = ""
        except RelatumError as refused:
            log.warning("schedule %s: %s", schedule.id, refused.detail)
            title, content, error = "", b"", _FAILED.in_language(schedule.language)
        await self._store(schedule, work, title, content, error)

    async def _written(self, schedule: Schedule) -> tuple[str, bytes]:
        """The title and the file, as whoever it is for sees and reads it now."""
        viewer = await viewer_of(self._house, schedule.account, "")
        async with self._look(viewer, schedule.language) as visit:
            async with self._house.sights.looking_as(viewer):
                title, sheets = await self._sheets(schedule, visit)
            content = await asyncio.to_thread(
                written,
                sheets,
                schedule.format,
                renderer=self._house.renderer,
                language=schedule.language,
            )
        return title, content

    async def _store(
        self, schedule: Schedule, work: WriteWork, title: str, content: bytes, error: str
    ) -> None:
        moment = now()
        name = file_name(title, today_in(self._zone).isoformat(), schedule.format)
        async with self._house.db.transaction():
            await self._house.db.execute(
                "DELETE FROM core_report_file WHERE schedule_id = ? AND due_at = ?",
                *(schedule.id, work.due),
            )
            await self._house.db.insert(
                "core_report_file",
                (
                    *("id", "schedule_id", "due_at", "made_at", "expires_at", "name"),
                    *("content", "size", "error"),
                ),
                [
                    (
                        *(new_id(), schedule.id, work.due, moment),
                        *(moment + dt.timedelta(days=schedule.keep_days), name),
                        *(content, len(content), error),
                    )
                ],
            )

    async def _sheets(self, schedule: Schedule, visit: Visit) -> tuple[str, list[Sheet]]:
        viewer = visit.viewer
        if schedule.kind == "chart":
            chart = await self._house.charts.get(schedule.subject, viewer=viewer)
            return chart.title, [await self._sheet(chart.spec, visit, chart.title)]
        board = await self._house.dashboards.get(schedule.subject, viewer)
        sheets = []
        kept = [tile.chart for tile in board.tiles if tile.chart is not None]
        charts = {c.id: c for c in await self._house.charts.get_many(kept, viewer=viewer)}
        for tile in board.tiles:
            widget = self._house.registry.widgets.find(tile.widget) if tile.widget else None
            if tile.chart in charts:
                chart = charts[tile.chart]
                sheets.append(await self._sheet(chart.spec, visit, chart.title))
            elif widget is not None and widget.metric and visit.may(widget.permission):
                spec = ChartSpec(metric=widget.metric, range=board.range, kind=widget.chart)
                sheets.append(await self._sheet(spec, visit, visit.say(widget.title)))
        return board.title, sheets

    async def _sheet(self, spec: ChartSpec, visit: Visit, title: str) -> Sheet:
        return sheet_of(await draw(self._house.figures, spec, visit), visit, title)

    async def _title(self, draft: ScheduleDraft, viewer: Viewer) -> str:
        if draft.kind == "chart":
            return (await self._house.charts.get(draft.subject, viewer=viewer)).title
        return (await self._house.dashboards.get(draft.subject, viewer)).title

    async def _titles(self, schedules: list[Schedule], viewer: Viewer) -> dict[UUID, str]:
        charts = [each.subject for each in schedules if each.kind == "chart"]
        found = {c.id: c.title for c in await self._house.charts.get_many(charts, viewer=viewer)}
        boards = await self._house.dashboards.find(viewer)
        return found | {each.id: each.title for each in boards if each.id is not None}

    async def _own(self, id: UUID, viewer: Viewer) -> None:
        row = await self._house.db.fetch_one(
            "SELECT id FROM core_report_schedule WHERE id = ? AND account_id = ?",
            *(id, account_of(viewer)),
        )
        if row is None:
            raise nothing("schedule", id)

    @property
    def _zone(self) -> str:
        return self._house.settings.company.time_zone


def _schedule(row: tuple[Any, ...]) -> Schedule:
    id, account, kind, subject, form, language, every, day, at, keep_days, due_at = row
    return Schedule(
        id=id,
        account=account,
        kind=kind,
        subject=subject,
        format=form,
        language=language,
        every=every,
        day=day,
        at=at,
        keep_days=keep_days,
        due_at=due_at,
    )


def _file(row: tuple[Any, ...]) -> ReportFile:
    id, schedule, due_at, made_at, expires_at, name, size, error = row
    return ReportFile(
        id=id,
        schedule=schedule,
        due_at=due_at,
        made_at=made_at,
        expires_at=expires_at,
        name=name,
        size=size,
        error=error,
    )


async def _write(plugin: Plugin, run: Run[WriteWork]) -> None:
    house: Any = plugin.house  # the whole one: these are core's own jobs
    await house.report_schedules.write(run.args)


async def _order_due(plugin: Plugin, run: Run[None]) -> None:
    house: Any = plugin.house
    await house.report_schedules.order_due()
    await house.report_schedules.sweep()


JOBS = [
    Job(
        id=WRITE,
        title=Text(en="Write a scheduled report", vi="Ghi báo cáo định kỳ"),
        run=_write,
        args=WriteWork,
        retry=Retry(attempts=3),
    ),
    Job(
        id="core.order_reports",
        title=Text(
            en="Order reports that are due, delete old ones",
            vi="Đặt ghi báo cáo đến hạn, xoá báo cáo cũ",
        ),
        run=_order_due,
        every=dt.timedelta(minutes=1),
        priority=CORE_PRIORITY,
    ),
]
