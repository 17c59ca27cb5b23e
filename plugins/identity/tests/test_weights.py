"""Weights of evidence against vectors computed elsewhere (ID-1: four fields, two cases)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum_identity.engine.weights import agreement, disagreement, posterior

FIELDS = {
    "phone": (0.90, 0.0001, 13.1357, -3.3218),
    "name": (0.85, 0.002, 8.7313, -2.7341),
    "birth": (0.95, 0.0003, 11.6287, -4.3215),
    "email": (0.80, 0.0001, 12.9658, -2.3218),
}


@pytest.mark.parametrize(("m", "u", "agree", "disagree"), FIELDS.values(), ids=FIELDS)
def test_one_field(m: float, u: float, agree: float, disagree: float) -> None:
    assert agreement(m, u) == pytest.approx(agree, abs=5e-5)
    assert disagreement(m, u) == pytest.approx(disagree, abs=5e-5)


def test_three_fields_agree_and_the_birth_date_differs() -> None:
    weight = sum(agreement(*FIELDS[name][:2]) for name in ("phone", "name", "email"))
    weight += disagreement(*FIELDS["birth"][:2])
    assert weight == pytest.approx(30.5113, abs=5e-5)
    assert posterior(weight, 1 / 10_000) == pytest.approx(0.999993, abs=5e-7)


def test_a_telephone_in_common_is_a_household() -> None:
    weight = agreement(*FIELDS["phone"][:2])
    weight += sum(disagreement(*FIELDS[name][:2]) for name in ("name", "birth"))
    assert weight == pytest.approx(6.0801, abs=5e-5)
    assert posterior(weight, 1 / 10_000) == pytest.approx(0.00672, abs=5e-6)


@given(prior=st.floats(1e-9, 1 - 1e-9))
def test_no_evidence_changes_nothing(prior: float) -> None:
    assert posterior(0, prior) == pytest.approx(prior)


@given(weight=st.floats(-1e6, 1e6), prior=st.floats(1e-9, 1 - 1e-9))
def test_a_probability_is_one(weight: float, prior: float) -> None:
    assert 0 <= posterior(weight, prior) <= 1


@pytest.mark.parametrize(("m", "u"), [(0.0, 0.1), (0.9, 0.0), (1.1, 0.1), (math.nan, 0.1)])
def test_what_is_no_probability_is_refused(m: float, u: float) -> None:
    with pytest.raises(ValueError, match="expected probabilities"):
        agreement(m, u)
