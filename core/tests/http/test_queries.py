"""Query strings become Structs, and everything that does not fit is named."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from relatum.http.problems import UnknownParameter
from relatum.http.queries import parameter_names, read_query, refuse_parameters
from relatum.values.problems import InvalidInput, MalformedRequest

ID = "01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e"


class Query(msgspec.Struct, kw_only=True, frozen=True):
    q: str = ""
    kind: Literal["person", "organisation"] | None = None
    owner: UUID | None = None
    external_id: tuple[str, str] | None = None
    fields: dict[str, str] = {}
    stages: list[str] = []
    since: dt.datetime | None = None
    day: dt.date | None = None
    open: bool | None = None
    rate: float | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


def read(query: str, **fixed: object) -> Query:
    return read_query(query.encode(), Query, time_zone="Asia/Ho_Chi_Minh", **fixed)


def test_nothing_said_is_the_default() -> None:
    assert read("") == Query()


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        ("q=nguy%E1%BB%85n+an", "q", "nguyễn an"),
        ("q=", "q", ""),
        ("kind=person", "kind", "person"),
        (f"owner={ID}", "owner", UUID(ID)),
        ("external_id=shop:a:b", "external_id", ("shop", "a:b")),
        ("field.sector=medical&field.size=9", "fields", {"sector": "medical", "size": "9"}),
        ("stages=won&stages=lost", "stages", ["won", "lost"]),
        ("since=2026-11-22T08:30:00Z", "since", dt.datetime(2026, 11, 22, 8, 30, tzinfo=dt.UTC)),
        (
            "since=2026-11-22T08:30:00%2B07:00",
            "since",
            dt.datetime(2026, 11, 22, 1, 30, tzinfo=dt.UTC),
        ),
        # a + that nobody encoded is a blank by the rules of forms
        (
            "since=2026-11-22T08:30:00+07:00",
            "since",
            dt.datetime(2026, 11, 22, 1, 30, tzinfo=dt.UTC),
        ),
        # midnight in Ha Noi
        ("since=2026-11-22", "since", dt.datetime(2026, 11, 21, 17, tzinfo=dt.UTC)),
        ("day=2026-11-22", "day", dt.date(2026, 11, 22)),
        ("open=true", "open", True),
        ("open=0", "open", False),
        ("rate=-1.5", "rate", -1.5),
        ("limit=200", "limit", 200),
    ],
)
def test_each_type_has_its_form(query: str, field: str, value: object) -> None:
    assert getattr(read(query), field) == value


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("kind=robot", "kind"),
        ("owner=abc", "owner"),
        (f"owner=%7B{ID}%7D", "owner"),
        ("external_id=shop", "external_id"),
        ("since=yesterday", "since"),
        ("since=2026-02-30", "since"),
        ("since=2026-11-22T08:30:00", "since"),
        ("day=22.11.2026", "day"),
        ("open=maybe", "open"),
        ("rate=nan", "rate"),
        ("rate=1e999", "rate"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=1_0", "limit"),
        ("limit=%D9%A3", "limit"),
        ("limit=99999999999999999999999999", "limit"),
        ("limit=5&limit=6", "limit"),
        ("field.a=1&field.a=2", "field.a"),
    ],
)
def test_what_cannot_be_read_is_named(query: str, where: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(query)
    (problem,) = caught.value.problems
    assert problem.where == where
    assert problem.expected


def test_all_of_them_are_named_together() -> None:
    with pytest.raises(InvalidInput) as caught:
        read("kind=robot&limit=0&open=maybe")
    assert [problem.where for problem in caught.value.problems] == ["kind", "limit", "open"]


@pytest.mark.parametrize("query", ["limt=5", "fields=a", "field=a", "q.x=1", "fixed=1", "Q=1"])
def test_unknown_parameters_are_refused(query: str) -> None:
    with pytest.raises(UnknownParameter) as caught:
        read(query)
    assert "field.<key>" in caught.value.detail


def test_the_nearest_parameter_is_proposed() -> None:
    with pytest.raises(UnknownParameter) as caught:
        read("limt=5&zzz=1")
    assert [problem.mend for problem in caught.value.problems] == [
        "Did you mean limit?",
        "Leave it out.",
    ]


def test_what_the_route_decides_is_no_parameter() -> None:
    assert read("q=a", owner=UUID(ID)).owner == UUID(ID)
    with pytest.raises(UnknownParameter):
        read(f"owner={ID}", owner=UUID(ID))


@pytest.mark.parametrize("query", ["q=%FF", "q=%00", "&".join(["q=1"] * 101), "q=\xff"])
def test_query_strings_that_cannot_be_read_at_all(query: str) -> None:
    with pytest.raises(MalformedRequest):
        read_query(query.encode("latin-1"), Query, time_zone="UTC")


def test_a_required_parameter_is_asked_for() -> None:
    class Needs(msgspec.Struct):
        year: int
        other: int = 0

    assert read_query(b"year=2017", Needs, time_zone="UTC").year == 2017
    for query in (b"", b"other=1"):
        with pytest.raises(InvalidInput) as caught:
            read_query(query, Needs, time_zone="UTC")
        assert [problem.where for problem in caught.value.problems] == ["year"]


def test_names_for_the_documentation() -> None:
    assert "field.<key>" in parameter_names(Query)
    assert "fields" not in parameter_names(Query)


def test_routes_without_parameters() -> None:
    refuse_parameters(b"")
    with pytest.raises(UnknownParameter, match="none"):
        refuse_parameters(b"a=1")
    refuse_parameters(b"a=1", known=["a"])


@given(st.lists(st.tuples(st.sampled_from([*parameter_names(Query), "x"]), st.text()), max_size=4))
def test_any_query_is_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    with contextlib.suppress(InvalidInput, MalformedRequest):
        read(
            urlencode(
                [(name.replace("<key>", "k"), text) for name, text in pairs], errors="replace"
            )
        )


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(query: bytes) -> None:
    with contextlib.suppress(InvalidInput, MalformedRequest):
        read_query(query, Query, time_zone="UTC")
