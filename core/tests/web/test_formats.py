"""Numbers, amounts and moments as people write them; what is expected was written by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from babel.numbers import format_currency
from hypothesis import given
from hypothesis import strategies as st

from relatum.values.money import Money
from relatum.web import formats

GAP = "\u00a0"
NOW = dt.datetime(2026, 11, 22, 8, 0, tzinfo=dt.UTC)
HANOI = "Asia/Ho_Chi_Minh"


@pytest.mark.parametrize(
    ("amount", "currency", "vietnamese", "english"),
    [
        (0, "VND", "0 ₫", "₫0"),
        (850_000, "VND", "850.000 ₫", "₫850K"),
        (999_999, "VND", "999.999 ₫", "₫1M"),
        (1_000_000, "VND", "1 Tr ₫", "₫1M"),
        (12_500_000, "VND", "12,5 Tr ₫", "₫12.5M"),
        (12_550_000, "VND", "12,6 Tr ₫", "₫12.6M"),
        (999_949_999, "VND", "999,9 Tr ₫", "₫999.9M"),
        (999_950_000, "VND", "1 T ₫", "₫1B"),
        (960_000_000, "VND", "960 Tr ₫", "₫960M"),
        (2_480_000_000, "VND", "2,5 T ₫", "₫2.5B"),
        (1_250_000_000_000, "VND", "1.250 T ₫", "₫1.3T"),
        (-12_500_000, "VND", "-12,5 Tr ₫", "-₫12.5M"),
        (125_000_000, "USD", "1,3 Tr US$", "$1.3M"),
        (99_999, "USD", "999,99 US$", "$999.99"),
    ],
)
def test_amounts_at_a_glance(amount: int, currency: str, vietnamese: str, english: str) -> None:
    shown = formats.money_short(amount, currency, "vi").replace(GAP, " ")
    assert shown == vietnamese
    assert formats.money_short(amount, currency, "en").replace(GAP, " ") == english


def test_amounts_in_full_and_in_words() -> None:
    assert formats.money(12_500_000, "VND", "vi") == f"12.500.000{GAP}₫"
    assert formats.money(Money(1250, "USD"), "VND", "en") == "$12.50"
    assert formats.money_words(2_480_000_000, "VND", "vi") == f"2,5{GAP}tỷ"
    assert formats.money_words(38_000_000, "VND", "vi") == f"38{GAP}triệu"
    assert formats.money_words(38_000_000, "VND", "en") == f"38{GAP}million"
    assert formats.money_words(999_999, "VND", "vi") == ""
    for write in (formats.money, formats.money_short):
        assert write(None, "VND", "vi") == "–"


@given(st.integers(-(10**15), 10**15))
def test_the_direct_path_says_what_cldr_says(amount: int) -> None:
    """The grouping and the place of the sign; CLDR is slower and knows every currency."""
    assert formats.money(amount, "VND", "vi") == format_currency(amount, "VND", locale="vi")


@given(st.integers(-(10**17), 10**17))
def test_short_amounts_are_off_by_less_than_half_a_tenth(amount: int) -> None:
    shown = formats.money_short(amount, "VND", "vi").removesuffix(f"{GAP}₫")
    figure, _, scale = shown.partition(GAP)
    power = {"": 0, "Tr": 6, "T": 9}[scale]
    read = Decimal(figure.replace(".", "").replace(",", ".")).scaleb(power)
    assert abs(read - amount) <= (Decimal(5).scaleb(power - 2) if power else 0)


@pytest.mark.parametrize(
    ("value", "places", "vietnamese", "english"),
    [
        (1234.56, 1, "1.234,6", "1,234.6"),
        (1234.0, 1, "1.234", "1,234"),
        (-0.25, 1, "-0,3", "-0.3"),
        (0.125, 2, "0,13", "0.13"),
        (1e30, 0, "1" + ".000" * 10, "1" + ",000" * 10),
    ],
)
def test_decimals(value: float, places: int, vietnamese: str, english: str) -> None:
    assert formats.decimal(value, "vi", places) == vietnamese
    assert formats.decimal(value, "en", places) == english


def test_shares() -> None:
    assert formats.percent(0.125, "vi") == "13%"
    assert formats.percent(0.125, "vi", 1) == "12,5%"
    assert formats.percent(1, "en") == "100%"
    assert formats.percent(None, "en") == "–"


@pytest.mark.parametrize(
    ("seconds", "vietnamese", "english"),
    [
        (0, "vừa xong", "just now"),
        (59, "vừa xong", "just now"),
        (60, "1 phút trước", "1 minute ago"),
        (3 * 3600 + 5, "3 giờ trước", "3 hours ago"),
        (26 * 3600, "1 ngày trước", "1 day ago"),
        (15 * 86400, "2 tuần trước", "2 weeks ago"),
        (40 * 86400, "1 tháng trước", "1 month ago"),
        (800 * 86400, "2 năm trước", "2 years ago"),
        (-2 * 3600, "2 giờ nữa", "in 2 hours"),
    ],
)
def test_how_long_ago(seconds: int, vietnamese: str, english: str) -> None:
    when = NOW - dt.timedelta(seconds=seconds)
    assert f">{vietnamese}</time>" in formats.ago(when, "vi", HANOI, now=NOW)
    assert f">{english}</time>" in formats.ago(when, "en", HANOI, now=NOW)


def test_days_and_moments_go_by_the_clock_of_the_company() -> None:
    late = dt.datetime(2026, 11, 21, 18, 30, tzinfo=dt.UTC)
    assert formats.day(late, "vi", HANOI) == "22/11/2026"
    assert formats.day(dt.date(2026, 11, 2), "en", HANOI) == "2 Nov 2026"
    assert formats.moment(late, "vi", HANOI) == (
        '<time datetime="2026-11-22T01:30:00+07:00">22/11/2026 01:30</time>'
    )
    assert formats.day(None, "vi", HANOI) == formats.moment(None, "vi", HANOI) == "–"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+84912345678", "0912 345 678"),
        ("+842438255155", "024 3825 5155"),
        ("+14155552671", "+1 415-555-2671"),
        ("090 nonsense", "090 nonsense"),
        ("+84<b>", "+84<b>"),
        ("+", "+"),
        (None, "–"),
        ("", "–"),
    ],
)
def test_phone_numbers(number: str | None, shown: str) -> None:
    assert formats.phone(number) == shown
