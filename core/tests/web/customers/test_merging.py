"""Two people change one customer: nothing that either of them typed is lost."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from relatum.web.pages.customers.merging import merge
from relatum.web.pages.customers.typed import Typed, TypedPoint

words = st.sampled_from(["", "An", "Bình", "Chi", "Đạt"])
lists = st.lists(st.sampled_from(["vip", "mới", "cũ", "nợ"]), unique=True)
points = st.lists(
    st.builds(
        TypedPoint,
        kind=st.sampled_from(["phone", "email"]),
        raw=st.sampled_from(["1", "2", "3"]),
        label=st.sampled_from(["", "nhà", "cơ quan"]),
        primary=st.booleans(),
    ),
    unique_by=lambda point: point.key,
)
typed = st.builds(
    Typed,
    display_name=words,
    kind=st.sampled_from(["person", "organisation"]),
    points=points,
    roles=lists,
    tags=lists,
    fields=st.dictionaries(st.sampled_from(["city", "size"]), words.filter(bool)),
    owner=words,
    team=words,
)


def singles(one: Typed) -> dict[str, str]:
    fields = {f"field-{key}": one.fields.get(key, "") for key in ("city", "size")}
    return {name: getattr(one, name) for name in ("display_name", "kind", "owner", "team")} | fields


@given(typed, typed, typed)
def test_single_values_that_either_typed_are_in_the_form_or_beside_it(
    base: Typed, theirs: Typed, mine: Typed
) -> None:
    merged = merge(base, theirs, mine)
    shown = {each.name: each for each in merged.differences}
    held = singles(merged.typed)
    for name, was in singles(base).items():
        their, my = singles(theirs)[name], singles(mine)[name]
        if my != was:
            assert held[name] == my, "what was typed stays in the form"
        if their not in (was, my):
            assert their in (held[name], shown[name].theirs)
        if my == was:
            assert held[name] == their, "nobody writes back what another one has changed"
        assert (name in shown and shown[name].both) == (my != was and their not in (was, my))


@given(typed, typed, typed)
def test_words_that_either_put_in_are_there(base: Typed, theirs: Typed, mine: Typed) -> None:
    merged = merge(base, theirs, mine).typed
    for name in ("roles", "tags"):
        was, their, my, held = (set(getattr(one, name)) for one in (base, theirs, mine, merged))
        assert (their - was) | (my - was) <= held
        assert held.isdisjoint((was - their) | (was - my))
        assert len(getattr(merged, name)) == len(held)


@given(typed, typed, typed)
def test_contact_points_that_either_typed_are_there(
    base: Typed, theirs: Typed, mine: Typed
) -> None:
    held = {point.key: point for point in merge(base, theirs, mine).typed.points}
    was = {point.key: point for point in base.points}
    for version in (theirs, mine):
        for point in version.points:
            if point != was.get(point.key):
                assert point.key in held
                label = was[point.key].label if point.key in was else ""
                assert point.label == label or point.label in held[point.key].label
    gone = {p.key for p in base.points} - {p.key for p in theirs.points}
    gone -= {p.key for p in mine.points if p != was.get(p.key)}
    assert not gone & held.keys(), "what one took away and the other left alone is gone"


@given(typed, typed)
def test_who_changes_alone_gets_what_was_typed(base: Typed, mine: Typed) -> None:
    merged = merge(base, base, mine)
    assert merged.differences == []
    assert set(merged.typed.tags) == set(mine.tags)
    assert singles(merged.typed) == singles(mine)
    assert sorted(p.key for p in merged.typed.points) == sorted(p.key for p in mine.points)


@given(typed, typed)
def test_who_changed_nothing_gets_what_is_stored(base: Typed, theirs: Typed) -> None:
    merged = merge(base, theirs, base).typed
    assert singles(merged) == singles(theirs)
    assert msgspec.structs.replace(merged, points=[]).tags == theirs.tags
    assert merged.points == theirs.points
