"""What must hold whatever comes in."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from relatum_analytics.library import (
    contact_centre,
    effect,
    first_response,
    journey,
    loyalty,
    needs,
    rfm,
    satisfaction,
    serving,
    survival,
    value,
    watch,
)
from relatum_analytics.library.results import (
    Money,
    NotEnough,
    Rate,
    Ratio,
    allocate,
    exact_sum,
    rate,
    ratio,
)

few = st.integers(0, 1_000)
dong = st.integers(-(10**15), 10**15)


# -- results -------------------------------------------------------------------------------------


@given(part=st.integers(0, 10**7), rest=st.integers(0, 10**7))
def test_an_interval_holds_its_rate(part: int, rest: int) -> None:
    assume(part + rest)
    found = rate(part, part + rest)
    assert isinstance(found, Rate)
    assert 0 <= found.interval.low <= found.value <= found.interval.high <= 1
    assert found.interval.low < found.interval.high
    assert found.n == part + rest


def test_of_nothing_there_is_no_rate() -> None:
    found = rate(0, 0, of="answers")
    assert isinstance(found, NotEnough)
    assert (found.missing[0].what, found.missing[0].have) == ("answers", 0)


@pytest.mark.parametrize(("part", "whole"), [(3, 2), (-1, 2)])
def test_a_part_beyond_the_whole_is_refused(part: int, whole: int) -> None:
    with pytest.raises(ValueError, match="expected 0 ≤ part ≤ whole"):
        rate(part, whole)


@given(total=dong, weights=st.lists(st.integers(0, 10**15), min_size=1, max_size=30))
def test_parts_add_up_and_are_within_one_of_their_share(total: int, weights: list[int]) -> None:
    assume(sum(weights))
    parts = allocate(total, weights).tolist()
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


@given(amounts=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=50))
def test_a_sum_is_exact_however_large(amounts: list[int]) -> None:
    assert exact_sum(np.array(amounts, dtype=np.int64)) == sum(amounts)


def test_money_is_whole_and_of_one_currency() -> None:
    with pytest.raises(TypeError, match="whole minor units"):
        Money(1.5, "VND")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="convert before adding"):
        Money(1, "VND") + Money(1, "USD")


def test_the_interval_of_a_ratio_holds_the_truth_about_19_times_of_20() -> None:
    random = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        wholes = random.gamma(2, 10, 200)
        parts = wholes * random.beta(3, 2, 200)
        found = ratio(parts, wholes)
        assert isinstance(found, Ratio)
        assert found.interval
        held += found.interval.low <= 0.6 <= found.interval.high
    assert 365 <= held <= 394


# -- customers -----------------------------------------------------------------------------------


@given(values=st.lists(st.integers(-5, 5), min_size=1, max_size=60))
def test_ties_share_a_score_and_more_is_never_less(values: list[int]) -> None:
    scores = rfm.quintile(values).tolist()
    of = dict(zip(values, scores, strict=True))
    assert [of[each] for each in values] == scores
    rising = [of[each] for each in sorted(of)]
    assert rising == sorted(rising)
    assert rising[-1] == 5
    assert set(scores) <= {1, 2, 3, 4, 5}


SAID = {
    "champions": lambda r, fm, t: r >= 4 and fm >= 4,
    "loyal": lambda r, fm, t: r == 3 and fm >= 4,
    "potential_loyalist": lambda r, fm, t: r >= 4 and fm == 3,
    "new": lambda r, fm, t: r >= 4 and fm <= 2 and t <= 60,
    "promising": lambda r, fm, t: r >= 4 and fm <= 2 and t > 60,
    "needs_attention": lambda r, fm, t: r == 3 and fm == 3,
    "about_to_sleep": lambda r, fm, t: r == 3 and fm <= 2,
    "at_risk": lambda r, fm, t: r == 2 and fm >= 3,
    "cannot_lose": lambda r, fm, t: r == 1 and fm >= 4,
    "hibernating": lambda r, fm, t: (r == 1 and fm == 3) or (r == 2 and fm <= 2),
    "lost": lambda r, fm, t: r == 1 and fm <= 2,
}


def test_everybody_has_one_segment_and_only_one() -> None:
    grid = np.array(np.meshgrid(range(1, 6), range(1, 6), range(1, 6), [0, 60, 61])).reshape(4, -1)
    codes = rfm.segment(*grid.astype(np.int64))
    assert set(codes.tolist()) == set(range(len(rfm.SEGMENTS)))
    for (r, f, m, tenure), code in zip(grid.T.tolist(), codes.tolist(), strict=True):
        half_up = math.floor((f + m) / 2 + 0.5)
        right = [name for name, rule in SAID.items() if rule(r, half_up, tenure)]
        # R = 1 with fm = 3 is named by one rule, and by no other.
        assert right == [rfm.SEGMENTS[code]]


times = st.lists(st.integers(1, 20), min_size=1, max_size=40)


@given(duration=times)
def test_without_censoring_survival_is_that_of_the_sample(duration: list[int]) -> None:
    curve = survival.kaplan_meier(duration, np.ones(len(duration)))
    assert isinstance(curve, survival.Curve)
    for t in range(22):
        beyond = sum(each > t for each in duration) / len(duration)
        assert curve.at([t])[0] == pytest.approx(beyond, abs=1e-12)


@given(seen=st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=40))
def test_survival_falls_within_its_interval(seen: list[tuple[int, bool]]) -> None:
    duration, left = zip(*seen, strict=True)
    curve = survival.kaplan_meier(duration, left)
    assert isinstance(curve, survival.Curve)
    assert (np.diff(curve.survival) < 0).all()
    assert ((curve.low >= 0) & (curve.low <= curve.survival + 1e-12)).all()
    assert ((curve.survival <= curve.high + 1e-12) & (curve.high <= 1)).all()


@given(
    used=st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=1, max_size=20),
    pools=st.lists(st.integers(0, 10**12), min_size=3, max_size=3),
    spare=st.lists(st.integers(1, 9), min_size=3, max_size=3),
)
def test_costs_of_customers_and_the_unused_are_the_pools(
    used: list[list[int]], pools: list[int], spare: list[int]
) -> None:
    there = np.sum(used, axis=0) + spare
    found = serving.cost_to_serve(pools, there, used)
    assert int(found.customers.sum() + found.unused.sum()) == sum(pools)
    assert (found.activities.sum(axis=0) + found.unused).tolist() == pools


@given(profits=st.lists(dong, min_size=1, max_size=40))
def test_a_whale_curve_rises_then_falls_to_the_total(profits: list[int]) -> None:
    found = serving.whale(profits)
    assert isinstance(found, serving.Whale)
    assert int(found.cumulated[-1]) == sum(profits)
    assert (np.diff(np.diff(found.cumulated)) <= 0).all()


@given(promoters=few, passives=few, detractors=few)
def test_nps_stays_within_its_scale(promoters: int, passives: int, detractors: int) -> None:
    found = satisfaction.nps(promoters, passives, detractors)
    if isinstance(found, NotEnough):
        assert promoters + passives + detractors == 0
    else:
        assert -100 <= found.value <= 100
        assert not satisfaction.change(found, found).changed


def test_a_change_is_one_only_when_both_samples_tell() -> None:
    some = [satisfaction.nps(*each) for each in ((55, 25, 20), (60, 25, 15), (80, 15, 5))]
    first, near, far = (each for each in some if not isinstance(each, NotEnough))
    assert not satisfaction.change(first, near).changed
    assert satisfaction.change(first, far).changed


# -- the contact centre --------------------------------------------------------------------------


@given(load=st.floats(0.05, 60), more=st.integers(1, 30))
def test_the_recursion_is_erlangs_formula(load: float, more: int) -> None:
    agents = math.floor(load) + more
    found = contact_centre.erlang_c(load / 180, 180, agents)
    a = Fraction(found.load)
    terms = [a**k / math.factorial(k) for k in range(agents)]
    queue = a**agents / math.factorial(agents) * agents / (agents - a)
    assert found.waits == pytest.approx(float(queue / (sum(terms) + queue)), rel=1e-9)


@given(calls=st.floats(0.001, 0.5), handling=st.floats(30, 600), level=st.floats(0.5, 0.99))
def test_one_agent_less_would_not_do(calls: float, handling: float, level: float) -> None:
    queue = contact_centre.staffing(calls, handling, level=level).queue
    assert queue.level(20) >= level
    if queue.agents - 1 > queue.load:
        assert contact_centre.erlang_c(calls, handling, queue.agents - 1).level(20) < level


def test_too_few_agents_are_refused() -> None:
    with pytest.raises(ValueError, match="expected more agents than 10 erlangs, got 10"):
        contact_centre.erlang_c(100 / 1_800, 180, 10)


moments = st.integers(0, 40 * 1_440)


@given(start=moments, wait=moments)
def test_open_minutes_are_those_that_a_clock_counts(start: int, wait: int) -> None:
    hours = first_response.Hours(
        (((480, 720), (780, 1_050)),) * 5 + (((480, 720),), ()), (np.datetime64("2026-03-10"),)
    )
    begin = np.datetime64("2026-03-02T00:00", "m")  # a Monday
    found = first_response.business_minutes([begin + start], [begin + start + wait], hours)
    counted = 0
    for minute in range(start, start + wait):
        day, at = divmod(minute, 1_440)
        spans = hours.week[day % 7] if day != 8 else ()
        counted += any(opens <= at < closes for opens, closes in spans)
    assert found[0] == counted


# -- beliefs, models, value ----------------------------------------------------------------------

chances = st.lists(st.floats(0.01, 1), min_size=3, max_size=3)


def normal(values: list[float]) -> Any:
    return np.array(values) / sum(values)


@given(prior=chances, rows=st.lists(chances, min_size=3, max_size=3), seen=chances)
def test_beliefs_add_up_and_questions_never_add_doubt(
    prior: list[float], rows: list[list[float]], seen: list[float]
) -> None:
    belief = needs.posterior(normal(prior), [[seen]])
    assert belief.sum() == pytest.approx(1)
    gained = needs.information_gain(belief, np.array([normal(row) for row in rows]))
    assert 0 <= gained[0] <= needs.entropy(belief)[0] + 1e-9


def test_evidence_of_one_half_life_counts_half() -> None:
    fresh = needs.posterior([0.5, 0.5], [[[0.9, 0.1]]])
    old = needs.posterior([0.5, 0.5], [[[0.9, 0.1]]], ages=[[30]], half_lives=[[30]])
    assert fresh[0, 0] == pytest.approx(0.9)
    assert old[0, 0] == pytest.approx(3 / 4)  # odds of √9 to 1


bins = st.lists(st.integers(0, 500), min_size=4, max_size=4)


@given(base=bins, now=bins)
def test_drift_is_never_negative_and_none_from_itself(base: list[int], now: list[int]) -> None:
    assume(sum(base) and sum(now))
    found, same = watch.psi(base, now), watch.psi(base, base)
    assert isinstance(found, watch.Drift)
    assert isinstance(same, watch.Drift)
    assert found.psi >= 0
    assert same == watch.Drift(0.0, "stable")


@given(rows=st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=40))
def test_auc_is_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    yes = [score for score, did in rows if did]
    no = [score for score, did in rows if not did]
    found = watch.auc(*zip(*rows, strict=True))
    if isinstance(found, NotEnough):
        assert not (yes and no)
    else:
        pairs = [(y > n) + 0.5 * (y == n) for y in yes for n in no]
        assert found.value == pytest.approx(sum(pairs) / len(pairs))


@given(r=st.lists(st.floats(-0.5, 0.5), min_size=4, max_size=4), seed=st.integers(0, 10**6))
def test_drivers_share_what_they_explain(r: list[float], seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(60, 4)) @ (np.eye(4) + 0.3)
    between = np.corrcoef(rows.T)
    whole = float(np.array(r) @ np.linalg.solve(between, r))
    assume(0.01 < whole < 1)
    found = value.key_drivers(between, r)
    assert found.r_squared == pytest.approx(whole)
    assert found.shares.sum() == pytest.approx(1)


def test_good_scores_of_uplift_have_a_higher_qini() -> None:
    random = np.random.default_rng(5)
    score, treated = random.uniform(size=20_000), random.uniform(size=20_000) < 0.5
    outcome = random.uniform(size=20_000) < 0.1 + 0.2 * score * treated
    good, bad = effect.qini(score, treated, outcome), effect.qini(-score, treated, outcome)
    assert isinstance(good, effect.Qini)
    assert isinstance(bad, effect.Qini)
    assert good.coefficient > 0.003
    assert good.coefficient == pytest.approx(-bad.coefficient, rel=0.2)


@given(
    counts=st.lists(st.integers(1, 50), min_size=3, max_size=3),
    paths=st.lists(
        st.lists(st.sampled_from("abcd"), min_size=1, max_size=5), min_size=3, max_size=3
    ),
)
def test_shares_of_touches_add_up_and_the_chain_converts_as_its_paths(
    counts: list[int], paths: list[list[str]]
) -> None:
    some = [
        journey.Path(tuple(touches), k != 1, many)
        for k, (touches, many) in enumerate(zip(paths, counts, strict=True))
    ]
    found = journey.attribution(some)
    assert isinstance(found, journey.Attribution)
    assert sum(found.share.values()) == pytest.approx(1)
    assert all(-1e-9 <= each <= 1 + 1e-9 for each in found.removal.values())


def test_first_passages_in_their_order() -> None:
    at = np.datetime64("2026-01-01", "s") + np.array([0, 60, 30, 0, 10, 5, 8])
    found = journey.passages(
        ["a", "a", "a", "b", "b", "c", "d"], [0, 1, 1, 1, 0, 2, 0], at, steps=3
    )
    # b came to step 1 before step 0, c skipped both.
    assert found.funnel.entered.tolist() == [3, 1, 0]
    assert found.median[0] == found.p90[0] == 30
    assert np.isnan(found.median[1])


@given(lots=st.lists(st.integers(0, 300), min_size=1, max_size=8), part=st.floats(0, 1))
def test_points_are_spent_to_the_last_one(lots: list[int], part: float) -> None:
    until = np.datetime64("2026-06-01") + np.arange(len(lots))[::-1]
    points = int(sum(lots) * part)
    left = loyalty.redeem(lots, until, points, on=np.datetime64("2026-01-01"))
    assert int(left.sum()) == sum(lots) - points
    assert ((left >= 0) & (left <= lots)).all()
    touched = np.flatnonzero(left < np.array(lots))
    if len(touched):
        assert (left[touched.min() + 1 :] == 0).all()


def test_half_a_customer_is_no_rate() -> None:
    with pytest.raises(TypeError, match="integer"):
        rate(0.5, 2)  # type: ignore[arg-type]
