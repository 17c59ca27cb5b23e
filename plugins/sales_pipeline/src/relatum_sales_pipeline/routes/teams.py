"""Teams and members."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from relatum.api import Answer, Call, InvalidInput, Page, Plugin, id_in_path, of_one, paged
from relatum_sales_pipeline.permissions import SETUP_READ, SETUP_WRITE
from relatum_sales_pipeline.routes.verbs import get, patch, post
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.teams import (
    Member,
    MemberDraft,
    MemberEdit,
    Team,
    TeamDraft,
    TeamEdit,
)

Limit = Annotated[int, Meta(ge=1, le=200)]


class TeamQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which teams, by name."""

    active: bool | None = None
    limit: Limit = 50
    cursor: str | None = None


class MemberQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which members, by name."""

    team_id: UUID | None = None
    active: bool | None = None
    limit: Limit = 50
    cursor: str | None = None


@get("/teams", opt={"permission": SETUP_READ, "query": TeamQuery})
async def find_teams(request: Call, plugin: NamedDependency[Plugin]) -> Answer[Page[Team]]:
    """Teams by name, one page at a time."""
    query = request.query_as(TeamQuery)
    page = await Teams(plugin).find_teams(
        active=query.active, limit=query.limit, cursor=query.cursor
    )
    return paged(request, page)


@post("/teams", opt={"permission": SETUP_WRITE})
async def create_team(
    request: Call, plugin: NamedDependency[Plugin], data: JSONBody[TeamDraft]
) -> Answer[Team]:
    """Make a team."""
    request.refuse_query()
    teams = Teams(plugin)
    try:
        (id,) = await teams.create_teams([data])
    except InvalidInput as error:
        raise of_one(error) from error
    return Answer((await teams.get_teams([id]))[id], status=201)


@patch("/teams/{team_id:str}", opt={"permission": SETUP_WRITE})
async def change_team(
    request: Call,
    plugin: NamedDependency[Plugin],
    team_id: FromPath[str],
    data: JSONBody[TeamEdit],
) -> Answer[Team]:
    """Change a team."""
    request.refuse_query()
    return Answer(await Teams(plugin).change_team(id_in_path(team_id, "team"), data))


@get("/members", opt={"permission": SETUP_READ, "query": MemberQuery})
async def find_members(request: Call, plugin: NamedDependency[Plugin]) -> Answer[Page[Member]]:
    """Members by name, one page at a time."""
    query = request.query_as(MemberQuery)
    page = await Teams(plugin).find_members(
        team_id=query.team_id, active=query.active, limit=query.limit, cursor=query.cursor
    )
    return paged(request, page)


@post("/members", opt={"permission": SETUP_WRITE})
async def create_member(
    request: Call, plugin: NamedDependency[Plugin], data: JSONBody[MemberDraft]
) -> Answer[Member]:
    """Add somebody who sells."""
    request.refuse_query()
    teams = Teams(plugin)
    try:
        (id,) = await teams.create_members([data])
    except InvalidInput as error:
        raise of_one(error) from error
    return Answer((await teams.get_members([id]))[id], status=201)


@patch("/members/{member_id:str}", opt={"permission": SETUP_WRITE})
async def change_member(
    request: Call,
    plugin: NamedDependency[Plugin],
    member_id: FromPath[str],
    data: JSONBody[MemberEdit],
) -> Answer[Member]:
    """Change a member; deals keep the team they were sold in."""
    request.refuse_query()
    return Answer(await Teams(plugin).change_member(id_in_path(member_id, "member"), data))


ROUTES = [find_teams, create_team, change_team, find_members, create_member, change_member]
