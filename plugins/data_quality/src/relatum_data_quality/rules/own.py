"""Rules that a company makes for itself: a few safe kinds, made into rules like the others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from uuid import UUID

import msgspec

from relatum.api import Customer, Text
from relatum_data_quality.rules.types import (
    MASK,
    Check,
    Flaw,
    Known,
    Measure,
    Rule,
    field_of,
    values_of,
)
from relatum_data_quality.types import OwnRule

#: ``point:<kind>`` and ``field:<key>`` are what an own rule may be about.
POINT, FIELD = "point", "field"
#: What each kind finds, as it counts for the index.
DIMENSIONS: dict[str, Measure] = {"required": "completeness"}
WHY = Text(
    en="A rule that somebody of your company made.",
    vi="Quy tắc do người trong công ty bạn đặt ra.",
)
_Wrong = Callable[[str, dt.date], bool]


def rule_id(id: UUID) -> str:
    """What findings call an own rule."""
    return f"data_quality.own_{id.hex}"


def rule_of(own: OwnRule, names: dict[str, str]) -> Rule:
    """An own rule as it is applied.

    Args:
        names: what the index calls the custom fields that it knows already, by key.
    """
    return Rule(
        id=rule_id(own.id),
        dimension=DIMENSIONS.get(own.kind, "validity"),
        severity=own.severity,
        field=index_name(own.field, names),
        title=Text(en=own.title_en, vi=own.title_vi),
        why=WHY,
        check=_check(own),
        weight=float(own.weight),
        counts=_counts(own),
    )


def index_name(field: str, names: dict[str, str]) -> str:
    """What the index calls the field of an own rule."""
    what, _, key = field.partition(":")
    return key if what == POINT else names.get(key, field)


def concerns(own: OwnRule, customer: Customer) -> bool:
    """Whether a rule is about this customer at all."""
    return (
        own.people in ("", customer.kind)
        and (not own.role or own.role in customer.roles)
        and (not own.tag or own.tag.casefold() in {each.casefold() for each in customer.tags})
    )


def has_value(field: str, customer: Customer) -> bool:
    """Whether there is a value, even one that the viewer may not see."""
    what, _, key = field.partition(":")
    if what == POINT:
        return any(point.kind == key for point in customer.contact_points)
    return customer.fields.get(key) not in (None, "")


def _counts(own: OwnRule) -> Callable[[Customer], bool]:
    def counts(customer: Customer) -> bool:
        return concerns(own, customer) and (
            own.kind == "required" or has_value(own.field, customer)
        )

    return counts


def _check(own: OwnRule) -> Check:
    if own.kind == "required":

        def missing(customer: Customer, known: Known) -> Iterator[Flaw]:
            if concerns(own, customer) and not has_value(own.field, customer):
                yield Flaw()

        return missing
    wrong = _WRONG[own.kind](own)

    def unfit(customer: Customer, known: Known) -> Iterator[Flaw]:
        if concerns(own, customer):
            for value in _values(own.field, customer):
                if wrong(value, known.today):
                    yield Flaw(value=value)

    return unfit


def _values(field: str, customer: Customer) -> list[str]:
    """What the viewer sees of a field in plain."""
    what, _, key = field.partition(":")
    if what == POINT:
        return [point.raw.strip() for point in values_of(customer, key)]
    held = customer.fields.get(key)
    if isinstance(held, int | float) and not isinstance(held, bool):
        return [str(held)]
    text = field_of(customer, key)
    return [text] if text and MASK not in text else []


def _digits(own: OwnRule) -> _Wrong:
    least, most = int(own.least or 1), int(own.most or 500)

    def wrong(value: str, today: dt.date) -> bool:
        return not (value.isascii() and value.isdigit() and least <= len(value) <= most)

    return wrong


def _number(own: OwnRule) -> _Wrong:
    least = Decimal(own.least) if own.least else None
    most = Decimal(own.most) if own.most else None

    def wrong(value: str, today: dt.date) -> bool:
        number = number_of(value)
        return (
            number is None
            or (least is not None and number < least)
            or (most is not None and number > most)
        )

    return wrong


def _words(own: OwnRule) -> _Wrong:
    allowed = {word.casefold() for word in own.words}
    return lambda value, today: value.casefold() not in allowed


def _domain(own: OwnRule) -> _Wrong:
    allowed = {word.casefold() for word in own.words}

    def wrong(value: str, today: dt.date) -> bool:
        name, at, domain = value.rpartition("@")
        return not (name and at and domain.casefold() in allowed)

    return wrong


def _dates(own: OwnRule) -> _Wrong:
    def wrong(value: str, today: dt.date) -> bool:
        try:
            day = dt.date.fromisoformat(value)
        except ValueError:
            return True
        if own.kind == "not_future":
            return day > today
        if own.kind == "not_past":
            return day < today
        return (today - day).days > (own.days or 0)

    return wrong


_WRONG: dict[str, Callable[[OwnRule], _Wrong]] = {
    "digits": _digits,
    "number": _number,
    "words": _words,
    "domain": _domain,
    "not_future": _dates,
    "not_past": _dates,
    "not_older": _dates,
}


def number_of(text: str) -> Decimal | None:
    """A number as it is stored, with a point; ``None`` when the text is none."""
    try:
        number = Decimal(text) if text.isascii() and len(text) <= 60 else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def changes_of(before: OwnRule | None, after: OwnRule | None) -> dict[str, tuple[object, object]]:
    """Each part that differs, with its value before and after."""
    old = msgspec.to_builtins(before) if before else {}
    new = msgspec.to_builtins(after) if after else {}
    names = [name for name in OwnRule.__struct_fields__ if name not in {"id", "version"}]
    pairs = {name: (old.get(name), new.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
