"""The people of the world as accounts with roles, teams and tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from relatum.access.accounts.types import InvitationDraft, ServiceDraft, TokenDraft
from relatum.access.policies import Condition, Policy, Rule
from relatum.access.roles.types import RoleDraft, StandingChange, TeamDraft
from relatum.access.sight.types import RuleDraft
from tests.security.people import OWN_ROLES, PEOPLE, TEAMS, VIP_TAG
from tests.security.staff_cases import PASSWORD

if TYPE_CHECKING:
    from relatum.app.house import House

BY = "system"
RULE = "vip"
#: Those who have a password; it takes a while to hash one.
SIGN_IN = ("owner", "an")


@dataclass
class Staff:
    """Ids and tokens by name."""

    people: dict[str, UUID] = field(default_factory=dict)
    teams: dict[str, UUID] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)


async def hire(house: House) -> Staff:
    """Make teams, the rule and the roles of our own, and everybody; the owner first."""
    staff = Staff()
    for name, parent in TEAMS.items():
        above = staff.teams[parent] if parent else None
        made = await house.roles.teams.create(TeamDraft(name=name, parent=above), by=BY)
        staff.teams[name] = made.id
    vip = Condition(attribute="tag", is_one_of=[VIP_TAG])
    await house.rules.create(RuleDraft(key=RULE, rule=Rule(all_of=[vip])), by=BY)
    for role in _own_roles(house):
        await house.roles.create(role, by=BY)
    for name in PEOPLE:
        await _join(house, staff, name)
    await _others(house, staff)
    return staff


def _own_roles(house: House) -> list[RoleDraft]:
    policies = {
        "vip_desk": Policy(scopes=["own"], rules=[RULE], unmasked=["identity", "health"]),
        "newcomer": Policy(scopes=["own"]),
    }
    drafts = []
    for key, (based_on, added) in OWN_ROLES.items():
        given = [each.id for each in house.registry.permissions if based_on in each.roles]
        drafts.append(
            RoleDraft(
                key=key,
                title_en=key,
                title_vi=key,
                based_on=based_on,
                policy=policies[key],
                permissions=sorted({*given, *added}),
            )
        )
    return drafts


async def _join(house: House, staff: Staff, name: str) -> None:
    person = PEOPLE[name]
    draft = InvitationDraft(name=name.title(), email=f"{name}@example.com", roles=[person.role])
    password = PASSWORD if name in SIGN_IN else None
    account = await house.accounts.add(draft, password=password, by=BY)
    teams = [staff.teams[team] for team in person.teams]
    await house.roles.place(account.id, StandingChange(teams=teams), by=BY)
    made = await house.tokens.create(account.id, TokenDraft(name="kiểm thử"), by=BY)
    staff.people[name], staff.tokens[name] = account.id, made.secret


async def _others(house: House, staff: Staff) -> None:
    """What there is one more of, so that it can be taken away: and somebody in each state."""
    spare = TokenDraft(name="spare")
    await house.tokens.create(staff.people["owner"], spare, by=BY)
    await house.roles.teams.create(TeamDraft(name="spare"), by=BY)
    await house.roles.create(RoleDraft(key="spare", title_en="Spare", title_vi="Dự phòng"), by=BY)
    tag = Condition(attribute="tag", is_one_of=["spare"])
    await house.rules.create(RuleDraft(key="spare", rule=Rule(all_of=[tag])), by=BY)
    robot = await house.accounts.create_service(
        ServiceDraft(name="Robot", roles=["analyst"]), by=BY
    )
    await house.tokens.create(robot.id, spare, by=BY)
    guest = InvitationDraft(name="Guest", email="guest@example.com", roles=["analyst"])
    await house.accounts.invite(guest, by=BY)
    gone = InvitationDraft(name="Gone", email="gone@example.com", roles=["analyst"])
    left = await house.accounts.add(gone, by=BY)
    await house.accounts.suspend(left.id, by=BY)
