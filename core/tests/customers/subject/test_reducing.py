"""Whatever a row looks like, nothing that names somebody else comes out of it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from relatum.customers.subject.reducing import MARKS, Others, Reducer, RowShape, ending_of

ME, OTHER, STAFF = (str(UUID(int=0x0190 << 112 | n)) for n in (1, 2, 3))
NAME = "Trần Văn Kín"
OTHERS = Others(
    customers=frozenset({OTHER}), accounts=frozenset({STAFF}), staff=frozenset({NAME, "k@x.vn"})
)
SHAPE = RowShape(
    table="zz_any",
    types={"id": "uuid", "who": "uuid", "other": "uuid", "said": "json", "text": "text"},
    customers=frozenset({"who", "other"}),
    key=("id",),
)
WORDS = st.sampled_from(
    [ME, OTHER, OTHER.upper(), STAFF, f"person:{STAFF}", f"service:{STAFF}", NAME, "k@x.vn"]
) | st.text(max_size=20)
JSON = st.recursive(
    WORDS | st.integers() | st.booleans() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=12,
)


def reduced(row: dict[str, Any]) -> tuple[dict[str, Any], Reducer]:
    reducer = Reducer([UUID(ME)], OTHERS, lambda *place: lambda name, text: None)
    return reducer.row(SHAPE, row), reducer


@given(said=JSON, text=WORDS, beside=WORDS, other=st.sampled_from([None, ME, OTHER]))
def test_nobody_else_is_named(said: Any, text: str, beside: str, other: str | None) -> None:
    row = {
        "id": UUID(int=9),
        "who": UUID(ME),
        "other": None if other is None else UUID(other),
        "said": json.dumps(said),
        "text": f"{text} {beside}",
    }
    handed, reducer = reduced(row)
    assert handed.keys() == row.keys()
    whole = json.dumps(handed, ensure_ascii=False).lower()
    assert OTHER not in whole
    assert STAFF not in whole
    assert handed["who"] == ME
    taken = {(each.column, each.what) for each in reducer.reduced()}
    if other == OTHER:
        assert ("other", "other_customer") in taken
    elif OTHER not in f"{json.dumps(said)} {text} {beside}".lower():
        assert all(what == "staff" for _, what in taken)


@given(text=st.text(max_size=60))
def test_a_text_of_the_person_alone_stays_as_it_is(text: str) -> None:
    row = {"id": UUID(int=9), "who": UUID(ME), "other": None, "said": "{}", "text": text}
    handed, reducer = reduced(row)
    assert handed["text"] == text
    assert reducer.reduced() == []


def test_in_a_row_that_is_shared_states_stay_and_texts_go() -> None:
    row = {"id": UUID(int=9), "who": UUID(ME), "other": UUID(OTHER), "text": "Vợ của ông Kín"}
    said = {"state": "open", "at": "2026-01-02T03:04:05+00:00", "n": 3, "note": "Bà Kín gọi"}
    handed, _ = reduced({**row, "said": json.dumps(said)})
    mark = MARKS["other_customer"]
    assert handed["text"] == handed["other"] == mark
    assert handed["said"] == {**said, "note": mark}


def test_keys_of_any_depth_are_never_handed_out() -> None:
    row = {"id": UUID(int=9), "who": UUID(ME), "other": None, "text": ""}
    handed, _ = reduced({**row, "said": json.dumps({"a": {"totp_secret": "JBSW", "x": "y"}})})
    assert handed["said"] == {"a": {"totp_secret": MARKS["key"], "x": "y"}}


def test_files_are_named_by_how_they_begin() -> None:
    assert [ending_of(each) for each in (b"%PDF-1.7", b"\xff\xd8\xff\xe0", b"")] == [
        *(".pdf", ".jpg", ".bin")
    ]
