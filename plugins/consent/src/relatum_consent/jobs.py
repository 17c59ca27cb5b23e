"""Background work; each job hands over to the service that does it."""

from __future__ import annotations

import datetime as dt

import msgspec

from relatum.api import Job, Plugin, Run, Text
from relatum_consent.services.breaches import Breaches
from relatum_consent.services.requests import Requests
from relatum_consent.services.retention_run import RetentionRun, Swept


class Told(msgspec.Struct, frozen=True):
    """Of how many requests and breaches it was said that they are overdue."""

    overdue: int
    breaches: int


async def tell_overdue(plugin: Plugin, run: Run[None]) -> Told:
    """Every hour: of each request and breach whose time has passed, once."""
    requests = await Requests(plugin).tell_overdue()
    return Told(requests, await Breaches(plugin).tell_overdue())


async def keep_schedules(plugin: Plugin, run: Run[None]) -> Swept:
    """Every night: list who is due by the retention rules, and erase whose notice is over."""
    return await RetentionRun(plugin).run()


JOBS = [
    Job(
        id="consent.overdue",
        title=Text(
            en="Requests about personal data that are overdue", vi="Yêu cầu dữ liệu quá hạn"
        ),
        run=tell_overdue,
        every=dt.timedelta(hours=1),
        atomic=True,
    ),
    Job(
        id="consent.retention",
        title=Text(en="Customers who are due to be erased", vi="Khách hàng đến hạn xoá theo lịch"),
        run=keep_schedules,
        daily_at="04:20",
        timeout=dt.timedelta(hours=6),
        at_once=1,
    ),
]
