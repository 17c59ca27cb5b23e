"""Bodies are read strictly; what is ambiguous or hostile is refused in words."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.http.bodies import DEEPEST, check_content_type, read_json
from relatum.http.problems import UnsupportedMedia
from relatum.values.problems import InvalidInput, MalformedRequest


class Draft(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    extra: Any = None


def test_a_good_body() -> None:
    assert read_json('{"name": "Đào", "extra": {"a": [1, "\\"[{"]}}'.encode(), Draft).name == "Đào"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "got nothing"),
        (b"  \n", "got nothing"),
        (b"{", "truncated"),
        (b"name=An", "invalid character"),
        (b'{"name": "x"} x', "trailing"),
        (b"\xef\xbb\xbf{}", "invalid character"),
        (b'{"name": "\xff"}', "not UTF-8"),
        (b'{"name": "x", "extra": "\xff"}', "not UTF-8"),
        (b'{"name": "\\ud800"}', "truncated|surrogate"),
        (b'{"name": "x", "name": "y"}', "'name' twice"),
        (b'{"name": "x", "extra": [{"a": 1, "b": 2, "a": 3}]}', "'a' twice"),
        (b'{"name": "x", "extra": NaN}', "invalid"),
        (b'{"name": 5, "extra": "\\', "Unterminated"),
        ('{"name": "x"}'.encode("utf-16"), "invalid"),
    ],
)
def test_what_is_no_json_is_malformed(body: bytes, words: str) -> None:
    with pytest.raises(MalformedRequest, match=words):
        read_json(body, Draft)


@pytest.mark.parametrize("name", [b'"x"', b"5"])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_depth_has_an_end(opening: bytes, name: bytes) -> None:
    def nested(depth: int) -> bytes:
        closing = b"]" if opening == b"[" else b"}"
        inner = opening * depth + b"1" + closing * depth
        return b'{"name": ' + name + b', "extra": ' + inner + b"}"

    if name == b'"x"':
        read_json(nested(DEEPEST - 1), Draft)
    for depth in (DEEPEST, 500, 50_000):
        with pytest.raises(MalformedRequest, match="deep"):
            read_json(nested(depth), Draft)


def test_brackets_in_texts_are_no_depth() -> None:
    body = json.dumps({"name": '[{"' * 500 + "\\"}).encode()
    assert read_json(body, Draft).name == '[{"' * 500 + "\\"


def test_many_flat_brackets_are_no_depth() -> None:
    assert read_json(json.dumps({"name": "x", "extra": [[]] * 1000}).encode(), Draft).name == "x"


def test_nul_is_refused_at_its_place() -> None:
    body = json.dumps({"name": "a\0b", "extra": [{"c\0": "d"}, "fine"]}).encode()
    with pytest.raises(InvalidInput) as caught:
        read_json(body, Draft)
    assert [problem.where for problem in caught.value.problems] == ["/name", "/extra/0/c�"]
    assert read_json(b'{"name": "\\\\u0000"}', Draft).name == "\\u0000"


def test_numbers_beyond_any_range_are_refused() -> None:
    for number in (b"1e999", b"-1e999", b"9" * 5000):
        with pytest.raises(InvalidInput) as caught:
            read_json(b'{"name": "x", "extra": ' + number + b"}", Draft)
        assert caught.value.problems


def test_types_are_strict() -> None:
    class Strict(msgspec.Struct):
        number: int
        yes: bool

    with pytest.raises(InvalidInput) as caught:
        read_json(b'{"number": "5", "yes": 1}', Strict)
    assert [problem.where for problem in caught.value.problems] == ["/number", "/yes"]


def test_many_unfinished_texts_take_no_time() -> None:
    """A pattern that tries again at every quotation mark would take minutes here."""
    for body in (b'"' + b'\\"' * 400_000, b"[1, " + b'"\\"' * 200_000):
        with pytest.raises((MalformedRequest, InvalidInput)):
            read_json(body, Draft)


@pytest.mark.parametrize(
    "value",
    [
        "application/json",
        "Application/JSON; charset=UTF-8",
        "application/merge-patch+json",
        'application/json;charset="utf-8"',
    ],
)
def test_json_by_any_name(value: str) -> None:
    check_content_type(value)


@pytest.mark.parametrize(
    "value",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"],
)
def test_other_types_are_refused(value: str) -> None:
    with pytest.raises(UnsupportedMedia, match="expected"):
        check_content_type(value)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(InvalidInput, MalformedRequest):
        read_json(body, Draft)


@given(st.recursive(st.text(max_size=5) | st.integers() | st.none(), st.lists, max_leaves=20))
def test_what_json_can_say_is_read_unchanged(value: Any) -> None:
    text = json.dumps({"name": "x", "extra": value})
    if "\\u0000" not in text:
        assert read_json(text.encode(), Draft).extra == value
