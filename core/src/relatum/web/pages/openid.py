"""Signing in with OpenID Connect: to the provider and back."""

from __future__ import annotations

from typing import Any

from litestar import get

from relatum.access.accounts.problems import SignInRefused
from relatum.access.viewer import PUBLIC, current_viewer
from relatum.http.answers import Answer
from relatum.http.calls import Call
from relatum.http.permissions import SIGN_IN
from relatum.http.routes.session import user_agent
from relatum.values.problems import Problem, RelatumError
from relatum.web.entering import come_in, forget
from relatum.web.forms import Form
from relatum.web.layout import PAGE, Redirect, cookie, local_path
from relatum.web.pages.sign_in import sign_in_page

OPEN = {"permission": PUBLIC, "limit": SIGN_IN, **PAGE}
#: Holds what only the browser that set out knows, until it is back.
COOKIE = "relatum_openid"
PATH = "/sign-in/oidc"
CALLBACK = f"{PATH}/callback"
SECONDS = 600


@get(PATH, opt=OPEN, include_in_schema=False)
async def depart(request: Call) -> Redirect:
    """To the provider."""
    request.refuse_query(("lang", "next"))
    then = local_path(request.query_params.get("next", ""))
    if current_viewer().kind != "anonymous":
        return Redirect(then)
    departure = await request.house.openid.depart(redirect_uri=_callback(request), then=then)
    kept = cookie(COOKIE, departure.browser, seconds=SECONDS, path=PATH, secure=request.is_secure)
    return Redirect(departure.url, headers=[kept])


@get(CALLBACK, opt={**OPEN, "open_query": True}, include_in_schema=False)
async def arrive(request: Call) -> Answer[Any]:
    """Back from the provider, with a code for whoever signed in there."""
    try:
        arrival = await request.house.openid.arrive(
            query=request.scope["query_string"].decode("ascii", errors="replace"),
            browser=request.cookies.get(COOKIE, ""),
            address=request.address,
            user_agent=user_agent(request),
        )
    except RelatumError as error:
        # shown here: a redirect would carry the provider's answer along in the address
        form = Form("sign_in")
        form.refuse(_told(error))
        return await sign_in_page(request, form, address="/sign-in")
    redirect = await come_in(request, arrival.signed_in, then=local_path(arrival.then))
    redirect.raw.append(forget(COOKIE, PATH))
    return redirect


def _told(error: RelatumError) -> RelatumError:
    """With words of its own: it was no password that was wrong."""
    if not isinstance(error, SignInRefused):
        return error
    problem = Problem(code="openid-refused", message=error.detail)
    return SignInRefused(error.detail, problems=[problem])


def _callback(request: Call) -> str:
    """The address that the provider must know as one of ours."""
    base = request.house.settings.server.public_url.rstrip("/")
    if not base:
        scheme = "https" if request.is_secure else "http"
        base = f"{scheme}://{request.header(b'host') or 'localhost'}"
    return base + CALLBACK


ROUTES = [depart, arrive]
