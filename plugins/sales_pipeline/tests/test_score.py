"""The metric library's printed vectors, and laws of the scores."""

import datetime as dt
import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum_sales_pipeline.forecasting import rounded, sales_velocity, split, weighted
from relatum_sales_pipeline.score import (
    Signal,
    Weighted,
    digit,
    lead_engagement,
    lead_fit,
    lead_probability,
    letter,
)

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
VECTORS = Path(__file__).parents[4] / "shared" / "spec" / "vectors.json"
MILLION = 1_000_000

LEAD_1 = {"fit": 67.5, "engagement": 34.571, "letter": "B", "digit": "2"}
LEAD_2 = {"p": 0.55442}
PIPE_1 = {"velocity_per_day": 13_333_333, "weighted": 224_000_000}


def ago(days: float, points: float) -> Signal:
    return Signal(points, NOW - dt.timedelta(days=days))


def test_vectors_here_are_the_printed_ones() -> None:
    if not VECTORS.exists():
        pytest.skip(f"{VECTORS} is not there: the specification's vectors cannot be compared")
    printed = json.loads(VECTORS.read_text(encoding="utf-8"))
    assert printed["LEAD-1"]["fit"] == LEAD_1["fit"]
    assert printed["LEAD-1"]["engagement"] == LEAD_1["engagement"]
    assert printed["LEAD-1"]["grade"] == "fit 67.5 -> B; engagement 34.571 -> 2"
    assert printed["LEAD-2"] == LEAD_2
    assert printed["PIPE-1"] == PIPE_1


def test_lead_1() -> None:
    parts = [
        Weighted(3000, 10_000),
        Weighted(2500, 5000),
        Weighted(2500, 10_000),
        Weighted(2000, 0),
    ]
    fit = lead_fit(parts)
    engagement = lead_engagement([ago(0, 20), ago(7, 10), ago(28, 30)], at=NOW)
    assert fit == LEAD_1["fit"]
    assert round(engagement, 3) == LEAD_1["engagement"]
    assert (letter(fit), digit(engagement)) == (LEAD_1["letter"], LEAD_1["digit"])


def test_lead_2() -> None:
    weights = {"a": 1.1, "b": 0.8, "c": -0.6, "engagement": 0.015}
    p = lead_probability(-2.2, weights, {"a": 1, "b": 1, "c": 0, "engagement": 34.571})
    assert round(p, 5) == LEAD_2["p"]


def test_pipe_1() -> None:
    velocity = sales_velocity(
        deals=40,
        win_rate=Fraction(25, 100),
        average_value=Fraction(60 * MILLION),
        cycle_days=Fraction(45),
    )
    parts = [
        (100 * MILLION, 1000),
        (250 * MILLION, 4000),
        (80 * MILLION, 7500),
        (60 * MILLION, 9000),
    ]
    assert rounded(velocity) == PIPE_1["velocity_per_day"]
    assert weighted(parts) == PIPE_1["weighted"]


def test_signals_of_the_future_do_not_count_and_negative_ones_do() -> None:
    assert lead_engagement([ago(-1, 50), ago(14, -10)], at=NOW) == -5


@pytest.mark.parametrize(
    ("fit", "expected"), [(100, "A"), (75, "A"), (74.99, "B"), (25, "C"), (24.9, "D"), (0, "D")]
)
def test_letter(fit: float, expected: str) -> None:
    assert letter(fit) == expected


signals = st.lists(
    st.builds(ago, st.floats(0, 400), st.integers(-100, 100).map(float)), max_size=20
)


@given(signals, st.randoms(use_true_random=False))
def test_order_of_signals_changes_nothing(some: list[Signal], random: object) -> None:
    shuffled = list(some)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert lead_engagement(shuffled, at=NOW) == lead_engagement(some, at=NOW)


@given(st.lists(st.builds(Weighted, st.integers(0, 10_000), st.integers(0, 10_000)), max_size=12))
def test_fit_stays_between_0_and_100(parts: list[Weighted]) -> None:
    assert 0 <= lead_fit(parts) <= 100


@given(st.floats(-700, 700))
def test_probability_is_one(z: float) -> None:
    assert 0 <= lead_probability(z, {}, {}) <= 1


@given(
    st.dictionaries(
        st.text(max_size=3), st.fractions(min_value=0, max_value=10**12), min_size=1, max_size=12
    )
)
def test_rounded_parts_add_up_to_the_rounded_total(parts: dict[str, Fraction]) -> None:
    shown = split(parts)
    assert sum(shown.values()) == rounded(sum(parts.values(), Fraction(0)))
    assert all(abs(shown[key] - parts[key]) <= 1 for key in parts)


@given(st.fractions(min_value=-(10**9), max_value=10**9))
def test_rounding_is_half_away_from_zero(value: Fraction) -> None:
    whole = rounded(value)
    assert abs(whole - value) <= Fraction(1, 2)
    if abs(whole - value) == Fraction(1, 2):
        assert abs(whole) > abs(value)
