"""Signing in with OpenID Connect: to the provider and back."""

from __future__ import annotations

from typing import Any

from litestar import get

from relatum.access.viewer import PUBLIC, current_viewer
from relatum.http.answers import Answer
from relatum.http.calls import Call
from relatum.http.permissions import SIGN_IN
from relatum.values.problems import RelatumError
from relatum.web.entering import address_of, come_in, forget, is_https
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
    kept = cookie(COOKIE, departure.browser, seconds=SECONDS, path=PATH, secure=is_https(request))
    return Redirect(departure.url, headers=[kept])


@get(CALLBACK, opt={**OPEN, "open_query": True}, include_in_schema=False)
async def arrive(request: Call) -> Answer[Any]:
    """Back from the provider, with a code for whoever signed in there."""
    try:
        arrival = await request.house.openid.arrive(
            query=request.scope["query_string"].decode("ascii", errors="replace"),
            browser=request.cookies.get(COOKIE, ""),
            address=address_of(request),
            user_agent=request.header(b"user-agent") or "",
        )
    except RelatumError as error:
        # shown here: a redirect would carry the provider's answer along in the address
        form = Form("sign_in")
        form.refuse(error)
        return await sign_in_page(request, form, address="/sign-in")
    redirect = come_in(request, arrival.signed_in, then=local_path(arrival.then))
    redirect.raw.append(forget(COOKIE, PATH))
    return redirect


def _callback(request: Call) -> str:
    """The address that the provider must know as one of ours."""
    base = request.house.settings.server.public_url.rstrip("/")
    if not base:
        scheme = "https" if is_https(request) else "http"
        base = f"{scheme}://{request.header(b'host') or 'localhost'}"
    return base + CALLBACK


ROUTES = [depart, arrive]
