"""A plan for one file from its headings, in English and Vietnamese, to be looked at before use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from relatum.importing import watermark
from relatum.importing.columns import Source, Spec
from relatum.importing.plan import FilePlan, Plan
from relatum.importing.reading import Table
from relatum.importing.shapes import Shape, shapes_of
from relatum.importing.targets.keys import EXPORT_SOURCE
from relatum.importing.writers import entry_of
from relatum.values.text import fold

if TYPE_CHECKING:
    from relatum.hooks.declarations import ImportTarget

_FAMILY_FIRST = frozenset({"VN", "CN", "TW", "HK", "KR", "KP", "HU", "JP"})
_GIVEN = ("first name", "given name", "tên")
_MIDDLE = ("middle name", "additional name", "tên đệm", "tên lót", "chữ lót")
_FAMILY = ("last name", "family name", "surname", "họ")
_COMPANY = (
    "company name",
    "account name",
    "company",
    "organization name",
    "organisation name",
    "account",
    "organization",
    "organisation",
    "business name",
    "tên công ty",
    "tên doanh nghiệp",
    "công ty",
)
_ADDRESSES = ("", "business", "home", "mailing", "billing", "shipping", "other")
_ADDRESS_PARTS = (
    "street",
    "street 2",
    "street 3",
    "city",
    "state",
    "postal code",
    "country",
    "country/region",
)


class Guess(msgspec.Struct):
    """The plan, and the headings that nothing was found for."""

    plan: Plan
    unused: list[str]


def guess_plan(table: Table, target: ImportTarget, *, name: str, country: str) -> Guess:
    """What the headings of ``table`` probably are for ``target``.

    Only headings that are known by name are used; the rest is left out and told. A file that an
    export wrote for the same target is read back as that.
    """
    if _is_exported(table, target):
        entry = entry_of(target, table.name, table.kind)
        return Guess(Plan(name=EXPORT_SOURCE, files=[entry]), [])
    headings = _Headings(table.headings)
    columns: dict[str, Source] = {}
    for field, shape in shapes_of(target.record).items():
        source = headings.take(field, target.aliases.get(field, ()), shape)
        if source is not None:
            columns[field] = source
    if "display_name" in shapes_of(target.record):
        _guess_name(headings, columns, country)
        _guess_address(headings, columns)
    entry = FilePlan(path=table.name, target=target.id, columns=columns)
    plan = Plan(name=source_name(name), files=[entry])
    return Guess(plan, headings.unused())


def _is_exported(table: Table, target: ImportTarget) -> bool:
    """Whether the file is what an export of the same target writes."""
    fields = [heading for heading in table.headings if heading != watermark.COLUMN]
    known = bool(fields) and set(fields) <= shapes_of(target.record).keys()
    return known and (table.marked or table.kind == "jsonl")


def source_name(text: str) -> str:
    """A name for a plan made of any text, usually that of the file."""
    name = re.sub(r"[^a-z0-9]+", "_", fold(text)).strip("_")[:50]
    return name if name[:1].isalpha() else f"source_{name}".rstrip("_")


class _Headings:
    """Headings by what they say, whatever their spelling; each is used once."""

    def __init__(self, headings: Sequence[str]) -> None:
        self._all = list(headings)
        self._plain: dict[str, list[str]] = {}
        counts: dict[str, int] = {}
        for heading in headings:
            counts[heading] = counts.get(heading, 0) + 1
            twice = headings.count(heading) > 1
            named = f"{heading}#{counts[heading]}" if twice else heading
            self._plain.setdefault(_plain(heading), []).append(named)
        self._used: set[str] = set()

    def take(self, field: str, aliases: Sequence[str], shape: Shape) -> Source | None:
        """The column of a field, by its own name or another; all of them for a list."""
        found = [
            heading
            for alias in (field, *aliases)
            for heading in self._plain.get(_plain(alias), [])
            if heading not in self._used
        ]
        if shape.container is not None or not found:
            return None
        if not shape.many:
            self._used.add(found[0])
            return Spec(column=found[0])
        self._used.update(found)
        return [Spec(column=heading) for heading in dict.fromkeys(found)]

    def one(self, names: Sequence[str]) -> str | None:
        """The first column with one of these names."""
        for name in names:
            for heading in self._plain.get(_plain(name), []):
                return heading
        return None

    def use(self, *headings: str) -> None:
        self._used.update(headings)

    def unused(self) -> list[str]:
        used = {heading.rpartition("#")[0] or heading for heading in self._used} | self._used
        used.add(watermark.COLUMN)
        return [heading for heading in self._all if heading not in used]


def _plain(heading: str) -> str:
    """``E-mail 1 - Value``, ``EmailAddress`` and ``email_address`` lose what does not matter."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading)
    text = fold(spaced).replace("e-mail", "email").removesuffix(" - value")
    text = re.sub(r"(?<=\D)\b\d+\b", " ", text) if "street" not in text else text
    return " ".join(re.sub(r"[_*:()\[\]]+", " ", text).split())


def _guess_name(headings: _Headings, columns: dict[str, Source], country: str) -> None:
    """A full name from its parts, and whether the file is about organisations."""
    given, family = headings.one(_GIVEN), headings.one(_FAMILY)
    named = columns.get("display_name")
    heading = named.column if isinstance(named, Spec) else None
    from_parts = given is not None and family is not None
    if from_parts and heading in {None, given}:
        middle = headings.one(_MIDDLE)
        order = [given, middle, family]
        vietnamese = family is not None and _plain(family) == _plain("họ")
        if vietnamese or country in _FAMILY_FIRST:
            order.reverse()
        parts = [part for part in order if part is not None]
        headings.use(*parts)
        columns["display_name"] = Spec(columns=parts)
    elif heading is None:
        company = headings.one(_COMPANY)
        if company is not None:
            headings.use(company)
            columns["display_name"] = Spec(column=company)
            heading = company
    about_companies = heading is not None and _plain(heading) in {_plain(n) for n in _COMPANY}
    if about_companies and not from_parts and "kind" not in columns:
        columns["kind"] = Spec(value="organisation")


def _guess_address(headings: _Headings, columns: dict[str, Source]) -> None:
    """Addresses that are written in several columns."""
    addresses: list[Spec] = []
    for place in _ADDRESSES:
        names = [f"{place} {part}".strip() for part in _ADDRESS_PARTS]
        parts = [heading for name in names if (heading := headings.one([name])) is not None]
        if len(parts) > 1:
            headings.use(*parts)
            addresses.append(Spec(columns=parts, join=", "))
    known = columns.get("address")
    if addresses:
        columns["address"] = [*(known if isinstance(known, list) else []), *addresses]
