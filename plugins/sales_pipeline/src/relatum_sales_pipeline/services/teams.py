"""Teams and members. Names are unique without regard to case and blanks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from relatum.api import Conflict, NotFound, Page, Plugin, Problem, Refusal, new_id, refuse
from relatum_sales_pipeline.matching import Names, name_key
from relatum_sales_pipeline.services.findings import Findings
from relatum_sales_pipeline.services.records import (
    Conditions,
    Listing,
    fetch_page,
    given_fields,
    update,
)
from relatum_sales_pipeline.types.teams import (
    Member,
    MemberDraft,
    MemberEdit,
    Team,
    TeamDraft,
    TeamEdit,
)

TEAM_SELECT = "SELECT id, name, region, manager, active, name_key FROM sales_pipeline_team"
MEMBER_SELECT = (
    "SELECT m.id, m.name, m.team_id, t.name, m.active, m.name_key FROM sales_pipeline_member m "
    "LEFT JOIN sales_pipeline_team t ON t.id = m.team_id"
)
TEAMS = Listing(select=TEAM_SELECT, sorts={"name": ("name_key", str, 5)})
MEMBERS = Listing(select=MEMBER_SELECT, sorts={"name": ("m.name_key", str, 5)}, id_column="m.id")


class Teams:
    """The only writer of teams and members."""

    def __init__(self, plugin: Plugin) -> None:
        self._db = plugin.house.db

    # -- reading ---------------------------------------------------------------------------------

    async def find_teams(
        self, *, active: bool | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[Team]:
        """One page of the teams, by name."""
        where = Conditions()
        where.equal(active=active)
        return await fetch_page(
            self._db, TEAMS, where, sort="name", limit=limit, cursor=cursor, read=_teams
        )

    async def find_members(
        self,
        *,
        team_id: UUID | None = None,
        active: bool | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Member]:
        """One page of the members, by name."""
        where = Conditions()
        where.equal(m__team_id=team_id, m__active=active)
        return await fetch_page(
            self._db, MEMBERS, where, sort="name", limit=limit, cursor=cursor, read=_members
        )

    async def get_teams(self, ids: Sequence[UUID]) -> dict[UUID, Team]:
        """These teams; ids that no team has are left out."""
        rows = await self._db.fetch_in(f"{TEAM_SELECT} WHERE id IN ({{}})", ids)
        return {team.id: team for team in _teams(rows)}

    async def get_members(self, ids: Sequence[UUID]) -> dict[UUID, Member]:
        """These members; ids that no member has are left out."""
        rows = await self._db.fetch_in(f"{MEMBER_SELECT} WHERE m.id IN ({{}})", ids)
        return {member.id: member for member in _members(rows)}

    async def all_teams(self) -> list[Team]:
        """Every team, by name."""
        return _teams(await self._db.fetch(f"{TEAM_SELECT} ORDER BY name_key"))

    async def all_members(self) -> list[Member]:
        """Every member, by name."""
        return _members(await self._db.fetch(f"{MEMBER_SELECT} ORDER BY m.name_key"))

    async def member_names(self) -> Names[Member]:
        """Every member by name."""
        return Names((member.name, member) for member in await self.all_members())

    # -- writing ---------------------------------------------------------------------------------

    async def create_teams(self, drafts: Sequence[TeamDraft]) -> list[UUID]:
        """Make all of them, or none.

        Raises:
            InvalidInput: with every problem; a name that is taken is one.
        """
        async with self._db.transaction():
            taken = await self._taken("team", (draft.name for draft in drafts))
            refuse(list(_name_refusals([draft.name for draft in drafts], taken, "team")), "teams")
            rows = [
                (
                    new_id(),
                    d.name.strip(),
                    name_key(d.name),
                    d.region.strip(),
                    d.manager.strip(),
                    True,
                )
                for d in drafts
            ]
            columns = ("id", "name", "name_key", "region", "manager", "active")
            await self._db.insert("sales_pipeline_team", columns, rows)
        return [row[0] for row in rows]

    async def create_members(self, drafts: Sequence[MemberDraft]) -> list[UUID]:
        """Make all of them, or none.

        Raises:
            InvalidInput: with every problem; a name that is taken or no such team are some.
        """
        async with self._db.transaction():
            taken = await self._taken("member", (draft.name for draft in drafts))
            refusals = list(_name_refusals([draft.name for draft in drafts], taken, "member"))
            wanted = [draft.team_id for draft in drafts if draft.team_id]
            known = await self.get_teams(list(set(wanted)))
            refusals += [
                Refusal(index, _no_such_team(draft.team_id))
                for index, draft in enumerate(drafts)
                if draft.team_id is not None and draft.team_id not in known
            ]
            refuse(refusals, "members")
            rows = [(new_id(), d.name.strip(), name_key(d.name), d.team_id, True) for d in drafts]
            columns = ("id", "name", "name_key", "team_id", "active")
            await self._db.insert("sales_pipeline_member", columns, rows)
        return [row[0] for row in rows]

    async def change_team(self, id: UUID, edit: TeamEdit) -> Team:
        """Change one team.

        Raises:
            NotFound: there is no such team.
            Conflict: another team has the name.
        """
        async with self._db.transaction():
            if id not in await self.get_teams([id]):
                raise NotFound(f"expected the id of a team, got {id}; there is none")
            await update(self._db, "sales_pipeline_team", id, await self._edited("team", id, edit))
            return (await self.get_teams([id]))[id]

    async def change_member(self, id: UUID, edit: MemberEdit) -> Member:
        """Change one member.

        Raises:
            NotFound: there is no such member or team.
            Conflict: another member has the name.
        """
        async with self._db.transaction():
            if id not in await self.get_members([id]):
                raise NotFound(f"expected the id of a member, got {id}; there is none")
            values = await self._edited("member", id, edit)
            team = values.get("team_id")
            if team is not None and team not in await self.get_teams([team]):
                raise NotFound(f"expected the id of a team, got {team}; there is none")
            await update(self._db, "sales_pipeline_member", id, values)
            return (await self.get_members([id]))[id]

    async def _edited(self, noun: str, id: UUID, edit: TeamEdit | MemberEdit) -> dict[str, Any]:
        values = given_fields(edit)
        if "name" in values:
            name = _checked_name(values["name"], noun)
            owner = (await self._taken(noun, [name])).get(name_key(name), id)
            if owner != id:
                raise Conflict(f"expected a name that no other {noun} has, got {name!r}")
            values |= {"name": name, "name_key": name_key(name)}
        return values

    async def _taken(self, noun: str, names: Iterable[str]) -> dict[str, UUID]:
        keys = list({name_key(name) for name in names})
        sql = f"SELECT name_key, id FROM sales_pipeline_{noun} WHERE name_key IN ({{}})"  # noqa: S608 - names of our own
        return dict(await self._db.fetch_in(sql, keys))


def _teams(rows: Sequence[tuple[Any, ...]]) -> list[Team]:
    return [
        Team(id=id, name=name, region=region, manager=manager, active=active)
        for id, name, region, manager, active, _ in rows
    ]


def _members(rows: Sequence[tuple[Any, ...]]) -> list[Member]:
    return [
        Member(id=id, name=name, team_id=team_id, team=team, active=active)
        for id, name, team_id, team, active, _ in rows
    ]


def _checked_name(name: str, noun: str) -> str:
    found = Findings()
    clean = found.line(name, what=f"name of the {noun}", most=200, where="/name", needed=True)
    found.refuse(f"The {noun}")
    return clean


def _name_refusals(names: Sequence[str], taken: dict[str, UUID], noun: str) -> Iterable[Refusal]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        found = Findings()
        found.line(name, what=f"name of the {noun}", most=200, where="/name", needed=True)
        yield from (Refusal(index, problem) for problem in found.problems)
        key = name_key(name)
        if key in taken or key in seen:
            yield Refusal(index, _name_taken(name, noun))
        seen.add(key)


def _name_taken(name: str, noun: str) -> Problem:
    return Problem(
        code="name-taken",
        message=f"there is a {noun} of that name",
        where="/name",
        expected=f"a name that no other {noun} has",
        got=name[:80],
        mend="Add something that tells them apart.",
    )


def _no_such_team(id: UUID | None) -> Problem:
    return Problem(
        code="unknown-team",
        message="there is no such team",
        where="/team_id",
        expected="the id of a team",
        got=str(id),
        mend="Make the team first.",
    )
