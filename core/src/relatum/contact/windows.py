"""Caps within a stretch of time that slides: never so many within any stretch, not by the day."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Sequence


def blocked_until(
    moments: Sequence[dt.datetime], at: dt.datetime, *, most: int, span: dt.timedelta
) -> dt.datetime | None:
    """When a contact at ``at`` would be one too many: the moment from which these allow it.

    Args:
        moments: of other contacts, sorted; also later ones that are planned already.
        at: when the contact would be.
        most: so many contacts may lie in any stretch shorter than ``span``.

    Returns:
        None when there is room at ``at``.
    """
    if most < 1:
        return at + span
    place = bisect_left(moments, at)
    until = None
    for first in range(max(0, place - most), min(place, len(moments) - most) + 1):
        begin, end = moments[first], moments[first + most - 1]
        if max(end, at) - min(begin, at) < span:
            free = begin + span
            until = free if until is None else max(until, free)
    return until
