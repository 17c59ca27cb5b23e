"""Signing in and out."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import get, post
from msgspec import Meta

from relatum.access.accounts.problems import SignInRefused
from relatum.access.viewer import PUBLIC, SIGNED_IN, current_viewer
from relatum.http.answers import Answer, Html
from relatum.http.authentication import SESSION_COOKIE
from relatum.http.calls import Call
from relatum.http.permissions import SIGN_IN
from relatum.http.routes.session import user_agent
from relatum.values.problems import Problem, RelatumError
from relatum.web.entering import (
    TICKET_COOKIE,
    come_in,
    forget,
    with_next,
)
from relatum.web.forms import Form, Nothing, sent
from relatum.web.layout import PAGE, Redirect, local_path, page

OPEN = {"permission": PUBLIC, **PAGE}
COMING_IN = {**OPEN, "limit": SIGN_IN}
WRONG_CODE = Problem(
    code="wrong-code",
    message="this code is not right, or it was used already",
    where="/code",
    mend="Take the next one from the app.",
)


class SignInForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """E-mail and password."""

    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=1000)]
    next: Annotated[str, Meta(max_length=1000)] = ""


class CodeForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The code of the second step."""

    code: Annotated[str, Meta(max_length=100)]
    next: Annotated[str, Meta(max_length=1000)] = ""


@get("/sign-in", opt=OPEN, include_in_schema=False)
async def show_sign_in(request: Call) -> Answer[Any]:
    """The form; whoever is signed in already goes on."""
    request.refuse_query(("lang", "next"))
    then = local_path(request.query_params.get("next", ""))
    if current_viewer().kind in ("person", "service"):
        return Redirect(then)
    return await sign_in_page(request, Form("sign_in", {"next": then}))


@post("/sign-in", opt=COMING_IN, include_in_schema=False)
async def sign_in(request: Call) -> Answer[Any]:
    """Check the password."""
    request.refuse_query(("lang", "next"))
    form = Form("sign_in")
    try:
        asked = form.take(await sent(request), SignInForm)
        outcome = await request.house.sign_in.by_password(
            asked.email,
            asked.password,
            address=request.address,
            user_agent=user_agent(request),
        )
    except RelatumError as error:
        form.refuse(error)
        return await sign_in_page(request, form)
    return await come_in(request, outcome, then=local_path(asked.next))


@get("/sign-in/second-factor", opt=OPEN, include_in_schema=False)
async def show_second_factor(request: Call) -> Answer[Any]:
    """The form for the code."""
    request.refuse_query(("lang", "next"))
    then = local_path(request.query_params.get("next", ""))
    if not request.cookies.get(TICKET_COOKIE):
        return Redirect(with_next("/sign-in", then))
    return await _code_page(request, Form("second_factor", {"next": then}))


@post("/sign-in/second-factor", opt=COMING_IN, include_in_schema=False)
async def second_factor(request: Call) -> Answer[Any]:
    """Check the code."""
    request.refuse_query(("lang", "next"))
    form = Form("second_factor")
    try:
        asked = form.take(await sent(request), CodeForm)
        outcome = await request.house.sign_in.second_factor(
            request.cookies.get(TICKET_COOKIE, ""),
            asked.code,
            address=request.address,
            user_agent=user_agent(request),
        )
    except SignInRefused as error:
        form.refuse(SignInRefused(error.detail, problems=[WRONG_CODE]))
        return await _code_page(request, form)
    except RelatumError as error:
        form.refuse(error)
        return await _code_page(request, form)
    return await come_in(request, outcome, then=local_path(asked.next))


@get("/sign-out", opt=OPEN, include_in_schema=False)
async def show_sign_out(request: Call) -> Html:
    """Whether somebody is sure."""
    request.refuse_query(("lang",))
    return await page(request, "relatum/sign_out.html")


@post("/sign-out", opt={"permission": SIGNED_IN, **PAGE}, include_in_schema=False)
async def sign_out(request: Call) -> Redirect:
    """End this session, here and on the server."""
    request.refuse_query()
    Form("sign_out").take(await sent(request), Nothing)
    session = current_viewer().session
    if session is not None:
        await request.house.sign_in.sign_out(session, by=request.actor)
    # also the pages that can be read without a connection
    clear = (b"clear-site-data", b'"cache", "storage"')
    return Redirect("/sign-in", flash="signed-out", headers=[forget(SESSION_COOKIE), clear])


async def sign_in_page(request: Call, form: Form, *, address: str | None = None) -> Html:
    """The form, with what was wrong the last time; ``address`` as for ``page``."""
    house = request.house
    return await page(
        request,
        "relatum/sign_in.html",
        here="sign-in",
        forms=(form,),
        address=address,
        openid=house.openid.configured,
        unclaimed=not await house.roles.has_active_owner(),
    )


async def _code_page(request: Call, form: Form) -> Html:
    return await page(request, "relatum/second_factor.html", here="sign-in", forms=(form,))


ROUTES = [show_sign_in, sign_in, show_second_factor, second_factor, show_sign_out, sign_out]
