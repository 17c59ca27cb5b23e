"""Requests a minute: a burst, then a steady rate, in bounded memory."""

from __future__ import annotations

import pytest

from relatum.http import limits
from relatum.http.limits import RateLimit
from relatum.values.problems import TooMany


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(limit: RateLimit, caller: str, tries: int) -> int:
    """How many of so many requests are let through."""
    count = 0
    for _ in range(tries):
        try:
            limit.take(caller)
        except TooMany:
            continue
        count += 1
    return count


@pytest.mark.parametrize("a_minute", [1, 7, 60, 300, 1200])
def test_a_whole_minute_at_once_and_then_the_steady_rate(a_minute: int) -> None:
    clock = Clock()
    limit = RateLimit(a_minute, clock=clock)
    assert taken(limit, "a", a_minute * 2) == a_minute
    assert taken(limit, "b", 1) == 1, "others are not concerned"
    clock.now += 60 / a_minute
    assert taken(limit, "a", 5) == 1
    clock.now += 60.001
    assert taken(limit, "a", a_minute * 2) == a_minute


def test_it_says_when_to_come_back() -> None:
    clock = Clock()
    limit = RateLimit(6, "requests with this token", clock=clock)
    assert taken(limit, "a", 6) == 6
    with pytest.raises(TooMany, match="requests with this token") as refusal:
        limit.take("a")
    assert refusal.value.extra == {"retry_after": 10}
    clock.now += 10
    limit.take("a")


def test_refused_requests_cost_nothing() -> None:
    clock = Clock()
    limit = RateLimit(60, clock=clock)
    assert taken(limit, "a", 1000) == 60
    clock.now += 1
    assert taken(limit, "a", 1) == 1


def test_zero_is_no_limit() -> None:
    assert taken(RateLimit(0), "a", 5000) == 5000


def test_memory_is_bounded_and_the_busiest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_CALLERS", 100)
    limit = RateLimit(10, clock=Clock())
    assert taken(limit, "busy", 10) == 10
    for number in range(1000):
        limit.take(number)
        assert len(limit) <= 101
    assert taken(limit, "busy", 1) == 0
