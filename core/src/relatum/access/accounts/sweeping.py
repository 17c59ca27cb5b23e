"""Forgetting what is over: ended sessions, spent links, old attempts."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from relatum.access.accounts.sessions import IDLE
from relatum.access.accounts.throttle import FORGOTTEN
from relatum.hooks.checks import CORE_PRIORITY
from relatum.hooks.declarations import Job
from relatum.values.text import Text
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.hooks.context import Plugin
    from relatum.jobs.types import Run

#: Spent and expired links are kept for so long, for whoever wonders what became of one.
KEPT = dt.timedelta(days=30)


async def sweep(plugin: Plugin, run: Run[None]) -> None:
    """Delete what nobody can use any more; what happened stays in the event log."""
    db, moment = plugin.house.db, now()
    await db.execute(
        "DELETE FROM core_session WHERE expires_at < ? OR last_seen_at < ?", moment, moment - IDLE
    )
    await db.execute("DELETE FROM core_one_time_link WHERE expires_at < ?", moment - KEPT)
    await db.execute("DELETE FROM core_attempt WHERE last_at < ?", moment - FORGOTTEN)


SWEEP = Job(
    id="core.access_sweep",
    title=Text(en="Forget ended sessions and links", vi="Dọn phiên và liên kết đã hết hạn"),
    run=sweep,
    every=dt.timedelta(hours=1),
    priority=CORE_PRIORITY,
)
