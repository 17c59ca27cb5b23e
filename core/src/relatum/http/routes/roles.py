"""``/api/v1/roles``, ``/permissions``, ``/rules``, ``/teams`` and who has which."""

from __future__ import annotations

import msgspec
from litestar import delete, get, patch, post, put
from litestar.params import FromPath, JSONBody

from relatum.access.policies import BUILTIN_ROLES
from relatum.access.roles.types import (
    Role,
    RoleChange,
    RoleDraft,
    Standing,
    StandingChange,
    Team,
    TeamChange,
    TeamDraft,
)
from relatum.access.sight.types import NamedRule, RuleChange, RuleDraft
from relatum.hooks.gate import owner
from relatum.http.answers import Answer, expected_version, versioned
from relatum.http.calls import Call, id_in_path
from relatum.values.text import Text

READ = "core.accounts.read"
WRITE = "core.roles.write"
TAGS = ["roles"]


class PermissionShown(msgspec.Struct, frozen=True, kw_only=True):
    """A permission, who declares it, and the built-in roles that begin with it."""

    id: str
    title: Text
    plugin: str
    roles: list[str]


class ListedPermissions(msgspec.Struct, frozen=True):
    """Every permission of core and of the plugins that are on."""

    items: list[PermissionShown]


class ListedRoles(msgspec.Struct, frozen=True):
    """Every role."""

    items: list[Role]


class ListedRules(msgspec.Struct, frozen=True):
    """Every stored rule."""

    items: list[NamedRule]


class ListedTeams(msgspec.Struct, frozen=True):
    """Every team."""

    items: list[Team]


@get("/permissions", opt={"permission": READ}, tags=TAGS)
async def read_permissions(request: Call) -> Answer[ListedPermissions]:
    """What a role can hold."""
    request.refuse_query()
    shown = [
        PermissionShown(
            id=each.id,
            title=each.title,
            plugin=owner(each.id),
            roles=[role for role in BUILTIN_ROLES if role == "owner" or role in each.roles],
        )
        for each in sorted(request.house.registry.permissions, key=lambda each: each.id)
    ]
    return Answer(ListedPermissions(shown))


@get("/roles", opt={"permission": READ}, tags=TAGS)
async def read_roles(request: Call) -> Answer[ListedRoles]:
    """What each role may do and see."""
    request.refuse_query()
    return Answer(ListedRoles(await request.house.roles.every()))


@get("/roles/{role_key:str}", opt={"permission": READ, "versioned": True}, tags=TAGS)
async def read_role(request: Call, role_key: FromPath[str]) -> Answer[Role]:
    """One role; `ETag` names the version."""
    request.refuse_query()
    role = await request.house.roles.get(role_key)
    return versioned(request, role, role.version)


@post("/roles", opt={"permission": WRITE}, tags=TAGS)
async def create_role(request: Call, data: JSONBody[RoleDraft]) -> Answer[Role]:
    """Make a role of your own; nobody makes one that holds more than they do."""
    request.refuse_query()
    role = await request.house.roles.create(data, by=request.actor)
    location = (b"location", f"/api/v1/roles/{role.key}".encode())
    return versioned(request, role, role.version, status=201, headers=[location])


@patch("/roles/{role_key:str}", opt={"permission": WRITE, "versioned": True}, tags=TAGS)
async def change_role(
    request: Call, role_key: FromPath[str], data: JSONBody[RoleChange]
) -> Answer[Role]:
    """Change what a role is called, may do or sees; with `If-Match` only if nobody else did."""
    request.refuse_query()
    version = expected_version(request)
    role = await request.house.roles.change(role_key, data, by=request.actor, version=version)
    return versioned(request, role, role.version)


@delete("/roles/{role_key:str}", opt={"permission": WRITE}, tags=TAGS, status_code=204)
async def remove_role(request: Call, role_key: FromPath[str]) -> None:
    """Take a role of your own away, or put a built-in one back to how it came."""
    request.refuse_query()
    await request.house.roles.remove(role_key, by=request.actor)


@get("/rules", opt={"permission": READ}, tags=TAGS)
async def read_rules(request: Call) -> Answer[ListedRules]:
    """The rules that policies can name."""
    request.refuse_query()
    return Answer(ListedRules(await request.house.rules.all()))


@get("/rules/{rule_key:str}", opt={"permission": READ, "versioned": True}, tags=TAGS)
async def read_rule(request: Call, rule_key: FromPath[str]) -> Answer[NamedRule]:
    """One rule; `ETag` names the version."""
    request.refuse_query()
    rule = await request.house.rules.get(rule_key)
    return versioned(request, rule, rule.version)


@post("/rules", opt={"permission": WRITE}, tags=TAGS)
async def create_rule(request: Call, data: JSONBody[RuleDraft]) -> Answer[NamedRule]:
    """Store a rule and find the customers that fit it."""
    request.refuse_query()
    rule = await request.house.rules.create(data, by=request.actor)
    location = (b"location", f"/api/v1/rules/{rule.key}".encode())
    return versioned(request, rule, rule.version, status=201, headers=[location])


@patch("/rules/{rule_key:str}", opt={"permission": WRITE, "versioned": True}, tags=TAGS)
async def change_rule(
    request: Call, rule_key: FromPath[str], data: JSONBody[RuleChange]
) -> Answer[NamedRule]:
    """Change a rule and find its customers anew; with `If-Match` only if nobody else did."""
    request.refuse_query()
    version = expected_version(request)
    rule = await request.house.rules.change(rule_key, data, by=request.actor, version=version)
    return versioned(request, rule, rule.version)


@delete("/rules/{rule_key:str}", opt={"permission": WRITE}, tags=TAGS, status_code=204)
async def remove_rule(request: Call, rule_key: FromPath[str]) -> None:
    """Take a rule away; policies that name it show nothing by it any more."""
    request.refuse_query()
    await request.house.rules.remove(rule_key, by=request.actor)


@get("/teams", opt={"permission": READ}, tags=TAGS)
async def read_teams(request: Call) -> Answer[ListedTeams]:
    """Every team, the one above it, and who is in it."""
    request.refuse_query()
    return Answer(ListedTeams(await request.house.roles.teams.every()))


@get("/teams/{team_id:str}", opt={"permission": READ}, tags=TAGS)
async def read_team(request: Call, team_id: FromPath[str]) -> Answer[Team]:
    """One team."""
    request.refuse_query()
    return Answer(await request.house.roles.teams.get(id_in_path(team_id, "team")))


@post("/teams", opt={"permission": WRITE}, tags=TAGS)
async def create_team(request: Call, data: JSONBody[TeamDraft]) -> Answer[Team]:
    """Make a team."""
    request.refuse_query()
    team = await request.house.roles.teams.create(data, by=request.actor)
    location = (b"location", f"/api/v1/teams/{team.id}".encode())
    return Answer(team, status=201, headers=[location])


@patch("/teams/{team_id:str}", opt={"permission": WRITE}, tags=TAGS)
async def change_team(
    request: Call, team_id: FromPath[str], data: JSONBody[TeamChange]
) -> Answer[Team]:
    """Rename a team, or put it below another one."""
    request.refuse_query()
    id = id_in_path(team_id, "team")
    return Answer(await request.house.roles.teams.change(id, data, by=request.actor))


@delete("/teams/{team_id:str}", opt={"permission": WRITE}, tags=TAGS, status_code=204)
async def remove_team(request: Call, team_id: FromPath[str]) -> None:
    """Take an empty team away."""
    request.refuse_query()
    await request.house.roles.teams.remove(id_in_path(team_id, "team"), by=request.actor)


@get("/standings/{account_id:str}", opt={"permission": READ}, tags=TAGS)
async def read_standing(request: Call, account_id: FromPath[str]) -> Answer[Standing]:
    """The roles and teams of an account."""
    request.refuse_query()
    return Answer(await request.house.roles.standing(id_in_path(account_id, "account")))


@put("/standings/{account_id:str}", opt={"permission": WRITE}, tags=TAGS)
async def change_standing(
    request: Call, account_id: FromPath[str], data: JSONBody[StandingChange]
) -> Answer[Standing]:
    """Give an account its roles and teams; what is left out stays as it is."""
    request.refuse_query()
    id = id_in_path(account_id, "account")
    return Answer(await request.house.roles.place(id, data, by=request.actor))


ROUTES = [
    read_permissions,
    read_roles,
    read_role,
    create_role,
    change_role,
    remove_role,
    read_rules,
    read_rule,
    create_rule,
    change_rule,
    remove_rule,
    read_teams,
    read_team,
    create_team,
    change_team,
    remove_team,
    read_standing,
    change_standing,
]
