from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from relatum.plugins.discovery import Found
from relatum.plugins.graph import Plan, dependents, plan
from relatum.plugins.manifest import Manifest, Requirement
from relatum.values.problems import Problem


def found(
    plugin_id: str,
    requires: str = "",
    after: str = "",
    version: str = "1.0",
    core_api: str = ">=1.0,<2",
) -> Found:
    parts = [text.partition(">=") for text in requires.split()]
    manifest = Manifest(
        id=plugin_id,
        core_api=core_api,
        kind="function",
        requires=tuple(Requirement(name, sign + low) for name, sign, low in parts),
        after=tuple(after.split()),
    )
    return Found(
        id=plugin_id,
        module=f"relatum_{plugin_id}",
        distribution=f"relatum-{plugin_id}",
        version=version,
        manifest=manifest,
    )


def codes(made: Plan) -> dict[str, list[str]]:
    return {plugin_id: [each.code for each in some] for plugin_id, some in made.errors.items()}


def test_requirements_come_first_ties_by_id() -> None:
    made = plan([found("a", "d"), found("c"), found("b", "c"), found("d", after="z"), found("z")])
    assert made.order == ("c", "b", "z", "d", "a")
    assert (made.errors, made.notes) == ({}, {})


def test_order_does_not_depend_on_the_order_of_installation() -> None:
    plugins = [found("a", "d"), found("b"), found("c", "b"), found("d", after="c")]
    orders = {plan(some).order for some in (plugins, plugins[::-1], plugins[2:] + plugins[:2])}
    assert orders == {("b", "c", "d", "a")}


def test_missing_requirement_proposes_the_nearest() -> None:
    made = plan([found("a", "identiti>=1.2"), found("identity"), found("b", "something_else")])
    assert codes(made) == {"a": ["missing-requirement"], "b": ["missing-requirement"]}
    assert "did you mean identity?" in made.errors["a"][0].mend
    assert "install a distribution that brings something_else" in made.errors["b"][0].mend


def test_version_out_of_range() -> None:
    made = plan([found("a", "identity>=1.2"), found("identity", version="1.1.9")])
    [problem] = made.errors["a"]
    assert problem.code == "requirement-version"
    assert (problem.expected, problem.got) == ("identity>=1.2", "identity 1.1.9")
    assert plan([found("a", "identity>=1.2"), found("identity", version="1.2")]).errors == {}


def test_other_core_api() -> None:
    made = plan([found("a", core_api=">=2"), found("b", core_api="<1"), found("c")], "1.4")
    assert codes(made) == {"a": ["core-api"], "b": ["core-api"]}
    assert made.errors["a"][0].got == "1.4"


def test_circle_names_the_whole_way_to_each_member_and_to_nobody_else() -> None:
    plugins = [found("a", "b"), found("b", "c"), found("c", "a"), found("d", "a"), found("e")]
    made = plan(plugins)
    assert codes(made) == {each: ["cycle"] for each in "abc"}
    assert {made.errors[each][0].got for each in "abc"} == {"a → b → c → a"}
    assert set(made.order) == set("abcde")


def test_two_circles_are_two_problems() -> None:
    made = plan([found("a", "b"), found("b", "a"), found("x", "y"), found("y", "x a")])
    assert {each: made.errors[each][0].got for each in "abxy"} == {
        **dict.fromkeys("ab", "a → b → a"),
        **dict.fromkeys("xy", "x → y → x"),
    }


def test_plugin_that_requires_itself() -> None:
    assert "self-requirement" in codes(plan([found("a", "a")]))["a"]


def test_wishes_that_close_a_circle_are_given_up_and_noted() -> None:
    made = plan([found("a", after="b"), found("b", after="c"), found("c", "a")])
    assert made.errors == {}
    assert made.order == ("b", "a", "c")
    assert [made.notes[each][0].code for each in made.notes] == ["after-cycle"]
    assert made.notes["b"][0].got == "b after c"


def test_wish_for_a_plugin_that_is_not_there_is_nothing() -> None:
    made = plan([found("a", after="nobody")])
    assert (made.errors, made.notes) == ({}, {})


def test_everything_is_reported_at_once() -> None:
    plugins = [
        found("a", "nobody b>=2 c", core_api="<1"),
        found("b", "c"),
        found("c", "b"),
    ]
    assert codes(plan(plugins)) == {
        "a": ["core-api", "missing-requirement", "requirement-version"],
        "b": ["cycle"],
        "c": ["cycle"],
    }


def test_broken_plugin_keeps_its_own_problems() -> None:
    problem = Problem(code="unreadable-manifest", message="it is wet")
    broken = Found(id="b", module="b", distribution="b", version="1", problems=(problem,))
    made = plan([found("a", "b"), broken])
    assert codes(made) == {"b": ["unreadable-manifest"]}
    assert made.order == ("a", "b")


def test_dependents_reach_through_others() -> None:
    plugins = [found("a"), found("b", "a"), found("c", "b"), found("d")]
    manifests = {each.id: each.manifest for each in plugins if each.manifest}
    assert dependents(manifests, "a") == ["b", "c"]
    assert dependents(manifests, "d") == []


names = st.sampled_from("abcdefgh")
plugins = st.dictionaries(names, st.tuples(st.sets(names), st.sets(names)), min_size=1)


@given(plugins)
def test_order_is_complete_and_keeps_what_is_required(
    drawn: dict[str, tuple[set[str], set[str]]],
) -> None:
    plugins = [found(each, " ".join(a), " ".join(b)) for each, (a, b) in drawn.items()]
    made = plan(plugins)
    assert sorted(made.order) == sorted(drawn)
    place = {each: number for number, each in enumerate(made.order)}
    for each, (required, wished) in drawn.items():
        if "cycle" not in codes(made).get(each, []) and each not in required:
            assert all(place[other] < place[each] for other in required & set(drawn))
            if each not in made.notes and each not in wished:
                assert all(place[other] < place[each] for other in wished & set(drawn))


@given(plugins)
def test_circles_are_found_exactly(drawn: dict[str, tuple[set[str], set[str]]]) -> None:
    """Against a slow reference: a member of a circle reaches itself."""
    plugins = [found(each, " ".join(required)) for each, (required, _) in drawn.items()]
    reached = {each: required & set(drawn) - {each} for each, (required, _) in drawn.items()}
    for _ in drawn:
        for each in drawn:
            reached[each] = reached[each].union(*(reached[other] for other in reached[each]))
    expected = {each for each in drawn if each in reached[each]}
    made = codes(plan(plugins))
    assert {each for each in made if "cycle" in made[each]} == expected
