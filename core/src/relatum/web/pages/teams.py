"""Teams: the tree they stand in and who is in them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath

from relatum.access.accounts.types import Account
from relatum.access.roles.types import Team, TeamChange, TeamDraft, Title
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.values.problems import RelatumError
from relatum.web.forms import Form, Nothing, sent
from relatum.web.layout import PAGE, Redirect, page

READ = {"permission": "core.accounts.read", **PAGE}
WRITE = {"permission": "core.roles.write", **PAGE}
HERE = "/teams"


class TeamForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A team and the one above it."""

    name: Title
    parent: UUID | None = None


class Branch(msgspec.Struct, frozen=True):
    """A team as the tree shows it, with how deep it stands."""

    team: Team
    depth: int
    members: list[Account]


@get(HERE, opt=READ, include_in_schema=False)
async def show_teams(request: Call) -> Html:
    """The tree of teams."""
    request.refuse_query(("lang",))
    return await _teams_page(request)


@post(HERE, opt=WRITE, include_in_schema=False)
async def create_team(request: Call) -> Answer[Any]:
    """Make a team."""
    form = Form("team")
    try:
        asked = form.take(await sent(request), TeamForm)
        draft = TeamDraft(name=asked.name, parent=asked.parent)
        await request.house.roles.teams.create(draft, by=request.actor)
    except RelatumError as error:
        form.refuse(error)
        return await _teams_page(request, form)
    return Redirect(HERE, flash="saved")


@get("/teams/{team_id:str}", opt=READ, include_in_schema=False)
async def show_team(request: Call, team_id: FromPath[str]) -> Html:
    """One team."""
    request.refuse_query(("lang",))
    return await _team_page(request, id_in_path(team_id, "team"))


@post("/teams/{team_id:str}", opt=WRITE, include_in_schema=False)
async def change_team(request: Call, team_id: FromPath[str]) -> Answer[Any]:
    """Rename a team, or put it elsewhere."""
    id = id_in_path(team_id, "team")
    form = Form("team_form")
    try:
        asked = form.take(await sent(request), TeamForm)
        change = TeamChange(name=asked.name, parent=asked.parent)
        await request.house.roles.teams.change(id, change, by=request.actor)
    except RelatumError as error:
        form.refuse(error)
        return await _team_page(request, id, form)
    return Redirect(f"/teams/{id}", flash="saved")


@post("/teams/{team_id:str}/remove", opt=WRITE, include_in_schema=False)
async def remove_team(request: Call, team_id: FromPath[str]) -> Answer[Any]:
    """Take an empty team away."""
    id = id_in_path(team_id, "team")
    form = Form("removing")
    try:
        form.take(await sent(request), Nothing)
        await request.house.roles.teams.remove(id, by=request.actor)
    except RelatumError as error:
        form.refuse(error)
        return await _team_page(request, id, form)
    return Redirect(HERE, flash="removed")


async def _teams_page(request: Call, refused: Form | None = None) -> Html:
    teams = await request.house.roles.teams.every()
    return await page(
        request,
        "relatum/teams.html",
        here="teams",
        forms=(refused or Form("team"),),
        teams=teams,
        branches=tree_of(teams, await _members(request, teams)),
    )


async def _team_page(request: Call, id: UUID, refused: Form | None = None) -> Html:
    teams = request.house.roles.teams
    team = await teams.get(id)
    blank = [Form("team_form", {"name": team.name, "parent": team.parent}), Form("removing")]
    forms = [refused if refused and refused.name == each.name else each for each in blank]
    members = await _members(request, [team])
    return await page(
        request,
        "relatum/team.html",
        here="teams",
        forms=tuple(forms),
        address=f"/teams/{id}",
        team=team,
        teams=[each for each in await teams.every() if each.id != id],
        members=[members[each] for each in team.members if each in members],
    )


async def _members(request: Call, teams: list[Team]) -> dict[UUID, Account]:
    ids = list(dict.fromkeys(id for team in teams for id in team.members))
    return {account.id: account for account in await request.house.accounts.get_many(ids)}


def tree_of(teams: list[Team], members: dict[UUID, Account]) -> list[Branch]:
    """Each team right after the one above it, as deep as it stands."""
    below: dict[UUID | None, list[Team]] = {}
    for team in teams:
        below.setdefault(team.parent, []).append(team)
    found: list[Branch] = []
    waiting = [(team, 0) for team in reversed(below.get(None, []))]
    while waiting:
        team, depth = waiting.pop()
        people = [members[id] for id in team.members if id in members]
        found.append(Branch(team, depth, people))
        waiting += [(each, depth + 1) for each in reversed(below.get(team.id, []))]
    return found


ROUTES = [show_teams, create_team, show_team, change_team, remove_team]
