"""``Idempotency-Key``: a write that is sent again is answered again, not done again.

The key, a fingerprint of the request and the answer are written in the transaction that does the
work. Of two requests with one key, one works; the other waits for it and gets the same answer. Only
successes are kept: after an error the same key may try again. Keys are forgotten after a day. A key
belongs to who sent it: two people may use the same one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import TYPE_CHECKING, Any

import msgspec

from relatum.access.secrets import place_of
from relatum.access.viewer import PUBLIC
from relatum.db.guarding import as_the_house
from relatum.http.permissions import refuse_without, viewer_in
from relatum.http.problems import KeyReused
from relatum.http.replay import again, whole
from relatum.values.problems import MalformedRequest
from relatum.values.time import now

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Send

    from relatum.access.secrets import Secrets
    from relatum.db.database import Database

KEPT = dt.timedelta(hours=24)
SWEEP_EVERY = dt.timedelta(minutes=10)
_SANE_KEY = re.compile(r"[\x21-\x7e]{1,255}")

#: Routes whose keys mean nothing: their answers hold secrets that are stored nowhere, and wrong
#: attempts are counted although the answer is an error.
NEVER_KEPT = (
    "/api/v1/session",
    "/api/v1/me",
    "/api/v1/accounts",
    "/api/v1/service-accounts",
)
#: Stored among the headers: what one must hold to be answered again.
_PERMISSION = "relatum-permission"

HeaderPairs = list[tuple[str, str]]


class _NotKept(Exception):
    """The answer was no success: take everything back."""


class Kept(msgspec.Struct, frozen=True):
    """An answer as it was given the first time."""

    fingerprint: str
    status: int
    headers: HeaderPairs
    body: bytes


class Recorder:
    """Holds an answer back until it is known whether it will be given."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] = []

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message["headers"])
        elif message["type"] == "http.response.body":
            self._parts.append(message.get("body", b""))

    @property
    def body(self) -> bytes:
        return b"".join(self._parts)


class Idempotency:
    """Answers requests that carry a key."""

    def __init__(self, db: Database, secrets: Secrets) -> None:
        self._db = db
        self._secrets = secrets
        self._swept = dt.datetime.min.replace(tzinfo=dt.UTC)

    async def run(self, key: str, app: ASGIApp, scope: Any, receive: Receive, send: Send) -> None:
        """Answer from memory, or let the application answer and remember it.

        Raises:
            MalformedRequest: the key is no key.
            KeyReused: the key belongs to another request.
            Refused: whoever sends it again may not do it any more.
        """
        if not _SANE_KEY.fullmatch(key):
            raise MalformedRequest(
                f"expected an Idempotency-Key of 1 to 255 visible ASCII characters, got "
                f"{key[:80]!r}; a UUID is a good one"
            )
        body = await whole(receive)
        route, viewer = f"{scope['method']} {scope['path']}", viewer_in(scope)
        identity = _digest(f"{key}\0{route}\0{viewer.actor}")
        fingerprint = hashlib.sha256(scope["query_string"] + b"\0" + body).hexdigest()
        await self._sweep()
        kept = await self._find(identity)
        if kept is None:
            recorder = Recorder()
            kept = await self._first(
                identity, fingerprint, route, app, scope, again(body, receive), recorder
            )
            if kept is None:
                await _give(send, recorder.status, recorder.headers, recorder.body)
                return
        if kept.fingerprint != fingerprint:
            raise KeyReused(
                "expected a new Idempotency-Key for a new request, got one that another request "
                "to this address carried; make a new key"
            )
        headers = dict(kept.headers)
        refuse_without(viewer, headers.get(_PERMISSION, PUBLIC))
        await _give(send, kept.status, _as_bytes(kept.headers), kept.body)

    async def _first(
        self,
        identity: str,
        fingerprint: str,
        route: str,
        app: ASGIApp,
        scope: Any,
        receive: Receive,
        recorder: Recorder,
    ) -> Kept | None:
        """Do the work once; returns the answer of another request when that one was first."""
        try:
            async with self._db.transaction():
                if not await self._claim(identity, fingerprint, route):
                    return await self._find(identity)
                await app(scope, receive, recorder)
                if not 200 <= recorder.status < 300:
                    raise _NotKept
                await self._keep(identity, recorder, _permission_of(scope))
        except _NotKept:
            pass
        return None

    async def _claim(self, identity: str, fingerprint: str, route: str) -> bool:
        """Take the key; waits while another transaction holds it."""
        moment = now()
        with as_the_house():
            await self._db.execute(
                "DELETE FROM core_idempotency WHERE id = ? AND created_at < ?",
                identity,
                moment - KEPT,
            )
            taken = await self._db.execute(
                "INSERT INTO core_idempotency (id, route, fingerprint, status, headers, body, "
                "created_at) VALUES (?, ?, ?, 0, '[]', ?, ?) ON CONFLICT (id) DO NOTHING",
                identity,
                route[:200],
                fingerprint,
                b"",
                moment,
            )
        return taken == 1

    async def _keep(self, identity: str, recorder: Recorder, permission: str) -> None:
        headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in recorder.headers]
        headers.append((_PERMISSION, permission))
        with as_the_house():
            await self._db.execute(
                "UPDATE core_idempotency SET status = ?, headers = ?, body = ? WHERE id = ?",
                recorder.status,
                msgspec.json.encode(headers).decode(),
                self._sealed(recorder.body, identity),
                identity,
            )

    def _sealed(self, body: bytes, identity: str) -> bytes:
        """An answer may hold secret fields of whoever may see them: it rests encrypted."""
        return self._secrets.encrypt(body.decode("latin-1"), _place(identity)).encode()

    def _opened(self, stored: bytes, identity: str) -> bytes:
        if not stored:
            return b""  # claimed, not answered yet
        return self._secrets.decrypt(stored.decode(), _place(identity)).encode("latin-1")

    async def _find(self, identity: str) -> Kept | None:
        with as_the_house():
            row = await self._db.fetch_one(
                "SELECT fingerprint, status, headers, body FROM core_idempotency "
                "WHERE id = ? AND created_at >= ?",
                identity,
                now() - KEPT,
            )
        if row is None:
            return None
        headers = msgspec.json.decode(row[2], type=HeaderPairs)
        return Kept(row[0], row[1], headers, self._opened(bytes(row[3]), identity))

    async def _sweep(self) -> None:
        """Forget what is too old, now and then."""
        moment = now()
        if moment - self._swept > SWEEP_EVERY:
            self._swept = moment
            with as_the_house():
                await self._db.execute(
                    "DELETE FROM core_idempotency WHERE created_at < ?", moment - KEPT
                )


def is_kept(path: str) -> bool:
    """Whether a key means anything at this address."""
    return not any(path == root or path.startswith(f"{root}/") for root in NEVER_KEPT)


def _place(identity: str) -> str:
    return place_of("core_idempotency", "body", identity)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _permission_of(scope: Any) -> str:
    handler = scope.get("route_handler")
    return str(handler.opt.get("permission", PUBLIC)) if handler is not None else PUBLIC


async def _give(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    start: Any = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _as_bytes(headers: HeaderPairs) -> list[tuple[bytes, bytes]]:
    encoded = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in headers
        if name != _PERMISSION
    ]
    return [*encoded, (b"idempotency-replayed", b"true")]
