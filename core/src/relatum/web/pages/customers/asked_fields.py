"""The fields that the bulk action of a plugin asks for, as its form shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import inspect

if TYPE_CHECKING:
    from relatum.hooks.screens import BulkAction
    from relatum.web.languages import Language

Shape = Literal["text", "number", "date", "box", "choice"]
LONGEST = 300
_SHAPES: tuple[tuple[type[inspect.Type], Shape], ...] = (
    (inspect.BoolType, "box"),
    (inspect.IntType, "number"),
    (inspect.DateType, "date"),
    (inspect.LiteralType, "choice"),
)


class AskedField(msgspec.Struct, frozen=True, kw_only=True):
    """One field of the form.

    Attributes:
        longest: in characters, of a text.
        choices: of a choice, as the plugin calls them.
    """

    name: str
    label: str
    required: bool
    shape: Shape
    longest: int = LONGEST
    choices: list[str] = []

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The choices as a list shows them."""
        return [(each, each) for each in self.choices]


def asked_by(action: BulkAction | None, language: Language) -> list[AskedField]:
    """What an action of a plugin asks for; nothing for one of core."""
    if action is None or action.fields is None:
        return []
    info = inspect.type_info(action.fields)
    assert isinstance(info, inspect.StructType)  # noqa: S101 - for the type checker: it is a Struct
    return [_asked(action, field, language) for field in info.fields]


def _asked(action: BulkAction, field: inspect.Field, language: Language) -> AskedField:
    kind = _without_none(field.type)
    label = action.labels.get(field.name)
    longest = kind.max_length if isinstance(kind, inspect.StrType) else None
    return AskedField(
        name=field.encode_name,
        label=label.in_language(language) if label else _from_name(field.name),
        required=field.required,
        shape=next((shape for each, shape in _SHAPES if isinstance(kind, each)), "text"),
        longest=longest or LONGEST,
        choices=_choices(kind),
    )


def _choices(kind: inspect.Type) -> list[str]:
    return [str(each) for each in kind.values] if isinstance(kind, inspect.LiteralType) else []


def _from_name(name: str) -> str:
    """Of a plugin that says nothing."""
    return name.replace("_", " ").capitalize()


def _without_none(kind: inspect.Type) -> inspect.Type:
    if isinstance(kind, inspect.Metadata):
        return _without_none(kind.type)
    if isinstance(kind, inspect.UnionType):
        rest = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        return _without_none(rest[0]) if len(rest) == 1 else kind
    return kind
