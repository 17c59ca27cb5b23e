"""The mapping of one file as a page shows it: columns with their first cells and where they go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from relatum.importing.choosing import Choices, chosen, key_of
from relatum.web.forms import Form
from relatum.web.languages import Language
from relatum.web.pages.imports.fields import FieldOption, title_of, value_title

if TYPE_CHECKING:
    from relatum.hooks.declarations import ImportTarget
    from relatum.importing.plan import FilePlan
    from relatum.importing.requests.looking import FileLook


class ColumnRow(msgspec.Struct, frozen=True, kw_only=True):
    """One column as it is shown.

    Attributes:
        sure: how it was found: by its name, by its look, or not.
        is_key: records are recognised by it.
    """

    place: int
    heading: str
    cells: list[str]
    sure: Literal["known", "likely", "none"]
    is_key: bool = False


class FileView(msgspec.Struct, kw_only=True):
    """One file of the mapping as it is shown."""

    place: int
    look: FileLook
    target: str
    title: str
    key_title: str
    columns: list[ColumnRow]
    options: list[FieldOption]
    derived: list[str]
    fixed: list[tuple[FieldOption, list[tuple[str, str]]]]
    lost: list[str]
    reading: Form


class FormValues(msgspec.Struct):
    """What the fields of the form hold."""

    to: list[str] = []
    key: list[str] = []
    same: list[str] = []

    def shown(self) -> dict[str, list[str]]:
        return {"to": self.to, "key": self.key, "same": self.same}


def view_of(
    place: int,
    entry: FilePlan,
    seen: FileLook,
    target: ImportTarget,
    options: list[FieldOption],
    values: FormValues,
    language: Language,
) -> FileView:
    key = key_of(target)
    choices = chosen(entry, key)
    known = {option.name for option in options}
    for name in [*choices.fields.values(), *choices.fixed]:
        if name not in known:
            known.add(name)
            options.append(FieldOption(name=name, title=title_of(target, name, language)))
    rows = []
    for index, column in enumerate(seen.columns):
        field, sure = _proposed(column.heading, column.looks_like, choices, known)
        if choices.key == column.heading:
            values.key.append(f"{place}.0={index}")
            sure = "known"
        values.to.append(f"{place}.{index}={field}")
        rows.append(
            ColumnRow(
                place=index,
                heading=column.heading,
                cells=column.cells,
                sure=sure,
                is_key=choices.key == column.heading,
            )
        )
    fixed = []
    for option in options:
        if option.choices and option.name not in choices.fields.values():
            values.same.append(f"{place}.{option.name}={choices.fixed.get(option.name, '')}")
            titles = [(value, value_title(value, language)) for value in option.choices]
            fixed.append((option, titles))
    there = {column.heading for column in seen.columns}
    return FileView(
        place=place,
        look=seen,
        target=target.id,
        title=target.title.in_language(language),
        key_title=title_of(target, key, language) if key else "",
        columns=rows,
        options=options,
        derived=[title_of(target, name, language) for name in choices.derived],
        fixed=fixed,
        lost=sorted({*choices.fields, *filter(None, [choices.key])} - there) if there else [],
        reading=_reading_form(place, entry),
    )


def _proposed(
    heading: str, looks_like: str | None, choices: Choices, known: set[str]
) -> tuple[str, Literal["known", "likely", "none"]]:
    """Where a column goes, and how sure that is."""
    if heading in choices.fields:
        return choices.fields[heading], "known"
    if looks_like in known and heading != choices.key:
        return looks_like or "", "likely"
    return "", "none"


def _reading_form(place: int, entry: FilePlan) -> Form:
    form = entry.format
    return Form(
        f"reading{place}",
        {
            "file": place,
            "target": entry.target,
            "encoding": form.encoding,
            "delimiter": form.delimiter,
            "sheet": form.sheet,
            "date": form.date,
            "decimal": form.decimal,
            "skip_lines": form.skip_lines or None,
            "bare": not form.header,
        },
    )
