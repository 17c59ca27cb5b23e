"""What is wrong with a field, as a sentence in the language of the person who reads it.

Problems are written in English where they are found. A page says the ones that people meet in
forms in its own words, by their code and by what was expected; any other is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from relatum.web.languages import Language, marked, translations

if TYPE_CHECKING:
    from relatum.values.problems import Problem
    from relatum.values.text import Text


class Sentence(msgspec.Struct, frozen=True):
    """Something to say, and the language it is in."""

    text: str
    language: Language


def sentence_of(
    problem: Problem, language: Language, own: Mapping[str, Text] | None = None
) -> Sentence:
    """What to say about a problem.

    Args:
        own: what a plugin says about problems of its own, by their codes; it comes first.
    """
    said = (own or {}).get(problem.code)
    if said is not None:
        return Sentence(filled(said.in_language(language), problem), language)
    text = translations(language).gettext
    for pattern, message in BY_EXPECTED:
        found = pattern.fullmatch(problem.expected)
        if problem.code in SAID_BY_EXPECTED and found is not None:
            return Sentence(text(message) % found.groupdict(), language)
    known = BY_CODE.get(problem.code)
    if known is not None:
        return Sentence(filled(text(known), problem), language)
    return Sentence(_as_written(problem), "en")


def filled(text: str, problem: Problem) -> str:
    """A text with what was expected and what came in its holes, if it has any."""
    if "%(" not in text:
        return text
    return text % {"expected": problem.expected, "got": problem.got}


def declare_sentences(texts: Mapping[str, str]) -> None:
    """Add what is said about problems by their codes; each part of the house adds its own.

    Args:
        texts: with ``%(expected)s`` and ``%(got)s`` where these belong.

    Raises:
        ValueError: a code has another text already.
    """
    for code, text in texts.items():
        if BY_CODE.setdefault(code, text) != text:
            raise ValueError(f"expected a code of its own, got {code!r}, which says something else")


def _as_written(problem: Problem) -> str:
    text = problem.message[:1].upper() + problem.message[1:]
    if problem.expected:
        text += f"; expected {problem.expected}"
    text = text if text.endswith(".") else f"{text}."
    return f"{text} {problem.mend}" if problem.mend else text


BY_CODE = {
    "missing": marked("Fill this in."),
    "given-twice": marked("This came twice. Open the form again."),
    "unknown-field": marked("The form has changed meanwhile. Open it again."),
    "bad-character": marked("There is a character in it that cannot be stored. Remove it."),
    "not-the-same": marked("The two are not the same. Type both again."),
    "wrong-code": marked("This code is not right, or it was used already. Take the next one."),
    "weak-password": marked(
        "This password is easy to guess. Take a few words that do not belong together."
    ),
    "wrong-password": marked("The password now is not right."),
    "more-than-held": marked("You cannot give more than you may do and see yourself."),
    "bad-role": marked("Choose roles of the list."),
    "bad-team": marked("Choose a team of the list."),
    "unknown-permission": marked("Choose permissions of the list."),
    "sign-in-refused": marked("The e-mail or the password is wrong."),
    "openid-refused": marked(
        "The company account does not open this installation. Ask an owner to invite you."
    ),
    "too-many-attempts": marked("There were too many attempts. Wait a little, then try again."),
    "too-many-requests": marked("There were too many attempts. Wait a little, then try again."),
}

#: Codes of problems whose ``expected`` says more than the code.
SAID_BY_EXPECTED = frozenset(
    {"wrong-value", "too-many-attempts", "too-many-requests", "too-long", "weak-password"}
)
BY_EXPECTED = tuple(
    (re.compile(pattern), message)
    for pattern, message in (
        (
            r"a pause of (?P<seconds>\d+) s",
            marked("There were too many attempts. Wait %(seconds)s seconds, then try again."),
        ),
        (
            r"text of (?P<least>\d+) to (?P<most>\d+) characters",
            marked("Write %(least)s to %(most)s characters."),
        ),
        (
            r"(?:text of )?at most (?P<most>\d+) characters",
            marked("Write at most %(most)s characters."),
        ),
        (
            r"(?:text of )?at least (?P<least>\d+) characters",
            marked("Write at least %(least)s characters."),
        ),
        (
            r"a whole number from (?P<least>-?\d+) to (?P<most>-?\d+).*",
            marked("Write a whole number from %(least)s to %(most)s."),
        ),
        (r"a list of (?P<least>\d+) to .*", marked("Choose at least %(least)s.")),
        (r"a list of at least (?P<least>\d+) .*", marked("Choose at least %(least)s.")),
        (r"(?:one of |an id such as ).*", marked("Choose one of the list.")),
        (r"a day such as .*", marked("Write a day.")),
        (r"text.* that matches .*", marked("This is not in the form that is expected here.")),
    )
)
