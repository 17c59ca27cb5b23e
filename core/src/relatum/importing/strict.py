"""Tables of TOML into Structs: nothing unknown passes, and every problem is told at once."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from relatum.values.problems import Problem
from relatum.values.text import nearest

S = TypeVar("S", bound=msgspec.Struct)
_SHOWN = 80


class Problems:
    """Problems of one document, gathered while it is read."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.found: list[Problem] = []

    def add(
        self,
        path: str,
        code: str,
        message: str,
        *,
        expected: str = "",
        got: str = "",
        mend: str = "",
    ) -> None:
        where = f"{self.source}, {path}" if path else self.source
        self.found.append(
            Problem(
                code=code,
                message=message,
                where=where,
                expected=expected,
                got=got[:_SHOWN],
                mend=mend,
            )
        )

    def unknown(self, path: str, name: str, known: typing.Iterable[str]) -> None:
        """``name`` is none of ``known``; the nearest of them is proposed."""
        names = list(known)
        near = nearest(name, names)
        mend = f"Write {near} if that is meant." if near else f"Known are {', '.join(names)}."
        self.add(path, "unknown-name", f"There is no {name!r} here", got=name, mend=mend)


def read_struct(table: object, kind: type[S], path: str, problems: Problems) -> S | None:
    """``table`` as ``kind``; ``None`` when something is wrong (it is in ``problems`` then)."""
    if not isinstance(table, Mapping):
        _wrong(path, "a table", table, problems)
        return None
    before = len(problems.found)
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    read: dict[str, Any] = {}
    for key, value in table.items():
        if key not in fields:
            problems.unknown(_under(path, key), key, fields)
        else:
            field = fields[key]
            read[field.name] = read_value(value, field.type, _under(path, key), problems)
    for field in fields.values():
        if field.required and field.encode_name not in table:
            problems.add(
                _under(path, field.encode_name),
                "missing",
                f"{field.encode_name!r} is missing",
                mend=f"Add {field.encode_name} = …",
            )
    return kind(**read) if len(problems.found) == before else None


def read_value(value: object, kind: Any, path: str, problems: Problems) -> Any:
    """One value as ``kind``: a Struct, a list or mapping of them, or anything msgspec converts."""
    struct = _struct_in(kind)
    if struct is not None:
        return read_struct(value, struct, path, problems)
    inner = _list_of_structs(kind)
    if inner is not None:
        return _read_list(value, inner, path, problems)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as refusal:
        problems.add(path, "bad-value", str(refusal), got=repr(value), mend="Correct it.")
        return None


def _read_list(value: object, inner: type[S], path: str, problems: Problems) -> list[S]:
    if not isinstance(value, list):
        _wrong(path, f"a list of tables [[{path}]]", value, problems)
        return []
    read = [
        read_struct(item, inner, f"{path}[{number}]", problems)
        for number, item in enumerate(value, start=1)
    ]
    return [item for item in read if item is not None]


def _wrong(path: str, expected: str, value: object, problems: Problems) -> None:
    problems.add(path, "bad-value", "This is of the wrong kind", expected=expected, got=repr(value))


def _under(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    for choice in _choices(kind):
        if isinstance(choice, type) and issubclass(choice, msgspec.Struct):
            return choice
    return None


def _list_of_structs(kind: Any) -> type[msgspec.Struct] | None:
    if typing.get_origin(kind) is not list:
        return None
    return _struct_in(typing.get_args(kind)[0])


def _choices(kind: Any) -> tuple[Any, ...]:
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return typing.get_args(kind)
    return (kind,)
