"""Whoever guesses waits; whoever is right does not."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relatum.access.accounts.problems import TooManyAttempts
from relatum.access.accounts.throttle import Guessed, Throttle, delay_after, from_address
from relatum.app.house import House
from relatum.values.ids import new_id
from relatum.values.problems import MalformedRequest

START = dt.datetime(2026, 11, 22, 8, 0, tzinfo=dt.UTC)


class Watch:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def throttle(core_house: House, watch: Watch) -> Throttle:
    return Throttle(core_house.db, clock=watch)


def seconds(refusal: pytest.ExceptionInfo[TooManyAttempts]) -> int:
    waiting = refusal.value.extra["retry_after"]
    assert isinstance(waiting, int)
    return waiting


LAN = Guessed(kind="password", subject="lan@example.com")


def test_delays_are_those_of_the_rule() -> None:
    given = [delay_after(failures, 5).total_seconds() for failures in range(1, 17)]
    assert given == [0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


async def test_five_are_free_then_each_costs_twice_as_much(
    throttle: Throttle, watch: Watch
) -> None:
    for _ in range(5):
        await throttle.attempt(LAN)
    for wait in (2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900):
        with pytest.raises(TooManyAttempts) as refusal:
            await throttle.attempt(LAN)
        assert seconds(refusal) == wait
        watch.now += dt.timedelta(seconds=wait - 0.5)
        with pytest.raises(TooManyAttempts) as refusal:
            await throttle.attempt(LAN)
        assert seconds(refusal) == 1, "asking meanwhile does not make it longer"
        watch.now += dt.timedelta(seconds=0.5)
        await throttle.attempt(LAN)


async def test_it_is_remembered_across_a_restart(core_house: House, watch: Watch) -> None:
    for _ in range(5):
        await Throttle(core_house.db, clock=watch).attempt(LAN)
    with pytest.raises(TooManyAttempts):
        await Throttle(core_house.db, clock=watch).attempt(LAN)


async def test_success_begins_anew_for_an_account(throttle: Throttle, watch: Watch) -> None:
    for _ in range(4):
        await throttle.attempt(LAN)
    await throttle.attempt(LAN)
    await throttle.succeeded(LAN)
    for _ in range(5):
        await throttle.attempt(LAN)
    with pytest.raises(TooManyAttempts):
        await throttle.attempt(LAN)


async def test_an_address_gets_back_one_attempt_and_no_more(
    throttle: Throttle, watch: Watch
) -> None:
    """Else somebody with an account of their own could guess at others for ever."""
    [office] = from_address("192.0.2.7")
    for _ in range(18):
        await throttle.attempt(office)
    for _ in range(3):
        await throttle.attempt(office)
        await throttle.succeeded(office)
    await throttle.attempt(office)
    await throttle.attempt(office)
    with pytest.raises(TooManyAttempts) as refusal:
        await throttle.attempt(office)
    assert seconds(refusal) == 2


async def test_a_thousand_at_once_are_no_more_than_one_after_the_other(
    throttle: Throttle,
) -> None:
    outcomes = await asyncio.gather(
        *(throttle.attempt(LAN) for _ in range(40)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, TooManyAttempts)]
    assert len(refused) == 35
    assert all(outcome is None for outcome in outcomes if outcome not in refused)


async def test_when_one_has_to_wait_none_is_counted(throttle: Throttle) -> None:
    other = Guessed(kind="password", subject="minh@example.com")
    for _ in range(5):
        await throttle.attempt(LAN)
    for _ in range(7):
        with pytest.raises(TooManyAttempts):
            await throttle.attempt(LAN, other)
    for _ in range(5):
        await throttle.attempt(other)


async def test_a_day_later_it_is_forgotten(throttle: Throttle, watch: Watch) -> None:
    for _ in range(5):
        await throttle.attempt(LAN)
    watch.now += dt.timedelta(hours=24, seconds=1)
    for _ in range(5):
        await throttle.attempt(LAN)
    with pytest.raises(TooManyAttempts):
        await throttle.attempt(LAN)


async def test_it_refuses_to_count_where_an_error_takes_it_back(
    core_house: House, throttle: Throttle
) -> None:
    with pytest.raises(MalformedRequest, match="Idempotency-Key"):
        async with core_house.db.transaction():
            await throttle.attempt(LAN)


async def test_the_table_tells_nobody_whose_they_are(core_house: House, throttle: Throttle) -> None:
    await throttle.attempt(LAN, *from_address("192.0.2.7"))
    rows = await core_house.db.fetch("SELECT id FROM core_attempt")
    assert len(rows) == 2
    assert all(len(id) == 64 and set(id) <= set("0123456789abcdef") for (id,) in rows)


def test_the_local_shell_is_not_slowed_down() -> None:
    assert from_address("") == []


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 1500), st.booleans(), st.integers(0, 2)), min_size=1, max_size=40
    )
)
async def test_it_counts_as_a_slow_reference_does(
    throttle: Throttle, watch: Watch, steps: list[tuple[int, bool, int]]
) -> None:
    """The same rule written down as plainly as can be, one dictionary for each thing."""
    failures: dict[int, int] = {}
    blocked: dict[int, dt.datetime] = {}
    last: dict[int, dt.datetime] = {}
    watch.now, name = START, new_id()
    for wait, right, which in steps:
        watch.now += dt.timedelta(seconds=wait)
        guessed = Guessed(kind="password", subject=f"{name}{which}")
        let_in = which not in blocked or blocked[which] <= watch.now
        if not let_in:
            with pytest.raises(TooManyAttempts):
                await throttle.attempt(guessed)
            continue
        await throttle.attempt(guessed)
        if which in last and watch.now - last[which] > dt.timedelta(hours=24):
            failures[which] = 0
        failures[which] = failures.get(which, 0) + 1
        last[which] = watch.now
        blocked.pop(which, None)
        if failures[which] >= 5:
            wait_now = min(2 ** (failures[which] - 4), 900)
            blocked[which] = watch.now + dt.timedelta(seconds=wait_now)
        if right:
            await throttle.succeeded(guessed)
            for known in (failures, blocked, last):
                known.pop(which, None)
