"""Background work; each job hands over to the service that does it."""

from __future__ import annotations

import datetime as dt

import msgspec

from relatum.api import Job, Plugin, Run, Text
from relatum_data_quality.services.evaluating import Evaluating
from relatum_data_quality.services.index import Indexes

NIGHTLY = "data_quality.evaluate"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a night came to."""

    customers: int
    found: int
    index: float | None


async def evaluate(plugin: Plugin, run: Run[None]) -> Kept:
    """Every night, and when somebody asks: the rules on everybody, and the index of the day."""
    done = await Evaluating(plugin).all()
    kept = await Indexes(plugin).keep()
    return Kept(customers=done.customers, found=done.found, index=kept.index)


JOBS = [
    Job(
        id=NIGHTLY,
        title=Text(en="Check the quality of data", vi="Kiểm tra chất lượng dữ liệu"),
        run=evaluate,
        daily_at="02:40",
        at_once=1,
        timeout=dt.timedelta(minutes=60),
    )
]
