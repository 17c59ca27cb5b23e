"""What roles, teams and tokens give, and that nobody gives more than they hold."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from uuid import UUID

import pytest

from relatum.access.accounts.types import Identity
from relatum.access.policies import Policy
from relatum.access.roles.types import (
    RoleChange,
    RoleDraft,
    StandingChange,
    Team,
    TeamChange,
    TeamDraft,
)
from relatum.access.viewer import SEES_ALL, Sight, Viewer, acting_as
from relatum.app.house import House
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, InvalidInput, NotFound, Refused
from relatum.values.time import now

BY = "system"
EVERY_CLASS = frozenset({"contact", "identity", "finance", "health", "secret"})


async def account(house: House, state: str = "active", kind: str = "person") -> UUID:
    """A row as the accounts room would write it."""
    id = new_id()
    await house.db.insert(
        "core_account",
        ("id", "kind", "name", "email", "language", "state", "created_at"),
        [(id, kind, "Test", f"{id}@example.com", "en", state, now())],
    )
    return id


def identity(account: UUID, scopes: frozenset[str] | None = None) -> Identity:
    return Identity(
        account=account,
        kind="person",
        name="Test",
        email=None,
        language="en",
        scopes=scopes,
        valid_until=now() + dt.timedelta(days=1),
    )


async def with_roles(house: House, *roles: str, scopes: frozenset[str] | None = None) -> Viewer:
    id = await account(house)
    await house.roles.assign(id, roles, by=BY)
    return await house.roles.viewer_of(identity(id, scopes))


async def last_event(house: House) -> tuple[str, Any]:
    row = await house.db.fetch_one("SELECT type, payload FROM core_event ORDER BY seq DESC LIMIT 1")
    assert row is not None
    return row[0], json.loads(row[1])


async def test_an_owner_may_and_sees_everything(core_house: House) -> None:
    viewer = await with_roles(core_house, "owner")
    assert viewer.may_everything
    assert viewer.may("anything.at.all")
    assert viewer.sight == SEES_ALL
    assert viewer.actor == f"person:{viewer.account}"


async def test_whoever_has_no_role_may_nothing_and_sees_their_own(core_house: House) -> None:
    viewer = await with_roles(core_house)
    assert viewer.account is not None
    assert viewer.permissions == frozenset()
    assert not viewer.may("core.customers.read")
    assert viewer.sight == Sight(owners=(viewer.account,))


@pytest.mark.parametrize(
    ("role", "everything", "shown", "may", "may_not"),
    [
        ("manager", False, {"contact", "identity", "finance"}, "customers.assign", "roles.write"),
        ("sales", False, {"contact"}, "customers.write", "customers.assign"),
        ("care", True, {"contact"}, "customers.write", "exports.write"),
        ("marketing", True, set(), "exports.write", "customers.write"),
        ("analyst", True, set(), "reports.read", "interactions.write"),
        ("read_only", False, set(), "customers.read", "customers.write"),
    ],
)
async def test_builtin_roles_are_as_designed(
    core_house: House, role: str, everything: bool, shown: set[str], may: str, may_not: str
) -> None:
    viewer = await with_roles(core_house, role)
    assert viewer.sight.everything is everything
    assert viewer.sight.masked == EVERY_CLASS - shown
    assert viewer.may(f"core.{may}")
    assert not viewer.may(f"core.{may_not}")
    assert not viewer.may_everything


async def test_two_roles_give_the_union(core_house: House) -> None:
    viewer = await with_roles(core_house, "sales", "analyst")
    assert viewer.sight.everything
    assert "contact" not in viewer.sight.masked
    assert viewer.may("core.customers.write")
    assert viewer.may("core.exports.write")


async def test_the_scopes_of_a_token_only_take_away(core_house: House) -> None:
    asked = frozenset({"core.customers.read", "core.roles.write"})
    sales = await with_roles(core_house, "sales", scopes=asked)
    assert sales.permissions == {"core.customers.read"}
    owner = await with_roles(core_house, "owner", scopes=asked)
    assert owner.permissions == asked
    assert not owner.may_everything
    nothing = await with_roles(core_house, "owner", scopes=frozenset())
    assert not nothing.may("core.customers.read")


async def teams(house: House) -> dict[str, Team]:
    """north (hanoi (dong_da)), south."""
    made: dict[str, Team] = {}
    for name, parent in (
        ("north", None),
        ("hanoi", "north"),
        ("dong_da", "hanoi"),
        ("south", None),
    ):
        draft = TeamDraft(name=name, parent=made[parent].id if parent else None)
        made[name] = await house.roles.teams.create(draft, by=BY)
    return made


async def test_managers_see_the_teams_below_theirs_and_sales_only_their_own(
    core_house: House,
) -> None:
    roles, made = core_house.roles, await teams(core_house)
    id = await account(core_house)
    await roles.place(id, StandingChange(roles=["manager"], teams=[made["hanoi"].id]), by=BY)
    seen = (await roles.viewer_of(identity(id))).sight.teams
    assert set(seen) == {made["hanoi"].id, made["dong_da"].id}
    await roles.assign(id, ["sales"], by=BY)
    assert (await roles.viewer_of(identity(id))).sight.teams == (made["hanoi"].id,)
    await roles.assign(id, ["analyst"], by=BY)
    assert (await roles.viewer_of(identity(id))).sight.teams == ()


async def test_the_first_team_stays_the_first(core_house: House) -> None:
    made = await teams(core_house)
    id, other = await account(core_house), await account(core_house)
    wanted = [made["south"].id, made["north"].id]
    standing = await core_house.roles.place(id, StandingChange(teams=wanted), by=BY)
    assert standing.teams == wanted
    await core_house.roles.join_team(id, made["hanoi"].id, by=BY)
    assert await core_house.roles.teams.of(id) == [*wanted, made["hanoi"].id]
    assert await core_house.roles.teams.first_of([id, other]) == {id: made["south"].id}


async def test_a_tree_of_teams_has_no_circle(core_house: House) -> None:
    made, teams_ = await teams(core_house), core_house.roles.teams
    for below in ("north", "hanoi", "dong_da"):
        with pytest.raises(InvalidInput) as refusal:
            await teams_.change(made["north"].id, TeamChange(parent=made[below].id), by=BY)
        assert refusal.value.problems[0].where == "/parent"
    moved = await teams_.change(made["dong_da"].id, TeamChange(parent=None), by=BY)
    assert moved.parent is None
    kind, payload = await last_event(core_house)
    assert kind == "core.access.team_changed"
    assert payload["changes"] == {"parent": [str(made["hanoi"].id), None]}


async def test_only_empty_teams_are_removed(core_house: House) -> None:
    made, teams_ = await teams(core_house), core_house.roles.teams
    with pytest.raises(Conflict, match="1 teams below"):
        await teams_.remove(made["hanoi"].id, by=BY)
    await teams_.remove(made["dong_da"].id, by=BY)
    await teams_.remove(made["hanoi"].id, by=BY)
    with pytest.raises(NotFound):
        await teams_.get(made["hanoi"].id)
    with pytest.raises(InvalidInput, match="not acceptable"):
        await teams_.create(TeamDraft(name="NORTH"), by=BY)


async def test_the_last_active_owner_stays_an_owner(core_house: House) -> None:
    roles = core_house.roles
    first, second = await account(core_house), await account(core_house)
    invited = await account(core_house, state="invited")
    await roles.assign(first, ["owner"], by=BY)
    await roles.assign(invited, ["owner"], by=BY)
    assert await roles.is_last_owner(first)
    with pytest.raises(Conflict, match="another active owner"):
        await roles.assign(first, ["manager"], by=BY)
    await roles.assign(second, ["owner"], by=BY)
    assert not await roles.is_last_owner(first)
    await roles.assign(first, ["manager"], by=BY)
    assert (await roles.standing(first)).roles == ["manager"]
    kind, payload = await last_event(core_house)
    assert kind == "core.access.roles_assigned"
    assert payload == {"account": str(first), "roles": [["owner"], ["manager"]]}


async def test_nobody_gives_more_than_they_hold(core_house: House) -> None:
    roles = core_house.roles
    await with_roles(core_house, "owner")
    target = await account(core_house)
    manager = await with_roles(core_house, "manager")
    with acting_as(manager):
        await roles.assign(target, ["sales"], by=BY)
        for role in ("owner", "care"):  # care sees every customer, a manager does not
            with pytest.raises(Refused):
                await roles.assign(target, ["sales", role], by=BY)
        with pytest.raises(Refused):
            await roles.create(
                RoleDraft(key="x", title_en="X", title_vi="X", permissions=["core.audit.read"]),
                by=BY,
            )
        with pytest.raises(Refused):
            draft = RoleDraft(
                key="x",
                title_en="X",
                title_vi="X",
                permissions=[],
                policy=Policy(scopes=["own"], unmasked=["health"]),
            )
            await roles.create(draft, by=BY)
    assert (await roles.standing(target)).roles == ["sales"]


async def test_nobody_acts_on_a_stronger_account(core_house: House) -> None:
    owner = await with_roles(core_house, "owner")
    manager = await with_roles(core_house, "manager")
    assert owner.account is not None
    assert manager.account is not None
    with acting_as(manager):
        await core_house.roles.refuse_stronger(manager.account)
        with pytest.raises(Refused):
            await core_house.roles.refuse_stronger(owner.account)


async def test_an_own_role_begins_with_a_builtin_one_and_keeps_its_differences(
    core_house: House,
) -> None:
    roles = core_house.roles
    draft = RoleDraft(key="scout", title_en="Scout", title_vi="Trinh sát", based_on="sales")
    made = await roles.create(draft, by=BY)
    assert not made.builtin
    assert made.permissions == (await roles.get("sales")).permissions
    wanted = ["core.customers.read", "core.audit.read"]
    changed = await roles.change(
        "scout", RoleChange(permissions=wanted, policy=Policy(scopes=["all"])), by=BY, version=1
    )
    assert changed.permissions == sorted(wanted)
    assert changed.version == 2
    viewer = await with_roles(core_house, "scout")
    assert viewer.permissions == set(wanted)
    assert viewer.sight == Sight(everything=True)
    with pytest.raises(Conflict, match="version 1"):
        await roles.change("scout", RoleChange(title_en="S"), by=BY, version=1)
    with pytest.raises(Conflict, match="1 accounts"):
        await roles.remove("scout", by=BY)
    assert viewer.account is not None
    await roles.assign(viewer.account, [], by=BY)
    await roles.remove("scout", by=BY)
    with pytest.raises(NotFound):
        await roles.get("scout")


async def test_a_changed_builtin_role_can_be_put_back(core_house: House) -> None:
    roles = core_house.roles
    before = await roles.get("care")
    changed = await roles.change(
        "care", RoleChange(permissions=[], policy=Policy(scopes=["own"])), by=BY
    )
    assert changed.changed
    assert changed.permissions == []
    kind, payload = await last_event(core_house)
    assert kind == "core.access.role_changed"
    assert payload["changes"]["policy"][1]["scopes"] == ["own"]
    assert payload["changes"]["permissions"] == [before.permissions, []]
    await roles.remove("care", by=BY)
    assert await roles.get("care") == before


async def test_owners_cannot_be_changed_and_unknown_things_are_refused(core_house: House) -> None:
    roles = core_house.roles
    with pytest.raises(Conflict):
        await roles.change("owner", RoleChange(permissions=[]), by=BY)
    with pytest.raises(InvalidInput) as refusal:
        await roles.change("sales", RoleChange(permissions=["core.x.y"]), by=BY)
    assert refusal.value.problems[0].got == "core.x.y"
    with pytest.raises(InvalidInput):
        await roles.change("sales", RoleChange(policy=Policy(rules=["nothing"])), by=BY)
    with pytest.raises(InvalidInput):
        await roles.assign(await account(core_house), ["boss"], by=BY)
    with pytest.raises(NotFound):
        await roles.place(new_id(), StandingChange(roles=["sales"]), by=BY)


async def test_listeners_hear_of_committed_changes_only(core_house: House) -> None:
    heard: list[int] = []
    core_house.roles.listen(lambda: heard.append(1))
    id = await account(core_house)
    await core_house.roles.assign(id, ["sales"], by=BY)
    assert len(heard) == 1
    await core_house.roles.assign(id, ["sales"], by=BY)
    assert len(heard) == 1
    with pytest.raises(RuntimeError):
        async with core_house.db.transaction():
            await core_house.roles.assign(id, ["care"], by=BY)
            raise RuntimeError
    assert len(heard) == 1
