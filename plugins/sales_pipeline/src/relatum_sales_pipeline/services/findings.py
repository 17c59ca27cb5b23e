"""Problems of one draft, collected so that all are told at once."""

from __future__ import annotations

from collections.abc import Iterable

from relatum.api import InvalidInput, Problem, clean_line, clean_text, nearest


class Findings:
    """What is wrong with one draft."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, code: str, message: str, *, where: str, **rest: str) -> None:
        self.problems.append(Problem(code=code, message=message, where=where, **rest))

    def line(self, text: str, *, what: str, most: int, where: str, needed: bool = False) -> str:
        """One clean line of text; a problem and an empty string when it is not."""
        try:
            clean = clean_line(text, what=what, max_length=most, where=where)
        except InvalidInput as refusal:
            self.problems += refusal.problems
            return ""
        if needed and not clean:
            self.add(
                "empty",
                f"the {what} is empty",
                where=where,
                expected="at least one visible character",
                got=repr(text[:40]),
                mend="Fill it in.",
            )
        return clean

    def text(self, text: str, *, what: str, most: int, where: str) -> str:
        """Clean text of several lines; a problem and an empty string when it is not."""
        try:
            return clean_text(text, what=what, max_length=most, where=where)
        except InvalidInput as refusal:
            self.problems += refusal.problems
            return ""

    def unknown(self, noun: str, got: str, *, known: Iterable[str], where: str) -> None:
        """There is no such thing; the nearest that there is gets proposed."""
        names = list(known)
        near = nearest(got, names)
        self.add(
            f"unknown-{noun.replace(' ', '-')}",
            f"there is no {noun} {got[:80]!r}",
            where=where,
            expected=", ".join(names[:20]) or f"a {noun}; there is none yet",
            got=got[:80],
            mend=f"Did you mean {near}?" if near else f"Choose one, or add the {noun} first.",
        )

    def refuse(self, what: str) -> None:
        """Raise when something was found.

        Raises:
            InvalidInput: with every problem.
        """
        if self.problems:
            raise InvalidInput(f"{what} cannot be accepted.", problems=self.problems)
