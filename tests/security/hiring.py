"""The people of the world as accounts with roles, teams and tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from relatum.access.accounts.types import InvitationDraft, TokenDraft
from relatum.access.policies import Condition, Policy, Rule
from relatum.access.roles.types import RoleDraft, StandingChange, TeamDraft
from relatum.access.sight.rules import Rules
from relatum.access.sight.types import RuleDraft
from tests.security.people import PEOPLE, TEAMS, VIP_TAG

if TYPE_CHECKING:
    from relatum.app.house import House

BY = "system"
RULE = "vip"


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
    await Rules(house.db, house.events).create(RuleDraft(key=RULE, rule=Rule(all_of=[vip])), by=BY)
    for role in _own_roles():
        await house.roles.create(role, by=BY)
    for name in PEOPLE:
        await _join(house, staff, name)
    return staff


def _own_roles() -> list[RoleDraft]:
    return [
        RoleDraft(
            key="vip_desk",
            title_en="VIP desk",
            title_vi="Khách hạng nhất",
            based_on="care",
            policy=Policy(scopes=["own"], rules=[RULE], unmasked=["identity", "health"]),
        ),
        RoleDraft(
            key="newcomer",
            title_en="Newcomer",
            title_vi="Người mới",
            based_on="manager",
            policy=Policy(scopes=["own"]),
        ),
    ]


async def _join(house: House, staff: Staff, name: str) -> None:
    person = PEOPLE[name]
    draft = InvitationDraft(name=name.title(), email=f"{name}@example.com", roles=[person.role])
    account = await house.accounts.add(draft, by=BY)
    teams = [staff.teams[team] for team in person.teams]
    await house.roles.place(account.id, StandingChange(teams=teams), by=BY)
    made = await house.tokens.create(account.id, TokenDraft(name="kiểm thử"), by=BY)
    staff.people[name], staff.tokens[name] = account.id, made.secret
