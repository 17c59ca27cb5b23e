"""What manifests say about personal data: read, or refused with everything that is wrong."""

from __future__ import annotations

import tomllib
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.plugins.manifest import manifest_of
from relatum.plugins.processing import Basis, Processing, Subjects, read_processing
from relatum.values.sensitivity import SENSITIVITIES
from relatum.values.text import Text

MANIFEST = 'id = "spa"\ncore_api = ">=1.2,<2"\nkind = "trade"\n'
LEAST = """
[[processing]]
id = "bookings"
title = { en = "Bookings", vi = "Lịch hẹn" }
purpose = "service"
basis = "contract"
data = []
subjects = ["customers"]
"""
WHOLE = """
[[processing]]
id = "health_notes"
title = { en = "Notes about health", vi = "Ghi chú sức khoẻ" }
purpose = "care"
basis = "consent"
data = ["contact", "health"]
subjects = ["customers", "visitors"]
recipients = [{ en = "The doctor", vi = "Bác sĩ" }]
abroad = true
retention = { en = "Two years", vi = "Hai năm" }
"""


def read(text: str) -> Any:
    return manifest_of(tomllib.loads(MANIFEST + text), "relatum_spa")


def test_entries_are_read() -> None:
    manifest, problems = read(LEAST + WHOLE)
    assert problems == []
    assert manifest.processing == (
        Processing(
            id="bookings",
            title=Text(en="Bookings", vi="Lịch hẹn"),
            purpose="service",
            basis="contract",
            data=(),
            subjects=("customers",),
        ),
        Processing(
            id="health_notes",
            title=Text(en="Notes about health", vi="Ghi chú sức khoẻ"),
            purpose="care",
            basis="consent",
            data=("contact", "health"),
            subjects=("customers", "visitors"),
            recipients=(Text(en="The doctor", vi="Bác sĩ"),),
            abroad=True,
            retention=Text(en="Two years", vi="Hai năm"),
        ),
    )


def test_a_manifest_without_entries_is_as_good_as_ever() -> None:
    manifest, problems = read("")
    assert (manifest.processing, problems) == ((), [])


def test_nothing_said_about_how_long() -> None:
    manifest, _ = read(WHOLE.replace('{ en = "Two years", vi = "Hai năm" }', '""'))
    assert manifest.processing[0].retention is None


FAULTS = {
    "id missing": ('id = "health_notes"\n', "", "missing-key", ".id", "add id"),
    "id with capitals": ('"health_notes"', '"Health"', "bad-id", ".id", "in this form"),
    "id not text": ('"health_notes"', "7", "bad-id", ".id", "in this form"),
    "id twice": ('"health_notes"', '"bookings"', "double", ".id", "choose another"),
    "one language": (', vi = "Ghi chú sức khoẻ"', "", "bad-text", ".title", "both languages"),
    "three languages": (
        ', vi = "Ghi chú sức khoẻ"',
        ', vi = "Ghi chú", fr = "Notes"',
        "bad-text",
        ".title",
        "both languages",
    ),
    "empty title": ('"Notes about health"', '" "', "bad-text", ".title", "both languages"),
    "long title": ("Notes about health", "x" * 301, "bad-text", ".title", "both languages"),
    "purpose with blanks": ('"care"', '"after care"', "bad-id", ".purpose", "in this form"),
    "basis misspelt": ('"consent"', '"concent"', "bad-basis", ".basis", "did you mean consent?"),
    "basis a list": ('"consent"', "[]", "bad-basis", ".basis", "write one of"),
    "class unknown": ('"health"]', '"helth"]', "unknown-word", ".data", "did you mean health?"),
    "class twice": ('"health"]', '"contact"]', "double", ".data", "leave one out"),
    "classes a text": ('["contact", "health"]', '"contact"', "bad-list", ".data", "list"),
    "nobody": ('["customers", "visitors"]', "[]", "bad-list", ".subjects", "list"),
    "somebody else": ('"visitors"]', "3]", "unknown-word", ".subjects", "write one of"),
    "recipient plain": (
        '{ en = "The doctor", vi = "Bác sĩ" }',
        '"The doctor"',
        "bad-text",
        ".recipients[0]",
        "both languages",
    ),
    "recipients no list": (
        '[{ en = "The doctor", vi = "Bác sĩ" }]',
        "true",
        "bad-list",
        ".recipients",
        "write []",
    ),
    "abroad a number": ("abroad = true", "abroad = 1", "bad-truth", ".abroad", "bare"),
    "retention a number": (
        '{ en = "Two years", vi = "Hai năm" }',
        "24",
        "bad-text",
        ".retention",
        "both languages",
    ),
    "unknown key": ("abroad =", "abrod =", "unknown-key", ".abrod", "did you mean abroad?"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found_at_its_place(fault: str) -> None:
    before, after, code, place, mend = FAULTS[fault]
    assert before in WHOLE
    manifest, [problem] = read(LEAST + WHOLE.replace(before, after, 1))
    assert manifest is None
    assert problem.code == code
    assert problem.message.startswith(f"processing[1]{place} ")
    assert mend in problem.mend
    assert problem.where == "plugin.toml"
    assert problem.expected
    assert problem.got


@pytest.mark.parametrize("value", ["processing = []", "processing = 5", "processing = [1]"])
def test_not_a_list_of_tables(value: str) -> None:
    manifest, problems = read(value)
    if value == "processing = []":
        assert manifest.processing == ()
    else:
        assert [problem.code for problem in problems] == ["bad-list"]


def test_all_faults_are_reported_at_once() -> None:
    _, problems = read('[[processing]]\nid = "A"\nabroad = 1\nbasis = 3\nwhy = ""\n')
    assert sorted(problem.message.split()[0] for problem in problems) == [
        f"processing[0].{key}"
        for key in ("abroad", "basis", "data", "id", "purpose", "subjects", "title", "why")
    ]


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
words = st.sampled_from([*SENSITIVITIES, *get_args(Basis), *get_args(Subjects), "service", ""])
texts = st.fixed_dictionaries({"en": st.text(), "vi": st.text()})
values = st.recursive(
    plain | words | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(
    ["id", "title", "purpose", "basis", "data", "subjects", "recipients", "abroad", "retention"]
)
tables = st.dictionaries(keys | st.text(), values, max_size=9)


@given(st.lists(tables, max_size=3) | values)
def test_whatever_is_written_is_read_or_refused(value: Any) -> None:
    told: list[tuple[object, ...]] = []
    entries = read_processing("processing", value, lambda *said: told.append(said))
    for name, code, expected, _, mend in told:
        assert name
        assert code
        assert expected
        assert mend
    if not told:
        assert len(entries) == len(value)
        assert len({each.id for each in entries}) == len(entries)
        assert all(each.title.en and each.title.vi and each.subjects for each in entries)
