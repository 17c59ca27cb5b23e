"""Filters of exports as fields of a form: what of a target's own filters people can fill in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from relatum.importing.shapes import Shape, shapes_of
from relatum.values.problems import InvalidInput, Problem
from relatum.web.languages import Language, marked, translations
from relatum.web.pages.imports.fields import value_title

if TYPE_CHECKING:
    from relatum.hooks.declarations import ImportTarget

#: Begins the names of the fields.
PREFIX = "filter."
INTERACTIONS = "core.interactions"
_OF_LISTS = frozenset({"sort", "limit", "cursor"})
_TITLES = {
    "q": marked("With these words"),
    "kind": marked("Kind"),
    "role": marked("Role towards us"),
    "tag": marked("Tag"),
    "phone": marked("Phone"),
    "email": marked("E-mail"),
    "channel": marked("Channel"),
    "direction": marked("Direction"),
    "created_from": marked("Made since"),
    "created_before": marked("Made before"),
    "updated_from": marked("Changed since"),
    "updated_before": marked("Changed before"),
    "occurred_from": marked("Happened since"),
    "occurred_before": marked("Happened before"),
}


class FilterField(msgspec.Struct, frozen=True, kw_only=True):
    """One filter; ``choices`` are values with what they are called."""

    name: str
    title: str
    kind: Literal["text", "day", "choice"]
    choices: list[tuple[str, str]] = []


def fields_for(
    target: ImportTarget, language: Language, kinds: list[tuple[str, str]]
) -> list[FilterField]:
    """The filters of a target that are plain enough for a field.

    Args:
        kinds: of interactions, by id and title.
    """
    text = translations(language).gettext
    found = []
    for name, shape in _shapes(target).items():
        kind = _kind(shape)
        choices = [(each, value_title(each, language)) for each in shape.choices]
        if name == "kind" and target.id == INTERACTIONS:
            kind, choices = "choice", kinds
        if name in _TITLES and kind is not None:
            found.append(
                FilterField(
                    name=f"{PREFIX}{name}",
                    title=text(_TITLES[name]),
                    kind=kind,
                    choices=choices,
                )
            )
    return found


def filters_from(
    target: ImportTarget, pairs: Iterable[tuple[str, str]], *, zone: dt.tzinfo
) -> dict[str, Any]:
    """What was filled in, as the target takes it; a day is its first moment in ``zone``.

    Raises:
        InvalidInput: a day is none.
    """
    shapes = _shapes(target)
    filters: dict[str, Any] = {}
    for field, value in pairs:
        name = field.removeprefix(PREFIX)
        shape = shapes.get(name)
        if value:
            is_day = shape is not None and _kind(shape) == "day"
            filters[name] = _moment(name, value, zone) if is_day else value
    return filters


def _shapes(target: ImportTarget) -> dict[str, Shape]:
    kind: type[msgspec.Struct] | None = getattr(target, "filters", None)
    if kind is None:
        return {}
    return {name: shape for name, shape in shapes_of(kind).items() if name not in _OF_LISTS}


def _kind(shape: Shape) -> Literal["text", "day", "choice"] | None:
    if shape.many or shape.container is not None:
        return None
    if shape.choices:
        return "choice"
    return {"text": "text", "moment": "day", "date": "day"}.get(shape.sort)  # type: ignore[return-value]


def _moment(name: str, value: str, zone: dt.tzinfo) -> str:
    try:
        day = dt.date.fromisoformat(value)
    except ValueError:
        problem = Problem(
            code="wrong-value",
            message="this is no day",
            where=f"/filters/{name}",
            expected="a day such as 2024-05-31",
            got=value[:80],
        )
        raise InvalidInput("A filter cannot be read.", problems=[problem]) from None
    return dt.datetime.combine(day, dt.time(), zone).isoformat()
