"""The accounts of people and services: who there is, inviting, roles and teams, keeping out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.access.accounts.addresses import path_of
from relatum.access.accounts.types import (
    AccountKind,
    AccountQuery,
    AccountState,
    EmailText,
    InvitationDraft,
    Language,
    Name,
    OneTimeSecret,
    ServiceDraft,
    TokenDraft,
)
from relatum.access.roles.types import RoleKey, StandingChange
from relatum.access.viewer import current_viewer
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.values.problems import RelatumError
from relatum.values.text import Text
from relatum.web.filters import filtered, next_page
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import language_of
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.pages.account.forms import TokenForm
from relatum.web.pages.account.tokens import token_page
from relatum.web.permissions import groups_of

READ = {"permission": "core.accounts.read", **PAGE}
WRITE = {"permission": "core.accounts.write", **PAGE}
ROLES = {"permission": "core.roles.write", **PAGE}
HERE = "/people"
T = TypeVar("T")
RoleKeys = Annotated[list[RoleKey], Meta(max_length=50)]


class Invitation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Somebody to invite."""

    name: Name
    email: EmailText
    roles: Annotated[list[RoleKey], Meta(min_length=1, max_length=50)]
    team: UUID | None = None
    language: Language


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An integration to make."""

    name: Name
    roles: Annotated[list[RoleKey], Meta(min_length=1, max_length=50)]


class AccountFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which accounts to show."""

    q: Annotated[str, Meta(max_length=200)] = ""
    kind: AccountKind | None = None
    state: AccountState | None = None
    cursor: str | None = None


class StandingForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Roles and teams of an account; the first team gets its new customers."""

    roles: RoleKeys = []
    first_team: UUID | None = None
    teams: Annotated[list[UUID], Meta(max_length=200)] = []


@get(HERE, opt=READ, include_in_schema=False)
async def show_people(request: Call) -> Html:
    """Everybody who may come in, by name."""
    form, asked = filtered(request, AccountFilter)
    house = request.house
    query = AccountQuery(q=asked.q, kind=asked.kind, state=asked.state, cursor=asked.cursor)
    found = await house.accounts.find(query)
    ids = [account.id for account in found.items]
    return await page(
        request,
        "relatum/people.html",
        here="people",
        forms=(form,),
        people=found.items,
        next=next_page(request, found.next),
        roles=await _titles_of(request, ids),
        teams=await _teams_of(request, ids),
    )


@get("/people/invite", opt=WRITE, include_in_schema=False)
async def show_invite(request: Call) -> Html:
    """The form for an invitation."""
    request.refuse_query(("lang",))
    return await _invite_page(request, Form("invitation", {"language": language_of(request)}))


@post("/people/invite", opt=WRITE, include_in_schema=False)
async def invite(request: Call) -> Answer[Any]:
    """Invite somebody; the link is on the answer and nowhere else."""
    form = Form("invitation")
    try:
        asked = form.take(await sent(request), Invitation)
        draft = InvitationDraft(**msgspec.structs.asdict(asked))
        link = await request.house.accounts.invite(draft, by=request.actor)
    except RelatumError as error:
        form.refuse(error)
        return await _invite_page(request, form)
    return await _link_page(request, link)


@get("/people/service", opt=WRITE, include_in_schema=False)
async def show_new_service(request: Call) -> Html:
    """The form for a service account."""
    request.refuse_query(("lang",))
    return await _service_page(request, Form("service"))


@post("/people/service", opt=WRITE, include_in_schema=False)
async def create_service(request: Call) -> Answer[Any]:
    """Make a service account."""
    form = Form("service")
    try:
        asked = form.take(await sent(request), Service)
        draft = ServiceDraft(name=asked.name, roles=asked.roles, language=language_of(request))
        made = await request.house.accounts.create_service(draft, by=request.actor)
    except RelatumError as error:
        form.refuse(error)
        return await _service_page(request, form)
    return Redirect(f"/people/{made.id}", flash="service-made")


@get("/people/{account_id:str}", opt=READ, include_in_schema=False)
async def show_person(request: Call, account_id: FromPath[str]) -> Html:
    """One account."""
    request.refuse_query(("lang",))
    return await _person_page(request, id_in_path(account_id, "account"))


@post("/people/{account_id:str}/standing", opt=ROLES, include_in_schema=False)
async def change_standing(request: Call, account_id: FromPath[str]) -> Answer[Any]:
    """Give other roles and teams."""
    id = id_in_path(account_id, "account")
    form = Form("standing")
    try:
        asked = form.take(await sent(request), StandingForm)
        first = [asked.first_team] if asked.first_team is not None else []
        teams = list(dict.fromkeys([*first, *asked.teams]))
        change = StandingChange(roles=asked.roles, teams=teams)
        await request.house.roles.place(id, change, by=request.actor)
    except RelatumError as error:
        form.refuse(error)
        return await _person_page(request, id, form)
    return Redirect(f"/people/{id}", flash="saved")


@post("/people/{account_id:str}/link", opt=WRITE, include_in_schema=False)
async def make_link(request: Call, account_id: FromPath[str]) -> Answer[Any]:
    """A new invitation, or a link to set a new password."""
    id = id_in_path(account_id, "account")
    accounts = request.house.accounts

    async def make() -> OneTimeSecret:
        invited = (await accounts.get(id)).state == "invited"
        again = accounts.invite_again if invited else accounts.reset_link
        return await again(id, by=request.actor)

    link = await _acted(request, id, make)
    return link if isinstance(link, Answer) else await _link_page(request, link)


@post("/people/{account_id:str}/suspend", opt=WRITE, include_in_schema=False)
async def suspend(request: Call, account_id: FromPath[str]) -> Answer[Any]:
    """Keep somebody out."""
    id = id_in_path(account_id, "account")
    accounts = request.house.accounts
    done = await _acted(request, id, lambda: accounts.suspend(id, by=request.actor))
    return done if isinstance(done, Answer) else Redirect(f"/people/{id}", flash="suspended")


@post("/people/{account_id:str}/reactivate", opt=WRITE, include_in_schema=False)
async def reactivate(request: Call, account_id: FromPath[str]) -> Answer[Any]:
    """Let somebody in again."""
    id = id_in_path(account_id, "account")
    accounts = request.house.accounts
    done = await _acted(request, id, lambda: accounts.reactivate(id, by=request.actor))
    return done if isinstance(done, Answer) else Redirect(f"/people/{id}", flash="reactivated")


@post("/people/{account_id:str}/second-factor/remove", opt=WRITE, include_in_schema=False)
async def remove_second_factor(request: Call, account_id: FromPath[str]) -> Answer[Any]:
    """Take the second factor from somebody who lost it."""
    id = id_in_path(account_id, "account")
    factor = request.house.second_factor
    done = await _acted(request, id, lambda: factor.remove(id, by=request.actor))
    if isinstance(done, Answer):
        return done
    return Redirect(f"/people/{id}", flash="second-factor-off")


@post("/people/{account_id:str}/tokens", opt=WRITE, include_in_schema=False)
async def create_token(request: Call, account_id: FromPath[str]) -> Answer[Any]:
    """Make a token for a service."""
    id = id_in_path(account_id, "account")
    form = Form("token")
    try:
        asked = form.take(await sent(request), TokenForm)
        draft = TokenDraft(name=asked.name, days=asked.days, scopes=asked.scopes)
        made = await request.house.tokens.create(id, draft, by=request.actor)
    except RelatumError as error:
        form.refuse(error)
        return await _person_page(request, id, form)
    return await token_page(request, made, back=f"/people/{id}")


@post("/people/{account_id:str}/tokens/{token_id:str}/revoke", opt=WRITE, include_in_schema=False)
async def revoke_token(
    request: Call, account_id: FromPath[str], token_id: FromPath[str]
) -> Answer[Any]:
    """End a token of a service."""
    id, token = id_in_path(account_id, "account"), id_in_path(token_id, "token")
    tokens = request.house.tokens
    done = await _acted(request, id, lambda: tokens.revoke(id, token, by=request.actor))
    return done if isinstance(done, Answer) else Redirect(f"/people/{id}", flash="token-revoked")


async def _acted(request: Call, id: UUID, act: Callable[[], Awaitable[T]]) -> T | Answer[Any]:
    """Do what a button asks for; when it cannot be done, the page of the account says why."""
    form = Form("action")
    try:
        form.take(await sent(request), Nothing)
        return await act()
    except RelatumError as error:
        form.refuse(error)
        return await _person_page(request, id, form)


async def _invite_page(request: Call, form: Form) -> Html:
    house = request.house
    return await page(
        request,
        "relatum/invite.html",
        here="people",
        forms=(form,),
        roles=await house.roles.every(),
        teams=await house.roles.teams.every(),
    )


async def _service_page(request: Call, form: Form) -> Html:
    roles = await request.house.roles.every()
    return await page(request, "relatum/service.html", here="people", forms=(form,), roles=roles)


async def _link_page(request: Call, link: OneTimeSecret) -> Html:
    server = request.house.settings.server
    host = request.header(b"host") or f"{server.host}:{server.port}"
    scheme = "https" if request.is_secure else "http"
    base = server.public_url.rstrip("/") or f"{scheme}://{host}"
    return await page(
        request,
        "relatum/link.html",
        here="people",
        address=HERE,
        link=link,
        url=base + path_of(link),
    )


async def _person_page(request: Call, id: UUID, refused: Form | None = None) -> Html:
    house = request.house
    account = await house.accounts.get(id)
    standing = await house.roles.standing(id)
    teams = await house.roles.teams.every()
    manages = current_viewer().may("core.accounts.write")
    is_service = account.kind == "service"
    first = standing.teams[0] if standing.teams else None
    held = {"roles": standing.roles, "teams": standing.teams, "first_team": first}
    blank = [Form("standing", held), Form("token", {"days": 90}), Form("action")]
    forms = [refused if refused and refused.name == each.name else each for each in blank]
    return await page(
        request,
        "relatum/person.html",
        here="people",
        forms=tuple(forms),
        address=f"/people/{id}",
        account=account,
        held=standing,
        roles=await house.roles.every(),
        teams=teams,
        is_self=current_viewer().account == id,
        tokens=await house.tokens.of(id) if is_service and manages else [],
        token_path=f"/people/{id}/tokens",
        permissions=groups_of(house.registry.permissions) if is_service else [],
    )


async def _titles_of(request: Call, ids: list[UUID]) -> dict[UUID, list[Text]]:
    """The titles of the roles of each account."""
    titles = {role.key: role.title for role in await request.house.roles.every()}
    rows = await request.house.db.fetch_in(
        "SELECT account_id, role FROM core_account_role WHERE account_id IN ({}) ORDER BY role",
        ids,
    )
    found: dict[UUID, list[Text]] = {id: [] for id in ids}
    for account, role in rows:
        if role in titles:
            found[account].append(titles[role])
    return found


async def _teams_of(request: Call, ids: list[UUID]) -> dict[UUID, list[str]]:
    teams = await request.house.roles.teams.every()
    return {id: [team.name for team in teams if id in team.members] for id in ids}


ROUTES = [
    show_people,
    show_invite,
    invite,
    show_new_service,
    create_service,
    show_person,
    change_standing,
    make_link,
    suspend,
    reactivate,
    remove_second_factor,
    create_token,
    revoke_token,
]
