"""Columns of a file and fields of a target as a person chooses them: one field for a column.

A plan says more than that (fixed values, cases, products of columns). What a person leaves as it
was keeps the source that the plan has for it; only a field whose columns change gets a new, plain
one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from relatum.importing.columns import Source, Spec
from relatum.importing.getters import headings_of
from relatum.importing.guessing import guess_plan
from relatum.importing.plan import FilePlan
from relatum.importing.shapes import Shape, find_shape, shapes_of
from relatum.values.text import fold

if TYPE_CHECKING:
    from relatum.hooks.declarations import ImportTarget
    from relatum.importing.reading import Table

#: Chosen for a column that is to become a custom field of its own.
NEW_FIELD = "+"
_LONGEST_KEY = 40


class Choices(msgspec.Struct, kw_only=True):
    """What is chosen for one file.

    Attributes:
        fields: heading → field; headings that are left out are not in it.
        key: the heading by which records are recognised again; empty for none.
        fixed: field → the value that every row gets.
        derived: fields whose source is more than columns: they stay as the plan says.
    """

    fields: dict[str, str] = {}
    key: str = ""
    fixed: dict[str, str] = {}
    derived: list[str] = []


def named(headings: Sequence[str]) -> list[str]:
    """Headings as a plan names them: ``Phone#2`` is the second column of that name."""
    seen: dict[str, int] = {}
    names = []
    for heading in headings:
        seen[heading] = seen.get(heading, 0) + 1
        twice = headings.count(heading) > 1
        names.append(f"{heading}#{seen[heading]}" if twice else heading)
    return names


def key_of(target: ImportTarget) -> str:
    """The one field by which records are recognised; empty when it takes several."""
    return target.key[0] if len(target.key) == 1 else ""


def chosen(entry: FilePlan, key: str) -> Choices:
    """What a plan says for one file, as far as it is a choice of columns."""
    choices = Choices()
    for field, source in entry.columns.items():
        specs = _specs(source)
        if field == key and len(specs) == 1 and specs[0].column is not None:
            choices.key = specs[0].column
        elif len(specs) == 1 and isinstance(specs[0].value, str):
            choices.fixed[field] = specs[0].value
        elif not all(_is_chosen(spec) for spec in specs):
            choices.derived.append(field)
        else:
            headings = [heading for spec in specs for heading in headings_of(spec)]
            taken = [heading for heading in headings if heading in choices.fields]
            if taken:
                choices.derived.append(field)
            else:
                choices.fields.update(dict.fromkeys(headings, field))
    return choices


def with_choices(
    entry: FilePlan, choices: Choices, *, key: str, shapes: Mapping[str, Shape]
) -> FilePlan:
    """The plan of a file with other choices.

    Args:
        choices: ``derived`` is not looked at: what the plan has stays.
        shapes: of the target's record.
    """
    before = chosen(entry, key)
    columns: dict[str, Source] = {
        field: entry.columns[field] for field in before.derived if field not in choices.fixed
    }
    for field, headings in _by_field(choices.fields).items():
        if headings == _by_field(before.fields).get(field):
            columns[field] = entry.columns[field]
        else:
            columns[field] = _source(headings, find_shape(dict(shapes), field))
    for field, value in choices.fixed.items():
        if value and field not in columns:
            columns[field] = Spec(value=value)
    if choices.key:
        same = choices.key == before.key
        columns[key] = entry.columns[key] if same else Spec(column=choices.key)
    order = [name for name in entry.columns if name in columns]
    return msgspec.structs.replace(
        entry, columns={name: columns[name] for name in dict.fromkeys([*order, *columns])}
    )


def missing_fields(entry: FilePlan, shapes: Mapping[str, Shape]) -> list[str]:
    """The fields that every record needs and nothing is chosen for."""
    return [
        name
        for name, shape in shapes.items()
        if shape.required and name not in {field.partition(".")[0] for field in entry.columns}
    ]


def fitting_target(table: Table, targets: Sequence[ImportTarget], country: str) -> str:
    """The target that knows most of a file's headings; the first one when none knows any."""
    best, found = 0.0, targets[0].id if targets else ""
    for target in targets:
        guess = guess_plan(table, target, name="guess", country=country)
        entry = guess.plan.files[0]
        known = len(table.headings) - len(guess.unused) if entry.columns else 0
        score = known / max(len(table.headings), 1)
        # without what every record needs, nothing would come of it
        score /= 1 + 2 * len(missing_fields(entry, shapes_of(target.record)))
        if score > best:
            best, found = score, target.id
    return found


def field_key(heading: str, taken: Sequence[str]) -> str:
    """The key of a new custom field that is called as a column is."""
    plain = re.sub(r"[^a-z0-9]+", "_", fold(heading)).strip("_")[:_LONGEST_KEY]
    plain = plain if plain[:1].isalpha() else f"field_{plain}".rstrip("_")
    key, number = plain, 1
    while key in taken:
        number += 1
        key = f"{plain}_{number}"
    return key


def _by_field(fields: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for heading, field in fields.items():
        found.setdefault(field, []).append(heading)
    return found


def _source(headings: Sequence[str], shape: Shape | None) -> Source:
    if shape is not None and shape.many:
        return [Spec(column=heading) for heading in headings]
    if len(headings) == 1:
        return Spec(column=headings[0])
    return Spec(columns=list(headings))


def _specs(source: Source) -> list[Spec]:
    return source if isinstance(source, list) else [source]


def _is_chosen(spec: Spec) -> bool:
    """Whether a source is no more than columns, whatever is done to their cells then."""
    return spec.column is not None or spec.columns is not None
