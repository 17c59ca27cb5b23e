from decimal import Decimal
from fractions import Fraction

import pytest
from babel.numbers import format_currency
from hypothesis import given
from hypothesis import strategies as st

from relatum.values.money import (
    MAX_AMOUNT,
    Money,
    add,
    allocate,
    allocate_units,
    exponent,
    format_money,
    is_currency,
    parse_money,
)
from relatum.values.problems import InvalidInput

amounts = st.integers(-MAX_AMOUNT, MAX_AMOUNT)
currencies = st.sampled_from(["VND", "USD", "EUR", "JPY", "KWD", "GBP"])


@pytest.mark.parametrize(
    ("text", "currency", "decimal", "amount"),
    [
        ("12.500.000 ₫", "VND", None, 12_500_000),
        ("₫12,500,000", "VND", None, 12_500_000),
        ("12500000", "VND", None, 12_500_000),
        ("12 500 000 đồng", "VND", None, 12_500_000),
        ("12.500 VNĐ", "VND", None, 12_500),
        ("1.234", "VND", None, 1234),
        ("12.500,00", "VND", None, 12_500),
        ("-500đ", "VND", None, -500),
        ("1,234.50", "USD", None, 123_450),
        ("1.234,50", "USD", None, 123_450),
        ("$1,234", "USD", ".", 123_400),
        ("1,234", "USD", ",", None),
        ("1.23 US$", "USD", None, 123),
        ("USD 12", "USD", None, 1200),
        ("-$12.50", "USD", None, -1250),
        ("$-12.50", "USD", None, -1250),
        ("(12.50)", "USD", None, -1250),
        ("−12.5", "USD", None, -1250),
        ("0.500", "USD", None, 50),
        (".5", "USD", None, 50),
        ("1'234'567.89", "USD", None, 123_456_789),
        ("1.234.567", "USD", None, 123_456_700),
        ("1234.560", "USD", None, 123_456),
        ("1.234", "KWD", ".", 1234),
        ("12,5 triệu", "VND", None, 12_500_000),
        ("12.5tr", "VND", None, 12_500_000),
        ("2 tỷ đồng", "VND", None, 2_000_000_000),
        ("1.500 triệu", "VND", ",", 1_500_000_000),
        ("500k", "VND", None, 500_000),
        ("-1,25 Tỉ ₫", "VND", None, -1_250_000_000),
        ("1.5k", "USD", None, 150_000),
    ],
)
def test_reading(text, currency, decimal, amount):
    if amount is None:
        with pytest.raises(InvalidInput):
            parse_money(text, currency, decimal=decimal)
    else:
        assert parse_money(text, currency, decimal=decimal) == Money(amount, currency)


@pytest.mark.parametrize(
    ("text", "currency", "code"),
    [
        ("1.234", "USD", "ambiguous-amount"),
        ("1,234", "USD", "ambiguous-amount"),
        ("1.234", "KWD", "ambiguous-amount"),
        ("$1,234", "USD", "ambiguous-amount"),
        ("1.5", "VND", "too-many-decimals"),
        ("1.500 triệu", "VND", "ambiguous-amount"),
        ("0,0005 nghìn", "VND", "too-many-decimals"),
        ("triệu", "VND", "not-an-amount"),
        ("5 triệu tỷ", "VND", "not-an-amount"),
        ("1234.567", "USD", "too-many-decimals"),
        ("1,234.567", "USD", "too-many-decimals"),
        ("", "USD", "not-an-amount"),
        ("-", "USD", "not-an-amount"),
        ("abc", "USD", "not-an-amount"),
        ("1e5", "USD", "not-an-amount"),
        ("0x10", "USD", "not-an-amount"),
        ("NaN", "USD", "not-an-amount"),
        ("--5", "USD", "not-an-amount"),
        ("-5-", "USD", "not-an-amount"),
        ("(-5)", "USD", "not-an-amount"),
        ("€5", "USD", "not-an-amount"),
        ("5 USD", "VND", "not-an-amount"),
        ("1,23,456", "USD", "not-an-amount"),
        ("1.23.456,00", "USD", "not-an-amount"),
        ("1,234.567,890", "USD", "not-an-amount"),
        ("1 2", "USD", "not-an-amount"),
        ("٣", "USD", "not-an-amount"),
        ("5\0", "USD", "not-an-amount"),
        ("9" * 100_000, "USD", "not-an-amount"),
        ("9" * 19, "USD", "amount-too-large"),
        ("1", "XQQ", "unknown-currency"),
        ("1", "vnd", "unknown-currency"),
    ],
)
def test_what_is_refused_and_why(text, currency, code):
    with pytest.raises(InvalidInput) as refusal:
        parse_money(text, currency, where="/price")
    assert refusal.value.problems[0].code == code
    assert len(str(refusal.value)) < 600


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [("1.005", "USD", 101), ("-1.005", "USD", -101), ("1.5", "VND", 2), ("1.0049", "USD", 100)],
)
def test_rounding_only_when_allowed(text, currency, amount):
    assert parse_money(text, currency, decimal=".", rounded=True) == Money(amount, currency)


@given(amounts, currencies, st.sampled_from(["vi", "en"]))
def test_what_is_written_is_read_back(amount, currency, language):
    written = format_money(Money(amount, currency), language)
    mark = "," if language == "vi" else "."
    assert parse_money(written, currency, decimal=mark) == Money(amount, currency)


@given(amounts, st.sampled_from(["VND", "USD", "EUR", "JPY"]), st.sampled_from(["vi", "en"]))
def test_without_a_hint_it_is_read_back_or_called_ambiguous(amount, currency, language):
    money = Money(amount, currency)
    assert parse_money(format_money(money, language), currency) == money


@pytest.mark.parametrize("amount", [0, 1, 999, 1000, 12_500_000, -1, -1000, MAX_AMOUNT])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_direct_path_for_dong_writes_like_babel(amount, language):
    assert format_money(Money(amount, "VND"), language) == format_currency(
        amount, "VND", locale=language
    )


def test_writing():
    assert format_money(Money(12_500_000, "VND"), "vi") == "12.500.000\u00a0₫"
    assert format_money(Money(12_500_000, "VND"), "en") == "₫12,500,000"
    assert format_money(Money(123_450, "USD"), "en") == "$1,234.50"
    assert format_money(Money(123_450, "USD"), "vi-VN") == "1.234,50\u00a0US$"


def test_currencies():
    assert [exponent(code) for code in ("VND", "USD", "KWD")] == [0, 2, 3]
    assert is_currency("VND")
    assert not is_currency("vnd")
    with pytest.raises(InvalidInput, match="no such currency"):
        exponent("XQQ")


@given(st.text(alphabet="0123456789", min_size=1, max_size=15), currencies)
def test_plain_digits_are_read_like_any_other_amount(digits, currency):
    read = parse_money(digits, currency)
    assert (
        read
        == parse_money(f" {digits}", currency)
        == Money(int(digits) * 10 ** exponent(currency), currency)
    )


def test_sums_are_of_one_currency():
    assert add(Money(1, "VND"), Money(2, "VND"), Money(-5, "VND")) == Money(-2, "VND")
    with pytest.raises(InvalidInput, match="USD and VND"):
        add(Money(1, "USD"), Money(2, "VND"))


weights = st.lists(
    st.integers(0, 10**6) | st.fractions(0, 100) | st.decimals(0, 100, places=3), min_size=1
)


@given(amounts, weights)
def test_parts_add_up_and_are_within_one_unit_of_their_share(total, shares):
    exact = [Fraction(share) for share in shares]
    whole = sum(exact)
    if whole == 0:
        with pytest.raises(InvalidInput):
            allocate_units(total, shares)
        return
    parts = allocate_units(total, shares)
    assert sum(parts) == total
    for part, share in zip(parts, exact, strict=True):
        assert abs(part - total * share / whole) < 1


@given(st.integers(0, 10**9), st.lists(st.floats(0, 1e6), min_size=1, max_size=8))
def test_floats_are_weights_at_their_exact_value(total, shares):
    if sum(shares) > 0:
        assert allocate_units(total, shares) == allocate_units(
            total, [Fraction(share) for share in shares]
        )


def test_largest_remainder():
    assert allocate_units(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate_units(-100, [1, 1, 1]) == [-34, -33, -33]
    # Quotas 1.5, 1.2, 0.3: the unit left over goes to the largest remainder.
    assert allocate_units(3, [50, 40, 10]) == [2, 1, 0]
    assert allocate(Money(10, "VND"), [Decimal("0.5"), Decimal("0.5")]) == [Money(5, "VND")] * 2


@pytest.mark.parametrize("shares", [[], [0, 0], [1, -1], [float("nan")], [float("inf"), 1]])
def test_impossible_weights_are_refused(shares):
    with pytest.raises(InvalidInput, match="weights"):
        allocate_units(10, shares)
