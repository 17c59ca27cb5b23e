"""From what somebody chose in the form to the plan of an import."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from relatum.customers.types import FieldDraft, SourceName
from relatum.importing.choosing import (
    NEW_FIELD,
    Choices,
    chosen,
    field_key,
    key_of,
    missing_fields,
    with_choices,
)
from relatum.importing.plan import FilePlan, Plan
from relatum.importing.shapes import shapes_of
from relatum.values.problems import InvalidInput, Problem
from relatum.web.languages import Language
from relatum.web.pages.imports.fields import FIELDS, options_of, title_of

if TYPE_CHECKING:
    from relatum.hooks.declarations import ImportTarget
    from relatum.hooks.registry import Registry
    from relatum.importing.requests.looking import FileLook

#: ``<file>.<column>=<field>``: what is chosen for one column of one file.
_CHOICE = re.compile(r"(\d{1,3})\.(\d{1,4})=(.{0,200})", re.DOTALL)
_FIXED = re.compile(r"(\d{1,3})\.([\w.]{1,120})=(.{0,200})", re.DOTALL)


class Chosen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What somebody chose.

    Attributes:
        name: the source that the numbers of the records belong to.
        title: under which the plan is kept; empty when it is not to be.
        to: for each column where it goes, as ``<file>.<column>=<field>``.
        key: for each file the column by which records are recognised.
        same: values that every row of a file gets, as ``<file>.<field>=<value>``.
    """

    name: SourceName
    title: Annotated[str, Meta(max_length=120)] = ""
    to: list[str] = []
    key: list[str] = []
    same: list[str] = []


class Choosing:
    """From what was chosen to a plan."""

    def __init__(
        self,
        registry: Registry,
        plan: Plan,
        looks: Sequence[FileLook],
        declared: Sequence[FieldDraft],
        language: Language,
    ) -> None:
        self._shelf = registry.import_targets
        self._plan = plan
        self._looks = looks
        self._taken = [field.key for field in declared]
        self._language = language
        self._new: list[FieldDraft] = []

    def chosen(self, asked: Chosen) -> Plan:
        """The plan.

        Raises:
            InvalidInput: something is chosen that is not there, or a needed field is not.
        """
        files, problems = [], []
        for place, entry in enumerate(self._plan.files):
            target = self._shelf.get(entry.target)
            files.append(self._entry(place, entry, target, asked))
            missing = missing_fields(files[-1], shapes_of(target.record))
            if missing and files[-1].columns:
                problems.append(_missing(target, missing, self._language))
        if problems:
            raise InvalidInput("Something that is needed is not chosen.", problems=problems)
        kept = [field for field in self._plan.fields if _uses(files, field.key)]
        return msgspec.structs.replace(
            self._plan,
            name=asked.name,
            title=" ".join(asked.title.split()),
            files=files,
            fields=[*kept, *self._new],
        )

    def _entry(self, place: int, entry: FilePlan, target: ImportTarget, asked: Chosen) -> FilePlan:
        columns = self._looks[place].columns
        fields = {}
        for index, field in _picked(asked.to, place):
            if field and index < len(columns):
                fields[columns[index].heading] = self._field(columns[index].heading, field)
        key = next((name for _, name in _picked(asked.key, place)), "")
        key_heading = next((each.heading for n, each in enumerate(columns) if key == str(n)), "")
        fixed = {
            match[2]: match[3]
            for text in asked.same
            if (match := _FIXED.fullmatch(text)) and match[1] == str(place)
        }
        before = chosen(entry, key_of(target)).fixed
        offered = {option.name for option in options_of(target, [], self._language)}
        fixed = {**{name: value for name, value in before.items() if name not in fixed}, **fixed}
        unknown = [name for name in fixed if name not in offered and name not in before]
        if unknown:
            raise InvalidInput(f"expected fields of {target.id}, got {unknown[0][:80]!r}")
        choices = Choices(fields=fields, key=key_heading, fixed=fixed)
        return with_choices(entry, choices, key=key_of(target), shapes=shapes_of(target.record))

    def _field(self, heading: str, field: str) -> str:
        if field != NEW_FIELD:
            return field
        key = field_key(heading, [*self._taken, *(each.key for each in self._new)])
        title = heading.rpartition("#")[0] or heading
        self._new.append(FieldDraft(key=key, title_en=title[:100], title_vi=title[:100]))
        return f"{FIELDS}{key}"


def _picked(texts: Sequence[str], place: int) -> list[tuple[int, str]]:
    """The choices for one file: number of the column, and the field."""
    matches = [match for text in texts if (match := _CHOICE.fullmatch(text))]
    return [(int(match[2]), match[3]) for match in matches if int(match[1]) == place]


def _uses(files: Sequence[FilePlan], key: str) -> bool:
    return any(f"{FIELDS}{key}" in entry.columns for entry in files)


def _missing(target: ImportTarget, names: Sequence[str], language: Language) -> Problem:
    titles = ", ".join(title_of(target, name, language) for name in names)
    return Problem(
        code="needed-columns",
        message=f"no column is chosen for {titles}",
        where="/to",
        expected=titles,
        mend="Choose a column for it.",
    )
