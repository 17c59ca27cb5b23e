"""The reports, as they are declared, and what they answer."""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from relatum.api import Plugin, Report, Text, exponent, local_day, now
from relatum_analytics.permissions import REPORTS_READ
from relatum_analytics.purchases import Lines, lines_of

if TYPE_CHECKING:
    from relatum_analytics.library.results import Rate
    from relatum_analytics.library.rfm import Ranking

#: In the words of the trade, best first.
SEGMENTS = {
    "champions": Text(en="Champions", vi="Nhóm tốt nhất"),
    "loyal": Text(en="Loyal", vi="Trung thành"),
    "potential_loyalist": Text(en="Potential loyalists", vi="Có thể thành trung thành"),
    "new": Text(en="New", vi="Khách mới"),
    "promising": Text(en="Promising", vi="Có triển vọng"),
    "needs_attention": Text(en="Need attention", vi="Cần quan tâm"),
    "about_to_sleep": Text(en="About to sleep", vi="Sắp ngủ đông"),
    "at_risk": Text(en="At risk", vi="Có nguy cơ rời bỏ"),
    "cannot_lose": Text(en="Cannot lose them", vi="Không thể để mất"),
    "hibernating": Text(en="Hibernating", vi="Ngủ đông"),
    "lost": Text(en="Lost", vi="Đã mất"),
}
NO_ORDERS = Text(en="nobody has ordered anything yet", vi="chưa có ai mua hàng")


class RfmParams(msgspec.Struct, frozen=True, kw_only=True):
    """The day it is asked of (today when left out), and whether only what was known then counts."""

    as_of: dt.date | None = None
    known_then: bool = False


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A share with its counts and its 95 % interval (Wilson)."""

    value: float
    numerator: int
    denominator: int
    n: int
    low: float
    high: float


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One segment; ``revenue`` in whole units of the currency, over the last 24 months."""

    segment: str
    title: Text
    customers: int
    share: Share
    revenue: Decimal


class Rfm(msgspec.Struct, frozen=True, kw_only=True):
    """Customers by recency, frequency and monetary value.

    Attributes:
        not_enough: why there is no answer; ``None`` when there is one.
        left_out: lines of purchases in other currencies.
    """

    as_of: dt.date
    currency: str
    customers: int
    left_out: int
    not_enough: Text | None = None
    segments: list[Segment] = []


async def rfm(plugin: Plugin, params: RfmParams) -> Rfm:
    """Every customer who ordered, by segment."""
    company = plugin.house.settings.company
    as_of = params.as_of or local_day(now(), company.time_zone)
    lines = await lines_of(
        plugin.house, as_of=as_of, currency=company.currency, known_then=params.known_then
    )
    return await asyncio.to_thread(_ranked, lines, as_of, company.currency)


def _ranked(lines: Lines, as_of: dt.date, currency: str) -> Rfm:
    import numpy as np

    from relatum_analytics.library.results import NotEnough
    from relatum_analytics.library.rfm import rank

    found = rank(
        *(lines.customer, lines.order, lines.day, lines.amount), as_of=np.datetime64(as_of, "D")
    )
    answer = Rfm(as_of=as_of, currency=currency, customers=0, left_out=lines.others)
    if isinstance(found, NotEnough):
        return msgspec.structs.replace(answer, not_enough=NO_ORDERS)
    return msgspec.structs.replace(
        answer, customers=len(found.customer), segments=_segments(found, currency)
    )


def _segments(found: Ranking, currency: str) -> list[Segment]:
    import numpy as np

    from relatum_analytics.library import rfm as library
    from relatum_analytics.library.results import NotEnough, rate

    made = []
    for code, name in enumerate(library.SEGMENTS):
        inside = found.segment == code
        share = rate(int(np.count_nonzero(inside)), len(found.customer), of="customers")
        if isinstance(share, NotEnough) or not share.numerator:
            continue
        revenue = Decimal(int(found.monetary[inside].sum())).scaleb(-exponent(currency))
        made.append(
            Segment(
                segment=name,
                title=SEGMENTS[name],
                customers=share.numerator,
                share=_share(share),
                revenue=revenue,
            )
        )
    return made


def _share(rate: Rate) -> Share:
    return Share(
        value=rate.value,
        numerator=rate.numerator,
        denominator=rate.denominator,
        n=rate.n,
        low=rate.interval.low,
        high=rate.interval.high,
    )


REPORTS = [
    Report(
        id="analytics.rfm",
        title=Text(
            en="Recency, frequency, monetary value", vi="Phân khúc RFM: gần đây, tần suất, giá trị"
        ),
        permission=REPORTS_READ,
        run=rfm,
        params=RfmParams,
    ),
]
