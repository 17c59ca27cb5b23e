"""Cookies of coming in: the session, the step between password and code, one-time links."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from relatum.access.accounts.types import SecondFactorNeeded, SignedIn
from relatum.access.viewer import current_viewer
from relatum.values.problems import NotFound, Refused
from relatum.values.time import now
from relatum.web.layout import Redirect, cookie, language_cookie, local_path

if TYPE_CHECKING:
    import datetime as dt
    from uuid import UUID

    from relatum.http.calls import Call

SESSION_COOKIE = "relatum_session"
TICKET_COOKIE = "relatum_ticket"
TICKET_PATH = "/sign-in"
#: Holds the secret of a one-time link while its form is filled in, for that page alone.
LINK_COOKIE = "relatum_link"
LINK_SECONDS = 3600


def come_in(
    request: Call, outcome: SignedIn | SecondFactorNeeded, *, then: str = "/", flash: str = ""
) -> Redirect:
    """On to where somebody wanted to go, or to the second step."""
    if isinstance(outcome, SignedIn):
        headers = [
            _until(request, SESSION_COOKIE, outcome.secret, outcome.expires_at),
            forget(TICKET_COOKIE, TICKET_PATH),
            language_cookie(outcome.account.language),
        ]
        return Redirect(local_path(then), flash=flash, headers=headers)
    ticket = _until(request, TICKET_COOKIE, outcome.ticket, outcome.expires_at, path=TICKET_PATH)
    return Redirect(with_next("/sign-in/second-factor", then), headers=[ticket])


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
    header = cookie(LINK_COOKIE, kept, seconds=LINK_SECONDS, path=path, secure=is_https(request))
    return Redirect(path, headers=[header])


def is_https(request: Call) -> bool:
    """Whether the browser came over an encrypted connection."""
    scheme: str = request.scope["state"].get("scheme", request.scope.get("scheme"))
    return scheme == "https"


def address_of(request: Call) -> str:
    """Where the request came from, for throttling."""
    client = request.scope.get("client")
    return str(request.scope["state"].get("address", client[0] if client else ""))


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


def _until(
    request: Call, name: str, value: str, when: dt.datetime, *, path: str = "/"
) -> tuple[bytes, bytes]:
    seconds = max(int((when - now()).total_seconds()), 0)
    return cookie(name, value, seconds=seconds, path=path, secure=is_https(request))
