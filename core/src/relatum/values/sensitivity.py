"""How sensitive a field is, and where payloads say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, get_args

import msgspec
from msgspec import inspect

#: ``contact``: phone, e-mail, address; ``identity``: papers, birth; ``secret``: also encrypted at
#: rest.
Sensitivity = Literal["contact", "identity", "finance", "health", "secret"]
SENSITIVITIES: tuple[Sensitivity, ...] = get_args(Sensitivity)


def is_concealed(sensitivity: str, hidden: frozenset[Sensitivity]) -> bool:
    """Whether a class is hidden from somebody; one that nobody knows is, from who misses any."""
    return sensitivity in hidden or (bool(hidden) and sensitivity not in SENSITIVITIES)


def sensitive_fields(payload: type[msgspec.Struct]) -> Mapping[str, Sensitivity]:
    """Fields annotated with ``Meta(extra={"sensitivity": …})``, by their names in JSON."""
    info = inspect.type_info(payload)
    if not isinstance(info, inspect.StructType):
        return {}
    return {field.encode_name: found for field in info.fields for found in _of(field.type)}


def unusable_classes(payload: type[msgspec.Struct]) -> list[str]:
    """Why the classes that a payload names cannot be kept; empty when they can.

    Fields are masked whole: a class further inside one would not be looked at. ``secret`` is for
    custom fields, which are encrypted; payloads are not.
    """
    info = inspect.type_info(payload)
    if not isinstance(info, inspect.StructType):
        return []
    reasons = []
    for field in info.fields:
        named = list(_of(field.type))
        reasons += [
            f"{field.name} is of the class {each!r}"
            for each in named
            if each not in SENSITIVITIES or each == "secret"
        ]
        if not named and any(_inside(field.type, set())):
            reasons.append(f"the class lies inside {field.name} instead of on it")
    return reasons


def _of(type_: inspect.Type) -> Iterator[Sensitivity]:
    if isinstance(type_, inspect.Metadata):
        found = (type_.extra or {}).get("sensitivity")
        if found is not None:
            yield found
        yield from _of(type_.type)
    elif isinstance(type_, inspect.UnionType):
        for each in type_.types:
            yield from _of(each)


def _inside(type_: inspect.Type, seen: set[type]) -> Iterator[Sensitivity]:
    yield from _of(type_)
    if isinstance(type_, inspect.StructType):
        if type_.cls in seen:
            return
        seen.add(type_.cls)
    for each in _parts(type_):
        yield from _inside(each, seen)


def _parts(type_: inspect.Type) -> Iterator[inspect.Type]:
    """The types that a type is made of, one step down."""
    for name in type_.__struct_fields__:
        value = getattr(type_, name)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, inspect.Field):
                yield each.type
            elif isinstance(each, inspect.Type):
                yield each
