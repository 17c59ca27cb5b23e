"""Roles: what each may do, which customers and which sensitive fields it sees."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.access.policies import Policy, Scope
from relatum.access.roles.types import (
    BasedOn,
    PermissionIds,
    RoleChange,
    RoleDraft,
    RoleKey,
    Title,
)
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call
from relatum.values.problems import RelatumError
from relatum.values.sensitivity import SENSITIVITIES, Sensitivity
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import marked
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.permissions import groups_of

READ = {"permission": "core.accounts.read", **PAGE}
WRITE = {"permission": "core.roles.write", **PAGE}
HERE = "/roles"

SCOPES: dict[str, str] = {
    "own": marked("their own customers"),
    "team": marked("customers of their teams"),
    "subteams": marked("customers of their teams and of the teams below"),
    "all": marked("every customer"),
}
CLASSES: dict[str, str] = {
    "contact": marked("contact: phone, e-mail, address"),
    "identity": marked("identity: papers, birth"),
    "finance": marked("finance: money, accounts"),
    "health": marked("health"),
    "secret": marked("secret: also encrypted where it is stored"),
}
SHORT_CLASSES: dict[str, str] = {
    "contact": marked("contact"),
    "identity": marked("identity"),
    "finance": marked("finance"),
    "health": marked("health"),
    "secret": marked("secret"),
}


class NewRole(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A role to make; what it may and sees is chosen afterwards."""

    title_en: Title
    title_vi: Title
    key: RoleKey
    based_on: BasedOn


class RoleForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything about a role that can be changed."""

    title_en: Title
    title_vi: Title
    version: int
    scopes: list[Scope] = []
    rules: Annotated[list[str], Meta(max_length=500)] = []
    unmasked: list[Sensitivity] = []
    permissions: PermissionIds = []


@get(HERE, opt=READ, include_in_schema=False)
async def show_roles(request: Call) -> Html:
    """Every role, what it sees and how much it may."""
    request.refuse_query(("lang",))
    house = request.house
    return await page(
        request,
        "relatum/roles.html",
        here="roles",
        roles=await house.roles.every(),
        rules={rule.key: rule for rule in await house.rules.all()},
        declared=len(house.registry.permissions),
        scope_texts=SCOPES,
        short_classes=SHORT_CLASSES,
    )


@get("/roles/new", opt=WRITE, include_in_schema=False)
async def show_new_role(request: Call) -> Html:
    """The form for an own role."""
    request.refuse_query(("lang",))
    return await _new_page(request, Form("new", {"based_on": "read_only"}))


@post("/roles/new", opt=WRITE, include_in_schema=False)
async def create_role(request: Call) -> Answer[Any]:
    """Make an own role."""
    form = Form("new")
    try:
        asked = form.take(await sent(request), NewRole)
        draft = RoleDraft(**msgspec.structs.asdict(asked))
        role = await request.house.roles.create(draft, by=request.actor)
    except RelatumError as error:
        form.refuse(error)
        return await _new_page(request, form)
    return Redirect(f"/roles/{role.key}", flash="role-made")


@get("/roles/{key:str}", opt=READ, include_in_schema=False)
async def show_role(request: Call, key: FromPath[str]) -> Html:
    """One role."""
    request.refuse_query(("lang",))
    return await _role_page(request, key)


@post("/roles/{key:str}", opt=WRITE, include_in_schema=False)
async def change_role(request: Call, key: FromPath[str]) -> Answer[Any]:
    """Change what a role is called, may do and sees."""
    form = Form("role_form")
    try:
        asked = form.take(await sent(request), RoleForm)
        change = RoleChange(
            title_en=asked.title_en,
            title_vi=asked.title_vi,
            policy=Policy(scopes=asked.scopes, rules=asked.rules, unmasked=asked.unmasked),
            permissions=asked.permissions,
        )
        roles = request.house.roles
        await roles.change(key, change, by=request.actor, version=asked.version)
    except RelatumError as error:
        form.refuse(error)
        return await _role_page(request, key, form)
    return Redirect(f"/roles/{key}", flash="saved")


@post("/roles/{key:str}/remove", opt=WRITE, include_in_schema=False)
async def remove_role(request: Call, key: FromPath[str]) -> Answer[Any]:
    """Take an own role away, or put a built-in one back to how it came."""
    form = Form("removing")
    try:
        form.take(await sent(request), Nothing)
        await request.house.roles.remove(key, by=request.actor)
    except RelatumError as error:
        form.refuse(error)
        return await _role_page(request, key, form)
    return Redirect(HERE, flash="removed")


async def _new_page(request: Call, form: Form) -> Html:
    roles = [role for role in await request.house.roles.every() if role.builtin]
    return await page(
        request,
        "relatum/role_new.html",
        here="roles",
        forms=(form,),
        builtin=[role for role in roles if role.key != "owner"],
    )


async def _role_page(request: Call, key: str, refused: Form | None = None) -> Html:
    house = request.house
    role = await house.roles.get(key)
    values = {
        "title_en": role.title.en,
        "title_vi": role.title.vi,
        "version": role.version,
        "permissions": role.permissions,
        **msgspec.structs.asdict(role.policy),
    }
    blank = [Form("role_form", values), Form("removing")]
    forms = [refused if refused and refused.name == each.name else each for each in blank]
    return await page(
        request,
        "relatum/role.html",
        here="roles",
        forms=tuple(forms),
        address=f"/roles/{key}",
        role=role,
        rules=await house.rules.all(),
        permissions=groups_of(house.registry.permissions),
        scope_texts=SCOPES,
        classes=[(each, CLASSES[each]) for each in SENSITIVITIES],
    )


ROUTES = [show_roles, show_new_role, create_role, show_role, change_role, remove_role]
