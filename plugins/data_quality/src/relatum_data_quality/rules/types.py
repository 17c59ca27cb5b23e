"""What a rule is, what it finds, and what it may know."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal
from uuid import UUID

import msgspec

from relatum.api import ContactPoint, ContactPointDraft, Customer, CustomerChange, Text

Measure = Literal["completeness", "validity", "uniqueness", "freshness", "consistency"]
Severity = Literal["error", "warning", "note"]
#: What stands in place of what somebody may not see; nothing is said about it.
MASK = "•••"


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """One change that mends one value.

    Attributes:
        target: ``name``, ``kind``, ``tag``, ``point:<kind>`` or ``field:<key>``.
        before: the value as it is.
        after: what stands in its place; none when the value goes, several when it is taken apart.
        kind: the kind that a contact point becomes; empty when it stays.
    """

    target: str
    before: str
    after: tuple[str, ...]
    kind: str = ""


class Flaw(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a rule found in one customer.

    Attributes:
        value: what is wrong; empty when something is missing.
        fixes: what mends it for certain; empty when a person has to say.
    """

    value: str = ""
    fixes: tuple[Fix, ...] = ()


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What rules may know besides the customer.

    Attributes:
        shared: how many customers have a contact point (kind, normalised) or a tax code
            (``tax_code``, digits); those that one customer has alone may be left out.
        verified: when a field of a customer was last verified or written, by customer and field.
        half_lives: days, by field.
        expired_below: freshness below which a value counts as expired.
        own: rules of the company itself that are on, by id.
        not_given: keys of custom fields whose values look empty, and may not be.
    """

    today: dt.date
    country: str = "VN"
    birth_field: str = "birth_date"
    tax_field: str = "tax_code"
    gender_field: str = "gender"
    need_field: str = "need"
    shared: Mapping[tuple[str, str], int] = {}
    verified: Mapping[tuple[UUID, str], dt.datetime] = {}
    half_lives: Mapping[str, float] = {}
    expired_below: float = 0.25
    own: Mapping[str, Rule] = {}
    not_given: frozenset[str] = frozenset()

    def lacks(self, customer: Customer, key: str) -> bool:
        """Whether a custom field is empty, as far as that is known."""
        return key not in self.not_given and not customer.fields.get(key)


#: Dimension, severity and field.
Where = tuple[Measure, Severity, str]
Check = Callable[[Customer, Known], Iterator[Flaw]]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule.

    Attributes:
        id: ``data_quality.<name>``; rules of other plugins begin with their own id.
        field: what it is about: ``name``, ``phone``, ``email``, ``address``, ``birth``, …
        title: what is wrong, in a few words.
        why: what it does to the business, and what to do.
        weight: of the field for the index, where the settings do not weigh it.
        counts: of a rule with a weight, whether its field counts for this customer.
    """

    id: str
    dimension: Measure
    severity: Severity
    field: str
    title: Text
    why: Text
    check: Check
    weight: float = 0.0
    counts: Callable[[Customer], bool] | None = None


def rule(
    name: str,
    where: Where,
    title: tuple[str, str],
    why: tuple[str, str],
    check: Check,
) -> Rule:
    """A rule of this plugin; texts in English and Vietnamese."""
    dimension, severity, field = where
    return Rule(
        id=f"data_quality.{name}",
        dimension=dimension,
        severity=severity,
        field=field,
        title=Text(*title),
        why=Text(*why),
        check=check,
    )


def values_of(customer: Customer, kind: str) -> list[ContactPoint]:
    """The contact points of a kind that the viewer sees in plain."""
    return [p for p in customer.contact_points if p.kind == kind and MASK not in p.raw]


def field_of(customer: Customer, key: str) -> str:
    """A custom field as text; empty when it is empty or masked."""
    value = customer.fields.get(key)
    text = value.isoformat() if isinstance(value, dt.date) else str(value or "").strip()
    return "" if MASK in text else text


def evaluate(
    rules: Sequence[Rule], customers: Sequence[Customer], known: Known
) -> list[list[tuple[Rule, list[Flaw]]]]:
    """For each customer the rules that found something, with what they found."""
    return [
        [(each, flaws) for each in rules if (flaws := list(each.check(customer, known)))]
        for customer in customers
    ]


def change_of(customer: Customer, fixes: Sequence[Fix]) -> CustomerChange | None:
    """The change that fixes come to; ``None`` when none of them fits the customer any more."""
    change: dict[str, object] = {}
    points = [
        ContactPointDraft(kind=p.kind, raw=p.raw, label=p.label, primary=p.primary)  # type: ignore[arg-type]
        for p in customer.contact_points
    ]
    tags = list(customer.tags)
    for fix in fixes:
        target, _, detail = fix.target.partition(":")
        if target == "name" and change.get("display_name", customer.display_name) == fix.before:
            change["display_name"] = fix.after[0]
        elif target == "kind" and customer.kind == fix.before:
            change["kind"] = fix.after[0]
        elif target == "tag" and fix.before in tags:
            tags.remove(fix.before)
            change["tags"] = tags
        elif target == "field" and field_of(customer, detail) == fix.before:
            fields: dict[str, object] = dict(change.get("fields", {}))  # type: ignore[call-overload]
            fields[detail] = fix.after[0] if fix.after else None
            change["fields"] = fields
        elif target == "point" and (fixed := _replaced(points, detail, fix)) is not None:
            points = fixed
            change["contact_points"] = points
    return msgspec.convert(change, CustomerChange) if change else None


def _replaced(
    points: list[ContactPointDraft], kind: str, fix: Fix
) -> list[ContactPointDraft] | None:
    """The contact points with one of them replaced; the last one of equal ones goes."""
    places = [n for n, p in enumerate(points) if (p.kind, p.raw) == (kind, fix.before)]
    if not places:
        return None
    at = places[-1]
    old = points[at]
    fresh = [
        msgspec.structs.replace(
            old, raw=raw, kind=fix.kind or old.kind, primary=old.primary and not n
        )
        for n, raw in enumerate(fix.after)
    ]
    return [*points[:at], *fresh, *points[at + 1 :]]
