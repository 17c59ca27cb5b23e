"""The qualification form: is a lead like the target, and does it behave like the target? Pure.

Unanswered questions are never counted as a no: a test says passed or failed only when the answers
that are missing could not change that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from relatum_sales_pipeline.score import WHOLE, Weighted, lead_fit

Test = Literal["fit", "behaviour"]
TESTS: tuple[Test, ...] = ("fit", "behaviour")


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One possible answer; ``match`` in basis points."""

    key: str
    title: str
    title_vi: str = ""
    match: int


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One question of one test; ``weight`` in basis points."""

    key: str
    test: str
    customer_kind: str
    title: str
    title_vi: str
    weight: int
    choices: list[Choice]

    def choice(self, key: str) -> Choice | None:
        """The choice with this key."""
        return next((choice for choice in self.choices if choice.key == key), None)


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered, with weight and match as they were on that day."""

    question: str
    choice: str
    weight: int
    match: int


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a test came out as it did: one question's share of the score, in points of 100."""

    question: str
    title: str
    title_vi: str
    choice: str | None
    points: float
    possible: float


class TestResult(msgspec.Struct, frozen=True, kw_only=True):
    """One test of a lead.

    Attributes:
        score: points of 100 that the answers give; ``None`` when nothing is answered.
        highest: the score if every missing answer were the best one.
        passed: ``None`` while the missing answers could still decide.
    """

    test: str
    score: float | None
    highest: float
    threshold: int
    passed: bool | None
    answered: int
    asked: int
    reasons: list[Reason]


def judge(
    test: Test,
    questions: Sequence[Question],
    answers: Mapping[str, Answered],
    *,
    threshold: int,
) -> TestResult:
    """One test from its questions and the answers to them."""
    asked = [question for question in questions if question.test == test]
    given = [answers.get(question.key) for question in asked]
    parts = [_part(q, a) for q, a in zip(asked, given, strict=True)]
    best = [
        part if answer else Weighted(part.weight, WHOLE)
        for part, answer in zip(parts, given, strict=True)
    ]
    score, highest = lead_fit(parts), lead_fit(best)
    answered = sum(answer is not None for answer in given)
    return TestResult(
        test=test,
        score=score if answered else None,
        highest=highest,
        threshold=threshold,
        passed=_verdict(score, highest, threshold) if asked else None,
        answered=answered,
        asked=len(asked),
        reasons=_reasons(asked, given, parts),
    )


def _part(question: Question, answer: Answered | None) -> Weighted:
    if answer is None:
        return Weighted(question.weight, 0)
    return Weighted(answer.weight, answer.match)


def _verdict(score: float, highest: float, threshold: int) -> bool | None:
    if score >= threshold:
        return True
    return False if highest < threshold else None


def _reasons(
    asked: Sequence[Question], given: Sequence[Answered | None], parts: Sequence[Weighted]
) -> list[Reason]:
    total = sum(part.weight for part in parts) or 1
    return [
        Reason(
            question=question.key,
            title=question.title,
            title_vi=question.title_vi,
            choice=answer.choice if answer else None,
            points=100 * part.weight * part.match / (total * WHOLE),
            possible=100 * part.weight / total,
        )
        for question, answer, part in zip(asked, given, parts, strict=True)
    ]
