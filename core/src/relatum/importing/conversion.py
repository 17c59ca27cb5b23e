"""From mapped values to the record of a target, with type errors in words and by field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from relatum.importing.shapes import find_shape, shapes_of
from relatum.values.problems import Problem

Values = dict[str, Any]
_MOST_PER_RECORD = 10
_SHOWN = 80


class Converter:
    """Makes records of one target out of mapped values.

    ``strict`` is for JSON, whose numbers are numbers; text from CSV may become any type.
    """

    def __init__(self, record: type[msgspec.Struct], *, strict: bool) -> None:
        self._record = record
        self._many = list[record]  # type: ignore[valid-type]
        self._strict = strict

    def all(self, values: Sequence[Values]) -> list[msgspec.Struct] | None:
        """All records at once; ``None`` when at least one of them is not right."""
        try:
            return msgspec.convert(values, self._many, strict=self._strict)
        except msgspec.ValidationError:
            return None

    def one(self, values: Values) -> tuple[msgspec.Struct | None, list[Problem]]:
        """One record, or every reason why it is none; ``where`` is ``/field``."""
        problems: list[Problem] = []
        left = dict(values)
        while len(problems) < _MOST_PER_RECORD:
            try:
                record = msgspec.convert(left, self._record, strict=self._strict)
            except msgspec.ValidationError as error:
                problem, field = self._explain(str(error), left)
                if any(known.where == problem.where for known in problems):
                    break
                problems.append(problem)
                if field not in left:
                    break
                del left[field]
                continue
            return (None, problems) if problems else (record, [])
        return None, problems

    def _explain(self, error: str, values: Values) -> tuple[Problem, str]:
        """The error as a problem, and the field to leave out when looking for the next one."""
        reason, _, path = error.partition(" - at `")
        missing = _MISSING.search(reason)
        unknown = _UNKNOWN.search(reason)
        parts = _PART.findall(path.removesuffix("`").removeprefix("$"))
        if missing or unknown:
            parts.append((missing or unknown)[1])  # type: ignore[index]
        names = [part.strip(".[]") for part in parts]
        field = names[0] if names else ""
        where = "/" + "/".join(name for name in names if name != "...")
        if missing:
            return _problem("missing", f"{names[-1]!r} is empty", where, "a value"), field
        if unknown:
            message = f"there is no field {names[-1]!r}"
            return _problem("unknown-field", message, where, self._known()), field
        got = repr(values.get(field, ""))[:_SHOWN]
        expected = self._expected(reason, ".".join(names))
        return _problem("wrong-type", "This value does not fit", where, expected, got), field

    def _known(self) -> str:
        return ", ".join(shapes_of(self._record))

    def _expected(self, reason: str, name: str) -> str:
        shape = find_shape(shapes_of(self._record), name)
        if shape is not None and shape.choices and "enum" in reason:
            return f"one of {', '.join(shape.choices)}"
        wanted = _WANTED.match(reason)
        if wanted is None:
            return reason
        return _WORDS.get(wanted[1], wanted[1]) + (wanted[2] or "")


_MISSING = re.compile(r"missing required field `([^`]+)`")
_UNKNOWN = re.compile(r"unknown field `([^`]+)`")
_PART = re.compile(r"\.[^.\[\]]+|\[[^\]]*\]")
_WANTED = re.compile(r"Expected `([a-z]+)[^`]*`((?: matching| of| [<>]=?| multiple).*)?")
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "yes or no",
    "str": "text",
    "date": "a date",
    "datetime": "a date and time",
    "uuid": "an id",
    "array": "a list",
    "object": "an object",
}


def _problem(code: str, message: str, where: str, expected: str, got: str = "") -> Problem:
    return Problem(
        code=code, message=message, where=where, expected=expected, got=got, mend="Correct it."
    )
