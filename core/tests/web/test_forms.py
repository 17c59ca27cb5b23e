"""Reading forms: strictly, with what is wrong beside each field."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from relatum.values.problems import InvalidInput, MalformedRequest, NotFound, Problem, RelatumError
from relatum.web.forms import Form, pairs_of
from relatum.web.wording import sentence_of


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: Annotated[str, Meta(min_length=2, max_length=10)]
    password: str = ""
    note: str = "none"
    age: Annotated[int, Meta(ge=1, le=99)] | None = None
    kind: Literal["person", "service"] = "person"
    team: UUID | None = None
    day: dt.date | None = None
    tags: Annotated[list[str], Meta(max_length=3)] = []
    numbers: list[int] = []
    agreed: bool = False


TEAM = "01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e"


def read(*pairs: tuple[str, str]) -> Sample:
    return Form("sample").take(list(pairs), Sample)


def test_fields_become_what_the_struct_says() -> None:
    found = read(
        ("name", "Lan"),
        ("note", ""),
        ("age", " 42 "),
        ("kind", "service"),
        ("team", TEAM),
        ("day", "2026-11-22"),
        ("tags", "VIP"),
        ("tags", ""),
        ("tags", "vàng"),
        ("numbers", "7"),
        ("agreed", "on"),
    )
    assert found == Sample(
        name="Lan",
        note="",
        age=42,
        kind="service",
        team=UUID(TEAM),
        day=dt.date(2026, 11, 22),
        tags=["VIP", "vàng"],
        numbers=[7],
        agreed=True,
    )


def test_what_is_left_empty_is_what_the_struct_says_otherwise() -> None:
    empty = [("age", ""), ("team", ""), ("day", ""), ("kind", "")]
    assert read(("name", "Lan"), *empty) == Sample(name="Lan")


@pytest.mark.parametrize(
    ("pairs", "place", "code"),
    [
        ([], "/name", "missing"),
        ([("name", "")], "/name", "missing"),
        ([("name", "x")], "/name", "wrong-value"),
        ([("name", "x" * 11)], "/name", "wrong-value"),
        ([("name", "Lan"), ("name", "Lan")], "/name", "given-twice"),
        ([("name", "Lan"), ("owner", "1")], "/owner", "unknown-field"),
        ([("name", "Lan"), ("age", "old")], "/age", "wrong-value"),
        ([("name", "Lan"), ("age", "100")], "/age", "wrong-value"),
        ([("name", "Lan"), ("age", "9" * 30)], "/age", "wrong-value"),
        ([("name", "Lan"), ("kind", "robot")], "/kind", "wrong-value"),
        ([("name", "Lan"), ("team", "1")], "/team", "wrong-value"),
        ([("name", "Lan"), ("day", "tomorrow")], "/day", "wrong-value"),
        ([("name", "Lan"), ("tags", "a")] + [("tags", "b")] * 3, "/tags", "wrong-value"),
        ([("name", "Lan"), ("numbers", "x")], "/numbers/0", "wrong-value"),
        ([("name", "La\0n")], "/name", "bad-character"),
    ],
)
def test_everything_wrong_is_named(pairs: list[tuple[str, str]], place: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(*pairs)
    assert [(each.where, each.code) for each in refused.value.problems] == [(place, code)]


def test_all_mistakes_come_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        read(("name", "x"), ("age", "old"), ("kind", "robot"), ("more", ""))
    assert {each.where for each in refused.value.problems} == {"/name", "/age", "/kind", "/more"}


def test_a_refused_form_keeps_what_was_typed_but_never_a_password() -> None:
    form = Form("sample")
    pairs = [("name", "x"), ("password", "hunter2"), ("tags", "a"), ("agreed", "on")]
    with pytest.raises(InvalidInput) as refused:
        form.take(pairs, Sample)
    form.refuse(refused.value)
    assert form.status == 422
    assert (form.value("name"), form.value("password")) == ("x", "")
    assert form.chosen("tags", "a")
    assert not form.chosen("tags", "b")
    assert form.chosen("agreed", True)
    assert [field for field, _ in form.problems] == ["name"]
    assert "hunter2" not in repr(vars(form))


class Secretive(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    new_password: Annotated[str, Meta(max_length=5)]
    code: Annotated[str, Meta(max_length=3)]


def test_problems_do_not_quote_secrets() -> None:
    with pytest.raises(InvalidInput) as refused:
        Form("x").take([("new_password", "hunter2"), ("code", "987654")], Secretive)
    assert len(refused.value.problems) == 2
    assert "hunter2" not in str(refused.value)
    assert "987654" not in str(refused.value)


def test_problems_of_services_find_their_field() -> None:
    form = Form("sample")
    form.take([("name", "Lan")], Sample)
    problems = [
        Problem(code="a", message="a", where="/tags/3"),
        Problem(code="b", message="b", where="/label"),
        Problem(code="c", message="c", where="/elsewhere"),
    ]
    form.refuse(InvalidInput("no", problems=problems), renamed={"label": "note"})
    assert [(field, each.code) for field, each in form.problems] == [
        ("tags", "a"),
        ("note", "b"),
        ("", "c"),
    ]


def test_an_error_without_problems_concerns_the_whole_form() -> None:
    class Busy(RelatumError):
        status = 429
        code = "too-many-attempts"

    form = Form("sample")
    form.refuse(Busy("wait", extra={"retry_after": 17}))
    ((field, problem),) = form.problems
    assert field == ""
    assert form.status == 429
    assert "17 giây" in sentence_of(problem, "vi").text
    assert "17 seconds" in sentence_of(problem, "en").text


def test_what_a_form_cannot_mend_is_raised_again() -> None:
    error = NotFound("gone")
    with pytest.raises(NotFound) as raised:
        Form("sample").refuse(error)
    assert raised.value is error


@pytest.mark.parametrize(
    "body",
    [b"name=\xff", b"name=%ff", "name=Lê".encode(), b"&".join([b"a=1"] * 2001)],
)
def test_bodies_that_are_no_forms_are_refused(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        pairs_of(body)


def test_line_ends_of_browsers_become_plain() -> None:
    assert pairs_of(b"a=one%0D%0Atwo&b=") == [("a", "one\ntwo"), ("b", "")]


NAMES = st.sampled_from([*Sample.__struct_fields__, "other"])


@given(st.lists(st.tuples(NAMES, st.text()), max_size=12))
def test_any_form_is_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    encoded = urlencode(pairs).encode()
    form = Form("sample")
    try:
        read = form.take(pairs_of(encoded), Sample)
    except InvalidInput as error:
        form.refuse(error)
        assert all(sentence_of(problem, "vi").text for _, problem in form.problems)
        assert form.problems
    else:
        assert 2 <= len(read.name) <= 10
        assert len(read.tags) <= 3


@pytest.mark.parametrize(
    ("expected", "vietnamese"),
    [
        ("text of 2 to 10 characters", "Hãy nhập từ 2 đến 10 ký tự."),
        ("text of at most 9 characters", "Hãy nhập tối đa 9 ký tự."),
        ("a whole number from 1 to 366", "Hãy nhập một số nguyên từ 1 đến 366."),
        ("one of vi, en", "Hãy chọn một mục trong danh sách."),
        ("a list of 1 to 50 items, each text", "Hãy chọn ít nhất 1 mục."),
    ],
)
def test_problems_are_said_in_the_language_of_the_page(expected: str, vietnamese: str) -> None:
    problem = Problem(code="wrong-value", message="no", expected=expected)
    said = sentence_of(problem, "vi")
    assert (said.text, said.language) == (vietnamese, "vi")


def test_what_nobody_translated_says_that_it_is_english() -> None:
    problem = Problem(code="odd", message="the moon is full", mend="Wait.")
    said = sentence_of(problem, "vi")
    assert (said.text, said.language) == ("The moon is full. Wait.", "en")
