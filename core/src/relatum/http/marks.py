"""Marks: places in the log as pages and streams name them, readable by this installation alone."""

from __future__ import annotations

import asyncio
import contextvars
import time
from typing import TYPE_CHECKING, Any

from relatum.access.secrets import MARK, UnreadableSecret, place_of
from relatum.events.log import Horizon
from relatum.http.permissions import viewer_in
from relatum.values.problems import ConfigurationError

if TYPE_CHECKING:
    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler
    from litestar.types import Guard

    from relatum.app.house import House

#: Where a page finds the mark that was taken before its rows were read.
STATE = "live_mark"
#: An older mark may lie before what has been archived, and its page is out of date anyway.
GOOD_SECONDS = 24 * 3600
LONGEST_MARK = 200
_PLACE = place_of("core_event", "seq", "mark")


class Marks:
    """Finds out how far the log is decided, and writes that down."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._horizon = Horizon(house.db, house.events)
        self._asking: asyncio.Task[int] | None = None

    @property
    def undecided(self) -> bool:
        """Whether there are greater numbers, of transactions that were still open."""
        return self._horizon.undecided

    async def now(self) -> int:
        """The greatest number of which nothing smaller will come; asked once for all that wait.

        What was asked a moment before is good as well: it may be too small, never too great.
        """
        if self._asking is None or self._asking.done():
            # in a context of its own: neither a transaction nor a sight of whoever asks first
            self._asking = asyncio.get_running_loop().create_task(
                self._horizon.now(), context=contextvars.Context()
            )
        return await asyncio.shield(self._asking)

    def text(self, number: int) -> str:
        """A mark for a number; empty when the keys cannot be used, which others tell."""
        said = f"{number} {int(time.time())}"
        try:
            return self._house.secrets.encrypt(said, _PLACE).removeprefix(MARK)
        except ConfigurationError:
            return ""

    def place(self, mark: str) -> int | None:
        """The number of a mark; ``None`` when it is none of ours, too old, or of another log."""
        if not mark.isascii() or len(mark) > LONGEST_MARK:
            return None
        try:
            said = self._house.secrets.decrypt(MARK + mark, _PLACE)
        except (UnreadableSecret, ConfigurationError):
            return None
        number, made_at = (int(each) for each in said.split(" "))
        fresh = time.time() - made_at <= GOOD_SECONDS
        # a greater one comes from before the database was restored
        return number if fresh and number <= self._horizon.handed_out else None


def marking_guard(marks: Marks, permission: str) -> Guard:
    """A guard that refuses nothing: it notes where the log stands before a page reads its rows.

    Only for whole pages of people who may follow what changes. No method: Litestar copies handlers
    deeply, and a bound method with its ``self``.
    """

    async def guard(
        connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
    ) -> None:
        scope = connection.scope
        whole = handler.opt.get("page") and scope.get("method") == "GET"
        if not whole or not viewer_in(scope).may(permission):
            return
        if connection.headers.get("hx-request-type") != "partial":
            scope["state"][STATE] = marks.text(await marks.now())

    return guard
