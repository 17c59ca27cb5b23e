"""How whoever looks reads moments and numbers: their choice, or what the language says.

It holds for one request, as :func:`~relatum.access.viewer.current_viewer` does: filters, charts,
reports and pages of plugins write alike without being told.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from relatum.access.accounts.preferences import Preferences, Reading
from relatum.access.viewer import PUBLIC
from relatum.http.permissions import viewer_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler
    from litestar.types import Guard

    from relatum.app.house import House

_BY_LANGUAGE = Reading()
_READING: ContextVar[Reading] = ContextVar("relatum_reading", default=_BY_LANGUAGE)
_STATE = "preferences"


def current_reading() -> Reading:
    """How whoever looks reads."""
    return _READING.get()


def zone_here(house: House) -> str:
    """By whose clock moments are shown and typed: the viewer's, or else the company's."""
    return current_reading().time_zone or house.settings.company.time_zone


@contextlib.contextmanager
def reading_as(reading: Reading = _BY_LANGUAGE) -> Iterator[None]:
    """Write for somebody who reads so until the block ends."""
    token = _READING.set(reading)
    try:
        yield
    finally:
        _READING.reset(token)


def preferences_in(state: Mapping[str, Any]) -> Preferences | None:
    """What whoever sent a request chose; ``None`` where nobody is signed in."""
    chosen: Preferences | None = state.get(_STATE)
    return chosen


def reading_guard(house: House) -> Guard:
    """A guard that refuses nothing: pages are written as their viewer reads.

    No method: Litestar copies handlers deeply, and a bound method with its ``self``.
    """
    keeper = house.preferences

    async def guard(
        connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
    ) -> None:
        account = viewer_in(connection.scope).account
        opt = handler.opt
        if account is None or not opt.get("page") or opt.get("permission") == PUBLIC:
            return
        chosen = await keeper.of(account)
        connection.scope["state"][_STATE] = chosen
        # until the block of `reading_as` around the request ends
        _READING.set(chosen.reading)

    return guard
