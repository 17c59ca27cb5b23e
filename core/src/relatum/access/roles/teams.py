"""Teams, the tree they stand in, and who is in them. The only writer of their tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import UNSET

from relatum.access.roles import events as facts
from relatum.access.roles.granting import refuse_teams
from relatum.access.roles.reading import TEAMS_OF, every_team
from relatum.access.roles.types import Team, TeamChange, TeamDraft
from relatum.access.viewer import current_viewer
from relatum.events.types import NewEvent
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, InvalidInput, NotFound, Problem
from relatum.values.text import clean_line
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.events.log import EventLog

MOST_DEEP = 20


class Teams:
    """Who works with whom. ``by`` is the actor, as the event log writes it.

    Args:
        changed: called after each commit that changed what somebody sees.
    """

    def __init__(self, db: Database, events: EventLog, changed: Callable[[], None]) -> None:
        self._db = db
        self._events = events
        self._changed = changed

    async def every(self) -> list[Team]:
        """Every team with its members, in the order of names."""
        return list((await every_team(self._db)).values())

    async def get(self, id: UUID) -> Team:
        """One team.

        Raises:
            NotFound: there is none with this id.
        """
        return _known(await every_team(self._db), id)

    async def names(self, ids: Sequence[UUID]) -> dict[UUID, str]:
        """What teams are called; ids of none are left out."""
        return dict(await self._db.fetch_in("SELECT id, name FROM core_team WHERE id IN ({})", ids))

    async def of(self, account: UUID) -> Sequence[UUID]:
        """The teams of an account, the first one first."""
        return [team for (team,) in await self._db.fetch(TEAMS_OF, account)]

    async def first_of(self, accounts: Sequence[UUID]) -> dict[UUID, UUID]:
        """Account → its first team; accounts without one are left out."""
        rows = await self._db.fetch_in(
            "SELECT account_id, team_id FROM core_team_member WHERE account_id IN ({}) "
            "ORDER BY account_id, position DESC, team_id DESC",
            accounts,
        )
        return dict(rows)

    async def create(self, draft: TeamDraft, *, by: str) -> Team:
        """Make a team.

        Raises:
            InvalidInput: the name is taken, or the team above is none.
        """
        async with self._db.transaction():
            known = await every_team(self._db)
            name = _free_name(known, draft.name)
            team = Team(id=new_id(), name=name, parent=draft.parent, members=[])
            if draft.parent is None:
                refuse_teams(current_viewer(), [team.id])
            else:
                _refuse_parent(known, team, draft.parent)
            await self._db.insert(
                "core_team",
                ("id", "name", "parent_id", "created_at"),
                [(team.id, name, draft.parent, now())],
            )
            await self._tell(team.id, {"name": (None, name), "parent": (None, draft.parent)}, by)
        return team

    async def change(self, id: UUID, change: TeamChange, *, by: str) -> Team:
        """Rename a team, or put it elsewhere in the tree.

        Raises:
            NotFound: there is none with this id.
            InvalidInput: the name is taken, or the tree would have a circle.
        """
        async with self._db.transaction():
            known = await every_team(self._db)
            before = _known(known, id)
            refuse_teams(current_viewer(), [id])
            name, parent = before.name, before.parent
            if change.name is not UNSET and change.name != before.name:
                name = _free_name(known, change.name, besides=id)
            if change.parent is not UNSET and change.parent != before.parent:
                parent = change.parent
                if parent is not None:
                    _refuse_parent(known, before, parent)
            changes = _changes(before, name, parent)
            if changes:
                await self._db.execute(
                    "UPDATE core_team SET name = ?, parent_id = ? WHERE id = ?", name, parent, id
                )
                await self._tell(id, changes, by)
        return Team(id=id, name=name, parent=parent, members=before.members)

    async def remove(self, id: UUID, *, by: str) -> None:
        """Take an empty team away.

        Raises:
            NotFound: there is none with this id.
            Conflict: somebody is in it, or a team is below it.
        """
        async with self._db.transaction():
            known = await every_team(self._db)
            team = _known(known, id)
            refuse_teams(current_viewer(), [id])
            subteams = sum(each.parent == id for each in known.values())
            if team.members or subteams:
                raise Conflict(
                    f"expected an empty team, got one with {len(team.members)} members and "
                    f"{subteams} teams below it; move them first"
                )
            await self._db.execute("DELETE FROM core_team WHERE id = ?", id)
            changes = {"name": (team.name, None), "parent": (team.parent, None)}
            await self._tell(id, changes, by)

    async def assign(self, account: UUID, teams: Sequence[UUID], *, by: str) -> None:
        """Put an account into exactly these teams; the first one gets its new customers.

        Raises:
            InvalidInput: a team is none.
            Refused: the viewer does not see what such a team sees.
        """
        wanted = list(dict.fromkeys(teams))
        async with self._db.transaction():
            before = list(await self.of(account))
            if wanted == before:
                return
            _refuse_unknown(await every_team(self._db), wanted)
            refuse_teams(current_viewer(), set(wanted).symmetric_difference(before))
            await self._db.execute("DELETE FROM core_team_member WHERE account_id = ?", account)
            await self._db.insert(
                "core_team_member",
                ("id", "team_id", "account_id", "position"),
                [(new_id(), team, account, place) for place, team in enumerate(wanted)],
            )
            payload = facts.TeamsAssigned(account, (before, wanted))
            await self._append(NewEvent(type=facts.TEAMS_ASSIGNED, payload=payload), by)

    async def _tell(self, team: UUID, changes: dict[str, tuple[Any, Any]], by: str) -> None:
        payload = facts.TeamChanged(team, changes)
        await self._append(NewEvent(type=facts.TEAM_CHANGED, payload=payload), by)

    async def _append(self, event: NewEvent, by: str) -> None:
        await self._events.append([event], by=by)
        self._db.after_commit(self._changed)


def _known(teams: Mapping[UUID, Team], id: UUID) -> Team:
    team = teams.get(id)
    if team is None:
        raise NotFound(f"expected the id of a team, got {id}; there is none with that id")
    return team


def _changes(before: Team, name: str, parent: UUID | None) -> dict[str, tuple[Any, Any]]:
    pairs = {"name": (before.name, name), "parent": (before.parent, parent)}
    return {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}


def _free_name(teams: Mapping[UUID, Team], name: str, *, besides: UUID | None = None) -> str:
    cleaned = clean_line(name, what="name", max_length=100, where="/name")
    taken = {each.name.casefold() for each in teams.values() if each.id != besides}
    if cleaned and cleaned.casefold() not in taken:
        return cleaned
    raise _bad("/name", "a name that no other team has", name, "Choose another name.")


def _refuse_parent(teams: Mapping[UUID, Team], team: Team, parent: UUID) -> None:
    """The team above must be there, be seen by who asks, and stand nowhere below this one."""
    _refuse_unknown(teams, [parent], where="/parent")
    refuse_teams(current_viewer(), [parent])
    above: UUID | None = parent
    for _ in range(MOST_DEEP):
        if above == team.id:
            break
        if above is None or above not in teams:
            return
        above = teams[above].parent
    expected = f"a team that is not below this one, at most {MOST_DEEP} deep"
    raise _bad("/parent", expected, str(parent), "Choose a team further up.")


def _refuse_unknown(
    teams: Mapping[UUID, Team], wanted: Sequence[UUID], *, where: str = "/teams"
) -> None:
    for team in wanted:
        if team not in teams:
            raise _bad(where, "the id of a team", str(team), "See /api/v1/teams.")


def _bad(where: str, expected: str, got: str, mend: str) -> InvalidInput:
    problem = Problem(
        code="bad-team",
        message="the team cannot be so",
        where=where,
        expected=expected,
        got=got[:120],
        mend=mend,
    )
    return InvalidInput("A value is not acceptable.", problems=[problem])
