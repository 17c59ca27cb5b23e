"""Telling other processes that somebody may do, see or be something else now.

Every process remembers for a second who somebody is and how fields are masked. That is the bound
when nothing can be told (a signal is lost with its connection); told, they ask again at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relatum.access.accounts.changes import Changes
    from relatum.access.roles.service import Roles
    from relatum.access.sight.service import Sights
    from relatum.db.signals import Signals

CHANNEL = "core_access"
CHANGED = "changed"


def tell_others(signals: Signals, *, roles: Roles, accounts: Changes, sights: Sights) -> None:
    """Send a signal after each commit of this process that changed something about access."""

    def tell() -> None:
        signals.send_after_commit(CHANNEL, CHANGED)

    roles.listen(tell)
    accounts.listen(lambda _account: tell())
    sights.listen(tell)
    hear_others(signals, sights.forget)


def hear_others(signals: Signals, forget: Callable[[], None]) -> None:
    """Call ``forget`` when something about access has changed, in whichever process."""

    def hear(text: str | None) -> None:
        # Of any other write, or after silence, nothing is known: a second is soon enough.
        if text is not None:
            forget()

    signals.listen(CHANNEL, hear)
