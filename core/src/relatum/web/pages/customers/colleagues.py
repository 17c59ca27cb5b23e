"""Who works here: names for owners and teams, and whom a list can be filtered by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.access.accounts.types import AccountQuery

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.app.house import House
    from relatum.customers.types import Customer

READ = "core.accounts.read"
#: In a house of more people than this, those of one's own teams are offered.
MOST_OFFERED = 60
UNKNOWN = "…"


class Colleagues(msgspec.Struct, frozen=True, kw_only=True):
    """Names by id, and the choices of filters.

    Attributes:
        owners: pairs of id and name, by name; without the viewer.
        offered: teams, pairs of id and name.
    """

    accounts: dict[UUID, str]
    teams: dict[UUID, str]
    owners: list[tuple[str, str]] = []
    offered: list[tuple[str, str]] = []

    def name(self, account: UUID | None) -> str:
        """What somebody is called."""
        return self.accounts.get(account, UNKNOWN) if account else ""

    def team(self, team: UUID | None) -> str:
        """What a team is called."""
        return self.teams.get(team, UNKNOWN) if team else ""


async def colleagues(
    house: House, viewer: Viewer, customers: Iterable[Customer], *, chosen: UUID | None = None
) -> Colleagues:
    """The names that a page needs.

    Args:
        chosen: whom the list is filtered by.
    """
    if not viewer.may(READ):
        return Colleagues(accounts={}, teams={})
    teams = await house.roles.teams.every()
    query = AccountQuery(kind="person", limit=MOST_OFFERED + 1)
    people = (await house.accounts.find(query)).items
    many = len(people) > MOST_OFFERED
    wanted = {one.owner for one in customers if one.owner} | ({chosen} if chosen else set())
    if viewer.account:
        wanted.add(viewer.account)
    mine = [team for team in teams if viewer.account in team.members]
    if many:
        wanted |= {account for team in mine for account in team.members[:MOST_OFFERED]}
    missing = wanted - {one.id for one in people}
    people = [*people, *(await house.accounts.get_many(list(missing)) if missing else [])]
    offered = {one.id for one in people}
    if many:
        offered = {account for team in mine for account in team.members}
        offered |= {chosen} if chosen else set()
    return Colleagues(
        accounts={one.id: one.name for one in people},
        teams={team.id: team.name for team in teams},
        owners=[
            (str(one.id), one.name)
            for one in people
            if one.id in offered and one.id != viewer.account and one.state != "suspended"
        ],
        offered=[(str(team.id), team.name) for team in teams],
    )
