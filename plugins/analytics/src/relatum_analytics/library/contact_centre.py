"""How a contact centre answers, and how many people it takes (Erlang 1917)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Bools, counts, not_negative, same_length, seconds
from relatum_analytics.library.arrays import truths as truths_of
from relatum_analytics.library.results import Estimate, NotEnough, Rate, mean, rate

#: Beyond so many, no centre of that load is meant.
_MOST_AGENTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Service:
    """Of one queue.

    Attributes:
        level: answered in time, of those answered and those who gave up after the short limit.
        level_of_answered: answered in time of those answered; "ignores who gave up" beside it.
        abandoned: gave up after the short limit, of all but those who gave up before.
    """

    level: Rate | NotEnough
    level_of_answered: Rate | NotEnough
    abandoned: Rate | NotEnough


@dataclass(frozen=True, slots=True)
class Queue:
    """Calls that wait until an agent is free: Erlang C.

    Attributes:
        load: in erlangs.
        waits: the chance that a call waits.
        answer: average seconds until the answer, over all calls.
        occupancy: the part of their time in which agents talk.
        handling: seconds of a call.
    """

    load: float
    agents: int
    waits: float
    answer: float
    occupancy: float
    handling: float

    def level(self, within: float) -> float:
        """The share of calls answered within so many seconds."""
        return 1 - self.waits * math.exp(-(self.agents - self.load) * within / self.handling)


@dataclass(frozen=True, slots=True)
class Staffing:
    """Agents on the phone, and on the roster since some of them are away."""

    queue: Queue
    rostered: int


def service(
    answered_in_time: int, answered_later: int, gave_up_soon: int, gave_up_later: int
) -> Service:
    """From the calls of a period; "soon" is before the limit of short abandons, such as 5 s."""
    given = [answered_in_time, answered_later, gave_up_soon, gave_up_later]
    in_time, later, _, lost = counts(given, "calls").tolist()
    answered = in_time + later
    return Service(
        rate(in_time, answered + lost, of="calls"),
        rate(in_time, answered, of="calls answered"),
        rate(lost, answered + lost, of="calls"),
    )


def service_of_calls(
    waited: npt.ArrayLike,
    answered: npt.ArrayLike,
    *,
    within: float = 20,
    short: float = 5,
) -> Service:
    """The same from single calls: seconds waited until the answer or giving up, and which."""
    time, got = not_negative(waited, "waited"), truths_of(answered, "answered")
    same_length(waited=time, answered=got)
    soon = time < short
    cases = (got & (time <= within), got & (time > within), ~got & soon, ~got & ~soon)
    return service(*(int(case.sum()) for case in cases))


def first_contact(
    resolved: npt.ArrayLike, repeated: npt.ArrayLike, reopened: npt.ArrayLike
) -> Rate | NotEnough:
    """Issues resolved at the first contact, neither asked about again nor reopened."""
    done = truths_of(resolved, "resolved")
    again, opened = truths_of(repeated, "repeated"), truths_of(reopened, "reopened")
    n = same_length(resolved=done, repeated=again, reopened=opened)
    return rate(int((done & ~again & ~opened).sum()), n, of="issues")


def repeated_within(
    issue: npt.ArrayLike, at: npt.ArrayLike, *, issues: int, days: int = 7
) -> Bools:
    """Which issues had another contact, on any channel, within so many days of their first.

    Args:
        issue: index of the issue, 0 to ``issues`` - 1, one for each contact.
        at: ``datetime64`` of the contact.
        days: 1 to 30.
    """
    if not 1 <= days <= 30:
        raise ValueError(f"expected 1 to 30 days, got {days}; change the setting")
    which, when = counts(issue, "issue"), seconds(at, "at").astype(np.int64)
    same_length(issue=which, at=when)
    first = np.full(issues, np.iinfo(np.int64).max)
    np.minimum.at(first, which, when)
    soon = when - first[which] <= days * 86_400
    found: Bools = np.bincount(which[soon], minlength=issues) > 1
    return found


def handling_time(
    talk: npt.ArrayLike, hold: npt.ArrayLike, wrap_up: npt.ArrayLike
) -> Estimate | NotEnough:
    """Average seconds of a contact: talking, on hold, and work after it."""
    columns = [not_negative(each, "seconds") for each in (talk, hold, wrap_up)]
    same_length(talk=columns[0], hold=columns[1], wrap_up=columns[2])
    return mean(columns[0] + columns[1] + columns[2], of="contacts")


def erlang_c(calls_per_second: float, handling: float, agents: int) -> Queue:
    """``P_w = B/(1 − (A/m)(1 − B))``, B by ``B_k = A·B_{k−1}/(k + A·B_{k−1})``.

    Args:
        handling: seconds of a call.

    Raises:
        ValueError: there are no more agents than erlangs; the queue would grow for ever.
    """
    load = _load(calls_per_second, handling)
    if agents <= load:
        raise ValueError(f"expected more agents than {load:g} erlangs, got {agents}; plan more")
    return _queue(load, handling, agents, _blocked(load, agents))


def staffing(
    calls_per_second: float,
    handling: float,
    *,
    level: float = 0.80,
    within: float = 20,
    shrinkage: float = 0.0,
) -> Staffing:
    """The fewest agents who answer enough calls in time.

    Args:
        level: share of calls, below 1.
        within: seconds.
        shrinkage: the part of paid time in which an agent is not there to answer, 0.30 for 30 %.
    """
    if not 0 < level < 1 or not 0 <= shrinkage < 1 or within < 0:
        raise ValueError(
            f"expected 0 < level < 1, 0 ≤ shrinkage < 1, within ≥ 0, "
            f"got {level}, {shrinkage}, {within}; 80 % is 0.80"
        )
    load = _load(calls_per_second, handling)
    agents = math.floor(load) + 1
    blocked = _blocked(load, agents)
    while (queue := _queue(load, handling, agents, blocked)).level(within) < level:
        agents += 1
        blocked = load * blocked / (agents + load * blocked)
    # As it is written: 14 / (1 - 0.3) in floats is above 20.
    there = 1 - Fraction(str(shrinkage))
    return Staffing(queue, math.ceil(Fraction(agents) / there))


def _load(calls_per_second: float, handling: float) -> float:
    if not (calls_per_second > 0 and handling > 0):
        raise ValueError(f"expected calls and seconds above 0, got {calls_per_second}, {handling}")
    load = calls_per_second * handling
    if not load < _MOST_AGENTS:
        raise ValueError(f"expected fewer than {_MOST_AGENTS} erlangs, got {load}; look at units")
    # A rate of calls is a quotient: 48 erlangs come out as 48.00000000000001.
    return round(load, 9)


def _blocked(load: float, agents: int) -> float:
    blocked = 1.0
    for k in range(1, agents + 1):
        blocked = load * blocked / (k + load * blocked)
    return blocked


def _queue(load: float, handling: float, agents: int, blocked: float) -> Queue:
    waits = blocked / (1 - load / agents * (1 - blocked))
    return Queue(load, agents, waits, waits * handling / (agents - load), load / agents, handling)
