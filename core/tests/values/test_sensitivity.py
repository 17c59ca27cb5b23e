"""Classes of sensitive fields: where they may stand, and that an unknown one hides."""

from __future__ import annotations

from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from relatum.values.sensitivity import is_concealed, sensitive_fields, unusable_classes


def marked(sensitivity: str) -> Meta:
    return Meta(extra={"sensitivity": sensitivity})


class Good(msgspec.Struct):
    number: Annotated[str, marked("contact")]
    weight: Annotated[int | None, marked("health")] = None
    card: Annotated[str, Meta(max_length=20), marked("finance")] | None = msgspec.field(
        default=None, name="cardNumber"
    )
    note: str = ""


class Inner(msgspec.Struct):
    number: Annotated[str, marked("contact")]
    more: list[Inner] = []


class Deep(msgspec.Struct):
    inner: dict[str, list[Inner]] = {}


class Misspelt(msgspec.Struct):
    number: Annotated[str, marked("contacts")]


class Secret(msgspec.Struct):
    number: Annotated[str, marked("secret")]


def test_fields_by_their_names_in_json() -> None:
    expected = {"number": "contact", "weight": "health", "cardNumber": "finance"}
    assert sensitive_fields(Good) == expected
    assert unusable_classes(Good) == []


@pytest.mark.parametrize(
    ("payload", "says"),
    [(Deep, "inside inner"), (Misspelt, "'contacts'"), (Secret, "'secret'")],
)
def test_what_would_not_be_hidden_is_said(payload: type[msgspec.Struct], says: str) -> None:
    (reason,) = unusable_classes(payload)
    assert says in reason


def test_a_class_that_nobody_knows_is_hidden_from_who_misses_any() -> None:
    assert is_concealed("contacts", frozenset({"health"}))
    assert not is_concealed("contact", frozenset({"health"}))
    assert not is_concealed("contacts", frozenset())
