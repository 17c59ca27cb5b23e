"""A customer as it stands in a form: text, as people type it. No I/O.

What somebody leaves as it was shown is not part of a change, so that a masked value stays what it
is and nobody writes back what another one has changed meanwhile.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from relatum.customers.types import ContactPointDraft, Customer, CustomerDraft, FieldDraft
from relatum.values.problems import InvalidInput, Problem
from relatum.web.languages import Language
from relatum.web.pages.customers.card import is_masked, shown_point

MOST_POINTS = 50
_GROUPED = re.compile(r"-?\d{1,3}([. ,\u00a0])\d{3}(?:\1\d{3})*")
_SEVERAL = ("roles", "tags")


class TypedPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One row of contact points."""

    kind: str = "phone"
    raw: str = ""
    label: str = ""
    primary: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by while it is edited."""
        return (self.kind, self.raw)


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the form of a customer holds.

    Attributes:
        fields: custom fields by key; what is empty has no value.
        owner: an account's id, or empty.
        team: a team's id, or empty.
    """

    display_name: str = ""
    kind: str = "person"
    points: list[TypedPoint] = []
    roles: list[str] = []
    tags: list[str] = []
    fields: dict[str, str] = {}
    owner: str = ""
    team: str = ""


def typed_from(
    customer: Customer, fields: Sequence[FieldDraft], country: str, language: Language
) -> Typed:
    """What the form of a customer holds when it is opened."""
    declared = {field.key: field for field in fields}
    return Typed(
        display_name=customer.display_name,
        kind=customer.kind,
        points=[
            TypedPoint(
                kind=point.kind,
                raw=shown_point(point, country),
                label=point.label,
                primary=point.primary,
            )
            for point in customer.contact_points
        ],
        roles=list(customer.roles),
        tags=list(customer.tags),
        fields={
            key: field_input(declared[key], value, language)
            for key, value in customer.fields.items()
            if key in declared and value is not None
        },
        owner=str(customer.owner or ""),
        team=str(customer.team or ""),
    )


def field_input(field: FieldDraft, value: Any, language: Language) -> str:
    """A value of a custom field as its control holds it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if field.type == "decimal" and language == "vi" and not is_masked(value):
        return text.replace(".", ",")
    return text


def drafted(typed: Typed, shown: Customer | None, country: str) -> list[ContactPointDraft]:
    """The contact points to be stored: those that were left as they were shown, as they are."""
    known: dict[tuple[str, str], list[str]] = {}
    for point in shown.contact_points if shown is not None else ():
        known.setdefault((point.kind, shown_point(point, country)), []).append(point.raw)
    drafts = []
    for row in typed.points:
        raws = known.get(row.key)
        raw = raws.pop(0) if raws else row.raw
        drafts.append(
            ContactPointDraft(kind=row.kind, raw=raw, label=row.label, primary=row.primary)  # type: ignore[arg-type]
        )
    return drafts


def draft_from(typed: Typed, fields: Sequence[FieldDraft], country: str) -> CustomerDraft:
    """A customer to be created.

    Raises:
        InvalidInput: with every value that cannot be read.
    """
    values = dict(_checked(typed))
    values["contact_points"] = drafted(typed, None, country)
    values["fields"] = field_values(typed.fields, fields)
    return CustomerDraft(**{key: value for key, value in values.items() if value is not None})


def changed_values(
    typed: Typed, base: Typed, shown: Customer, fields: Sequence[FieldDraft], country: str
) -> dict[str, Any]:
    """What differs from the base, as the arguments of a change.

    Args:
        base: what the form held when it was opened.
        shown: the customer as the viewer sees it.

    Raises:
        InvalidInput: with every value that cannot be read.
    """
    values = dict(_checked(typed))
    values["contact_points"] = drafted(typed, shown, country)
    changed = {
        name: value
        for name, value in values.items()
        if getattr(typed, _NAMES.get(name, name)) != getattr(base, _NAMES.get(name, name))
    }
    differing = {
        key: typed.fields.get(key, "")
        for key in {**base.fields, **typed.fields}
        if typed.fields.get(key, "") != base.fields.get(key, "")
    }
    if differing:
        cleared = {key: None for key, text in differing.items() if not text}
        changed["fields"] = {**field_values(differing, fields), **cleared}
    return changed


_NAMES = {"contact_points": "points"}


def _checked(typed: Typed) -> Mapping[str, Any]:
    return {
        "display_name": typed.display_name,
        "kind": typed.kind,
        "roles": typed.roles,
        "tags": typed.tags,
        "owner": _id(typed.owner),
        "team": _id(typed.team),
    }


def _id(text: str) -> UUID | None:
    return UUID(text) if text else None


def field_values(texts: Mapping[str, str], fields: Sequence[FieldDraft]) -> dict[str, Any]:
    """Custom fields as they were typed, read.

    Raises:
        InvalidInput: with every value that cannot be read.
    """
    declared = {field.key: field for field in fields}
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, text in texts.items():
        if text and key in declared:
            try:
                found[key] = field_value(declared[key], text)
            except InvalidInput as error:
                problems += error.problems
    if problems:
        raise InvalidInput("Some values cannot be read.", problems=problems)
    return found


def field_value(field: FieldDraft, text: str) -> Any:
    """What somebody typed into the control of a custom field, as the API takes it.

    Raises:
        InvalidInput: a number that can be read in two ways, or in none.
    """
    if field.type == "boolean":
        return {"yes": True, "no": False}.get(text, text)
    if field.type == "integer":
        plain = text.strip()
        plain = re.sub(r"[. ,\u00a0]", "", plain) if _GROUPED.fullmatch(plain) else plain
        return int(plain) if re.fullmatch(r"-?\d{1,18}", plain) else text
    if field.type == "decimal":
        return _decimal(field, text.strip())
    if field.type == "date":
        return _day(text.strip())
    return text


def _decimal(field: FieldDraft, text: str) -> str:
    """``12,5``, ``12.5``, ``1.234.567,8``; one mark before three digits may be either."""
    marks = [char for char in text if char in ",."]
    if len(marks) == 1 and _GROUPED.fullmatch(text):
        whole, _, rest = text.partition(marks[0])
        problem = Problem(
            code="ambiguous-number",
            message="this number can be read in two ways",
            where=f"/fields/{field.key}",
            expected=f"{whole}{rest} or {whole}{marks[0]}{rest}0",
            got=text[:40],
            mend="Leave the mark of thousands out, or write one more decimal.",
        )
        raise InvalidInput("A number can be read in two ways.", problems=[problem])
    text = re.sub(r"[ \u00a0]", "", text)
    last = max(text.rfind(","), text.rfind("."))
    if last < 0:
        return text
    if len(marks) > 1 and marks.count(text[last]) > 1:
        return re.sub(r"[,.]", "", text)
    return f"{re.sub(r'[,.]', '', text[:last])}.{text[last + 1 :]}"


def _day(text: str) -> str:
    """``2026-11-22`` as it is; ``22/11/2026`` turned round."""
    written = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", text)
    if written is None:
        return text
    try:
        return dt.date(int(written[3]), int(written[2]), int(written[1])).isoformat()
    except ValueError:
        return text
