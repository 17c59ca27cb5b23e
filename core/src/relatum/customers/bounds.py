"""Custom fields in a search: which can be asked for, which take bounds, and what those may be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from relatum.customers.types import CustomerQuery, FieldDraft
from relatum.values.problems import InvalidInput, Problem

_EXPECTED = {
    "integer": "a number",
    "decimal": "a number",
    "date": "a day like 2026-11-22",
}


def refuse_fields(query: CustomerQuery, declared: Sequence[FieldDraft]) -> None:
    """Refuse fields that are not declared, fields that are secret, and bounds that cannot be used.

    Raises:
        InvalidInput: naming each.
    """
    keys = dict.fromkeys([*query.fields, *query.field_from, *query.field_until])
    _refuse_unknown(keys, declared)
    _refuse_secret(keys, declared)
    _refuse_bounds(query, declared)


def _refuse_bounds(query: CustomerQuery, declared: Sequence[FieldDraft]) -> None:
    """Refuse bounds of fields that have no order, and bounds that are none.

    Raises:
        InvalidInput: naming each.
    """
    types = {field.key: field.type for field in declared}
    problems = [
        *_problems("field_from", query.field_from, types),
        *_problems("field_until", query.field_until, types),
    ]
    if problems:
        raise InvalidInput("A bound cannot be used.", problems=problems)


def _problems(name: str, bounds: Mapping[str, str], types: Mapping[str, str]) -> Iterator[Problem]:
    for key, text in bounds.items():
        expected = _EXPECTED.get(types[key])
        if expected is None or not _reads(types[key], text):
            yield Problem(
                code="bad-bound",
                message=f"field {key!r} takes no such bound",
                where=f"{name}.{key}",
                expected=expected or "a field of numbers or days",
                got=text[:80],
                mend="Mend the bound, or leave it out.",
            )


def _reads(kind: str, text: str) -> bool:
    try:
        if kind == "date":
            return dt.date.fromisoformat(text).isoformat() == text
        return Decimal(text).is_finite()
    except (ValueError, InvalidOperation):
        return False


def _refuse_unknown(keys: Iterable[str], declared: Sequence[FieldDraft]) -> None:
    known = {field.key for field in declared}
    unknown = [key for key in keys if key not in known]
    if unknown:
        raise InvalidInput(
            "There is no such custom field.",
            problems=[
                Problem(
                    code="unknown-field",
                    message=f"there is no custom field {key!r}",
                    where=f"field.{key}",
                    expected=", ".join(sorted(known)) or "no fields are declared yet",
                    got=key[:60],
                    mend="Mend the name, or declare the field first.",
                )
                for key in unknown
            ],
        )


def _refuse_secret(keys: Iterable[str], declared: Sequence[FieldDraft]) -> None:
    secret = {field.key for field in declared if field.sensitivity == "secret"}
    for key in keys:
        if key in secret:
            raise InvalidInput(
                f"expected a field that can be looked for, got the secret field {key!r}; its "
                "values are encrypted: leave it out"
            )
