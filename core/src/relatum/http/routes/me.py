"""``/api/v1/me``: what everybody may know and change of themselves."""

from __future__ import annotations

from uuid import UUID

import msgspec
from litestar import delete, get, patch, post
from litestar.params import FromPath, JSONBody

from relatum.access.accounts.types import (
    Account,
    AccountChange,
    Discreet,
    NewToken,
    PasswordText,
    RecoveryCodes,
    SecondFactorSetup,
    SecretText,
    TokenDraft,
)
from relatum.access.viewer import SIGNED_IN
from relatum.http.answers import Answer
from relatum.http.calls import Call, id_in_path
from relatum.http.routes.accounts import ListedSessions, ListedTokens
from relatum.http.routes.session import refuse_key, session_headers
from relatum.values.problems import Refused

MINE = {"permission": SIGNED_IN}
TAGS = ["me"]


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and what they may do.

    Attributes:
        permissions: everything that is allowed now, within the scopes of the token if there is one.
        session: the session in use, if it is one.
        token: the token in use, if it is one.
        recovery_codes: how many are left.
    """

    account: Account
    permissions: list[str]
    session: UUID | None
    token: UUID | None
    recovery_codes: int


class PasswordChange(Discreet, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The password of now and the new one."""

    old: PasswordText
    new: PasswordText


class Code(Discreet, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A code of the authenticator app (or a recovery code, where those are taken)."""

    code: SecretText


@get("/me", opt=MINE, tags=TAGS)
async def read_me(request: Call) -> Answer[Me]:
    """Who is asking, and what they may do."""
    request.refuse_query()
    viewer, id = request.viewer, _account(request)
    allowed = [each.id for each in request.house.registry.permissions if viewer.may(each.id)]
    me = Me(
        account=await request.house.accounts.get(id),
        permissions=sorted(allowed),
        session=viewer.session,
        token=viewer.token,
        recovery_codes=await request.house.second_factor.codes_left(id),
    )
    return Answer(me)


@patch("/me", opt=MINE, tags=TAGS)
async def change_me(request: Call, data: JSONBody[AccountChange]) -> Answer[Account]:
    """Change one's own name or language."""
    request.refuse_query()
    id = _account(request)
    return Answer(await request.house.accounts.change(id, data, by=request.actor))


@post("/me/password", opt=MINE, tags=TAGS, status_code=204)
async def change_password(request: Call, data: JSONBody[PasswordChange]) -> Answer[None]:
    """Change one's own password; every other session ends, and this one gets a new cookie."""
    request.refuse_query()
    refuse_key(request)
    id, session = _signed_in(request)
    await request.house.accounts.change_password(
        id, data.old, data.new, keep=session, address=request.address
    )
    return await _with_new_cookie(request, session)


@get("/me/sessions", opt=MINE, tags=TAGS)
async def read_my_sessions(request: Call) -> Answer[ListedSessions]:
    """Where one is signed in."""
    request.refuse_query()
    return Answer(ListedSessions(await request.house.sessions.of(_account(request))))


@delete("/me/sessions", opt=MINE, tags=TAGS, status_code=204)
async def end_my_other_sessions(request: Call) -> None:
    """Sign out everywhere else."""
    request.refuse_query()
    id, session = _signed_in(request)
    await request.house.sessions.revoke_others(id, session, by=request.actor)


@delete("/me/sessions/{session_id:str}", opt=MINE, tags=TAGS, status_code=204)
async def end_my_session(request: Call, session_id: FromPath[str]) -> None:
    """Sign out somewhere."""
    request.refuse_query()
    id, _ = _signed_in(request)
    session = id_in_path(session_id, "session")
    await request.house.sessions.revoke(id, session, by=request.actor)


@get("/me/tokens", opt=MINE, tags=TAGS)
async def read_my_tokens(request: Call) -> Answer[ListedTokens]:
    """One's own API tokens, without their secrets."""
    request.refuse_query()
    return Answer(ListedTokens(await request.house.tokens.of(_account(request))))


@post("/me/tokens", opt=MINE, tags=TAGS)
async def create_my_token(request: Call, data: JSONBody[TokenDraft]) -> Answer[NewToken]:
    """Make an API token; its secret is shown this once. Needs a session, no token makes tokens."""
    request.refuse_query()
    refuse_key(request)
    id, _ = _signed_in(request)
    return Answer(await request.house.tokens.create(id, data, by=request.actor), status=201)


@delete("/me/tokens/{token_id:str}", opt=MINE, tags=TAGS, status_code=204)
async def revoke_my_token(request: Call, token_id: FromPath[str]) -> None:
    """End one of one's own tokens at once; a token may end itself."""
    request.refuse_query()
    id, token = _account(request), id_in_path(token_id, "token")
    if request.viewer.token not in (None, token):
        _signed_in(request)
    await request.house.tokens.revoke(id, token, by=request.actor)


@post("/me/second-factor", opt=MINE, tags=TAGS, status_code=200)
async def begin_second_factor(request: Call) -> Answer[SecondFactorSetup]:
    """A new secret for the authenticator app; a code from it switches the second factor on."""
    request.refuse_query()
    refuse_key(request)
    id, _ = _signed_in(request)
    return Answer(await request.house.second_factor.begin(id))


@post("/me/second-factor/confirm", opt=MINE, tags=TAGS, status_code=200)
async def confirm_second_factor(request: Call, data: JSONBody[Code]) -> Answer[RecoveryCodes]:
    """Switch the second factor on; the recovery codes are shown this once."""
    request.refuse_query()
    refuse_key(request)
    id, session = _signed_in(request)
    codes = await request.house.second_factor.confirm(id, data.code, session=session)
    renewed = await request.house.sessions.rotate(session)
    return Answer(codes, headers=session_headers(request, renewed))


@post("/me/second-factor/recovery-codes", opt=MINE, tags=TAGS, status_code=200)
async def renew_recovery_codes(request: Call, data: JSONBody[Code]) -> Answer[RecoveryCodes]:
    """Ten new recovery codes; the former ones are no longer good."""
    request.refuse_query()
    refuse_key(request)
    id, _ = _signed_in(request)
    return Answer(await request.house.second_factor.renew_codes(id, data.code))


@post("/me/second-factor/off", opt=MINE, tags=TAGS, status_code=204)
async def turn_off_second_factor(request: Call, data: JSONBody[Code]) -> Answer[None]:
    """Ask for no code any more."""
    request.refuse_query()
    refuse_key(request)
    id, session = _signed_in(request)
    await request.house.second_factor.turn_off(id, data.code)
    return await _with_new_cookie(request, session)


async def _with_new_cookie(request: Call, session: UUID) -> Answer[None]:
    renewed = await request.house.sessions.rotate(session)
    return Answer(None, status=204, headers=session_headers(request, renewed))


def _account(request: Call) -> UUID:
    account = request.viewer.account
    if account is None:
        raise Refused("expected somebody with an account, got the system itself")
    return account


def _signed_in(request: Call) -> tuple[UUID, UUID]:
    """The account and session of a person who has signed in.

    Raises:
        Refused: an API token acts; what concerns coming in is not for programs.
    """
    viewer = request.viewer
    if viewer.account is None or viewer.session is None:
        raise Refused(
            "expected a person who has signed in, got an API token; tokens do not manage how "
            "their owner comes in"
        )
    return viewer.account, viewer.session


ROUTES = [
    read_me,
    change_me,
    change_password,
    read_my_sessions,
    end_my_other_sessions,
    end_my_session,
    read_my_tokens,
    create_my_token,
    revoke_my_token,
    begin_second_factor,
    confirm_second_factor,
    renew_recovery_codes,
    turn_off_second_factor,
]
