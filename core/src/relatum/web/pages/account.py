"""What people change about themselves: profile, password, second factor, sessions, tokens."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.access.accounts.types import (
    AccountChange,
    Language,
    Name,
    NewToken,
    PasswordText,
    PermissionId,
    RecoveryCodes,
    SecondFactorSetup,
    TokenDraft,
)
from relatum.access.viewer import SIGNED_IN, current_viewer
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.values.problems import InvalidInput, Problem, RelatumError
from relatum.web.entering import own_account
from relatum.web.forms import Form, Nothing, sent
from relatum.web.layout import PAGE, Redirect, language_cookie, page
from relatum.web.permissions import groups_of

OWN = {"permission": SIGNED_IN, **PAGE}
HERE = "/account"


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Name and language."""

    name: Name
    language: Language


class PasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The old password, and the new one twice."""

    old_password: PasswordText
    new_password: PasswordText
    again_password: PasswordText


class CodeForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A code of the app, or a recovery code."""

    code: Annotated[str, Meta(max_length=100)]


class TokenForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A token to make."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    days: Annotated[int, Meta(ge=1, le=366)]
    scopes: Annotated[list[PermissionId], Meta(max_length=500)] = []


@get(HERE, opt=OWN, include_in_schema=False)
async def show_account(request: Call) -> Html:
    """Everything about oneself."""
    request.refuse_query(("lang",))
    return await _account_page(request)


@post("/account/profile", opt=OWN, include_in_schema=False)
async def change_profile(request: Call) -> Answer[Any]:
    """Change name and language."""
    form = Form("profile")
    try:
        asked = form.take(await sent(request), Profile)
        change = AccountChange(name=asked.name, language=asked.language)
        id = own_account(request)
        account = await request.house.accounts.change(id, change, by=request.actor)
    except RelatumError as error:
        form.refuse(error)
        return await _account_page(request, form)
    return Redirect(HERE, flash="saved", headers=[language_cookie(account.language)])


@post("/account/password", opt=OWN, include_in_schema=False)
async def change_password(request: Call) -> Answer[Any]:
    """Change the password; every other session ends."""
    form = Form("password_change")
    try:
        asked = form.take(await sent(request), PasswordChange)
        if asked.new_password != asked.again_password:
            raise InvalidInput("The passwords differ.", problems=[NOT_THE_SAME])
        await request.house.accounts.change_password(
            own_account(request),
            asked.old_password,
            asked.new_password,
            keep=current_viewer().session,
            address=request.address,
        )
    except RelatumError as error:
        form.refuse(error, renamed={"old": "old_password", "new": "new_password"})
        return await _account_page(request, form)
    return Redirect(HERE, flash="password-changed")


@post("/account/second-factor", opt=OWN, include_in_schema=False)
async def begin_second_factor(request: Call) -> Answer[Any]:
    """A new secret for the app; nothing is asked for until a code confirms it."""
    Form("begin").take(await sent(request), Nothing)
    setup = await request.house.second_factor.begin(own_account(request))
    return await _second_factor_page(request, Form("confirm"), setup)


@post("/account/second-factor/confirm", opt=OWN, include_in_schema=False)
async def confirm_second_factor(request: Call) -> Answer[Any]:
    """Switch the second factor on."""
    form = Form("confirm")
    try:
        asked = form.take(await sent(request), CodeForm)
        codes = await request.house.second_factor.confirm(
            own_account(request), asked.code, session=current_viewer().session
        )
    except RelatumError as error:
        form.refuse(error)
        return await _second_factor_page(request, form, None)
    return await _codes_page(request, codes)


@post("/account/second-factor/codes", opt=OWN, include_in_schema=False)
async def renew_codes(request: Call) -> Answer[Any]:
    """New recovery codes."""
    form = Form("renewal")
    try:
        asked = form.take(await sent(request), CodeForm)
        codes = await request.house.second_factor.renew_codes(own_account(request), asked.code)
    except RelatumError as error:
        form.refuse(error)
        return await _account_page(request, form)
    return await _codes_page(request, codes)


@post("/account/second-factor/off", opt=OWN, include_in_schema=False)
async def turn_off_second_factor(request: Call) -> Answer[Any]:
    """Ask for no code any more."""
    form = Form("turning_off")
    try:
        asked = form.take(await sent(request), CodeForm)
        await request.house.second_factor.turn_off(own_account(request), asked.code)
    except RelatumError as error:
        form.refuse(error)
        return await _account_page(request, form)
    return Redirect(HERE, flash="second-factor-off")


@post("/account/sessions/others", opt=OWN, include_in_schema=False)
async def end_other_sessions(request: Call) -> Redirect:
    """Sign out everywhere else."""
    Form("others").take(await sent(request), Nothing)
    await request.house.sessions.revoke_others(
        own_account(request), current_viewer().session, by=request.actor
    )
    return Redirect(HERE, flash="sessions-ended")


@post("/account/sessions/{session_id:str}/end", opt=OWN, include_in_schema=False)
async def end_session(request: Call, session_id: FromPath[str]) -> Redirect:
    """Sign out one other browser."""
    Form("ending").take(await sent(request), Nothing)
    id = id_in_path(session_id, "session")
    await request.house.sessions.revoke(own_account(request), id, by=request.actor)
    return Redirect(HERE, flash="sessions-ended")


@post("/account/tokens", opt=OWN, include_in_schema=False)
async def create_token(request: Call) -> Answer[Any]:
    """Make a token; its secret is on the answer and nowhere else."""
    form = Form("token")
    try:
        asked = form.take(await sent(request), TokenForm)
        draft = TokenDraft(name=asked.name, days=asked.days, scopes=asked.scopes)
        made = await request.house.tokens.create(own_account(request), draft, by=request.actor)
    except RelatumError as error:
        form.refuse(error)
        return await _account_page(request, form)
    return await token_page(request, made, back=HERE)


@post("/account/tokens/{token_id:str}/revoke", opt=OWN, include_in_schema=False)
async def revoke_token(request: Call, token_id: FromPath[str]) -> Redirect:
    """End a token."""
    Form("revoking").take(await sent(request), Nothing)
    id = id_in_path(token_id, "token")
    await request.house.tokens.revoke(own_account(request), id, by=request.actor)
    return Redirect(HERE, flash="token-revoked")


NOT_THE_SAME = Problem(
    code="not-the-same",
    message="the two passwords are not the same",
    where="/again_password",
    mend="Type both again.",
)


async def token_page(request: Call, made: NewToken, *, back: str) -> Html:
    """The secret of a new token, this once."""
    return await page(
        request, "relatum/token.html", here="account", address=back, made=made, back=back
    )


async def _account_page(request: Call, refused: Form | None = None) -> Html:
    house = request.house
    id = own_account(request)
    account = await house.accounts.get(id)
    blank = (
        Form("profile", {"name": account.name, "language": account.language}),
        Form("password_change"),
        Form("token", {"days": 90}),
        Form("renewal"),
        Form("turning_off"),
    )
    forms = [refused if refused and refused.name == each.name else each for each in blank]
    viewer = current_viewer()
    held = [each for each in house.registry.permissions if viewer.may(each.id)]
    return await page(
        request,
        "relatum/account.html",
        here="account",
        forms=tuple(forms),
        address=HERE,
        account=account,
        roles=await _role_titles(request, id),
        sessions=await house.sessions.of(id),
        this_session=viewer.session,
        tokens=await house.tokens.of(id),
        codes_left=await house.second_factor.codes_left(id) if account.second_factor else 0,
        permissions=groups_of(held),
    )


async def _role_titles(request: Call, account: UUID) -> list[Any]:
    roles = request.house.roles
    held = (await roles.standing(account)).roles
    return [role.title for role in await roles.every() if role.key in held]


async def _second_factor_page(request: Call, form: Form, setup: SecondFactorSetup | None) -> Html:
    return await page(
        request,
        "relatum/second_factor_setup.html",
        here="account",
        forms=(form,),
        address=HERE,
        setup=setup,
    )


async def _codes_page(request: Call, codes: RecoveryCodes) -> Html:
    return await page(
        request, "relatum/recovery_codes.html", here="account", address=HERE, codes=codes.codes
    )


ROUTES = [
    show_account,
    change_profile,
    change_password,
    begin_second_factor,
    confirm_second_factor,
    renew_codes,
    turn_off_second_factor,
    end_other_sessions,
    end_session,
    create_token,
    revoke_token,
]
