"""Rates and lengths against independent arithmetic."""

import math
from decimal import Decimal, getcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum_sales_pipeline.rates import Days, days_of, rate, wilson


def wilson_by_equation(successes: int, n: int) -> tuple[Decimal, Decimal]:
    """Solve (p̂ − p)² = z² p(1 − p) ÷ n for p with the quadratic formula, in 50 digits."""
    getcontext().prec = 50
    z2 = Decimal("1.959963984540054") ** 2
    share = Decimal(successes) / n
    a, b, c = 1 + z2 / n, -(2 * share + z2 / n), share * share
    root = (b * b - 4 * a * c).sqrt()
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_solves_its_equation(counts: tuple[int, int]) -> None:
    low, high = wilson(*counts)
    expected_low, expected_high = wilson_by_equation(*counts)
    assert low is not None
    assert high is not None
    assert math.isclose(low, float(expected_low), abs_tol=1e-9)
    assert math.isclose(high, float(expected_high), abs_tol=1e-9)
    assert 0 <= low <= counts[0] / counts[1] + 1e-12
    assert counts[0] / counts[1] - 1e-12 <= high <= 1


def test_rate_of_nothing_is_no_rate() -> None:
    nothing = rate(0, 0)
    assert (nothing.value, nothing.low, nothing.high, nothing.n) == (None, None, None, 0)


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [([], Days(None, None, 0)), ([3], Days(3, 3, 1)), ([1, 2, 9, 4], Days(4, 3, 4))],
)
def test_days(lengths: list[int], expected: Days) -> None:
    assert days_of(lengths) == expected
