"""From drafts to rows: cleaning, normalising, and every reason why a draft cannot go in. No I/O."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import msgspec
import phonenumbers

from relatum.customers.types import (
    ContactPoint,
    ContactPointDraft,
    CustomerDraft,
    CustomerKind,
    FieldDraft,
)
from relatum.values.email import normalise_email
from relatum.values.ids import new_id
from relatum.values.names import name_sort_key
from relatum.values.phone import normalise_phone
from relatum.values.problems import InvalidInput, Problem
from relatum.values.text import clean_line, fold, nearest, sort_key

SORT_KEY_LENGTH = 700
LONGEST_FIELD = 2_000
GREATEST_INTEGER = 2**53

Row = tuple[Any, ...]


class ContactRow(msgspec.Struct, frozen=True):
    """A contact point ready to be stored."""

    kind: str
    raw: str
    normalised: str
    label: str
    primary: bool


class Ready(msgspec.Struct):
    """A draft that may go in."""

    kind: CustomerKind
    display_name: str
    contact_points: list[ContactRow]
    roles: list[str]
    tags: list[str]
    fields: dict[str, Any]
    external_ids: dict[str, str]
    owner: UUID | None = None
    team: UUID | None = None


class Findings:
    """Collects problems so that all are told at once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def line(self, text: str, *, what: str, most: int, where: str) -> str:
        """One clean line of text; a problem and an empty string when it is not."""
        try:
            return clean_line(text, what=what, max_length=most, where=where)
        except InvalidInput as refusal:
            self.problems += refusal.problems
            return ""

    def add(self, code: str, message: str, *, where: str, **rest: str) -> None:
        self.problems.append(Problem(code=code, message=message, where=where, **rest))


class Checker:
    """Checks drafts by the company's country and its declared custom fields."""

    def __init__(self, fields: Mapping[str, FieldDraft], *, country: str) -> None:
        self._fields = fields
        self._country = country

    def ready(
        self, draft: CustomerDraft, stored: Mapping[str, Any] | None = None
    ) -> tuple[Ready | None, list[Problem]]:
        """The draft as it would be stored, or every reason why it cannot be.

        Args:
            stored: custom fields as they are stored; what stays as it is was checked before.
        """
        found = Findings()
        ready = Ready(
            kind=draft.kind,
            display_name=self.name(draft.display_name, found),
            contact_points=self.contact_points(draft.contact_points, found),
            roles=list(dict.fromkeys(draft.roles)),
            tags=self.tags(draft.tags, found),
            fields=self.fields(draft.fields, draft.kind, found, stored or {}),
            external_ids=self.external_ids(draft.external_ids, found),
            owner=draft.owner,
            team=draft.team,
        )
        return (None, found.problems) if found.problems else (ready, [])

    def name(self, text: str, found: Findings) -> str:
        name = found.line(text, what="display name", most=300, where="/display_name")
        if not name and not found.problems:
            found.add(
                "empty-name",
                "the name is empty",
                where="/display_name",
                expected="at least one visible character",
                got=repr(text[:40]),
                mend="Give the name people know this customer by.",
            )
        return name

    def tags(self, tags: Iterable[str], found: Findings) -> list[str]:
        clean = [
            found.line(tag, what="tag", most=60, where=f"/tags/{n}") for n, tag in enumerate(tags)
        ]
        return list(dict.fromkeys(tag for tag in clean if tag))

    def external_ids(self, ids: Mapping[str, str], found: Findings) -> dict[str, str]:
        return {
            source: found.line(value, what="external id", most=200, where=f"/external_ids/{source}")
            for source, value in ids.items()
        }

    def contact_points(
        self, drafts: Sequence[ContactPointDraft], found: Findings
    ) -> list[ContactRow]:
        rows: list[ContactRow] = []
        seen: set[tuple[str, str]] = set()
        for n, draft in enumerate(drafts):
            row = self._contact_point(draft, f"/contact_points/{n}", found)
            if row is not None and (row.kind, row.normalised) not in seen:
                seen.add((row.kind, row.normalised))
                rows.append(row)
        return with_primaries(rows)

    def _contact_point(
        self, draft: ContactPointDraft, where: str, found: Findings
    ) -> ContactRow | None:
        raw = found.line(draft.raw, what=draft.kind, most=500, where=f"{where}/raw")
        label = found.line(draft.label, what="label", most=100, where=f"{where}/label")
        if not raw:
            return None
        normalised = self._normalised(draft.kind, raw, f"{where}/raw", found)
        if normalised is None:
            return None
        return ContactRow(draft.kind, raw, normalised, label, draft.primary)

    def _normalised(self, kind: str, raw: str, where: str, found: Findings) -> str | None:
        if kind == "phone":
            phone = normalise_phone(raw, self._country, where=where)
            if phone.problem is not None:
                found.problems.append(phone.problem)
            return phone.e164
        if kind == "email":
            email = normalise_email(raw, where=where)
            if email.problem is not None:
                found.problems.append(email.problem)
            return email.address.lower() if email.address else None
        return fold(raw)[:500]

    def fields(
        self,
        values: Mapping[str, Any],
        kind: CustomerKind,
        found: Findings,
        stored: Mapping[str, Any],
    ) -> dict[str, Any]:
        clean: dict[str, Any] = {}
        for key, value in values.items():
            where = f"/fields/{key}"
            declared = self._fields.get(key)
            if declared is None:
                self._unknown_field(key, where, found)
            elif declared.applies_to not in {"both", kind}:
                found.add(
                    "field-not-for-kind",
                    f"field {key!r} is for {declared.applies_to} customers",
                    where=where,
                    expected=f"a customer of kind {declared.applies_to}",
                    got=kind,
                    mend="Leave the field out.",
                )
            elif value is not None and _is_same(stored.get(key), value):
                clean[key] = value
            elif value is not None:
                clean[key] = _field_value(declared, value, where, found)
        return clean

    def _unknown_field(self, key: str, where: str, found: Findings) -> None:
        near = nearest(key, self._fields)
        found.add(
            "unknown-field",
            f"there is no custom field {key!r}",
            where=where,
            expected=f"a declared field, perhaps {near}" if near else "a declared field",
            got=key,
            mend="Declare it at /api/v1/customer-fields first, or mend the name.",
        )


def _is_same(stored: Any, value: Any) -> bool:
    return type(stored) is type(value) and bool(stored == value)


def _field_value(field: FieldDraft, value: Any, where: str, found: Findings) -> Any:
    reader = _READERS[field.type]
    try:
        clean = reader(value)
    except (ValueError, InvalidOperation, TypeError):
        clean = None
    if clean is None or (field.type == "choice" and clean not in field.choices):
        expected = ", ".join(field.choices) if field.type == "choice" else _EXPECTED[field.type]
        found.add(
            "bad-field-value",
            f"field {field.key!r} does not take this value",
            where=where,
            expected=expected,
            got="" if field.sensitivity == "secret" else repr(value)[:80],
            mend="Mend the value, or declare the field with another type.",
        )
    return clean


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return clean_line(value, what="text", max_length=LONGEST_FIELD)
    except InvalidInput:
        return None


def _integer(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    number = int(value)
    return number if abs(number) <= GREATEST_INTEGER else None


def _decimal(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    number = Decimal(str(value))
    return f"{number:f}" if number.is_finite() and abs(number.adjusted()) <= 30 else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _date(value: Any) -> str | None:
    return dt.date.fromisoformat(value).isoformat() if isinstance(value, str) else None


_READERS = {
    "text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "choice": _text,
}
_EXPECTED = {
    "text": f"one line of at most {LONGEST_FIELD} characters",
    "integer": "a whole number",
    "decimal": "a number, as text to keep every digit",
    "boolean": "true or false",
    "date": "a date like 2026-11-22",
}


def sort_key_of(name: str, kind: str, country: str) -> str:
    """Key by which customers are listed: people by given name in Viet Nam, others by their name."""
    key = name_sort_key(name, country) if kind == "person" else sort_key(name)
    return key[:SORT_KEY_LENGTH]


def search_text(name: str, contact_points: Iterable[ContactRow], country: str) -> str:
    """What a search looks through: the name and contact points without marks and case."""
    words = [fold(name)]
    for point in contact_points:
        words.append(point.normalised)
        if point.kind == "phone" and point.normalised.startswith(home := _calling_code(country)):
            # As people at home write it, so that 0901… finds +84901….
            words.append("0" + point.normalised.removeprefix(home))
    return " ".join(words)


@functools.cache
def _calling_code(country: str) -> str:
    return f"+{phonenumbers.country_code_for_region(country)}"


CONTACT_COLUMNS = (
    "id",
    "customer_id",
    "kind",
    "raw",
    "normalised",
    "label",
    "is_primary",
    "position",
    "verified_at",
)
ROLE_COLUMNS = ("id", "customer_id", "role", "since")
TAG_COLUMNS = ("id", "customer_id", "tag")
EXTERNAL_COLUMNS = ("id", "customer_id", "source", "external_id")


def with_primaries(points: Sequence[ContactRow]) -> list[ContactRow]:
    """One primary point of each kind: the first that says so, or else the first."""
    chosen: dict[str, ContactRow] = {}
    for point in points:
        if point.kind not in chosen or (point.primary and not chosen[point.kind].primary):
            chosen[point.kind] = point
    return [
        ContactRow(
            point.kind, point.raw, point.normalised, point.label, chosen[point.kind] is point
        )
        for point in points
    ]


def contact_rows(
    customer: UUID, points: Sequence[ContactRow], known: Sequence[ContactPoint] = ()
) -> list[Row]:
    """Rows for ``CONTACT_COLUMNS``; a point that was there keeps its id and its verification."""
    kept = {(point.kind, point.normalised): point for point in known}
    found = []
    for position, point in enumerate(points):
        before = kept.get((point.kind, point.normalised))
        found.append(
            (
                before.id if before else new_id(),
                customer,
                point.kind,
                point.raw,
                point.normalised,
                point.label,
                point.primary,
                position,
                before.verified_at if before else None,
            )
        )
    return found


def role_rows(customer: UUID, roles: Iterable[str], moment: dt.datetime) -> list[Row]:
    return [(new_id(), customer, role, moment) for role in roles]


def tag_rows(customer: UUID, tags: Iterable[str]) -> list[Row]:
    return [(new_id(), customer, tag) for tag in tags]


def external_rows(customer: UUID, ids: Mapping[str, str]) -> list[Row]:
    return [(new_id(), customer, source, value) for source, value in ids.items()]
