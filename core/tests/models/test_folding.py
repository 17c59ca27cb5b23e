"""The laws of folding, for evidence in every order and with every delay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.tests.models.toy import CALM, GONE, QUIET, TOY, Memory
from relatum.models.contract import Evidence, Move, Standing
from relatum.models.folding import Change, Folding, ModelError, as_of

FOLDING = Folding(TOY)
START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
END = START + dt.timedelta(days=400)
HOURS = dt.timedelta(hours=1)


@st.composite
def happenings(draw: st.DrawFn) -> list[Evidence]:
    """Evidence in the order in which it arrives, much of it late."""
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["order", "order", "order", "complaint", "refusal", "nothing"]),
                st.integers(0, 300 * 24),
                st.one_of(st.just(0), st.integers(0, 40 * 24)),
            ),
            max_size=12,
        )
    )
    some = [(kind, START + at * HOURS, START + (at + delay) * HOURS) for kind, at, delay in drawn]
    some.sort(key=lambda each: each[2])
    return [
        Evidence(kind=kind, at=at, recorded_at=recorded, seq=seq)
        for seq, (kind, at, recorded) in enumerate(some, start=1)
    ]


def said(changes: Sequence[Change]) -> list[tuple[Any, ...]]:
    return [(each.at, each.effect, each.before, each.after, each.rule) for each in changes]


def plainly(evidence: Sequence[Evidence], until: dt.datetime) -> list[tuple[Any, ...]]:
    """The same by looking at every moment that may matter, without waking or two clocks."""
    standing, changes = TOY.begin(), list[tuple[Any, ...]]()
    for moment in (each for each in times(evidence) if each <= until):
        here = sorted((each for each in evidence if each.at == moment), key=lambda each: each.seq)
        for told in [None, *here]:
            if told is not None:
                TOY.learn(standing.memory, told)
            while (move := TOY.judge(standing, moment)) is not None:
                changes.append((moment, move.rule))
                rule = next(each for each in TOY.rules if each.id == move.rule)
                standing.state = rule.enters or standing.state
                if rule.raises:
                    standing.overlays[rule.raises] = moment
                standing.overlays.pop(rule.clears, None)
    return changes


def times(evidence: Sequence[Evidence]) -> list[dt.datetime]:
    """Moments at which something may be otherwise than just before, and just before them."""
    found = {each.recorded_at for each in evidence}
    for each in evidence:
        found |= {each.at + after for after in (dt.timedelta(0), CALM, QUIET, GONE)}
    return sorted(found | {each - HOURS for each in found})


@given(evidence=happenings())
def test_arriving_one_after_the_other_comes_to_what_is_true(evidence: list[Evidence]) -> None:
    history = FOLDING.replay(evidence, END)
    standing, changes = FOLDING.fold(evidence, END)
    assert history.standing == standing
    assert said(history.standing_changes) == said(changes)
    assert [(each.at, each.rule) for each in changes] == plainly(evidence, END)


@given(evidence=happenings())
def test_an_answer_as_of_a_day_is_the_one_given_on_that_day(evidence: list[Evidence]) -> None:
    """No look-ahead: what was learned later changes nothing of it."""
    later = FOLDING.replay(evidence, END)
    for day in times(evidence):
        known = [each for each in evidence if each.recorded_at <= day]
        answered = said(as_of(later.changes, day))
        assert answered == said(as_of(FOLDING.replay(known, day).changes, day))
        assert [(each[0], each[-1]) for each in answered] == plainly(known, day)


@given(evidence=happenings(), stops=st.lists(st.integers(0, 400), max_size=6))
def test_sweeping_now_and_then_changes_nothing(evidence: list[Evidence], stops: list[int]) -> None:
    """Whether time is let pass each day or once at the end, and where batches are cut."""
    moments = sorted(START + days * dt.timedelta(days=1) for days in stops)
    history = FOLDING.replay([], START)
    for place, each in enumerate(evidence):
        while moments and moments[0] < each.recorded_at:
            history.changes = history.changes + FOLDING.advance(history.standing, moments.pop(0))
        history = FOLDING.arrive(history, each, evidence[:place])
        due = history.standing.due
        assert due is None or due > each.recorded_at, "what is over has been taken into account"
    history.changes = history.changes + FOLDING.advance(history.standing, END)
    whole = FOLDING.replay(evidence, END)
    assert history == whole


@given(evidence=happenings())
def test_a_change_is_never_known_before_it_could_be(evidence: list[Evidence]) -> None:
    recorded = {each.seq: each.recorded_at for each in evidence}
    for change in FOLDING.replay(evidence, END).changes:
        assert change.known >= change.at
        assert change.version == TOY.version
        assert change.superseded is None or change.superseded >= change.known
        if change.cause is not None:
            assert change.known >= recorded[change.cause]


def happened(kind: str, day: int, *, seq: int, late: int = 0) -> Evidence:
    at = START + dt.timedelta(days=day)
    return Evidence(kind=kind, at=at, recorded_at=at + dt.timedelta(days=late), seq=seq)


def test_time_alone_moves() -> None:
    history = FOLDING.replay([happened("order", 0, seq=1)], END)
    assert said(history.changes) == [
        (START, "entered", "nobody", "active", "bought"),
        (START + QUIET, "entered", "active", "quiet", "fell_quiet"),
        (START + GONE, "entered", "quiet", "gone", "left"),
    ]
    assert [each.cause for each in history.changes] == [1, None, None]
    assert history.changes[1].inputs == {"days": 30}
    assert history.standing.due is None


def test_what_is_learned_late_supersedes_what_was_thought() -> None:
    """An order of day 20 is learned on day 45: the quiet of day 30 was none, that of day 50 is."""
    some = [happened("order", 0, seq=1), happened("order", 20, seq=2, late=25)]
    day = START + dt.timedelta(days=45)
    history = FOLDING.replay(some, START + dt.timedelta(days=55))
    bought, thought, quiet = history.changes
    assert (thought.at, thought.known, thought.superseded) == (START + QUIET, START + QUIET, day)
    assert (quiet.at, quiet.superseded) == (START + dt.timedelta(days=50), None)
    assert as_of(history.changes, START + dt.timedelta(days=40)) == [bought, thought]
    assert as_of(history.changes, START + dt.timedelta(days=46)) == [bought]


def test_overlays_come_and_go() -> None:
    history = FOLDING.replay([happened("complaint", 3, seq=1)], END)
    raised, cleared = history.changes
    assert (raised.effect, raised.after, cleared.effect) == ("raised", "unhappy", "cleared")
    assert cleared.at - raised.at == CALM
    assert history.standing.overlays == {}
    assert history.standing.state == "nobody"


def broken(**changes: Any) -> Folding[Memory]:
    return Folding(msgspec.structs.replace(TOY, **changes))


def always(rule: str) -> Any:
    def judge(standing: Standing[Memory], at: dt.datetime) -> Move | None:
        return Move(rule=rule)

    return judge


@pytest.mark.parametrize(
    ("folding", "words"),
    [
        (broken(judge=always("nonsense")), "a declared rule of toy, got nonsense"),
        (broken(judge=always("left")), "a rule that leaves nobody of toy, got left"),
        (broken(judge=always("complained")), "come to rest, got complained"),
        (broken(wake=lambda standing: standing.last), "woken after"),
    ],
)
def test_a_model_that_breaks_its_contract_is_stopped(folding: Folding[Memory], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        folding.replay([happened("order", 0, seq=1)], END)
