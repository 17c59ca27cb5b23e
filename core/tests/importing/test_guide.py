"""The plans of the guide do what it says."""

import re
from pathlib import Path

import pytest

from relatum.importing.plan import parse_plan

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "importing.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(GUIDE)
PLANS = [(said.split()[1:], text) for kind, said, text in BLOCKS if said.startswith("plan ")]


def test_there_are_plans_to_run():
    assert PLANS


@pytest.mark.parametrize(("said", "text"), PLANS)
async def test_a_plan_does_what_stands_beside_it(core_house, write, said, text):
    name, *expected = said
    [content] = [text for kind, said, text in BLOCKS if kind == "csv" and said == name]
    folder = write(name, content)
    preview = await core_house.imports.preview(parse_plan(text), folder)
    assert not preview.blocked
    outcome = await core_house.imports.apply(parse_plan(text), folder)
    figures = dict(part.split("=") for part in expected)
    assert {key: str(getattr(outcome.counts, key)) for key in figures} == figures
    told = {(f.line, f.column) for f in outcome.findings.first}
    assert told == {(5, "di động"), (6, "ngày sinh")}


def test_fragments_of_plans_are_right():
    fragments = [text for kind, said, text in BLOCKS if kind == "toml" and not said]
    assert len(fragments) == 2
    for fragment in fragments:
        plan = f'name = "x"\n[[files]]\npath = "a.csv"\ntarget = "core.customers"\n{fragment}'
        assert parse_plan(plan).files[0].target == "core.customers"


def test_every_source_and_rule_is_described():
    for name in (
        "column",
        "value",
        "columns",
        "template",
        "when",
        "multiply",
        "drop_end",
        "map",
        "split",
        "date",
        "decimal",
        "currency",
        "json",
        "skip_when",
        "distinct",
        "number_by",
        "confirm",
        "accept_proposals",
        "skip_lines",
        "header",
        "encoding",
        "delimiter",
        "time_zone",
        "sheet",
    ):
        assert re.search(rf"\b{name}\b", GUIDE), name
