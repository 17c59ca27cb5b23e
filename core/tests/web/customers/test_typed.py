"""What people type into the controls of custom fields, and what stays as it was."""

from __future__ import annotations

from typing import Any

import pytest

from relatum.customers.types import FieldDraft
from relatum.values.problems import InvalidInput
from relatum.web.pages.customers.form import CustomerForm
from relatum.web.pages.customers.typed import Typed, TypedPoint, field_input, field_value


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", "12500", 12500),
        ("integer", "12.500", 12500),
        ("integer", "1.234.567", 1234567),
        ("integer", "1 234", 1234),
        ("integer", "12,5", "12,5"),
        ("integer", "-3", -3),
        ("decimal", "12,5", "12.5"),
        ("decimal", "12.5", "12.5"),
        ("decimal", "1.234,5", "1234.5"),
        ("decimal", "1,234.50", "1234.50"),
        ("decimal", "1.234.567", "1234567"),
        ("decimal", "1234,567", "1234.567"),
        ("decimal", "7", "7"),
        ("date", "2026-11-22", "2026-11-22"),
        ("date", "22/11/2026", "2026-11-22"),
        ("date", "31/02/2026", "31/02/2026"),
        ("boolean", "yes", True),
        ("boolean", "no", False),
        ("boolean", "maybe", "maybe"),
        ("text", " 1,5 ", " 1,5 "),
    ],
)
def test_values(kind: Any, text: str, value: object) -> None:
    assert field_value(FieldDraft(key="it", type=kind), text) == value


@pytest.mark.parametrize("text", ["1.234", "12,500", "-1.234"])
def test_a_number_that_can_be_read_in_two_ways_is_asked_about(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        field_value(FieldDraft(key="it", type="decimal"), text)
    assert refused.value.problems[0].where == "/fields/it"


@pytest.mark.parametrize("stored", ["12.5", "1234", "-0.25", "1234567.891"])
def test_decimals_are_read_as_they_are_shown(stored: str) -> None:
    field = FieldDraft(key="it", type="decimal")
    for language in ("vi", "en"):
        shown = field_input(field, stored, language)  # type: ignore[arg-type]
        assert field_value(field, shown) == stored


def test_a_row_less_is_that_row() -> None:
    pairs = [("do", "remove-point-3")]
    for number, raw in ((0, "a"), (1, ""), (3, "b"), (4, "c")):
        pairs += [(f"point-{number}-kind", "other"), (f"point-{number}-raw", raw)]
    form = CustomerForm.read([*pairs, ("kind", "person")])
    assert form.rearranges
    form.rearrange()
    assert [point.raw for point in form.typed.points] == ["a", "c"]


def test_tags_with_commas_that_were_left_alone_stay() -> None:
    base = Typed(tags=["Hà Nội, quận 1", "vip"])
    form = CustomerForm(base, base=base)
    pairs = [("kind", "person"), ("base", form.base_text)]
    assert CustomerForm.read([*pairs, ("tags", form.value("tags"))]).typed.tags == base.tags
    changed = CustomerForm.read([*pairs, ("tags", "vip, mới")])
    assert changed.typed.tags == ["vip", "mới"]


def test_a_label_without_anything_is_not_dropped() -> None:
    form = CustomerForm.read(
        [("kind", "person"), ("point-0-label", "nhà"), ("point-0-kind", "phone")]
    )
    assert form.typed.points == [TypedPoint(kind="phone", label="nhà")]
    assert [field for field, _ in form.problems] == ["point-0-raw"]


def test_what_no_control_sends_is_refused() -> None:
    form = CustomerForm.read(
        [("kind", "robot"), ("roles", "king"), ("owner", "me"), ("point-0-raw", "x"), ("evil", "1")]
    )
    assert form.status == 422
    assert {field for field, _ in form.problems} >= {"", "kind", "roles", "owner"}


def test_too_much_is_said_and_nothing_breaks() -> None:
    rows = [(f"point-{number}-raw", f"0912 {number}") for number in range(51)]
    pairs = [("kind", "person"), ("tags", ",".join(map(str, range(101)))), *rows]
    form = CustomerForm.read(pairs)
    assert {problem.code for _, problem in form.problems} >= {"too-many"}
    for name in ("version", "base", "do", "seen", "choose-owner", "owner", "field-", "tags"):
        for text in ("9" * 6_000, "{" * 500, "[]", '{"points": 1}', "\0"):
            CustomerForm.read([("kind", "person"), (name, text)])
