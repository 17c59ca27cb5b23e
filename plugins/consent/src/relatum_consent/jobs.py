"""Background work; each job hands over to the service that does it."""

from __future__ import annotations

import datetime as dt

import msgspec

from relatum.api import Job, Plugin, Run, Text
from relatum_consent.services.breaches import Breaches
from relatum_consent.services.requests import Requests


class Told(msgspec.Struct, frozen=True):
    """Of how many requests and breaches it was said that they are overdue."""

    overdue: int
    breaches: int


async def tell_overdue(plugin: Plugin, run: Run[None]) -> Told:
    """Every hour: of each request and breach whose time has passed, once."""
    requests = await Requests(plugin).tell_overdue()
    return Told(requests, await Breaches(plugin).tell_overdue())


JOBS = [
    Job(
        id="consent.overdue",
        title=Text(
            en="Requests about personal data that are overdue", vi="Yêu cầu dữ liệu quá hạn"
        ),
        run=tell_overdue,
        every=dt.timedelta(hours=1),
        atomic=True,
    )
]
