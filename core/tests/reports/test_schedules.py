"""When files are due, and in whose name they are made."""

from __future__ import annotations

import calendar
import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.tests.reports.conftest import Past
from relatum.access.accounts.preferences import Reading
from relatum.reports.files import written
from relatum.reports.schedules import WriteWork, next_due
from relatum.reports.sheets import Sheet
from relatum.reports.types import ChartDraft, ChartSpec, ScheduleDraft
from relatum.values.ids import new_id
from relatum.values.problems import NotFound
from relatum.values.time import local_day, now
from relatum.web.reading import reading_as

ZONE = "Asia/Ho_Chi_Minh"
SECONDS = st.integers(0, 20 * 365 * 86_400)


@given(st.sampled_from(["day", "week", "month"]), st.integers(1, 31), st.integers(0, 23), SECONDS)
def test_the_next_time_is_the_first_that_fits(every, day, hour, seconds):
    after = dt.datetime(2020, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    draft = ScheduleDraft(kind="chart", subject=new_id(), every=every, day=day, at=f"{hour:02}:30")
    due = next_due(draft, after, ZONE)
    assert due > after
    fitting = []
    local = after.astimezone(ZoneInfo(ZONE))
    for number in range(70):
        one = local.date() + dt.timedelta(days=number)
        length = calendar.monthrange(one.year, one.month)[1]
        right = {"day": True, "week": one.isoweekday() == min(day, 7)}.get(
            every, one.day == min(day, length)
        )
        moment = dt.datetime(one.year, one.month, one.day, hour, 30, tzinfo=ZoneInfo(ZONE))
        if right and moment > after:
            fitting.append(moment)
    assert due == fitting[0]


async def planned(past: Past) -> tuple[WriteWork, object]:
    seller = past.viewers[1]
    house = past.house
    async with house.sights.looking_as(seller):
        spec = ChartSpec(metric="core.customers", range="today", kind="number")
        chart = await house.charts.keep(ChartDraft(title="Khách", spec=spec), viewer=seller)
        draft = ScheduleDraft(kind="chart", subject=chart, format="csv")
        id = await house.report_schedules.keep(draft, viewer=seller)
    return WriteWork(schedule=id, due=now()), seller


async def test_a_file_holds_what_its_owner_sees(past: Past):
    work, seller = await planned(past)
    await past.house.report_schedules.write(work)
    await past.house.report_schedules.write(work)
    ((_, title, files),) = await past.house.report_schedules.find(seller)
    assert (title, len(files)) == ("Khách", 1), "the same time is written once"
    _, content = await past.house.report_schedules.open(files[0].id, viewer=seller)
    own = sum(owner == seller.account for _, owner, _ in past.customers.values())
    assert content.decode("utf-8-sig").split()[-1].rpartition(",")[2] == str(own)
    with pytest.raises(NotFound):
        await past.house.report_schedules.open(files[0].id, viewer=past.viewers[2])


async def test_a_page_is_written_as_its_owner_reads(past: Past):
    house, seller = past.house, past.viewers[1]
    async with house.sights.looking_as(seller):
        spec = ChartSpec(metric="core.customers", range="this_month", period="month", kind="bars")
        chart = await house.charts.keep(ChartDraft(title="Khách", spec=spec), viewer=seller)
        draft = ScheduleDraft(kind="chart", subject=chart, format="html", language="vi")
        id = await house.report_schedules.keep(draft, viewer=seller)
    first = local_day(now(), house.settings.company.time_zone).replace(day=1)
    for dates, said in (("language", f"{first:%d/%m/%Y}"), ("iso", first.isoformat())):
        await house.preferences.change(seller.account, reading=Reading(dates=dates))
        await house.report_schedules.write(WriteWork(schedule=id, due=now()))
        ((_, _, files),) = await house.report_schedules.find(seller)
        _, page = await house.report_schedules.open(files[0].id, viewer=seller)
        assert f'<th scope="row">{said}</th>' in page.decode()
        assert f"<p>{said} – " in page.decode()


async def test_figures_are_grouped_as_whoever_reads_likes(past: Past):
    sheet = Sheet(
        title="T",
        about="",
        heads=("a", "b"),
        rows=((dt.date(2026, 11, 1), 1234567.5),),
        unit="money",
    )
    renderer = past.house.renderer
    for numbers, said in (("language", "1.234.567,5"), ("point", "1,234,567.5")):
        with reading_as(Reading(numbers=numbers)):
            page = written([sheet], "html", renderer=renderer, language="vi").decode()
        assert f"<td>{said}</td>" in page
    assert written([sheet], "csv", renderer=renderer, language="vi").endswith(
        b"2026-11-01,1234567.5\r\n"
    )


async def test_nobody_who_is_out_gets_a_file(past: Past):
    work, seller = await planned(past)
    await past.house.accounts.suspend(seller.account, by="system")
    await past.house.report_schedules.write(work)
    ((_, _, files),) = await past.house.report_schedules.find(seller)
    assert files[0].error
    assert files[0].size == 0


async def test_what_is_due_is_ordered_once_and_swept_in_time(past: Past):
    _, seller = await planned(past)
    house = past.house
    await house.db.execute("UPDATE core_report_schedule SET due_at = ?", now())
    assert await house.report_schedules.order_due() == 1
    assert await house.report_schedules.order_due() == 0
    await house.worker.drain()
    ((schedule, _, files),) = await house.report_schedules.find(seller)
    assert len(files) == 1
    assert schedule.due_at is not None
    assert schedule.due_at > now()
    await house.db.execute("UPDATE core_report_file SET expires_at = ?", now())
    await house.report_schedules.sweep()
    assert await house.db.fetch("SELECT id FROM core_report_file") == []
