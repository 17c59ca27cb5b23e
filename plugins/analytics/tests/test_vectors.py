"""Worked examples with the figures they must give, to the digits printed.

From the publications named in the library; those of the book-keeping kind are computed by hand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from relatum_analytics.library import (
    acquisition,
    channels,
    contact_centre,
    distance,
    effect,
    first_response,
    journey,
    leads,
    loyalty,
    needs,
    people,
    retention,
    rfm,
    sales,
    satisfaction,
    serving,
    survival,
    value,
    voice,
    wallet,
    watch,
)
from relatum_analytics.library.lifetime import bgnbd, gamma_gamma, sbg, simple
from relatum_analytics.library.results import (
    Estimate,
    Interval,
    Money,
    NotEnough,
    Rate,
    Ratio,
    rate,
)


def close(value: Any, digits: int) -> Any:
    """Equal when rounded to so many digits, as the figure was."""
    return pytest.approx(value, abs=0.5000001 * 10.0**-digits, rel=0)


def a_rate(found: Rate | NotEnough) -> Rate:
    assert isinstance(found, Rate)
    return found


def a_ratio(found: Ratio | NotEnough) -> Ratio:
    assert isinstance(found, Ratio)
    return found


def an_estimate(found: Estimate | NotEnough) -> Estimate:
    assert isinstance(found, Estimate)
    return found


def ends(interval: Interval) -> tuple[float, float]:
    return interval.low, interval.high


PEOPLE = {  # days since the last order, days with an order, dong, scores
    "A": (5, 12, 8_400_000, "555"),
    "B": (40, 3, 900_000, "332"),
    "C": (12, 7, 5_250_000, "445"),
    "D": (200, 1, 300_000, "111"),
    "E": (90, 2, 1_100_000, "223"),
    "F": (30, 5, 2_000_000, "343"),
    "G": (7, 9, 4_800_000, "554"),
    "H": (365, 1, 150_000, "111"),
    "I": (60, 3, 2_600_000, "234"),
    "J": (15, 4, 700_000, "432"),
}


def test_rfm_1() -> None:
    days, visits, money, scores = zip(*PEOPLE.values(), strict=True)
    found = rfm.score(list(PEOPLE), days, visits, money, days)
    assert [f"{r}{f}{m}" for r, f, m in zip(found.r, found.f, found.m, strict=True)] == [*scores]
    assert found.names[0] == "champions"
    assert found.names[3] == "lost"


def test_ret_1() -> None:
    stayed = np.arange(1_000) < 900
    sold = np.where(stayed, 52_000_000, 32_000_000)
    earned = np.where(stayed, 13_000_000, 3_000_000)
    assert (sold.sum(), sold[stayed].sum()) == (50_000_000_000, 46_800_000_000)
    assert (earned.sum(), earned[stayed].sum()) == (12_000_000_000, 11_700_000_000)
    found = retention.retention(np.ones(1_000), stayed, sold, earned)
    assert a_rate(found.raw).value == close(0.9, 10)
    assert a_rate(found.churn).value == close(0.1, 10)
    assert a_ratio(found.sales_adjusted).value == close(0.936, 10)
    assert a_ratio(found.profit_adjusted).value == close(0.975, 10)


def test_coh_1() -> None:
    rows = []
    for cohort, (size, second, third) in enumerate(((200, 62, 48), (180, 55, 0), (240, 81, 0))):
        for after, many in enumerate((size, second, third)):
            rows += [(cohort * 1_000 + who, cohort + after) for who in range(many)]
    who, month = np.array(rows).T
    first = np.datetime64("2026-01", "M")
    found = retention.cohorts(who, first + month, complete_until=first + 3)
    assert isinstance(found, retention.Cohorts)
    assert [a_rate(found.cell(0, k)).value for k in range(3)] == [1, 0.31, 0.24]
    assert a_rate(found.weighted(1)).value == close(0.3194, 4)
    assert a_rate(found.weighted(1)).n == 620


def test_churn_1() -> None:
    found = retention.constant(0.03, 12)
    assert found.over == close(0.306158, 6)
    assert found.lifetime == close(33.333, 3)
    assert found.assumption == "constant hazard"


def test_km_1() -> None:
    found = survival.kaplan_meier([1, 2, 3, 3, 4, 5, 6, 6], [1, 0, 1, 1, 0, 1, 0, 0])
    assert isinstance(found, survival.Curve)
    assert found.at([1, 3, 5]) == close(np.array([0.875, 0.583333, 0.388889]), 6)
    assert found.at([0.5, 2.9, 9]) == close(np.array([1, 0.875, 0.388889]), 6)


def test_clv_hist_1() -> None:
    found = simple.historic(
        [0, 0, 0], [500_000, 300_000, 400_000], [0, 1, 2], customers=1, monthly_rate=0.01
    )
    assert (found.undiscounted.tolist(), found.present.tolist()) == ([1_200_000], [1_189_148])


def test_clv_const_1() -> None:
    now = simple.constant(1_000_000, [0.80, 0.85], 0.10)
    assert np.rint(now).tolist() == [3_666_667, 4_400_000]
    later = simple.constant(1_000_000, 0.80, 0.10, first="end of the first period")
    assert round(float(later)) == 2_666_667


HIGH = [86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1]
REGULAR = [63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1]


@pytest.mark.parametrize(
    ("alive", "alpha", "beta", "forecast"),
    [
        (HIGH, 0.6681, 3.8061, [46.0, 43.6, 41.4, 39.5, 37.8]),
        (REGULAR, 0.7041, 1.1820, [22.0, 20.4, 19.1, 18.0, 17.0]),
    ],
    ids=["high-end", "regular"],
)
def test_sbg_1(alive: list[float], alpha: float, beta: float, forecast: list[float]) -> None:
    found = sbg.fit_tenure([100, *alive])
    assert not isinstance(found, NotEnough)
    tenure, fit = found
    assert fit.converged, fit.why
    assert (tenure.alpha, tenure.beta) == (close(alpha, 4), close(beta, 4))
    assert 100 * tenure.survival(np.arange(8, 13)) == close(np.array(forecast), 1)
    assert (np.diff(tenure.retention(np.arange(1, 30))) > 0).all()


#: As published (Fader, Hardie & Lee 2005).
BUYING = bgnbd.Buying(0.243, 4.414, 0.793, 2.426)
SPENDING = gamma_gamma.Spending(6.25, 3.74, 15.44)
SEEN = [38.86] * 3


def test_bgnbd_1_of_single_customers() -> None:
    expected = BUYING.expected(39, [2, 0, 10], [30.43, 0, 38], SEEN)
    assert expected == close(np.array([1.2260, 0.1951, 6.7059]), 4)
    alive = BUYING.alive([2, 0], [30.43, 0], SEEN[:2])
    assert alive[0] == close(0.7266, 4)
    assert np.isnan(alive[1])


def test_gamma_gamma_of_single_customers() -> None:
    found = SPENDING.expected([2, 1, 10], [22.35] * 3)
    assert found == close(np.array([24.6637, 26.2722, 22.8905]), 4)
    assert SPENDING.expected([0], [float("nan")])[0] == pytest.approx(SPENDING.population)


def test_clv_res_1() -> None:
    each = 0.30 * float(SPENDING.expected([2], [22.35])[0])
    expected = float(BUYING.expected(52, [2], [30.43], [38.86])[0])
    worth = float(BUYING.discounted(52, [2], [30.43], [38.86], yearly_rate=0.15)[0])
    assert expected == close(1.5587, 4)
    assert (expected * each, worth * each) == (close(11.5332, 4), close(10.8043, 4))


def test_cac_1() -> None:
    cost = a_ratio(acquisition.cac(90_000_000, 200))
    assert (cost.value, cost.n) == (450_000, 200)
    months = acquisition.payback(cost, 150_000)
    assert isinstance(months, acquisition.Payback)
    assert months.months == 3
    assert a_ratio(acquisition.ltv_cac(1_350_000, cost)).value == 3


def test_roc_1() -> None:
    assert a_ratio(acquisition.return_on_customer(40, 1_000, 1_080, 50)).value == close(0.12, 10)


def test_sow_1() -> None:
    assert a_ratio(wallet.share_of_wallet([3_000_000], [12_000_000])).value == 0.25
    found = wallet.rank_based([1, 2, 1, 2, 3, 1], [2, 2, 3, 3, 3, 1])
    assert found == close(np.array([0.6667, 0.3333, 0.5, 0.3333, 0.1667, 1.0]), 4)
    assert wallet.ranks([[9, 9, 5]]).tolist() == [[1.5, 1.5, 3]]


def test_cts_1() -> None:
    pools = [600_000_000, 180_000_000, 60_000_000, 400_000_000, 90_000_000]
    there = [1_200, 12_000, 8_000, 16_000, 900]
    found = serving.cost_to_serve(pools, there, [[2, 10, 4, 12, 0], [12, 60, 0, 40, 25]])
    assert found.rates.tolist() == [500_000, 15_000, 7_500, 25_000, 100_000]
    assert found.customers.tolist() == [1_480_000, 10_400_000]
    assert found.customers.sum() + found.unused.sum() == sum(pools)
    profit = serving.customer_profit([30_000_000] * 2, found.customers)
    assert profit.tolist() == [28_520_000, 19_600_000]


def test_whale_1() -> None:
    found = serving.whale([5, 50, 30, -15, 20, 10, 5, 0, -5, -10])
    assert isinstance(found, serving.Whale)
    assert found.cumulated.tolist() == [50, 80, 100, 110, 115, 120, 120, 115, 105, 90]
    assert found.peak == close(1.3333, 4)


def test_csat_1() -> None:
    found = a_rate(satisfaction.csat([5, 10, 15, 70, 100]))
    assert (found.value, found.n) == (0.85, 200)
    assert ends(found.interval) == (close(0.7939, 4), close(0.8929, 4))


def test_nps_1() -> None:
    found = an_estimate(satisfaction.nps(55, 25, 20))
    assert (found.value, found.standard_error) == (close(35, 9), close(7.9215, 4))
    assert ends(found.interval) == (close(19.47, 2), close(50.53, 2))
    again = satisfaction.nps_of([2, 2, 2, 2, 2, 5, 5, 10, 15, 30, 25])
    assert again == found


def test_ces_1() -> None:
    found = satisfaction.ces([1, 2, 4, 8, 15, 30, 40])
    assert isinstance(found, satisfaction.Ease)
    assert (found.mean.value, found.easy.value) == (close(5.84, 9), 0.7)


def test_frt() -> None:
    open_hours = first_response.Hours(
        (((480, 1_050),),) * 6 + ((),),
        (np.datetime64("2026-04-30"), np.datetime64("2026-05-01")),
    )
    asked = np.array(["2026-03-07T17:00", "2026-04-29T17:00"], dtype="datetime64[m]")
    answered = np.array(["2026-03-09T09:15", "2026-05-02T08:20"], dtype="datetime64[m]")
    found = first_response.business_minutes(asked, answered, open_hours)
    assert found.tolist() == [105, 50]


def test_fcr_1() -> None:
    issues = np.arange(500)
    found = contact_centre.first_contact(np.ones(500), issues < 85, (issues >= 85) & (issues < 100))
    assert (a_rate(found).value, a_rate(found).n) == (0.8, 500)


def test_sl_1() -> None:
    found = contact_centre.service(410, 70, 12, 28)
    assert a_rate(found.level).value == close(0.8071, 4)
    assert a_rate(found.level_of_answered).value == close(0.8542, 4)
    assert a_rate(found.abandoned).value == close(0.0551, 4)
    waited = np.repeat([10.0, 30.0, 2.0, 40.0], [410, 70, 12, 28])
    answered = np.repeat([1, 1, 0, 0], [410, 70, 12, 28])
    assert contact_centre.service_of_calls(waited, answered) == found


def test_erl_1() -> None:
    found = contact_centre.erlang_c(360 / 1_800, 240, 55)
    assert (found.load, found.agents) == (48, 55)
    assert found.waits == close(0.238701, 6)
    assert found.level(15) == close(0.845883, 6)
    assert found.answer == close(8.184, 3)
    assert found.occupancy == close(0.872727, 6)


@pytest.mark.parametrize(
    ("agents", "waits", "level", "answer"),
    [
        (11, 0.6821, 0.3896, 122.8),
        (12, 0.4494, 0.6402, 40.4),
        (13, 0.2853, 0.7956, 17.1),
        (14, 0.1741, 0.8884, 7.8),
        (15, 0.1020, 0.9415, 3.7),
        (16, 0.0573, 0.9706, 1.7),
    ],
)
def test_erl_2(agents: int, waits: float, level: float, answer: float) -> None:
    found = contact_centre.erlang_c(100 / 1_800, 180, agents)
    assert (found.waits, found.level(20)) == (close(waits, 4), close(level, 4))
    assert found.answer == close(answer, 1)


def test_erl_2_staffing() -> None:
    found = contact_centre.staffing(100 / 1_800, 180, level=0.8, within=20, shrinkage=0.3)
    assert (found.queue.agents, found.rostered) == (14, 20)


def test_sov_1() -> None:
    own = voice.Mentions(180, 95, 40)
    assert a_rate(voice.share_of_voice(180, 240 + 80)).value == 0.36
    assert an_estimate(voice.net_sentiment(own)).value == close(0.3056, 4)
    others = (voice.Mentions(240, 0, 90), voice.Mentions(80, 0, 10))
    assert a_rate(voice.share_without_negative(own, *others)).value == close(0.3889, 4)


def test_lead_1() -> None:
    fit = leads.fit([0.30, 0.25, 0.25, 0.20], [[1, 0.5, 1, 0]])
    engagement = leads.engagement([0, 0, 0], [20, 10, 30], [0, 7, 28], leads=1)
    assert (fit[0], engagement[0]) == (close(67.5, 10), close(34.571, 3))
    assert leads.grades(fit, engagement) == ["B2"]


def test_lead_2() -> None:
    found = leads.probability(-2.2, [1.1, 0.8, -0.6, 0.015], [[1, 1, 0, 34.571]])
    assert found[0] == close(0.55442, 5)


def test_fun_1() -> None:
    found = journey.funnel([10_000, 4_200, 1_500, 600, 540])
    assert [a_rate(step).value for step in found.steps] == [
        close(each, 4) for each in (0.42, 0.3571, 0.40, 0.90)
    ]
    assert a_rate(found.overall).value == 0.054


PATHS = [
    journey.Path(("zalo", "web", "store"), True, 3),
    journey.Path(("facebook", "web"), True, 2),
    journey.Path(("facebook", "web"), False, 5),
    journey.Path(("zalo",), False, 4),
    journey.Path(("web", "call"), True, 4),
    journey.Path(("call",), False, 2),
]


def test_markov_1() -> None:
    found = journey.attribution(PATHS)
    assert isinstance(found, journey.Attribution)
    assert found.conversion.value == 0.45
    removal = {"zalo": 0.1825, "web": 0.8519, "store": 0.3333, "facebook": 0.4259, "call": 0.4444}
    shares = {"zalo": 0.0816, "web": 0.3806, "store": 0.1489, "facebook": 0.1903, "call": 0.1986}
    assert found.removal == {name: close(each, 4) for name, each in removal.items()}
    assert found.share == {name: close(each, 4) for name, each in shares.items()}


def test_upl_1() -> None:
    found = effect.uplift(540, 9_000, 40, 1_000)
    assert isinstance(found, effect.Uplift)
    assert (found.difference, found.extra) == (close(0.02, 9), close(180, 9))
    assert (found.z, found.p) == (close(2.5669, 4), close(0.01026, 5))
    assert ends(found.interval) == (close(0.0069, 4), close(0.0331, 4))


def test_upl_2() -> None:
    assert effect.sample_size(0.05, 0.06) == 8_158
    assert effect.can_show(0.05, 0.06, 8_158) is None
    short = effect.can_show(0.05, 0.06, 8_157)
    assert short
    assert (short.missing[0].have, short.missing[0].need) == (8_157, 8_158)


def test_brier_1() -> None:
    assert an_estimate(watch.brier([0.9, 0.7, 0.4, 0.2], [1, 1, 0, 0])).value == close(0.075, 9)


def test_psi_1() -> None:
    now = [0.05, 0.06, 0.08, 0.09, 0.10, 0.10, 0.11, 0.12, 0.14, 0.15]
    found = watch.psi([0.1] * 10, now)
    assert isinstance(found, watch.Drift)
    assert (found.psi, found.verdict) == (close(0.09894, 5), "stable")


def test_need_1() -> None:
    found = needs.posterior([0.5, 0.3, 0.2], [[[0.1, 0.7, 0.2], [0.2, 0.5, 0.3]]])
    assert found[0] == close(np.array([0.0787, 0.8268, 0.0945]), 4)


def test_need_2() -> None:
    prior = [0.5, 0.3, 0.2]
    assert float(needs.entropy(prior)) == close(1.4855, 4)
    good = [[0.7, 0.1, 0.2], [0.1, 0.7, 0.2], [0.2, 0.2, 0.6]]
    assert float(needs.information_gain(prior, good)) == close(0.3613, 4)
    bad = [[0.5, 0.5], [0.5, 0.5], [0.4, 0.6]]
    assert float(needs.information_gain(prior, bad)) == close(0.0047, 4)


def test_trust_1() -> None:
    assert needs.trust(8, 9, 6, 4) == 5.75


def test_cva_1() -> None:
    found = value.customer_value(
        [0.40, 0.35, 0.25],
        [8.2, 7.5, 9.0],
        [7.8, 8.0, 7.0],
        own_price=7.0,
        competitor_price=7.6,
        quality_weight=0.6,
    )
    assert (found.own, found.competitor) == (close(8.155, 9), close(7.67, 9))
    assert (found.quality, found.price) == (close(1.0632, 4), close(0.9211, 4))
    assert found.value == close(1.0067, 4)


def test_evc_1() -> None:
    found = value.economic_value(100_000_000, 30_000_000, 6_000_000, 112_000_000)
    assert (found.value, found.surplus, found.to_customer) == (124_000_000, 12_000_000, 0.5)


def test_cev_1() -> None:
    found = value.engagement_value(6_000_000, 2, 0.5, 1_800_000, 350_000, 150_000)
    assert float(found) == 8_300_000


def test_kano_1() -> None:
    found = value.kano(45, 25, 15, 10)
    assert isinstance(found, value.Kano)
    assert (found.better, found.worse) == (close(0.7368, 4), close(-0.4211, 4))


def test_servqual_1() -> None:
    found = value.servqual(
        [6.2, 6.5, 6.0, 5.8, 6.1], [5.9, 5.6, 6.1, 5.5, 5.0], [0.11, 0.32, 0.22, 0.19, 0.16]
    )
    assert found.gaps == close(np.array([-0.3, -0.9, 0.1, -0.3, -1.1]), 9)
    assert found.weighted == close(-0.532, 9)


@pytest.mark.parametrize(
    ("between", "whole", "shares"),
    [(0.0, 0.52, (0.692, 0.308)), (0.5, 0.3733, (0.768, 0.232))],
)
def test_drv_1(between: float, whole: float, shares: tuple[float, float]) -> None:
    found = value.key_drivers([[1, between], [between, 1]], [0.6, 0.4])
    assert found.r_squared == close(whole, 4)
    assert found.shares == close(np.array(shares), 3)


def test_pipe_1() -> None:
    found = sales.velocity(a_rate(rate(25, 100)), 40, Money(60_000_000, "VND"), 45)
    assert found == Money(13_333_333, "VND")
    amounts = [100_000_000, 250_000_000, 80_000_000, 60_000_000]
    assert sales.weighted(amounts, [0.1, 0.4, 0.75, 0.9]) == 224_000_000


def test_chpref_1() -> None:
    found = channels.affinity([3, 2], [5, 20])
    assert found == close(np.array([0.5714, 0.1364]), 4)
    assert channels.preferred([found], [[0, 1]])[0, 1] >= found.max()


def test_loy_1() -> None:
    found = loyalty.defer(Money(2_000_000, "VND"), 2_000_000, 170_000)
    assert (found.goods.minor, found.points.minor) == (1_843_318, 156_682)


def test_loy_2() -> None:
    until = np.array(["2026-03-31", "2026-06-30", "2026-12-31"], dtype="datetime64[D]")
    left = loyalty.redeem([100, 200, 150], until, 180, on=np.datetime64("2026-03-01"))
    assert left.tolist() == [0, 120, 150]
    after = loyalty.expire(left, until, on=np.datetime64("2026-07-01"))
    assert (after.expired, int(after.lots.sum())) == (120, 150)


def test_geo_1() -> None:
    long = distance.kilometres(21.0285, 105.8542, 10.7769, 106.7009)
    short = distance.kilometres(10.7725, 106.6980, 10.7798, 106.6990)
    assert (float(long), float(short)) == (close(1_143.506, 3), close(0.819, 3))


def test_staff_1() -> None:
    assert people.quality([0.3, 0.3, 0.2, 0.2], [[90, 80, 100, 70]])[0] == close(85, 9)
    assert a_ratio(people.occupancy([6.2], [7.5])).value == close(0.8267, 4)


def test_comm_1() -> None:
    assert a_rate(people.deflection(640, 960)).value == 0.40
