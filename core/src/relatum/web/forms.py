"""Forms that people send: read strictly into Structs, shown again with what is wrong beside it.

A form is ``application/x-www-form-urlencoded``. The Struct of a form says everything: a list is a
group of boxes, ``bool`` one box, an empty field of ``… | None`` is ``None``, an empty required
text is missing. What a person typed is kept when the form is shown again, never a password.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import parse_qsl

import msgspec
from msgspec import inspect

from relatum.http.findings import LONGEST_QUOTE, findings, findings_of_message
from relatum.http.problems import UnsupportedMedia
from relatum.http.routes.session import refuse_key
from relatum.values.problems import InvalidInput, MalformedRequest, Problem, RelatumError

if TYPE_CHECKING:
    from relatum.http.calls import Call

T = TypeVar("T")

MEDIA_TYPE = "application/x-www-form-urlencoded"
MOST_FIELDS = 2000
#: The hidden field that proves that a page of ours sent the form; checked before any route runs.
CSRF_FIELD = "csrf"
#: What a person can mend in the form itself; anything else is a page of its own.
MENDABLE = frozenset({401, 403, 409, 422, 429})

#: Said once, however many of them there are.
REPEATED = frozenset({"more-than-held", "unknown-permission"})

Pairs = Sequence[tuple[str, str]]


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A form that is no more than a button."""


class Form:
    """One form of a page: what its fields hold and what is wrong with them.

    Args:
        name: unique on the page; begins the ids of its fields.
        values: what the fields hold; lists for groups of boxes.
    """

    def __init__(self, name: str, values: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.status = 200
        self.error: RelatumError | None = None
        #: what the page calls the fields; noted while it is rendered
        self.labels: dict[str, str] = {}
        self._values = dict(values or {})
        self._problems: dict[str, list[Problem]] = {}
        self._fields: list[str] = []

    @property
    def problems(self) -> list[tuple[str, Problem]]:
        """Every problem with its field; the field is empty when it concerns the whole form."""
        return [(name, each) for name, found in self._problems.items() for each in found]

    def label(self, field: str, text: str) -> str:
        """Note what the page calls a field; shows nothing."""
        self.labels[field] = text
        return ""

    def problems_of(self, field: str) -> list[Problem]:
        """What is wrong with one field."""
        return self._problems.get(field, [])

    def value(self, field: str) -> Any:
        """What a field holds, for showing."""
        value = self._values.get(field)
        return "" if value is None else value

    def hold(self, values: Mapping[str, Any]) -> None:
        """Keep what fields hold that no Struct names."""
        self._values.update(values)

    def chosen(self, field: str, value: object) -> bool:
        """Whether a box or an option is chosen."""
        held = self._values.get(field)
        if isinstance(held, bool):
            return held
        if isinstance(held, list | tuple | set | frozenset):
            return str(value) in {str(each) for each in held}
        return held is not None and str(held) == str(value)

    def take(self, pairs: Pairs, kind: type[T]) -> T:
        """Keep what was sent, and read it.

        Raises:
            InvalidInput: with everything that keeps it from being a ``kind``.
        """
        reader = _reader(cast("Hashable", kind))
        self._fields = list(reader.fields)
        self._values.update(reader.shown(pairs))
        read: T = reader.read(pairs)
        return read

    def keep(self, values: Mapping[str, Any]) -> None:
        """Keep fields that are read beside the Struct of the form."""
        self._fields += values
        self._values.update(values)

    def refuse(self, error: RelatumError, *, renamed: Mapping[str, str] | None = None) -> None:
        """Note what is wrong, so that the form can be shown again.

        Args:
            renamed: fields of this form by the name that a service has for them.

        Raises:
            RelatumError: the same one, when nothing in the form can mend it.
        """
        if error.status not in MENDABLE:
            raise error
        self.status = error.status
        self.error = error
        self._problems = {}
        wait = error.extra.get("retry_after")
        pause = f"a pause of {wait} s" if wait is not None else ""
        whole = Problem(code=error.code, message=error.detail, expected=pause)
        found = error.problems or (whole,)
        for problem in found:
            field = problem.where.strip("/").partition("/")[0]
            field = (renamed or {}).get(field, field)
            same = self._problems.setdefault(field if field in self._fields else "", [])
            if problem.code not in REPEATED or problem.code not in {each.code for each in same}:
                same.append(problem)


async def sent(request: Call) -> list[tuple[str, str]]:
    """The fields of the form that was sent, in their order, without the proof of its origin.

    Raises:
        MalformedRequest: it has an ``Idempotency-Key``: answers hold secrets that are not kept, and
            wrong attempts count although the answer is an error.
        UnsupportedMedia: it does not call itself a form.
        MalformedRequest: it is not percent-encoded UTF-8, or has too many fields.
    """
    refuse_key(request)
    media = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
    if media != MEDIA_TYPE:
        raise UnsupportedMedia(
            f"expected Content-Type: {MEDIA_TYPE}, got {media[:80]!r}; send the form as it is"
        )
    return [pair for pair in pairs_of(await request.body()) if pair[0] != CSRF_FIELD]


def pairs_of(body: bytes) -> list[tuple[str, str]]:
    """The fields of an encoded form.

    Raises:
        MalformedRequest: as :func:`sent`.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except UnicodeError as error:
        raise MalformedRequest(
            "expected a form in percent-encoded UTF-8, got other bytes; encode it"
        ) from error
    except ValueError as error:
        raise MalformedRequest(
            f"expected at most {MOST_FIELDS} fields, got more; send fewer"
        ) from error
    return [(name, value.replace("\r\n", "\n")) for name, value in pairs]


def is_secret(field: str) -> bool:
    """Whether what a field holds is never shown again."""
    return field.endswith("password") or field in ("code", "key", CSRF_FIELD)


class _Reader:
    """Knows the fields of one Struct."""

    def __init__(self, kind: type[Any]) -> None:
        info = inspect.type_info(kind)
        if not isinstance(info, inspect.StructType):
            raise TypeError(f"expected a Struct for a form, got {kind!r}; make it one")
        self._kind = kind
        self.fields = {field.encode_name: field for field in info.fields}

    def shown(self, pairs: Pairs) -> dict[str, Any]:
        """What the fields hold when the form is shown again."""
        held: dict[str, Any] = {}
        for name, field in self.fields.items():
            texts = [text for other, text in pairs if other == name]
            kind = _plain(field.type)
            if is_secret(name):
                held[name] = ""
            elif isinstance(kind, inspect.CollectionType):
                held[name] = texts
            elif isinstance(kind, inspect.BoolType):
                held[name] = bool(texts)
            else:
                held[name] = texts[0] if texts else ""
        return held

    def read(self, pairs: Pairs) -> Any:
        given: dict[str, list[str]] = {}
        for name, text in pairs:
            given.setdefault(name, []).append(text)
        problems = [_unknown(name) for name in given if name not in self.fields]
        tree: dict[str, Any] = {}
        for name, field in self.fields.items():
            kind = _plain(field.type)
            texts = given.get(name, [])
            if len(texts) > 1 and not isinstance(kind, inspect.CollectionType):
                problems.append(_twice(name))
            elif _has_value(texts, kind, required=field.required):
                tree[name] = _value(texts, kind)
        problems += [_discreet(each) for each in _characters(given)]
        named = {each.where for each in problems}
        found = [each for each in findings(tree, self._kind) if each.where not in named]
        problems += [_discreet(each) for each in found]
        if problems:
            raise InvalidInput("The form cannot be accepted yet.", problems=problems)
        try:
            return msgspec.convert(tree, self._kind, strict=True)
        except msgspec.ValidationError as error:
            said = _discreet(findings_of_message(str(error)))
            raise InvalidInput("The form cannot be accepted yet.", problems=[said]) from error


@functools.lru_cache(maxsize=256)
def _reader(kind: Any) -> _Reader:
    return _Reader(kind)


def _plain(kind: inspect.Type) -> inspect.Type:
    if isinstance(kind, inspect.Metadata):
        return _plain(kind.type)
    if isinstance(kind, inspect.UnionType):
        rest = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        if len(rest) == 1:
            return _plain(rest[0])
    return kind


def _has_value(texts: list[str], kind: inspect.Type, *, required: bool) -> bool:
    """Whether a field counts as filled in; an empty text does when nobody insists on one."""
    if isinstance(kind, inspect.CollectionType | inspect.BoolType):
        return True
    if isinstance(kind, inspect.StrType) and not required:
        return bool(texts)
    return bool(texts) and texts[0] != ""


def _value(texts: list[str], kind: inspect.Type) -> Any:
    if isinstance(kind, inspect.CollectionType):
        item = _plain(kind.item_type)
        return [_value([text], item) for text in texts if text]
    if isinstance(kind, inspect.BoolType):
        return bool(texts)
    text = texts[0]
    if isinstance(kind, inspect.IntType):
        plain = text.strip()
        whole = plain.isascii() and plain.removeprefix("-").isdigit() and len(plain) < 20
        return int(plain) if whole else text
    return text


def _characters(given: Mapping[str, list[str]]) -> Iterable[Problem]:
    for name, texts in given.items():
        if any("\0" in text for text in texts):
            yield Problem(
                code="bad-character",
                message="a character of this field cannot be stored",
                where=f"/{name[:LONGEST_QUOTE]}",
                mend="Remove it.",
            )


def _unknown(name: str) -> Problem:
    return Problem(
        code="unknown-field",
        message=f"there is no field {name[:LONGEST_QUOTE]!r} in this form",
        where=f"/{name[:LONGEST_QUOTE]}",
        mend="Open the form again.",
    )


def _twice(name: str) -> Problem:
    return Problem(
        code="given-twice",
        message=f"{name[:LONGEST_QUOTE]} is given twice",
        where=f"/{name[:LONGEST_QUOTE]}",
        mend="Open the form again.",
    )


def _discreet(problem: Problem) -> Problem:
    """Without what came, where that may be a secret."""
    secret = is_secret(problem.where.strip("/").partition("/")[0])
    return msgspec.structs.replace(problem, got="") if secret else problem
