"""Every mistake of a value is found, at its place, in words."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Meta, UnsetType

from relatum.http.findings import findings, findings_of_message, pointer_of, quoted


class Colour(enum.Enum):
    red = "red"
    blue = "blue"


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    raw: Annotated[str, Meta(min_length=1, max_length=5)]
    kind: Literal["phone", "email"] = "phone"


class Outer(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: Annotated[str, Meta(min_length=1)]
    count: Annotated[int, Meta(ge=0, le=9)] = 0
    rate: float = 0.0
    yes: bool = False
    colour: Colour = Colour.red
    id: UUID | None = None
    at: dt.datetime | None = None
    day: dt.date | None = None
    items: Annotated[list[Inner], Meta(max_length=2)] = []
    words: dict[Annotated[str, Meta(pattern="^[a-z]+$")], int] = {}
    maybe: str | UnsetType = UNSET
    open: Any = None


def places(value: Any) -> dict[str, str]:
    return {problem.where: problem.code for problem in findings(value, Outer)}


GOOD: dict[str, Any] = {
    "name": "An",
    "count": 3,
    "rate": 1,
    "yes": True,
    "colour": "blue",
    "id": "01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e",
    "at": "2026-11-22T08:30:00+07:00",
    "day": "2026-11-22",
    "items": [{"raw": "1"}, {"raw": "2", "kind": "email"}],
    "words": {"a": 1},
    "open": [{"x": None}],
}


def test_nothing_is_found_in_a_good_value() -> None:
    msgspec.convert(GOOD, Outer)
    assert findings(GOOD, Outer) == []


@pytest.mark.parametrize(
    ("field", "value", "where", "code"),
    [
        ("name", 5, "/name", "wrong-value"),
        ("name", "", "/name", "wrong-value"),
        ("name", None, "/name", "wrong-value"),
        ("count", -1, "/count", "wrong-value"),
        ("count", 10, "/count", "wrong-value"),
        ("count", True, "/count", "wrong-value"),
        ("count", "3", "/count", "wrong-value"),
        ("rate", "1", "/rate", "wrong-value"),
        ("yes", 1, "/yes", "wrong-value"),
        ("yes", "true", "/yes", "wrong-value"),
        ("colour", "green", "/colour", "wrong-value"),
        ("id", "abc", "/id", "wrong-value"),
        ("at", "yesterday", "/at", "wrong-value"),
        ("day", "22/11/2026", "/day", "wrong-value"),
        ("items", {}, "/items", "wrong-value"),
        ("items", [{"raw": "x"}] * 3, "/items", "wrong-value"),
        ("items", [{"raw": "toolong"}], "/items/0/raw", "wrong-value"),
        ("items", [{"raw": "x"}, {"kind": "fax", "raw": "x"}], "/items/1/kind", "wrong-value"),
        ("items", [{}], "/items/0/raw", "missing"),
        ("items", [{"raw": "x", "rww": 1}], "/items/0/rww", "unknown-field"),
        ("words", {"A/b~": 1}, "/words/A~1b~0", "wrong-key"),
        ("words", {"a": "x"}, "/words/a", "wrong-value"),
        ("maybe", None, "/maybe", "wrong-value"),
        ("nmae", "x", "/nmae", "unknown-field"),
    ],
)
def test_each_mistake_is_found_at_its_place(field: str, value: Any, where: str, code: str) -> None:
    wrong = {**GOOD, field: value}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Outer)
    assert places(wrong) == {where: code}


def test_all_mistakes_are_found_together() -> None:
    wrong = {"count": -1, "yes": "no", "items": [{}, {"raw": 5}], "zzz": 1}
    assert set(places(wrong)) == {"/name", "/count", "/yes", "/items/0/raw", "/items/1/raw", "/zzz"}


def test_the_nearest_field_is_proposed() -> None:
    (problem,) = findings({**GOOD, "colur": "red"}, Outer)
    assert problem.mend == "Did you mean colour?"


def test_a_value_that_is_no_object() -> None:
    (problem,) = findings([1], Outer)
    assert problem.where == ""
    assert problem.got == "a list of 1"


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("`$.items[0].price`", "/items/0/price"),
        ("`$`", ""),
        ("`key` in `$.fields`", "/fields"),
        ("`$.fields[...]`", "/fields"),
        ("", ""),
    ],
)
def test_paths_become_pointers(path: str, pointer: str) -> None:
    assert pointer_of(path) == pointer


def test_a_message_of_msgspec_in_our_words() -> None:
    problem = findings_of_message("Expected `int`, got `str` - at `$.items[3].price`")
    assert (problem.where, problem.expected, problem.got) == (
        "/items/3/price",
        "a whole number",
        "text",
    )


def test_what_came_is_cut_short() -> None:
    assert quoted("x" * 5000).startswith('"xxx')
    assert len(quoted("x" * 5000)) < 120


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=10,
)
near_values = st.fixed_dictionaries({}, optional=dict.fromkeys(GOOD, json_values))


@given(near_values | json_values)
def test_something_is_found_exactly_when_msgspec_refuses(value: Any) -> None:
    """Walking the type agrees with the decoder (JSON's own round trip makes the value plain)."""
    encoded = msgspec.json.encode(value)
    try:
        msgspec.json.decode(encoded, type=Outer)
        refused = False
    except msgspec.ValidationError:
        refused = True
    assert bool(findings(msgspec.json.decode(encoded), Outer)) == refused
