"""When a request is due. Everything is in days by the company's clock, each to its very end.

Decree 356/2025/NĐ-CP: answered within two working days; processing stopped within 15 days, 20 where
processors or third parties must act; one extension of at most 15 days. How days are counted is in
articles 147 and 148 of the Civil Code 2015: the day of the event is not counted, and a term whose
last day is off ends with the next working day.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from relatum_consent.settings import Settings
from relatum_consent.types import STOPPING, RequestKind
from relatum_consent.working_days import WorkingDays


class Due(msgspec.Struct, frozen=True):
    """The last days for the answer and for stopping; ``None`` where nothing has to stop."""

    answer_on: dt.date
    stop_on: dt.date | None

    def first(self, *, carried_out: bool) -> dt.date:
        """The next of them that is still to be met."""
        if self.stop_on is None or carried_out:
            return self.answer_on
        return min(self.answer_on, self.stop_on)


def working_days(settings: Settings) -> WorkingDays:
    """Working days as the settings have them."""
    return WorkingDays(
        swapped=settings.swapped_days, off=settings.days_off, worked=settings.work_days
    )


def due(
    settings: Settings,
    kind: RequestKind,
    received: dt.date,
    *,
    processors: bool = False,
    extended: int = 0,
) -> Due:
    """When a request of this kind, received on this day, is due.

    Args:
        processors: whether processors or third parties must act too.
        extended: days of the extension.
    """
    days = working_days(settings)
    answer = days.after(received, settings.answer_working_days)
    if extended:
        answer = days.next_from(answer + dt.timedelta(days=extended))
    if kind not in STOPPING:
        return Due(answer, None)
    length = settings.stop_days_with_processors if processors else settings.stop_days
    return Due(answer, days.next_from(received + dt.timedelta(days=length + extended)))
