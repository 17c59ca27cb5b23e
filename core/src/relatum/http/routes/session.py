"""``/api/v1/session``: signing in and out, for programs that act as a browser does."""

from __future__ import annotations

import datetime as dt

from litestar import delete, post
from litestar.params import JSONBody

from relatum.access.accounts.types import (
    Account,
    Discreet,
    EmailText,
    PasswordText,
    SecondFactorNeeded,
    SecretText,
    SignedIn,
)
from relatum.access.viewer import PUBLIC, SIGNED_IN
from relatum.http.answers import Answer, Headers
from relatum.http.authentication import SESSION_COOKIE
from relatum.http.calls import Call
from relatum.http.forgery import csrf_token
from relatum.http.permissions import SIGN_IN
from relatum.values.problems import MalformedRequest
from relatum.values.time import now

TAGS = ["session"]
COMING_IN = {"permission": PUBLIC, "limit": SIGN_IN}


class Credentials(Discreet, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a person signs in with."""

    email: EmailText
    password: PasswordText


class SecondStep(Discreet, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ticket of the first step, and a code of the app or a recovery code."""

    ticket: SecretText
    code: SecretText


class SessionBegun(Discreet, frozen=True, kw_only=True):
    """Signed in, or one step before it.

    Attributes:
        account: who is signed in; ``null`` while the second factor is missing.
        expires_at: of the session, or of the ticket.
        csrf: what ``X-Relatum-CSRF`` must say in writes with the session's cookie that a browser
            does not mark with ``Origin`` or ``Sec-Fetch-Site``.
        ticket: for ``POST /api/v1/session/second-factor``, when that is needed.
    """

    account: Account | None
    expires_at: dt.datetime
    csrf: str = ""
    ticket: str = ""


@post("/session", opt=COMING_IN, tags=TAGS, status_code=200)
async def sign_in(request: Call, data: JSONBody[Credentials]) -> Answer[SessionBegun]:
    """Sign in with e-mail and password; the session comes as a cookie."""
    request.refuse_query()
    refuse_key(request)
    outcome = await request.house.sign_in.by_password(
        data.email, data.password, address=request.address, user_agent=user_agent(request)
    )
    return await _begun(request, outcome)


@post("/session/second-factor", opt=COMING_IN, tags=TAGS, status_code=200)
async def show_second_factor(request: Call, data: JSONBody[SecondStep]) -> Answer[SessionBegun]:
    """The second step, for accounts with a second factor."""
    request.refuse_query()
    refuse_key(request)
    outcome = await request.house.sign_in.second_factor(
        data.ticket, data.code, address=request.address, user_agent=user_agent(request)
    )
    return await _begun(request, outcome)


@delete("/session", opt={"permission": SIGNED_IN}, tags=TAGS, status_code=204)
async def sign_out(request: Call) -> Answer[None]:
    """Sign out; with an API token there is no session, and nothing happens."""
    request.refuse_query()
    session = request.viewer.session
    if session is None:
        return Answer(None, status=204)
    await request.house.sign_in.sign_out(session, by=request.actor)
    return Answer(None, status=204, headers=[_cookie("", 0, secure=request.is_secure)])


def refuse_key(request: Call) -> None:
    """Refuse to keep an answer that holds a secret.

    Raises:
        MalformedRequest: the request has an ``Idempotency-Key``.
    """
    if request.header(b"idempotency-key") is not None:
        raise MalformedRequest(
            "expected a request without Idempotency-Key, got one with it; the answer holds a "
            "secret and is not kept. Send it without the key"
        )


def user_agent(request: Call) -> str:
    """How the browser calls itself, for the list of sessions."""
    return request.header(b"user-agent") or ""


def session_headers(request: Call, signed_in: SignedIn) -> Headers:
    """The cookie of a session."""
    seconds = max(int((signed_in.expires_at - now()).total_seconds()), 0)
    return [_cookie(signed_in.secret, seconds, secure=request.is_secure)]


async def _begun(request: Call, outcome: SignedIn | SecondFactorNeeded) -> Answer[SessionBegun]:
    if isinstance(outcome, SecondFactorNeeded):
        begun = SessionBegun(account=None, expires_at=outcome.expires_at, ticket=outcome.ticket)
        return Answer(begun)
    await _end_former(request)
    begun = SessionBegun(
        account=outcome.account,
        expires_at=outcome.expires_at,
        csrf=csrf_token(outcome.secret),
    )
    return Answer(begun, headers=session_headers(request, outcome))


async def _end_former(request: Call) -> None:
    """The browser has another session now; the one that it came with ends."""
    former = request.viewer.session
    if former is not None:
        await request.house.sign_in.sign_out(former, by=request.actor)


def _cookie(value: str, seconds: int, *, secure: bool) -> tuple[bytes, bytes]:
    text = f"{SESSION_COOKIE}={value}; Path=/; Max-Age={seconds}; SameSite=Lax; HttpOnly"
    return (b"set-cookie", (f"{text}; Secure" if secure else text).encode("ascii"))


ROUTES = [sign_in, show_second_factor, sign_out]
