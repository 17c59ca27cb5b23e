"""Who asks: the layer between the edge and the application.

A request says who sends it with ``Authorization: Bearer rlt_…`` (programs) or the cookie of a
session (browsers). What they may do and see is worked out once and remembered for a second in this
process; changes count at once, those of other processes as soon as their signal is heard. Inside,
:func:`current_viewer` is that person and the database shows what they may see.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from relatum.access.telling import hear_others
from relatum.access.viewer import ANONYMOUS, SYSTEM, Viewer, acting_as
from relatum.db.guarding import as_the_house
from relatum.events.context import because
from relatum.http import forgery
from relatum.http.reach import is_own_origin
from relatum.http.replay import again, beginning, whole
from relatum.http.shared_limits import SharedLimits
from relatum.values.problems import Refused, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from litestar.types import ASGIApp, Receive, Send

    from relatum.access.accounts.types import Identity
    from relatum.app.house import House

SESSION_COOKIE = "relatum_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Headers that this layer looks at.
HEADERS = frozenset(
    {
        b"authorization",
        b"cookie",
        b"host",
        b"origin",
        b"sec-fetch-site",
        b"content-type",
        b"x-relatum-reason",
        *forgery.HEADERS,
    }
)
#: Answered whoever asks, without looking: also while there is no database.
PROBES = frozenset({"/health", "/ready"})
#: Seconds for which it is remembered who somebody is: the bound while no signals are heard.
REMEMBERED = 1.0
MOST_REMEMBERED = 10_000
_FORM = "application/x-www-form-urlencoded"
_FORM_WITH_FILES = "multipart/form-data"
#: Of a form with files the proof is the first part: the files behind it are not read here.
_FIRST_PART = re.compile(
    rb"(?:\r\n)?--[^\r\n]{1,200}\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n"
    rb"([0-9a-f]{1,128})\r\n",
    re.IGNORECASE,
)
_FIRST_BYTES = 1024

Ask = Callable[[str], Awaitable["Identity | None"]]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whose session or token is good."""

    identity: Identity
    viewer: Viewer
    until: float


class Authentication:
    """Finds out who asks and lets the application answer as them.

    Args:
        house: the services of accounts, roles and sights.
        clock: seconds that only grow.
    """

    def __init__(self, house: House, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._house = house
        self._clock = clock
        self._known: dict[str, Known] = {}
        self._asking: dict[str, asyncio.Task[Known | None]] = {}
        self._changes = 0
        limits = house.settings.limits
        shared = SharedLimits(house.db, clock=clock)
        self._tokens = shared.limit("token", limits.token, "requests with this token")
        self._accounts = shared.limit("account", limits.account, "requests of this account")
        self._addresses = shared.limit("address", limits.address, "requests from this address")
        self._sign_ins = shared.limit("in", limits.sign_in, "attempts to come in", exact=True)
        house.roles.listen(self.forget)
        house.account_changes.listen(lambda _account: self.forget())
        house.gate.listen(self.forget)
        hear_others(house.signals, self.forget)

    def forget(self) -> None:
        """Ask again who everybody is: something about roles or accounts has changed."""
        self._changes += 1
        self._known.clear()

    async def run(
        self,
        scope: Any,
        receive: Receive,
        send: Send,
        headers: Mapping[bytes, str],
        app: ASGIApp,
    ) -> None:
        """Let ``app`` answer as whoever sent the request.

        Raises:
            Unauthenticated: a token that is no good.
            Refused: a write with a session that no page of ours can have sent.
            TooMany: this caller asks too often.
        """
        if scope["path"] in PROBES:
            await app(scope, receive, send)
            return
        viewer, secret = await self._viewer(scope, headers)
        if secret and scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            receive = await _refuse_forged(scope, receive, headers, secret)
        why = headers.get(b"x-relatum-reason", "")
        request_id = str(scope["state"].get("request_id", ""))
        with because(_unicode(why), request=request_id, token=viewer.token, session=viewer.session):
            async with self._house.sights.looking_as(viewer):
                await app(scope, receive, send)

    async def _viewer(self, scope: Any, headers: Mapping[bytes, str]) -> tuple[Viewer, str]:
        """Who asks, and the secret of the session when it was that which told."""
        state, address = scope["state"], str(scope["state"].get("address", ""))
        state["sign_in_limit"] = self._sign_ins
        said = headers.get(b"authorization")
        if said is not None:
            known = await self._by_token(said, address)
            await self._tokens.take(known.viewer.token)
            return _noted(state, known, ""), ""
        secret = session_secret(headers.get(b"cookie", ""))
        if secret:
            found = await self._known_as(f"s:{secret}", self._house.sessions.authenticate_session)
            if found is not None:
                await self._accounts.take(found.viewer.account)
                return _noted(state, found, secret), secret
            # the sign-in page must open for whoever comes with the cookie of an ended session
            state["session_ended"] = True
        await self._addresses.take(address)
        state["viewer"] = ANONYMOUS
        return ANONYMOUS, ""

    async def _by_token(self, said: str, address: str) -> Known:
        scheme, _, token = said.partition(" ")
        if scheme.lower() != "bearer":
            # what came is not said: it may be a token without its scheme
            raise Unauthenticated(
                "expected Authorization: Bearer rlt_…, got another scheme; make a token on your "
                "account's page"
            )
        found = await self._known_as(f"t:{token.strip()}", self._house.tokens.authenticate_token)
        if found is None:
            await self._addresses.take(address)
            await self._house.tokens.refused(address)
            raise Unauthenticated(
                "expected a token that is good, got one that is unknown, expired or revoked; make "
                "a new one on your account's page"
            )
        return found

    async def _known_as(self, key: str, ask: Ask) -> Known | None:
        """Who it is; asked anew after a second, and by one request for all that wait."""
        known = self._known.get(key)
        if known is not None and self._clock() < known.until:
            return known
        asking = self._asking.get(key)
        if asking is None:
            asking = asyncio.create_task(self._ask(key, ask))
            self._asking[key] = asking
            asking.add_done_callback(lambda done: self._asked(key, done))
        return await asyncio.shield(asking)

    def _asked(self, key: str, done: asyncio.Task[Known | None]) -> None:
        self._asking.pop(key, None)
        if not done.cancelled():
            done.exception()  # whoever waited for it has raised it, or has left

    async def _ask(self, key: str, ask: Ask) -> Known | None:
        changes = self._changes
        identity = await ask(key[2:])
        if identity is None:
            self._known.pop(key, None)
            return None
        viewer = await self._house.roles.viewer_of(identity)
        known = Known(identity=identity, viewer=viewer, until=self._clock() + REMEMBERED)
        if changes == self._changes:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[key] = known
        return known


async def viewer_again(house: House, headers: Iterable[tuple[bytes, bytes]]) -> Viewer | None:
    """Who sent a request that is still going on, as they are now; ``None`` when they are out.

    Asking does not count as doing something: an open screen does not keep a session from ending.
    """
    said = {name: value.decode("latin-1") for name, value in headers}
    with acting_as(SYSTEM), as_the_house():
        if b"authorization" in said:
            token = said[b"authorization"].partition(" ")[2].strip()
            identity = await house.tokens.authenticate_token(token)
        else:
            secret = session_secret(said.get(b"cookie", ""))
            identity = await house.sessions.authenticate_session(secret, notice=False)
        return None if identity is None else await house.roles.viewer_of(identity)


def _noted(state: dict[str, Any], known: Known, secret: str) -> Viewer:
    state["viewer"] = known.viewer
    state["identity"] = known.identity
    state["csrf"] = forgery.masked_token(secret) if secret else ""
    return known.viewer


def session_secret(cookies: str) -> str:
    """The secret of the session in a ``Cookie`` header; ``""`` when there is none."""
    for part in cookies.split(";"):
        name, _, value = part.strip().partition("=")
        if name == SESSION_COOKIE:
            return value.strip('"')
    return ""


async def _refuse_forged(
    scope: Any, receive: Receive, headers: Mapping[bytes, str], secret: str
) -> Receive:
    """Let a write with a session through when one of our pages sent it; returns its body.

    Raises:
        Refused: nothing shows that.
    """
    origin, host = headers.get(b"origin"), headers.get(b"host", "")
    scheme = str(scope["state"].get("scheme", "http"))
    if headers.get(b"sec-fetch-site") == "same-origin":
        return receive
    if origin is not None and is_own_origin(origin, host, scheme):
        return receive
    said = next((headers[name] for name in forgery.HEADERS if name in headers), None)
    if said is None and headers.get(b"content-type", "").lower().startswith(_FORM):
        body = await whole(receive)
        receive = again(body, receive)
        said = _field(body)
    elif said is None and headers.get(b"content-type", "").lower().startswith(_FORM_WITH_FILES):
        first, receive = await beginning(receive, _FIRST_BYTES)
        part = _FIRST_PART.match(first)
        said = part[1].decode("ascii") if part is not None else None
    if said is None or not forgery.is_proof(said, secret):
        raise Refused(
            "expected a write that a page of this server sent, got nothing that shows it; send "
            "the header X-Relatum-CSRF with the value of the page, or use an API token"
        )
    return receive


def _field(body: bytes) -> str | None:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True)
    except ValueError:
        return None
    return next((value for name, value in pairs if name == forgery.FIELD), None)


def _unicode(text: str) -> str:
    """A header as it was meant: UTF-8 where it is that."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
