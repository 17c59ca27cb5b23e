"""What kind of value each field of a record takes, so that text from a file can be made into it."""

from __future__ import annotations

import functools
from typing import Any, Literal

import msgspec
from msgspec import inspect

Sort = Literal["text", "integer", "number", "boolean", "date", "moment", "amount", "any"]


class Shape(msgspec.Struct, frozen=True):
    """The sort of one field's values; ``many`` for a list of them.

    ``container`` is the shape of the values of a mapping, whose keys are written behind a dot.
    """

    sort: Sort
    many: bool = False
    container: Shape | None = None
    choices: tuple[str, ...] = ()
    required: bool = False


_SORTS: dict[type, Sort] = {
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.DecimalType: "number",
    inspect.BoolType: "boolean",
    inspect.DateType: "date",
    inspect.DateTimeType: "moment",
    inspect.AnyType: "any",
}


@functools.lru_cache(maxsize=256)
def shapes_of(record: type[msgspec.Struct]) -> dict[str, Shape]:
    """Field name → shape."""
    info = inspect.type_info(record)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"expected a Struct as the record of an import target, got {record!r}")
    return {
        field.encode_name: msgspec.structs.replace(_shape(field.type), required=field.required)
        for field in info.fields
    }


def find_shape(shapes: dict[str, Shape], name: str) -> Shape | None:
    """The shape of a dotted field name; ``None`` when there is no such field."""
    if name in shapes:
        return shapes[name]
    head, dot, _rest = name.partition(".")
    outer = shapes.get(head)
    return outer.container if dot and outer is not None else None


def _shape(info: inspect.Type) -> Shape:
    if isinstance(info, inspect.Metadata):
        return _shape(info.type)
    if isinstance(info, inspect.UnionType):
        return _first_meant(info)
    if isinstance(info, inspect.ListType | inspect.VarTupleType | inspect.SetType):
        inner = _shape(info.item_type)
        return Shape(inner.sort, many=True, choices=inner.choices)
    if isinstance(info, inspect.DictType):
        inner = _shape(info.value_type)
        text = Shape("text") if inner.sort == "any" and inner.container is None else inner
        return Shape("any", container=text)
    if isinstance(info, inspect.StructType):
        return _struct(info)
    choices: tuple[Any, ...] = ()
    if isinstance(info, inspect.LiteralType):
        choices = tuple(info.values)
    elif isinstance(info, inspect.EnumType):
        choices = tuple(member.value for member in info.cls)
    return Shape(_SORTS.get(type(info), "text"), choices=tuple(map(str, choices)))


def _first_meant(info: inspect.UnionType) -> Shape:
    """The member of a union that a file can mean; ``None`` is an empty cell."""
    meant = [
        member
        for member in info.types
        if not isinstance(member, inspect.NoneType | inspect.StrType)
        and getattr(member, "cls", None) is not msgspec.UnsetType
    ]
    return _shape(meant[0]) if meant else Shape("text")


def _struct(info: inspect.StructType) -> Shape:
    if {field.name for field in info.fields} == {"amount", "currency"}:
        return Shape("amount")
    return Shape("any")
