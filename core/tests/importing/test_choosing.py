"""Choosing which column goes where: what is left as it was stays as the plan has it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.importing.choosing import (
    Choices,
    chosen,
    field_key,
    fitting_target,
    missing_fields,
    named,
    with_choices,
)
from relatum.importing.columns import Spec
from relatum.importing.plan import FilePlan, Format, parse_plan
from relatum.importing.reading import open_table
from relatum.importing.resembling import resemblance
from relatum.importing.shapes import shapes_of
from relatum.importing.targets.customers import CustomersTarget
from relatum.importing.targets.interactions import InteractionsTarget

PLAN = """
name = "shop"
[[files]]
path = "customers.csv"
target = "core.customers"
[files.columns]
external_id = "id"
display_name = { columns = ["họ", "tên"], join = " " }
phone = ["mobile", "home"]
kind = { value = "person" }
tags = { template = "{id}-x" }
fields.level = { column = "hạng", map = { V = "vàng" } }
"""
SHAPES = shapes_of(CustomersTarget.record)
KEY = "external_id"


@pytest.fixture
def entry() -> FilePlan:
    return parse_plan(PLAN).files[0]


def test_what_a_plan_says_is_what_is_chosen(entry: FilePlan) -> None:
    assert chosen(entry, KEY) == Choices(
        fields={
            "họ": "display_name",
            "tên": "display_name",
            "mobile": "phone",
            "home": "phone",
            "hạng": "fields.level",
        },
        key="id",
        fixed={"kind": "person"},
        derived=["tags"],
    )


def test_choosing_the_same_changes_nothing(entry: FilePlan) -> None:
    assert with_choices(entry, chosen(entry, KEY), key=KEY, shapes=SHAPES) == entry


def test_only_what_is_chosen_otherwise_gets_a_plain_source(entry: FilePlan) -> None:
    choices = chosen(entry, KEY)
    fields = {**choices.fields, "work": "phone"}
    del fields["họ"]
    changed = with_choices(
        entry,
        Choices(fields=fields, key="", fixed={"kind": ""}),
        key=KEY,
        shapes=SHAPES,
    )
    columns = changed.columns
    assert columns["display_name"] == Spec(column="tên")
    assert columns["phone"] == [Spec(column="mobile"), Spec(column="home"), Spec(column="work")]
    assert columns["fields.level"] == entry.columns["fields.level"]
    assert columns["tags"] == entry.columns["tags"]
    assert {"external_id", "kind"}.isdisjoint(columns)


def test_a_heading_that_feeds_two_fields_stays_for_the_second() -> None:
    columns = {"display_name": Spec(column="a"), "address": [Spec(column="a")]}
    entry = FilePlan(path="x.csv", target="core.customers", columns=columns)
    assert chosen(entry, KEY) == Choices(fields={"a": "display_name"}, derived=["address"])
    assert with_choices(entry, chosen(entry, KEY), key=KEY, shapes=SHAPES) == entry


@given(
    st.dictionaries(
        st.sampled_from("abcdefg"), st.sampled_from(["display_name", "phone", "email", "tags"])
    ),
    st.sampled_from(["", "a", "z"]),
)
def test_what_is_chosen_is_read_back(fields: dict[str, str], key: str) -> None:
    entry = FilePlan(path="x.csv", target="core.customers")
    made = with_choices(entry, Choices(fields=fields, key=key), key=KEY, shapes=SHAPES)
    again = chosen(made, KEY)
    assert (again.fields, again.key, again.derived) == (fields, key, [])
    assert missing_fields(made, SHAPES) == (
        [] if "display_name" in fields.values() else ["display_name"]
    )


def test_names_of_headings_and_keys_of_fields() -> None:
    assert named(["a", "b", "a"]) == ["a#1", "b", "a#2"]
    assert field_key("Hạng khách", []) == "hang_khach"
    assert field_key("Hạng khách", ["hang_khach", "hang_khach_2"]) == "hang_khach_3"
    assert field_key("2024", []) == "field_2024"


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        (["a@b.vn", "c.d@e.com", ""], "email"),
        (["0901 234 567", "+84 28 3822 1234", "0912.345.678"], "phone"),
        (["https://a.vn", "www.b.vn"], "website"),
        (["2016-10-20", "2017-03-01"], None),
        (["1054", "4514", "50"], None),
        (["a@b.vn"], None),
        (["a@b.vn", "không có", "chưa rõ"], None),
        ([], None),
    ],
)
def test_what_cells_look_like(cells: list[str], what: str | None) -> None:
    assert resemblance(cells) == what


def test_the_target_that_knows_most_headings_fits(tmp_path: Path) -> None:
    targets = [InteractionsTarget(), CustomersTarget()]

    def fits(headings: str) -> str:
        path = tmp_path / "x.csv"
        path.write_text(f"{headings}\nx,y,z\n", encoding="utf-8")
        return fitting_target(open_table(path, Format(), name="x.csv"), targets, "VN")

    assert fits("họ tên,sđt,ghi chú") == "core.customers"
    assert fits("kind,occurred_at,handle") == "core.interactions"
    assert fits("account,sector,revenue") == "core.customers"
    assert fits("x,y,z") == "core.interactions"
