"""The OpenAPI document as a page shows it: operations by tag, types with their fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

JSON = dict[str, Any]


class Part(msgspec.Struct, frozen=True):
    """A piece of a type's name; ``target`` is the type it leads to."""

    text: str
    target: str = ""


Shape = list[Part]


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of an operation."""

    name: str
    place: str
    required: bool
    shape: Shape
    description: str


class Given(msgspec.Struct, frozen=True):
    """What an operation answers with one status."""

    status: str
    shape: Shape


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one address."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    permission: str
    parameters: list[Parameter]
    body: Shape
    answers: list[Given]


class Group(msgspec.Struct, frozen=True):
    """The operations of one tag."""

    tag: str
    operations: list[Operation]


class Field(msgspec.Struct, frozen=True):
    """One field of a type."""

    name: str
    required: bool
    shape: Shape


class Schema(msgspec.Struct, frozen=True):
    """A type."""

    name: str
    description: str
    fields: list[Field]


def groups_of(document: JSON) -> list[Group]:
    """Operations by tag, in the order in which tags first occur."""
    groups: dict[str, Group] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            tag = (operation.get("tags") or ["other"])[0]
            groups.setdefault(tag, Group(tag, [])).operations.append(
                _operation(path, method, operation)
            )
    return list(groups.values())


def schemas_of(document: JSON) -> list[Schema]:
    """The types by name."""
    schemas = document.get("components", {}).get("schemas", {})
    return [_schema(name, schemas[name]) for name in sorted(schemas)]


def shape_of(schema: JSON) -> Shape:
    """The name of a type as a person writes it: ``list of Customer``, ``text or null``."""
    return list(_joined(_parts(schema)))


def _operation(path: str, method: str, operation: JSON) -> Operation:
    body = operation.get("requestBody", {}).get("content", {})
    return Operation(
        id=operation.get("operationId", f"{method}-{path}"),
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        permission=operation.get("x-permission") or "",
        parameters=[_parameter(each) for each in operation.get("parameters", ())],
        body=_content(body) if body else [],
        answers=[
            Given(status, _content(answer.get("content", {})))
            for status, answer in operation.get("responses", {}).items()
        ],
    )


def _parameter(parameter: JSON) -> Parameter:
    schema = parameter.get("schema", {})
    return Parameter(
        name=parameter["name"],
        place=parameter["in"],
        required=bool(parameter.get("required")),
        shape=shape_of(schema),
        description=parameter.get("description") or schema.get("description") or "",
    )


def _content(content: JSON) -> Shape:
    for media in content.values():
        return shape_of(media.get("schema", {}))
    return [Part("–")]


def _schema(name: str, schema: JSON) -> Schema:
    required = set(schema.get("required", ()))
    fields = [
        Field(field, field in required, shape_of(inner))
        for field, inner in schema.get("properties", {}).items()
    ]
    return Schema(name, str(schema.get("description", "")), fields)


def _parts(schema: JSON) -> Iterator[Part]:
    if "$ref" in schema:
        target = schema["$ref"].rpartition("/")[2]
        yield Part(target, target)
        return
    for several in ("anyOf", "oneOf"):
        if several in schema:
            yield from _alternatives(schema[several])
            return
    if "enum" in schema or "const" in schema:
        yield Part(" | ".join(map(str, schema.get("enum", [schema.get("const")]))))
    elif schema.get("type") == "array":
        yield Part("list of ")
        yield from _parts(schema.get("items", {}))
        yield Part(_bounds(schema, "minItems", "maxItems"))
    else:
        yield Part(_plain(schema))


def _alternatives(schemas: list[JSON]) -> Iterator[Part]:
    for number, schema in enumerate(schemas):
        if number:
            yield Part(" or ")
        yield from _parts(schema)


def _plain(schema: JSON) -> str:
    kind = schema.get("type", "anything")
    if isinstance(kind, list):
        kind = " or ".join(kind)
    text = str(_WORDS.get(kind, kind))
    if "format" in schema:
        text += f" ({schema['format']})"
    text += _bounds(schema, "minLength", "maxLength")
    text += _bounds(schema, "minimum", "maximum")
    return f"{text} like {schema['pattern']}" if "pattern" in schema else text


_WORDS = {"string": "text", "integer": "whole number"}


def _bounds(schema: JSON, low: str, high: str) -> str:
    least, most = schema.get(low), schema.get(high)
    if least is None and most is None:
        return ""
    return f" {'' if least is None else least}…{'' if most is None else most}"


def _joined(parts: Iterator[Part]) -> Iterator[Part]:
    """Neighbours without a target become one part."""
    text = ""
    for part in parts:
        if part.target:
            if text:
                yield Part(text)
            text = ""
            yield part
        else:
            text += part.text
    if text:
        yield Part(text)
