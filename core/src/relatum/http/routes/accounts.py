"""``/api/v1/accounts`` and ``/service-accounts``: who may come in, for whoever manages that."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath, JSONBody

from relatum.access.accounts.addresses import url_of
from relatum.access.accounts.types import (
    Account,
    AccountQuery,
    Discreet,
    InvitationDraft,
    NewToken,
    OneTimeSecret,
    ServiceDraft,
    Session,
    Token,
    TokenDraft,
)
from relatum.db.pages import Page
from relatum.http.answers import Answer, paged
from relatum.http.calls import Call, id_in_path
from relatum.http.routes.session import refuse_key
from relatum.values.problems import NotFound

READ = "core.accounts.read"
WRITE = "core.accounts.write"
TAGS = ["accounts"]


class LinkMade(Discreet, frozen=True, kw_only=True):
    """A one-time link, to be sent to the person; it is shown this once.

    Attributes:
        url: the whole address.
    """

    account: Account
    secret: str
    url: str
    expires_at: dt.datetime


class ListedTokens(msgspec.Struct, frozen=True):
    """The tokens of one account."""

    items: list[Token]


class ListedSessions(msgspec.Struct, frozen=True):
    """Where one account is signed in."""

    items: list[Session]


@get("/accounts", opt={"permission": READ, "query": AccountQuery}, tags=TAGS)
async def find_accounts(request: Call) -> Answer[Page[Account]]:
    """People and services that fit, by name, one page at a time."""
    return paged(request, await request.house.accounts.find(request.query_as(AccountQuery)))


@get("/accounts/{account_id:str}", opt={"permission": READ}, tags=TAGS)
async def read_account(request: Call, account_id: FromPath[str]) -> Answer[Account]:
    """One account."""
    request.refuse_query()
    return Answer(await request.house.accounts.get(_id(account_id)))


@post("/accounts", opt={"permission": WRITE}, tags=TAGS)
async def invite(request: Call, data: JSONBody[InvitationDraft]) -> Answer[LinkMade]:
    """Invite a person; send them the link, which is good once and for seven days."""
    request.refuse_query()
    refuse_key(request)
    link = await request.house.accounts.invite(data, by=request.actor)
    return _link(request, link, status=201)


@post("/accounts/{account_id:str}/invitation", opt={"permission": WRITE}, tags=TAGS)
async def invite_again(request: Call, account_id: FromPath[str]) -> Answer[LinkMade]:
    """A new link for somebody who has not accepted yet; the former one is no longer good."""
    request.refuse_query()
    refuse_key(request)
    id = _id(account_id)
    return _link(request, await request.house.accounts.invite_again(id, by=request.actor))


@post("/accounts/{account_id:str}/reset-link", opt={"permission": WRITE}, tags=TAGS)
async def make_reset_link(request: Call, account_id: FromPath[str]) -> Answer[LinkMade]:
    """A link with which a person sets a new password; good once and for a day."""
    request.refuse_query()
    refuse_key(request)
    id = _id(account_id)
    return _link(request, await request.house.accounts.reset_link(id, by=request.actor))


@post("/accounts/{account_id:str}/suspend", opt={"permission": WRITE}, tags=TAGS, status_code=200)
async def suspend(request: Call, account_id: FromPath[str]) -> Answer[Account]:
    """Keep somebody out: sessions end, tokens are revoked, links are spent."""
    request.refuse_query()
    return Answer(await request.house.accounts.suspend(_id(account_id), by=request.actor))


@post(
    "/accounts/{account_id:str}/reactivate", opt={"permission": WRITE}, tags=TAGS, status_code=200
)
async def reactivate(request: Call, account_id: FromPath[str]) -> Answer[Account]:
    """Let a suspended account in again; its tokens stay revoked."""
    request.refuse_query()
    return Answer(await request.house.accounts.reactivate(_id(account_id), by=request.actor))


@delete(
    "/accounts/{account_id:str}/second-factor",
    opt={"permission": WRITE},
    tags=TAGS,
    status_code=204,
)
async def remove_second_factor(request: Call, account_id: FromPath[str]) -> None:
    """Take the second factor from somebody who lost it; all their sessions end."""
    request.refuse_query()
    await request.house.second_factor.remove(_id(account_id), by=request.actor)


@get("/accounts/{account_id:str}/sessions", opt={"permission": WRITE}, tags=TAGS)
async def read_sessions(request: Call, account_id: FromPath[str]) -> Answer[ListedSessions]:
    """Where somebody is signed in."""
    request.refuse_query()
    account = await request.house.accounts.get(_id(account_id))
    return Answer(ListedSessions(await request.house.sessions.of(account.id)))


@delete(
    "/accounts/{account_id:str}/sessions", opt={"permission": WRITE}, tags=TAGS, status_code=204
)
async def end_sessions(request: Call, account_id: FromPath[str]) -> None:
    """Sign somebody out everywhere."""
    request.refuse_query()
    account = await request.house.accounts.get(_id(account_id))
    await request.house.roles.refuse_stronger(account.id)
    await request.house.sessions.revoke_others(account.id, None, by=request.actor)


@post("/service-accounts", opt={"permission": WRITE}, tags=TAGS)
async def create_service(request: Call, data: JSONBody[ServiceDraft]) -> Answer[Account]:
    """Make an account for an integration; it acts through tokens."""
    request.refuse_query()
    account = await request.house.accounts.create_service(data, by=request.actor)
    location = (b"location", f"/api/v1/accounts/{account.id}".encode())
    return Answer(account, status=201, headers=[location])


@get("/service-accounts/{account_id:str}/tokens", opt={"permission": WRITE}, tags=TAGS)
async def read_service_tokens(request: Call, account_id: FromPath[str]) -> Answer[ListedTokens]:
    """The tokens of a service."""
    request.refuse_query()
    service = await _service(request, account_id)
    return Answer(ListedTokens(await request.house.tokens.of(service)))


@post("/service-accounts/{account_id:str}/tokens", opt={"permission": WRITE}, tags=TAGS)
async def create_service_token(
    request: Call, account_id: FromPath[str], data: JSONBody[TokenDraft]
) -> Answer[NewToken]:
    """Make a token for a service; its secret is shown this once."""
    request.refuse_query()
    refuse_key(request)
    service = await _service(request, account_id)
    made = await request.house.tokens.create(service, data, by=request.actor)
    return Answer(made, status=201)


@delete(
    "/service-accounts/{account_id:str}/tokens/{token_id:str}",
    opt={"permission": WRITE},
    tags=TAGS,
    status_code=204,
)
async def revoke_service_token(
    request: Call, account_id: FromPath[str], token_id: FromPath[str]
) -> None:
    """End a token of a service at once."""
    request.refuse_query()
    service, token = await _service(request, account_id), id_in_path(token_id, "token")
    await request.house.tokens.revoke(service, token, by=request.actor)


def _id(text: str) -> UUID:
    return id_in_path(text, "account")


async def _service(request: Call, text: str) -> UUID:
    """The id of a service: people make and revoke their tokens themselves."""
    account = await request.house.accounts.get(_id(text))
    if account.kind != "service":
        raise NotFound(f"expected the id of a service, got {account.id}, which is a person")
    return account.id


def _link(request: Call, link: OneTimeSecret, *, status: int = 200) -> Answer[LinkMade]:
    if link.account is None:
        raise NotFound("expected a link for an account, got one for nobody")
    made = LinkMade(
        account=link.account,
        secret=link.secret,
        url=url_of(link, request.house.settings.server),
        expires_at=link.expires_at,
    )
    return Answer(made, status=status)


ROUTES = [
    find_accounts,
    read_account,
    invite,
    invite_again,
    make_reset_link,
    suspend,
    reactivate,
    remove_second_factor,
    read_sessions,
    end_sessions,
    create_service,
    read_service_tokens,
    create_service_token,
    revoke_service_token,
]
