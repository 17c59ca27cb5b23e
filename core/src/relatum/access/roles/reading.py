"""Reading roles, teams and who has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.access.policies import Policy
from relatum.access.roles.rights import Definition, definitions
from relatum.access.roles.types import Team
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.db.database import Database, Rows

ROLES = "SELECT key, title_en, title_vi, based_on, policy, version FROM core_role"
GIVEN = "SELECT role, permission, granted FROM core_role_permission"
TEAMS = "SELECT id, name, parent_id FROM core_team ORDER BY name, id"
ROLES_OF = "SELECT role FROM core_account_role WHERE account_id = ? ORDER BY role"
TEAMS_OF = "SELECT team_id FROM core_team_member WHERE account_id = ? ORDER BY position, team_id"
MEMBERS = "SELECT team_id, account_id FROM core_team_member ORDER BY team_id, id"


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored about one account, every role and every team, at one moment."""

    roles: list[str]
    teams: list[UUID]
    parents: Mapping[UUID, UUID | None]
    definitions: Mapping[str, Definition]

    @property
    def held(self) -> list[Definition]:
        """The roles of the account; those that are gone are left out."""
        return [self.definitions[key] for key in self.roles if key in self.definitions]


async def snapshot(db: Database, account: UUID) -> Snapshot:
    """Everything that decides what an account may do and see, in one hop."""
    roles, teams, stored, given, every = await db.fetch_together(
        (ROLES_OF, (account,)), (TEAMS_OF, (account,)), (ROLES, ()), (GIVEN, ()), (TEAMS, ())
    )
    return Snapshot(
        roles=[key for (key,) in roles],
        teams=[team for (team,) in teams],
        parents={id: parent for id, _, parent in every},
        definitions=_definitions(stored, given),
    )


async def every_role(db: Database) -> dict[str, Definition]:
    """Every role by key."""
    stored, given = await db.fetch_together((ROLES, ()), (GIVEN, ()))
    return _definitions(stored, given)


async def every_team(db: Database) -> dict[UUID, Team]:
    """Every team by id, in the order of names."""
    teams, members = await db.fetch_together((TEAMS, ()), (MEMBERS, ()))
    found = {id: Team(id=id, name=name, parent=parent, members=[]) for id, name, parent in teams}
    for team, account in members:
        if team in found:
            found[team].members.append(account)
    return found


async def rule_numbers(db: Database, keys: Iterable[str]) -> dict[str, int]:
    """The numbers of stored rules by key; unknown keys are left out."""
    found = await db.fetch_in("SELECT key, id FROM core_rule WHERE key IN ({})", sorted(set(keys)))
    return dict(found)


def rules_named(roles: Sequence[Definition]) -> set[str]:
    """The rules that the policies of these roles name."""
    return {key for role in roles for key in role.policy.rules}


def _definitions(stored: Rows, given: Rows) -> dict[str, Definition]:
    by_role: dict[str, dict[str, bool]] = {}
    for role, permission, granted in given:
        by_role.setdefault(role, {})[permission] = bool(granted)
    return definitions([_definition(row, by_role.get(row[0], {})) for row in stored])


def _definition(row: tuple[Any, ...], given: Mapping[str, bool]) -> Definition:
    key, title_en, title_vi, based_on, policy, version = row
    return Definition(
        key=key,
        title=Text(en=title_en, vi=title_vi),
        based_on=based_on,
        policy=msgspec.json.decode(policy, type=Policy),
        given=given,
        stored=True,
        version=version,
    )
