"""The report of segments: what it counts, of which day, for whom, and in which language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from relatum.api import CustomerDraft, InteractionDraft, Money
from relatum.app.house import House
from relatum_analytics.reports import SEGMENTS, RfmParams, rfm

DAY = dt.date(2026, 3, 31)
NOON = dt.timedelta(hours=5)  # noon in Viet Nam, by UTC
#: days since the last order, days with an order, what was bought for (RFM-1), and the segment that
#: the table of segments gives to its scores
CUSTOMERS = {
    "A": (5, 12, 8_400_000, "champions"),
    "B": (40, 3, 900_000, "needs_attention"),
    "C": (12, 7, 5_250_000, "champions"),
    "D": (200, 1, 300_000, "lost"),
    "E": (90, 2, 1_100_000, "at_risk"),
    "F": (30, 5, 2_000_000, "loyal"),
    "G": (7, 9, 4_800_000, "champions"),
    "H": (365, 1, 150_000, "lost"),
    "I": (60, 3, 2_600_000, "at_risk"),
    "J": (15, 4, 700_000, "potential_loyalist"),
}


def bought(
    customer: UUID, days_ago: int, amount: int, *, kind: str = "purchase", **more: Any
) -> InteractionDraft:
    at = dt.datetime.combine(DAY, dt.time(), dt.UTC) + NOON - dt.timedelta(days=days_ago)
    currency = more.pop("currency", "VND")
    return InteractionDraft(
        customer_id=customer,
        kind=f"core.{kind}",
        channel="store",
        direction="in",
        occurred_at=at,
        money=Money(amount=amount, currency=currency),
        payload=more,
    )


@pytest.fixture
async def customers(house: House) -> dict[str, UUID]:
    ids = await house.customers.create(
        [CustomerDraft(display_name=f"Khách {name}") for name in CUSTOMERS], by="system"
    )
    found = dict(zip(CUSTOMERS, ids, strict=True))
    drafts = []
    for name, (recency, times, total, _) in CUSTOMERS.items():
        parts = [total // times] * times
        parts[0] += total - sum(parts)
        drafts += [bought(found[name], recency + n, part) for n, part in enumerate(parts)]
    await house.interactions.record(drafts, by="system")
    return found


async def answer(house: House, **params: Any) -> Any:
    return await rfm(house.registry.plugins["analytics"], RfmParams(as_of=DAY, **params))


@pytest.mark.usefixtures("customers")
async def test_published_scores_lead_to_these_segments(house: House) -> None:
    found = await answer(house)
    assert (found.as_of, found.currency, found.customers, found.left_out) == (DAY, "VND", 10, 0)
    expected: dict[str, list[int]] = {}
    for _, _, total, segment in CUSTOMERS.values():
        expected.setdefault(segment, []).append(total)
    assert {each.segment: each.customers for each in found.segments} == {
        segment: len(totals) for segment, totals in expected.items()
    }
    assert {each.segment: each.revenue for each in found.segments} == {
        segment: Decimal(sum(totals)) for segment, totals in expected.items()
    }
    assert [each.segment for each in found.segments] == [
        segment for segment in SEGMENTS if segment in expected
    ]
    champions = found.segments[0]
    assert (champions.share.numerator, champions.share.denominator, champions.share.n) == (
        3,
        10,
        10,
    )
    assert 0.1 < champions.share.low < 0.3 < champions.share.high < 0.61


async def test_what_was_given_back_and_other_currencies(
    house: House, customers: dict[str, UUID]
) -> None:
    back = bought(customers["A"], 5, 400_000, kind="cancellation")
    dollars = bought(customers["B"], 1, 5_000, currency="USD")
    later = bought(customers["D"], -2, 9_000_000)
    await house.interactions.record([back, dollars, later], by="system")
    found = await answer(house)
    assert found.left_out == 1
    assert sum(each.revenue for each in found.segments) == 26_200_000 - 400_000
    assert {each.segment: each.customers for each in found.segments}["lost"] == 2


async def test_lines_of_one_order_are_one_order(house: House) -> None:
    [one, other] = await house.customers.create(
        [CustomerDraft(display_name="Một"), CustomerDraft(display_name="Hai")], by="system"
    )
    lines = [
        bought(one, 3, 100, reference="7"),
        bought(one, 3, 50, reference="7"),
        # given back in full under its own number: no order at all
        bought(other, 2, 80, reference="7"),
        bought(other, 1, 80, reference="7", kind="cancellation"),
    ]
    await house.interactions.record(lines, by="system")
    found = await answer(house)
    assert found.customers == 1
    assert sum(each.revenue for each in found.segments) == 150


@pytest.mark.usefixtures("customers")
async def test_what_was_known_then_is_another_answer(house: House) -> None:
    """Everything was recorded today, so that on that day nothing was known."""
    found = await answer(house, known_then=True)
    assert (found.customers, found.segments) == (0, [])
    assert found.not_enough.vi == "chưa có ai mua hàng"
    assert (await answer(house)).customers == 10


@pytest.mark.usefixtures("customers")
async def test_who_sees_whom_and_who_may_ask(
    house: House, client_as: Callable[..., Awaitable[Any]]
) -> None:
    path = f"/api/v1/reports/analytics.rfm?as_of={DAY}"
    owner = await client_as("owner")
    shown = (await owner.get(path)).json()
    assert shown["customers"] == 10
    assert shown["segments"][0]["title"] == {"en": "Champions", "vi": "Nhóm tốt nhất"}
    seller = await client_as("sales")
    assert (await seller.get(path)).json()["customers"] == 0, "none of them is theirs"
    care = await client_as("care")
    assert (await care.get(path)).status_code == 403
    wrong = await owner.get("/api/v1/reports/analytics.rfm?as_of=yesterday")
    assert wrong.status_code == 422


@pytest.mark.usefixtures("customers")
async def test_the_page_speaks_both_languages(house: House) -> None:
    from core.tests.web.browsing import signed_in

    browser = await signed_in(house)
    for language, words in (
        ("vi", ("Nhóm tốt nhất", "30% (3 / 10)", "Phân khúc", "Doanh thu", "18.450.000")),
        ("en", ("Champions", "30% (3 / 10)", "Segments", "Revenue", "18,450,000")),
    ):
        page = await browser.page(f"/reports/analytics.rfm?as_of={DAY}&lang={language}")
        for word in words:
            assert word in page.text, (language, word)
    await browser.client.aclose()
