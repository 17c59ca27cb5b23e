"""Everything that is wrong with a value, in words a person understands.

msgspec stops at the first mistake and speaks of types. When it refuses a body or a query string,
the value is walked through once more beside its type and every mistake becomes a
:class:`~relatum.values.problems.Problem` with a JSON pointer, what was expected and what came.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import inspect

from relatum.values.problems import Problem
from relatum.values.text import nearest

MOST_FINDINGS = 200
LONGEST_QUOTE = 80


def findings(value: Any, kind: Any, *, where: str = "") -> list[Problem]:
    """What keeps ``value`` (plain data, as JSON gives it) from being a ``kind``.

    Args:
        value: dictionaries, lists, texts, numbers, booleans, ``None``.
        kind: the type it should become.
        where: JSON pointer of the value.

    Returns:
        At most ``MOST_FINDINGS`` problems; none when nothing is wrong.
    """
    found: list[Problem] = []
    for problem in _walk(value, _info(kind), where):
        found.append(problem)
        if len(found) == MOST_FINDINGS:
            break
    return found


def findings_of_message(text: str, *, where: str = "") -> Problem:
    """A message of msgspec as a problem: ``Expected `int`, got `str` - at `$.items[0].price```."""
    message, _, path = text.partition(" - at ")
    expected = _EXPECTED.search(message)
    got = _GOT.search(message)
    return Problem(
        code="wrong-value",
        message=_lower(message.replace("`", "")),
        where=where + pointer_of(path),
        expected=_WORDS.get(expected[1], expected[1]) if expected else "",
        got=_WORDS.get(got[1], got[1]) if got else "",
    )


def pointer_of(path: str) -> str:
    """msgspec's path as a JSON pointer: ``$.items[0].price`` → ``/items/0/price``."""
    inner = path[path.find("$") + 1 :].rstrip("`") if "$" in path else ""
    parts = _PATH_PART.findall(inner)
    return "".join(f"/{name or index}" for name, index in parts if name or index != "...")


def described(kind: inspect.Type) -> str:
    """What a type wants, for ``expected``."""
    if isinstance(kind, inspect.Metadata):
        return described(kind.type)
    if isinstance(kind, inspect.UnionType):
        return " or ".join(dict.fromkeys(described(each) for each in kind.types))
    for types, describe in _DESCRIPTIONS:
        if isinstance(kind, types):
            return str(describe(kind))
    return "another value"


def quoted(value: Any) -> str:
    """What came, short enough to be read."""
    if isinstance(value, dict):
        return "an object" if value else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return (
        text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}… ({len(text)} characters)"
    )


@functools.lru_cache(maxsize=512)
def _info(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


_EXPECTED = re.compile(r"[Ee]xpected `([^`]+)`")
_GOT = re.compile(r"got `([^`]+)`")
_PATH_PART = re.compile(r"\.([^.\[\]`]+)|\[([^\]]*)\]")
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "uuid": "an id",
    "datetime": "a moment",
    "date": "a day",
}


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _walk(value: Any, kind: inspect.Type, where: str) -> Iterator[Problem]:
    if isinstance(kind, inspect.Metadata):
        yield from _walk(value, kind.type, where)
    elif isinstance(kind, inspect.UnionType):
        yield from _union(value, kind, where)
    elif isinstance(kind, inspect.StructType):
        yield from _struct(value, kind, where)
    elif isinstance(kind, inspect.CollectionType):
        yield from _collection(value, kind, where)
    elif isinstance(kind, inspect.DictType):
        yield from _dict(value, kind, where)
    elif not _fits(value, kind):
        yield _wrong(value, kind, where)


def _wrong(value: Any, kind: inspect.Type, where: str) -> Problem:
    return Problem(
        code="wrong-value",
        message="this value is not acceptable here",
        where=where,
        expected=described(kind),
        got=quoted(value),
    )


def _union(value: Any, kind: inspect.UnionType, where: str) -> Iterator[Problem]:
    """The findings of the member that comes nearest: the one that wants the same form."""
    members = kind.types
    if any(not list(_walk(value, member, where)) for member in members):
        return
    containers = [
        member
        for member in members
        if (isinstance(value, dict) and isinstance(member, inspect.StructType | inspect.DictType))
        or (isinstance(value, list) and isinstance(member, inspect.CollectionType))
    ]
    if len(containers) == 1:
        yield from _walk(value, containers[0], where)
    else:
        yield _wrong(value, kind, where)


def _struct(value: Any, kind: inspect.StructType, where: str) -> Iterator[Problem]:
    if kind.array_like or kind.tag_field is not None:
        yield from _as_msgspec_says(value, kind.cls, where)
        return
    if not isinstance(value, dict):
        yield _wrong(value, kind, where)
        return
    fields = {field.encode_name: field for field in kind.fields}
    for name, field in fields.items():
        if name in value:
            yield from _walk(value[name], field.type, f"{where}/{_escaped(name)}")
        elif field.required:
            yield Problem(
                code="missing",
                message=f"{name} is missing",
                where=f"{where}/{_escaped(name)}",
                expected=described(field.type),
                mend="Add it.",
            )
    if kind.forbid_unknown_fields:
        for name in value:
            if name not in fields:
                yield _unknown(name, list(fields), where)


def _as_msgspec_says(value: Any, kind: Any, where: str) -> Iterator[Problem]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        yield findings_of_message(str(error), where=where)


def _unknown(name: str, known: Sequence[str], where: str) -> Problem:
    meant = nearest(name[:LONGEST_QUOTE], known)
    return Problem(
        code="unknown-field",
        message=f"there is no field {name[:LONGEST_QUOTE]!r} here",
        where=f"{where}/{_escaped(name[:LONGEST_QUOTE])}",
        expected=", ".join(sorted(known)),
        got=quoted(name),
        mend=f"Did you mean {meant}?" if meant else "Leave it out.",
    )


def _collection(value: Any, kind: inspect.CollectionType, where: str) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield _wrong(value, kind, where)
        return
    if not _length_fits(len(value), kind):
        yield _wrong(value, kind, where)
    for index, item in enumerate(value):
        yield from _walk(item, kind.item_type, f"{where}/{index}")


def _dict(value: Any, kind: inspect.DictType, where: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _wrong(value, kind, where)
        return
    if not _length_fits(len(value), kind):
        yield _wrong(value, kind, where)
    for name, item in value.items():
        place = f"{where}/{_escaped(name[:LONGEST_QUOTE])}"
        if not _fits(name, kind.key_type):
            yield Problem(
                code="wrong-key",
                message="this key is not acceptable here",
                where=place,
                expected=described(kind.key_type),
                got=quoted(name),
            )
        yield from _walk(item, kind.value_type, place)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _length_fits(length: int, kind: Any) -> bool:
    return length >= (kind.min_length or 0) and (
        kind.max_length is None or length <= kind.max_length
    )


def _fits(value: Any, kind: inspect.Type) -> bool:
    for types, test in _TESTS:
        if isinstance(kind, types):
            return bool(test(value, kind))
    # what this walk does not know is left to msgspec's own message
    return True


def _is_text(value: Any, kind: inspect.StrType) -> bool:
    if not isinstance(value, str) or not _length_fits(len(value), kind):
        return False
    return kind.pattern is None or re.search(kind.pattern, value) is not None


def _is_whole(value: Any, kind: inspect.IntType) -> bool:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return isinstance(value, int) and not isinstance(value, bool) and _in_range(value, kind)


def _is_number(value: Any, kind: inspect.FloatType) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and _in_range(value, kind)


def _in_range(value: float, kind: inspect.IntType | inspect.FloatType) -> bool:
    return (
        (kind.ge is None or value >= kind.ge)
        and (kind.gt is None or value > kind.gt)
        and (kind.le is None or value <= kind.le)
        and (kind.lt is None or value < kind.lt)
        and (kind.multiple_of is None or value % kind.multiple_of == 0)
    )


def _converts(to: Any) -> Any:
    def test(value: Any, _: inspect.Type) -> bool:
        try:
            msgspec.convert(value, to)
        except msgspec.ValidationError:
            return False
        return True

    return test


def _is_enum(value: Any, kind: inspect.EnumType) -> bool:
    return value in [member.value for member in kind.cls]


_TESTS: Sequence[tuple[Any, Any]] = (
    (inspect.StrType, _is_text),
    (inspect.IntType, _is_whole),
    (inspect.FloatType, _is_number),
    (inspect.BoolType, lambda value, _: isinstance(value, bool)),
    (inspect.NoneType, lambda value, _: value is None),
    (inspect.LiteralType, lambda value, kind: value in kind.values),
    (inspect.EnumType, _is_enum),
    (inspect.UUIDType, _converts(UUID)),
    (inspect.DateTimeType, _converts(dt.datetime)),
    (inspect.DateType, _converts(dt.date)),
)


def _describe_text(kind: inspect.StrType) -> str:
    size = _describe_length(kind, "characters")
    if kind.pattern is not None:
        return f"text{size} that matches {kind.pattern}"
    return f"text{size}"


def _describe_length(kind: Any, unit: str) -> str:
    if kind.min_length and kind.max_length is not None:
        return f" of {kind.min_length} to {kind.max_length} {unit}"
    if kind.max_length is not None:
        return f" of at most {kind.max_length} {unit}"
    return f" of at least {kind.min_length} {unit}" if kind.min_length else ""


def _describe_number(noun: str) -> Any:
    def describe(kind: inspect.IntType | inspect.FloatType) -> str:
        lowest = kind.ge if kind.ge is not None else kind.gt
        highest = kind.le if kind.le is not None else kind.lt
        text = noun
        if lowest is not None and highest is not None:
            text += f" from {lowest} to {highest}"
        elif lowest is not None:
            text += f" of at least {lowest}" if kind.ge is not None else f" above {lowest}"
        elif highest is not None:
            text += f" of at most {highest}" if kind.le is not None else f" below {highest}"
        return text + (f", a multiple of {kind.multiple_of}" if kind.multiple_of else "")

    return describe


def _describe_struct(kind: inspect.StructType) -> str:
    return f"an object with {', '.join(field.encode_name for field in kind.fields)}"


def _describe_list(kind: inspect.CollectionType) -> str:
    return f"a list{_describe_length(kind, 'items')}, each {described(kind.item_type)}"


def _one_of(values: Sequence[Any]) -> str:
    return ("one of " if len(values) > 1 else "") + ", ".join(map(str, values))


_DESCRIPTIONS: Sequence[tuple[Any, Any]] = (
    (inspect.StrType, _describe_text),
    (inspect.IntType, _describe_number("a whole number")),
    (inspect.FloatType, _describe_number("a number")),
    (inspect.DecimalType, lambda _: "a decimal number"),
    (inspect.BoolType, lambda _: "true or false"),
    (inspect.NoneType, lambda _: "null"),
    (inspect.LiteralType, lambda kind: _one_of(kind.values)),
    (inspect.EnumType, lambda kind: _one_of([member.value for member in kind.cls])),
    (inspect.UUIDType, lambda _: "an id such as 01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e"),
    (inspect.DateTimeType, lambda _: "a moment such as 2026-11-22T08:30:00+07:00"),
    (inspect.DateType, lambda _: "a day such as 2026-11-22"),
    (inspect.StructType, _describe_struct),
    (inspect.CollectionType, _describe_list),
    (inspect.DictType, lambda kind: f"an object{_describe_length(kind, 'entries')}"),
    (inspect.AnyType, lambda _: "any value"),
)
