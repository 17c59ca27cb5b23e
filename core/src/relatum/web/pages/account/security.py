"""Password, second factor, and where one is signed in."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath

from relatum.access.accounts.types import RecoveryCodes, SecondFactorSetup
from relatum.access.viewer import SIGNED_IN, current_viewer
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.values.problems import InvalidInput, RelatumError
from relatum.web.entering import own_account
from relatum.web.forms import Form, Nothing, sent
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.pages.account.forms import NOT_THE_SAME, CodeForm, PasswordChange

OWN = {"permission": SIGNED_IN, **PAGE}
HERE = "/account/security"


@get(HERE, opt=OWN, include_in_schema=False)
async def show_security(request: Call) -> Html:
    """What keeps others out of one's account."""
    request.refuse_query(("lang",))
    return await _page(request)


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
        return await _page(request, form)
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
        return await _page(request, form)
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
        return await _page(request, form)
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


async def _page(request: Call, refused: Form | None = None) -> Html:
    house = request.house
    id = own_account(request)
    account = await house.accounts.get(id)
    blank = (Form("password_change"), Form("renewal"), Form("turning_off"))
    return await page(
        request,
        "relatum/account_security.html",
        here="account",
        forms=tuple(refused if refused and refused.name == each.name else each for each in blank),
        address=HERE,
        tab="security",
        account=account,
        sessions=await house.sessions.of(id),
        this_session=current_viewer().session,
        codes_left=await house.second_factor.codes_left(id) if account.second_factor else 0,
    )


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
    show_security,
    change_password,
    begin_second_factor,
    confirm_second_factor,
    renew_codes,
    turn_off_second_factor,
    end_other_sessions,
    end_session,
]
