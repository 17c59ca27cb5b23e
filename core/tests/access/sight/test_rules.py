"""Rules: stored, told, and their members kept."""

import pytest

from relatum.access.policies import Condition, Policy, Rule
from relatum.access.sight.combining import sight_of
from relatum.access.sight.types import RuleChange, RuleDraft
from relatum.access.viewer import Sight, Viewer
from relatum.customers.types import CustomerChange, CustomerDraft, FieldDraft
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, InvalidInput, NotFound, Refused

BY = "system"


def tagged(*tags):
    return Rule(all_of=[Condition(attribute="tag", is_one_of=list(tags))])


async def members(house, key):
    rows = await house.db.fetch(
        "SELECT c.display_name, m.sort_key = c.sort_key, m.created_at = c.created_at, "
        "m.updated_at = c.updated_at FROM core_rule_member m JOIN core_rule r ON r.id = m.rule_id "
        "JOIN core_customer c ON c.id = m.customer_id WHERE r.key = ? ORDER BY c.display_name",
        key,
    )
    assert all(all(row[1:]) for row in rows), "members have what lists sort by"
    return [row[0] for row in rows]


async def test_members_follow_customers_and_rules(core_house):
    customers, rules = core_house.customers, core_house.rules
    await customers.create([CustomerDraft(display_name="An", tags=["vip"])], by=BY)
    made = await rules.create(RuleDraft(key="vips", rule=tagged("vip"), title_en="VIPs"), by=BY)
    assert await members(core_house, "vips") == ["An"]
    [id] = await customers.create([CustomerDraft(display_name="Bo", tags=["vip"])], by=BY)
    assert await members(core_house, "vips") == ["An", "Bo"]
    await customers.change(id, CustomerChange(display_name="Zo"), by=BY)
    assert await members(core_house, "vips") == ["An", "Zo"]
    await customers.change(id, CustomerChange(tags=["spa"]), by=BY)
    assert await members(core_house, "vips") == ["An"]
    changed = await rules.change("vips", RuleChange(rule=tagged("spa")), by=BY)
    assert (changed.version, changed.number) == (2, made.number)
    assert await members(core_house, "vips") == ["Zo"]
    await customers.remove([id], by=BY)
    assert await members(core_house, "vips") == []
    assert await rules.numbers(["vips", "none"]) == {"vips": made.number}
    await rules.remove("vips", by=BY)
    assert await core_house.db.fetch("SELECT * FROM core_rule_member") == []
    with pytest.raises(NotFound):
        await rules.get("vips")


async def test_changes_of_rules_are_told(core_house):
    rules = core_house.rules
    await rules.create(RuleDraft(key="a", rule=tagged("x")), by=BY)
    await rules.change("a", RuleChange(title_vi="Khách quý"), by="person:1", version=1)
    with pytest.raises(Conflict):
        await rules.change("a", RuleChange(title_vi="Khác"), by=BY, version=1)
    assert (await rules.change("a", RuleChange(title_vi="Khách quý"), by=BY)).version == 2
    await rules.remove("a", by=BY)
    found = await core_house.events.read(
        0, until=10**9, types=["core.access.rule_changed"], limit=10
    )
    told = [(event.by, event.data()) for event in found]
    assert [(d["before"] is None, d["after"] is None) for _, d in told] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    assert told[1][0] == "person:1"
    assert told[1][1]["after"]["title_vi"] == "Khách quý"


async def test_rules_that_cannot_be_are_refused(core_house):
    rules = core_house.rules
    await core_house.customers.declare_fields(
        [FieldDraft(key="skin"), FieldDraft(key="paper", sensitivity="secret")]
    )
    for key in ("nowhere", "paper"):
        rule = Rule(all_of=[Condition(attribute=f"field.{key}", is_one_of=["a"])])
        with pytest.raises(InvalidInput) as refusal:
            await rules.create(RuleDraft(key="a", rule=rule), by=BY)
        assert refusal.value.problems[0].got == key
    await rules.create(RuleDraft(key="a", rule=tagged("x")), by=BY)
    with pytest.raises(Conflict):
        await rules.create(RuleDraft(key="a", rule=tagged("y")), by=BY)
    assert [rule.key for rule in await rules.all()] == ["a"]


async def test_a_rule_is_made_by_somebody_who_sees_every_customer(core_house):
    await core_house.customers.create([CustomerDraft(display_name="An", tags=["x"])], by=BY)
    draft = RuleDraft(key="a", rule=tagged("x"))
    async with core_house.sights.looking_as(Viewer(actor="person:1", kind="person")):
        with pytest.raises(Refused):
            await core_house.rules.create(draft, by=BY)
    sight = Sight(everything=True)
    async with core_house.sights.looking_as(Viewer(actor="person:1", kind="person", sight=sight)):
        await core_house.rules.create(draft, by=BY)
    assert await members(core_house, "a") == ["An"]


def test_a_sight_is_the_union_of_its_policies():
    me, mine, under, far = (new_id() for _ in range(4))
    known = {"account": me, "teams": [mine], "below": [under], "rules": {"a": 3, "b": 1}}
    assert sight_of([], **known) == Sight(owners=(me,))
    own = sight_of([Policy(rules=["b", "gone", "a"], unmasked=["contact"])], **known)
    assert (own.owners, own.teams, own.rules) == ((me,), (), (1, 3))
    assert own.masked == {"identity", "finance", "health", "secret"}
    team = sight_of([Policy(scopes=["team"]), Policy(unmasked=["health"])], **known)
    assert team.teams == (mine,)
    assert "health" not in team.masked
    assert set(sight_of([Policy(scopes=["subteams"])], **known).teams) == {mine, under}
    assert far not in team.teams
    every = sight_of([Policy(scopes=["all"])], **known)
    assert (every.everything, "contact" in every.masked) == (True, True)
