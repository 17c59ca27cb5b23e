"""Reading a JSON body: strictly, all mistakes at once, nothing that means two things.

A body with the same key twice, bytes that are not UTF-8, a NUL, or a depth nobody needs is refused
here, before any service sees it.
"""

from __future__ import annotations

import collections
import functools
import itertools
import json
import re
from collections.abc import Hashable, Iterator
from typing import Any, NoReturn, TypeVar, cast

import msgspec

from relatum.http.findings import findings, findings_of_message
from relatum.http.problems import UnsupportedMedia
from relatum.values.problems import InvalidInput, MalformedRequest, Problem

T = TypeVar("T")

DEEPEST = 48
#: Bodies above this are examined in a thread, so that others are answered meanwhile.
LARGE = 256 * 1024

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"')
_NOT_BRACKETS = re.compile(rb"[^\[\]{}]+")
_STEPS = [
    {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}.get(byte, 0) for byte in range(256)
]
_JSON_TYPE = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json", re.IGNORECASE)


def check_content_type(value: str) -> None:
    """Refuse a body that does not call itself JSON in UTF-8.

    Raises:
        UnsupportedMedia: with what was expected.
    """
    media, _, parameters = value.partition(";")
    charset = _charset(parameters)
    if not _JSON_TYPE.fullmatch(media.strip()):
        said = repr(media.strip()[:80]) if media.strip() else "none"
        raise UnsupportedMedia(
            f"expected Content-Type: application/json, got {said}; send the body as JSON"
        )
    if charset not in ("", "utf-8", "utf8"):
        raise UnsupportedMedia(
            f"expected JSON in UTF-8, got the character set {charset[:40]!r}; encode it in UTF-8"
        )


def read_json(body: bytes, kind: type[T]) -> T:
    """A body as a ``kind``.

    Raises:
        MalformedRequest: it is not JSON, or ambiguous, or too deep.
        InvalidInput: with everything that keeps it from being a ``kind``.
    """
    if not body.strip():
        raise MalformedRequest("expected a JSON body, got nothing; send one")
    try:
        value: T = _decoder(cast("Hashable", kind)).decode(body)
    except msgspec.ValidationError as error:
        scrutinise(body)
        raise _invalid(body, kind, error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _refuse_broken(error)
    scrutinise(body)
    return value


def scrutinise(body: bytes) -> None:
    """Refuse what a JSON decoder lets pass.

    Raises:
        MalformedRequest: a key stands twice in one object, or the nesting is deeper than
            ``DEEPEST``, or it is no JSON at all.
        InvalidInput: a text holds a NUL, which no database of ours stores.
    """
    try:
        tree = json.loads(body.decode(), object_pairs_hook=_unique, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        _refuse_broken(error)
    if _depth(body) > DEEPEST:
        raise MalformedRequest(
            f"expected JSON nested at most {DEEPEST} deep, got more; send flatter data"
        )
    if b"\\u0000" in body:
        _refuse_nul(tree)


@functools.lru_cache(maxsize=512)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, strict=True)


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return ""


def _invalid(body: bytes, kind: Any, error: msgspec.ValidationError) -> InvalidInput:
    try:
        tree = msgspec.json.decode(body)
    except msgspec.DecodeError as second:
        # a number beyond any range: there is no plain form of it to walk through
        return _refused([findings_of_message(str(second))])
    found = findings(tree, kind)
    return _refused(found or [findings_of_message(str(error))])


def _refused(problems: list[Problem]) -> InvalidInput:
    count = "A value is" if len(problems) == 1 else f"{len(problems)} values are"
    return InvalidInput(f"{count} not acceptable.", problems=problems)


def _refuse_broken(error: Exception) -> NoReturn:
    if isinstance(error, UnicodeDecodeError):
        raise MalformedRequest(
            "expected JSON in UTF-8, got bytes that are not UTF-8; encode the body in UTF-8"
        ) from error
    if isinstance(error, RecursionError):
        raise MalformedRequest("expected flatter JSON, got one nested too deeply") from error
    reason = str(error).removeprefix("JSON is malformed: ")
    raise MalformedRequest(f"expected JSON, got something else ({reason}); mend it") from error


def _depth(body: bytes) -> int:
    """How deep valid JSON is nested; an upper bound where that is small anyway."""
    brackets = body.count(b"[") + body.count(b"{")
    if brackets <= DEEPEST:
        return brackets
    bare = _NOT_BRACKETS.sub(b"", _STRINGS.sub(b"", body))
    return max(itertools.accumulate(map(_STEPS.__getitem__, bare)))


def _refuse_nul(tree: Any) -> None:
    places = list(itertools.islice(_with_nul(tree, ""), 50))
    problems = [
        Problem(
            code="nul-character",
            message="a NUL character cannot be stored",
            where=place,
            expected="text without NUL",
            mend="Remove it.",
        )
        for place in places
    ]
    if problems:
        raise InvalidInput("A text holds a NUL character.", problems=problems)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) == len(pairs):
        return keys
    counts = collections.Counter(key for key, _ in pairs)
    twice = counts.most_common(1)[0][0]
    raise MalformedRequest(
        f"expected each key once in an object, got {twice[:80]!r} twice; remove one of them"
    )


def _with_nul(tree: Any, place: str) -> Iterator[str]:
    if isinstance(tree, str):
        if "\0" in tree:
            yield place
    elif isinstance(tree, dict):
        for key, value in tree.items():
            inner = f"{place}/{key[:80]}".replace("\0", "�")
            if "\0" in key:
                yield inner
            yield from _with_nul(value, inner)
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _with_nul(value, f"{place}/{index}")
