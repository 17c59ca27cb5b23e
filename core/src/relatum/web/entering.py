"""Cookies of coming in: the session, the step between password and code, one-time links."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from relatum.access.accounts.types import SecondFactorNeeded, SignedIn
from relatum.access.viewer import current_viewer
from relatum.http.routes.session import session_headers
from relatum.values.problems import NotFound, Refused
from relatum.values.time import now
from relatum.web.languages import COOKIE_SECONDS
from relatum.web.layout import (
    KEYS_COOKIE,
    THEME_COOKIE,
    Redirect,
    cookie,
    language_cookie,
    local_path,
)

if TYPE_CHECKING:
    from uuid import UUID

    from relatum.access.accounts.preferences import Preferences
    from relatum.http.answers import Headers
    from relatum.http.calls import Call

TICKET_COOKIE = "relatum_ticket"
TICKET_PATH = "/sign-in"
#: Holds the secret of a one-time link while its form is filled in, for that page alone.
LINK_COOKIE = "relatum_link"
LINK_SECONDS = 3600


async def come_in(
    request: Call, outcome: SignedIn | SecondFactorNeeded, *, then: str = "/", flash: str = ""
) -> Redirect:
    """On to where somebody wanted to go, or to the second step."""
    if isinstance(outcome, SecondFactorNeeded):
        seconds = max(int((outcome.expires_at - now()).total_seconds()), 0)
        secure = request.is_secure
        ticket = cookie(
            TICKET_COOKIE, outcome.ticket, seconds=seconds, path=TICKET_PATH, secure=secure
        )
        return Redirect(with_next("/sign-in/second-factor", then), headers=[ticket])
    former = current_viewer().session
    if former is not None:
        # the browser has another session now; the one that it came with ends
        await request.house.sign_in.sign_out(former, by=request.actor)
    headers = [
        *session_headers(request, outcome),
        forget(TICKET_COOKIE, TICKET_PATH),
        language_cookie(outcome.account.language),
        *preference_cookies(await request.house.preferences.of(outcome.account.id)),
    ]
    return Redirect(local_path(then), flash=flash, headers=headers)


def preference_cookies(chosen: Preferences) -> Headers:
    """What the frame of every page is told by cookies, without asking the database."""
    return [
        cookie(THEME_COOKIE, chosen.theme, seconds=COOKIE_SECONDS),
        cookie(KEYS_COOKIE, "on" if chosen.keys else "off", seconds=COOKIE_SECONDS),
    ]


def forget(name: str, path: str = "/") -> tuple[bytes, bytes]:
    """Takes a cookie away."""
    return cookie(name, "", seconds=0, path=path)


def with_next(path: str, then: str) -> str:
    """A path that remembers where somebody wanted to go."""
    return path if then in ("", "/") else f"{path}?{urlencode({'next': then})}"


def keep_link(request: Call, secret: str, path: str) -> Redirect:
    """Take a one-time secret out of the address bar."""
    fine = secret.isascii() and secret.isprintable() and len(secret) <= 200
    kept = secret if fine and not set(secret) & set('; ,"\\') else ""
    header = cookie(LINK_COOKIE, kept, seconds=LINK_SECONDS, path=path, secure=request.is_secure)
    return Redirect(path, headers=[header])


def own_account(request: Call) -> UUID:
    """The account of the person at the browser.

    Raises:
        Refused: an API token acts; what concerns sign-in is not for programs.
        NotFound: nobody is signed in.
    """
    viewer = current_viewer()
    if viewer.token is not None:
        raise Refused(
            "expected a person who signed in with a browser, got an API token; tokens do not "
            "manage the account that they belong to"
        )
    if viewer.account is None:
        raise NotFound("expected somebody with an account, got nobody; sign in")
    return viewer.account
