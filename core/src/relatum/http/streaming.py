"""An answer that stays open: messages for an ``EventSource`` in a browser."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from relatum.http.answers import Answer, encoded
from relatum.http.live import CUSTOMERS, Subscription, changed_of

if TYPE_CHECKING:
    from litestar.types import HTTPScope, Receive, Scope, Send

    from relatum.access.viewer import Viewer
    from relatum.http.live import LiveUpdates
    from relatum.telemetry.process import Process

log = logging.getLogger("relatum.live")

#: Something is said at least this often, so that everybody between knows that it lives.
BEAT_SECONDS = 10.0
#: Who looks is found out anew when something about accounts or roles changes, and before anything
#: is said so long after the last time.
CHECK_SECONDS = 3.0
#: Who does not take a message within this is dropped.
SEND_SECONDS = 10.0
#: After this the browser opens an ended stream again.
AGAIN_MILLISECONDS = 2_000

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    # a proxy that gathers answers would keep all of it back
    (b"x-accel-buffering", b"no"),
]

#: Finds out anew who looks; ``None`` when the session or token is no good any more.
Again = Callable[[], Awaitable["Viewer | None"]]


class Stream(Answer[None]):
    """Live updates for one viewer.

    ``hello`` comes first: what is shown may be older; or ``continued``, when everything since the
    mark that was given is told. Then ``changed`` with
    :class:`~relatum.http.live.Changed`; ``reload`` when too much has changed to name it; ``end``
    when the session has ended or this server does. Between them comments say that it lives. Each
    has as its id the mark from which another stream can go on.
    """

    __slots__ = ("_again", "_live", "_process", "_since", "_viewer")

    def __init__(
        self,
        live: LiveUpdates,
        viewer: Viewer,
        again: Again,
        process: Process,
        *,
        since: str = "",
    ) -> None:
        super().__init__(None)
        self._since = since
        self._live = live
        self._viewer = viewer
        self._again = again
        self._process = process

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """The stream."""
        return self._send_all

    async def _send_all(self, scope: Scope | HTTPScope, receive: Receive, send: Send) -> None:
        async with self._live.subscribe(self._viewer) as subscription:
            gone = asyncio.create_task(_gone(receive, subscription))
            try:
                await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
                if scope["state"].get("asked") != "HEAD":
                    first = "hello"
                    if self._since and await self._live.catch_up(subscription, self._since):
                        first = "continued"
                    mark = self._live.marks.text
                    flow = _Flow(subscription, send, gone, self._again, self._process, mark)
                    await flow.run(self._live.lasts, first)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            except TimeoutError:
                log.info("a stream of live updates was dropped: its reader is too slow")
            finally:
                gone.cancel()


class _Flow:
    def __init__(
        self,
        subscription: Subscription,
        send: Send,
        gone: asyncio.Task[None],
        again: Again,
        process: Process,
        mark: Callable[[int], str],
    ) -> None:
        self._mark = mark
        self._subscription = subscription
        self._write = send
        self._gone = gone
        self._again = again
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._checked = self._loop.time()

    async def run(self, lasts: float, first: str) -> None:
        """For so many seconds, or until the reader has gone or may look no more.

        Raises:
            TimeoutError: the reader does not take what is sent.
        """
        await self._say(first, head=f"retry: {AGAIN_MILLISECONDS}\n")
        end = self._loop.time() + lasts
        while (left := end - self._loop.time()) > 0 and not self._process.stopping:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(BEAT_SECONDS, left)):
                    await self._subscription.came.wait()
            self._subscription.came.clear()
            if self._gone.done():
                return
            if not await self._go_on():
                await self._say("end", {"reason": "signed-out"})
                return
        await self._say("end", {"reason": "again"})

    async def _go_on(self) -> bool:
        """Say what there is to say; ``False`` when the viewer may look no more."""
        subscription = self._subscription
        if subscription.doubtful or self._loop.time() - self._checked >= CHECK_SECONDS:
            subscription.doubtful = False
            viewer = await self._again()
            self._checked = self._loop.time()
            if viewer is None or not viewer.may(CUSTOMERS):
                return False
            if viewer != subscription.viewer:
                # what is pending was chosen for what they saw before
                subscription.viewer = viewer
                subscription.tell_all()
                subscription.came.clear()
        if subscription.reload:
            subscription.reload = False
            await self._say("reload")
        elif changes := subscription.take():
            await self._say("changed", changed_of(changes))
        else:
            await self._send(f": alive\n{self._id()}\n".encode())
        return True

    async def _say(self, event: str, data: Any = None, *, head: str = "") -> None:
        body = encoded({} if data is None else data)
        lines = f"{head}event: {event}\n{self._id()}data: "
        await self._send(lines.encode() + body + b"\n\n")

    def _id(self) -> str:
        """From where another stream can go on; none while there is something left to tell."""
        left = self._subscription.pending or self._subscription.reload
        mark = "" if left else self._mark(self._subscription.until)
        return f"id: {mark}\n" if mark else ""

    async def _send(self, message: bytes) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await self._write({"type": "http.response.body", "body": message, "more_body": True})


async def _gone(receive: Receive, subscription: Subscription) -> None:
    """Wait until the reader has gone, and wake the stream."""
    while (await receive())["type"] != "http.disconnect":
        pass
    subscription.came.set()
