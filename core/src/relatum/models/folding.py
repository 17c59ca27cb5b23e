"""What a model makes of what happened to one customer: pure, the same in every order of arrival.

Two clocks run. *When it happened* decides what came before what; *when it was learned* decides what
could be known on a day. A change therefore carries both, and what was once thought stays: it is
superseded from the moment at which something was learned that says otherwise. So an answer as of
any day is the one that was given on that day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar

import msgspec

from relatum.models.checking import leaves
from relatum.models.contract import Evidence, Model, Move, Rule, Standing

M = TypeVar("M", bound=msgspec.Struct)
Effect = Literal["entered", "raised", "cleared"]


class ModelError(Exception):
    """A model broke its own contract; nothing it said is kept."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a customer's standing that became otherwise.

    Attributes:
        at: from when on it is true.
        known: from when on it was known.
        superseded: when it was learned that it was not so; ``None`` while it stands.
        before: the state that was left; empty for overlays.
        after: the state that was entered, or the overlay.
        cause: the event in the log; ``None`` when time alone was the cause.
    """

    at: dt.datetime
    known: dt.datetime
    effect: Effect
    before: str
    after: str
    rule: str
    version: int
    cause: int | None
    inputs: Mapping[str, Any] = {}
    superseded: dt.datetime | None = None


class History(msgspec.Struct, Generic[M], kw_only=True):
    """A standing with every change that led to it, also those that were superseded."""

    standing: Standing[M]
    changes: list[Change] = []

    @property
    def standing_changes(self) -> list[Change]:
        """Those that nothing has superseded, in order."""
        return [change for change in self.changes if change.superseded is None]


class Folding(Generic[M]):
    """Runs one model over evidence."""

    def __init__(self, model: Model[M]) -> None:
        self._model = model
        self._rules: dict[str, tuple[Rule, frozenset[str]]] = {
            rule.id: (rule, frozenset(leaves(model, rule))) for rule in model.rules
        }

    # -- one step --------------------------------------------------------------------------------

    def is_late(self, standing: Standing[M], evidence: Evidence) -> bool:
        """Whether it happened before something that was taken into account already."""
        return standing.last is not None and evidence.at < standing.last

    def advance(self, standing: Standing[M], until: dt.datetime) -> list[Change]:
        """Let time pass; ``until`` is included.

        Raises:
            ModelError: the model wants to be woken in the past.
        """
        changes: list[Change] = []
        while standing.due is not None and standing.due <= until:
            moment = standing.last = standing.due
            known = moment if standing.learned is None else max(moment, standing.learned)
            changes += self._settle(standing, moment, known, None)
            self._look_ahead(standing, moment)
        return changes

    def take(self, standing: Standing[M], evidence: Evidence) -> list[Change]:
        """Take one piece of evidence that is not late, and the time before it.

        Raises:
            ModelError: a rule applies that does not exist or does not leave the state.
        """
        changes = self.advance(standing, evidence.at)
        self._model.learn(standing.memory, evidence)
        standing.last = evidence.at
        standing.seq = max(standing.seq, evidence.seq)
        if standing.learned is None or standing.learned < evidence.recorded_at:
            standing.learned = evidence.recorded_at
        changes += self._settle(standing, evidence.at, evidence.recorded_at, evidence.seq)
        self._look_ahead(standing, evidence.at)
        return changes

    def _settle(
        self, standing: Standing[M], at: dt.datetime, known: dt.datetime, cause: int | None
    ) -> list[Change]:
        changes: list[Change] = []
        while (move := self._model.judge(standing, at)) is not None:
            if len(changes) > len(self._rules):
                raise ModelError(
                    f"expected the rules of {self._model.id} to come to rest, got "
                    f"{', '.join(each.rule for each in changes[-4:])} one after the other"
                )
            changes.append(self._move(standing, move, at, known, cause))
        return changes

    def _move(
        self,
        standing: Standing[M],
        move: Move,
        at: dt.datetime,
        known: dt.datetime,
        cause: int | None,
    ) -> Change:
        rule, from_ = self._rules.get(move.rule, (None, frozenset()))
        if rule is None or standing.state not in from_:
            expected = "a declared rule" if rule is None else f"a rule that leaves {standing.state}"
            raise ModelError(f"expected {expected} of {self._model.id}, got {move.rule}")
        effect, before, after = _apply(standing, rule, at)
        return Change(
            at=at,
            known=known,
            effect=effect,
            before=before,
            after=after,
            rule=rule.id,
            version=self._model.version,
            cause=cause,
            inputs=move.inputs,
        )

    def _look_ahead(self, standing: Standing[M], moment: dt.datetime) -> None:
        standing.due = self._model.wake(standing)
        if standing.due is not None and standing.due <= moment:
            raise ModelError(
                f"expected {self._model.id} to be woken after {moment.isoformat()}, got "
                f"{standing.due.isoformat()}; it would never come to rest"
            )

    # -- many ------------------------------------------------------------------------------------

    def fold(
        self, evidence: Iterable[Evidence], until: dt.datetime
    ) -> tuple[Standing[M], list[Change]]:
        """Everything in the order in which it happened, as if all of it had been known at once."""
        standing = self._model.begin()
        changes: list[Change] = []
        for each in sorted(evidence, key=lambda one: (one.at, one.seq)):
            changes += self.take(standing, each)
        changes += self.advance(standing, until)
        return standing, changes

    def arrive(
        self, history: History[M], evidence: Evidence, before: Iterable[Evidence]
    ) -> History[M]:
        """A new piece of evidence, late or not.

        Args:
            before: all that arrived before it; only looked at when it is late.
        """
        standing, moment = history.standing, evidence.recorded_at
        changes = history.changes + self.advance(standing, moment)
        if not self.is_late(standing, evidence):
            changes = changes + self.take(standing, evidence) + self.advance(standing, moment)
            return History(standing=standing, changes=changes)
        standing, told_anew = self.fold([*before, evidence], moment)
        return History(standing=standing, changes=list(_restated(changes, told_anew, moment)))

    def replay(self, evidence: Sequence[Evidence], until: dt.datetime) -> History[M]:
        """The whole history from the beginning, in the order of the log."""
        history = History(standing=self._model.begin())
        for place, each in enumerate(evidence):
            history = self.arrive(history, each, evidence[:place])
        history.changes = history.changes + self.advance(history.standing, until)
        return history


def _apply(standing: Standing[Any], rule: Rule, at: dt.datetime) -> tuple[Effect, str, str]:
    if rule.enters:
        before, standing.state, standing.since = standing.state, rule.enters, at
        return "entered", before, rule.enters
    if rule.raises:
        standing.overlays = {**standing.overlays, rule.raises: at}
        return "raised", "", rule.raises
    standing.overlays = {id: on for id, on in standing.overlays.items() if id != rule.clears}
    return "cleared", "", rule.clears


def _restated(
    changes: Sequence[Change], told_anew: Sequence[Change], moment: dt.datetime
) -> Iterator[Change]:
    """What stays as it was; the rest is superseded, and what is true instead comes after it."""
    standing = [change for change in changes if change.superseded is None]
    same = 0
    for old, new in zip(standing, told_anew, strict=False):
        if _said(old) != _said(new):
            break
        same += 1
    gone = {id(change) for change in standing[same:]}
    for change in changes:
        yield msgspec.structs.replace(change, superseded=moment) if id(change) in gone else change
    for change in told_anew[same:]:
        yield msgspec.structs.replace(change, known=moment)


def _said(change: Change) -> tuple[Any, ...]:
    return change.at, change.effect, change.before, change.after, change.rule, change.inputs


def as_of(changes: Iterable[Change], moment: dt.datetime) -> list[Change]:
    """The changes that were known and true at a moment, in order: what was answered then."""
    return [
        change
        for change in changes
        if change.known <= moment
        and change.at <= moment
        and (change.superseded is None or change.superseded > moment)
    ]
