"""Query strings as Structs: typed, every unknown or unreadable parameter named.

The Struct of a query says everything: a field of ``dict[str, str]`` called ``fields`` is written
``field.<key>=…``, a pair of texts ``source:id``, a moment in ISO 8601 or as a day of the company's
time zone, a list by repeating the parameter.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl

import msgspec
from msgspec import inspect

from relatum.http.findings import LONGEST_QUOTE, described, findings_of_message, quoted
from relatum.http.problems import UnknownParameter
from relatum.values.ids import parse_id
from relatum.values.problems import InvalidInput, MalformedRequest, Problem
from relatum.values.text import nearest
from relatum.values.time import day_bounds, parse_date, parse_timestamp

T = TypeVar("T")

MOST_PARAMETERS = 100


def pairs_of(query: bytes) -> list[tuple[str, str]]:
    """The parameters in their order.

    Raises:
        MalformedRequest: not percent-encoded UTF-8, a NUL, or more than a hundred.
    """
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except UnicodeError as error:
        raise MalformedRequest(
            "expected a query string in percent-encoded UTF-8, got other bytes; encode it"
        ) from error
    except ValueError as error:
        raise MalformedRequest(
            f"expected at most {MOST_PARAMETERS} query parameters, got more; send fewer"
        ) from error
    if b"%00" in query:
        raise MalformedRequest("expected a query string without NUL, got %00; remove it")
    return pairs


def refuse_parameters(query: bytes, *, known: Iterable[str] = ()) -> None:
    """Refuse query parameters that a route does not know.

    Raises:
        UnknownParameter: naming each, and what there is.
    """
    if query:
        names = list(known)
        unknown = [name for name, _ in pairs_of(query) if name not in names]
        if unknown:
            raise _unknown(unknown, names)


def read_query(query: bytes, kind: type[T], *, time_zone: str, **fixed: Any) -> T:
    """A query string as a ``kind``.

    Args:
        query: as it came, without ``?``.
        kind: the Struct.
        time_zone: in which a day without an hour begins.
        fixed: fields that the route decides; they are no parameters.

    Raises:
        UnknownParameter: a parameter is no field of it.
        InvalidInput: with every value that cannot be read.
    """
    reader = _reader(cast("Hashable", kind))
    read: T = reader.read(pairs_of(query) if query else [], time_zone, fixed)
    return read


def parameter_names(kind: type[msgspec.Struct]) -> list[str]:
    """What may stand in the query string, ``field.<key>`` for a mapping."""
    return [parameter.shown for parameter in _reader(kind).parameters.values()]


class Parameter(msgspec.Struct, frozen=True):
    """One field of a query as a parameter."""

    name: str
    type: inspect.Type
    required: bool
    mapping: bool = False
    many: bool = False

    @property
    def shown(self) -> str:
        return f"{self.name}.<key>" if self.mapping else self.name


class _Reader:
    """Knows the parameters of one Struct."""

    def __init__(self, kind: type[Any]) -> None:
        info = inspect.type_info(kind)
        if not isinstance(info, inspect.StructType):
            raise TypeError(f"expected a Struct for a query, got {kind!r}; make it one")
        self._kind = kind
        self.parameters: dict[str, Parameter] = {}
        for field in info.fields:
            inner = _without_none(field.type)
            mapping = isinstance(inner, inspect.DictType)
            many = isinstance(inner, inspect.CollectionType)
            name = field.encode_name.removesuffix("s") if mapping else field.encode_name
            self.parameters[field.name] = Parameter(name, inner, field.required, mapping, many)
        self._required = any(parameter.required for parameter in self.parameters.values())
        self._fields = {parameter.name: name for name, parameter in self.parameters.items()}

    def read(self, pairs: list[tuple[str, str]], time_zone: str, fixed: Mapping[str, Any]) -> Any:
        values: dict[str, Any] = dict(fixed)
        if not pairs and not self._required:
            return self._kind(**values)
        unknown: list[str] = []
        problems: list[Problem] = []
        for name, text in pairs:
            field, key = self._field_of(name)
            if field is None or field in fixed:
                unknown.append(name)
                continue
            try:
                value = _value(text, self.parameters[field].type, time_zone)
            except (ValueError, InvalidInput):
                problems.append(self._unreadable(name, text, field))
                continue
            problem = self._keep(values, field, key, value)
            if problem is not None:
                problems.append(problem)
        if unknown:
            raise _unknown(unknown, self._shown(fixed))
        return self._built(values, problems)

    def _shown(self, fixed: Mapping[str, Any]) -> list[str]:
        return [each.shown for field, each in self.parameters.items() if field not in fixed]

    def _field_of(self, name: str) -> tuple[str | None, str]:
        before, dot, key = name.partition(".")
        field = self._fields.get(before if dot else name)
        if field is None or self.parameters[field].mapping != bool(dot):
            return None, ""
        return field, key

    def _keep(self, values: dict[str, Any], field: str, key: str, value: Any) -> Problem | None:
        parameter = self.parameters[field]
        if parameter.many:
            values.setdefault(field, []).append(value)
            return None
        into, name = (values.setdefault(field, {}), key) if parameter.mapping else (values, field)
        if name in into:
            shown = f"{parameter.name}.{key}" if key else parameter.name
            return Problem(
                code="given-twice",
                message=f"{shown[:LONGEST_QUOTE]} is given twice",
                where=shown[:LONGEST_QUOTE],
                expected="each parameter once",
                mend="Remove one of them.",
            )
        into[name] = value
        return None

    def _unreadable(self, name: str, text: str, field: str) -> Problem:
        kind = self.parameters[field].type
        inner = kind.item_type if isinstance(kind, inspect.CollectionType) else kind
        return Problem(
            code="wrong-value",
            message="this parameter cannot be read",
            where=name,
            expected="text before and after a colon" if _is_pair(inner) else described(inner),
            got=quoted(text),
        )

    def _built(self, values: dict[str, Any], problems: list[Problem]) -> Any:
        for field, parameter in self.parameters.items():
            if parameter.required and field not in values and not problems:
                problems.append(
                    Problem(
                        code="missing",
                        message=f"{parameter.name} is missing",
                        where=parameter.name,
                        expected=described(parameter.type),
                        mend="Add it.",
                    )
                )
        if problems:
            raise InvalidInput("The query cannot be read.", problems=problems)
        try:
            return msgspec.convert(values, self._kind, strict=True, builtin_types=_READ_ALREADY)
        except msgspec.ValidationError as error:
            found = findings_of_message(str(error))
            where = found.where.lstrip("/").replace("fields/", "field.")
            problem = msgspec.structs.replace(found, where=where)
            raise InvalidInput("The query cannot be read.", problems=[problem]) from error


_READ_ALREADY = (dt.datetime, dt.date)


@functools.lru_cache(maxsize=256)
def _reader(kind: Any) -> _Reader:
    return _Reader(kind)


def _without_none(kind: inspect.Type) -> inspect.Type:
    if isinstance(kind, inspect.Metadata):
        return _without_none(kind.type)
    if isinstance(kind, inspect.UnionType):
        rest = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        if len(rest) == 1:
            return _without_none(rest[0])
    return kind


def _value(text: str, kind: inspect.Type, time_zone: str) -> Any:
    """One parameter's text as the value of its type; raises ``ValueError`` or ``InvalidInput``."""
    if isinstance(kind, inspect.CollectionType):
        return _value(text, _without_none(kind.item_type), time_zone)
    if isinstance(kind, inspect.DateTimeType):
        return _moment(text, time_zone)
    if _is_pair(kind):
        first, colon, second = text.partition(":")
        if not (first and colon and second):
            raise ValueError(text)
        return (first, second)
    for types, convert in _CONVERSIONS:
        if isinstance(kind, types):
            return convert(text, kind)
    return text


def _is_pair(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.TupleType) and len(kind.item_types) == 2


def _moment(text: str, time_zone: str) -> dt.datetime:
    if len(text) == len("2026-11-22"):
        return day_bounds(parse_date(text), time_zone)[0]
    # an unencoded + of the offset arrives as a blank
    if len(text) > 6 and text[-6] == " " and text[-3] == ":":
        text = f"{text[:-6]}+{text[-5:]}"
    return parse_timestamp(text)


def _whole(text: str, kind: inspect.IntType) -> Any:
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) < 20):
        raise ValueError(text)
    return _checked(int(text), kind)


def _number(text: str, kind: inspect.FloatType) -> Any:
    if len(text) > 40 or "_" in text:
        raise ValueError(text)
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return _checked(number, kind)


def _checked(number: Any, kind: Any) -> Any:
    low_enough = (kind.le is None or number <= kind.le) and (kind.lt is None or number < kind.lt)
    high_enough = (kind.ge is None or number >= kind.ge) and (kind.gt is None or number > kind.gt)
    if not (low_enough and high_enough):
        raise ValueError(number)
    return number


def _truth(text: str, _: inspect.Type) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError(text)
    return text.lower() in ("true", "1")


def _choice(text: str, kind: inspect.LiteralType) -> Any:
    for value in kind.values:
        if str(value) == text:
            return value
    raise ValueError(text)


def _enumerated(text: str, kind: inspect.EnumType) -> Any:
    for member in kind.cls:
        if str(member.value) == text:
            return member.value
    raise ValueError(text)


_CONVERSIONS: tuple[tuple[Any, Callable[[str, Any], Any]], ...] = (
    (inspect.UUIDType, lambda text, _: str(parse_id(text))),
    (inspect.DateType, lambda text, _: parse_date(text)),
    (inspect.IntType, _whole),
    (inspect.FloatType, _number),
    (inspect.BoolType, _truth),
    (inspect.LiteralType, _choice),
    (inspect.EnumType, _enumerated),
)


def _unknown(unknown: list[str], known: list[str]) -> UnknownParameter:
    shown = ", ".join(sorted(known)) or "none"
    problems = []
    for name in dict.fromkeys(unknown):
        meant = nearest(name[:LONGEST_QUOTE], known)
        problems.append(
            Problem(
                code="unknown-parameter",
                message=f"there is no query parameter {name[:LONGEST_QUOTE]!r} here",
                where=name[:LONGEST_QUOTE],
                expected=shown,
                mend=f"Did you mean {meant}?" if meant else "Leave it out.",
            )
        )
    return UnknownParameter(
        f"expected query parameters of this route ({shown}), got {len(problems)} that it does not "
        "know",
        problems=problems,
    )
