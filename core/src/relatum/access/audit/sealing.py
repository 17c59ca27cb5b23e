"""Sealing the event log in the background."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from relatum.hooks.checks import CORE_PRIORITY
from relatum.hooks.declarations import Job
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.hooks.context import Plugin
    from relatum.jobs.types import Run


async def seal(plugin: Plugin, run: Run[None]) -> None:
    """Seal what is decided and not sealed yet."""
    await plugin.house.seals.seal()


SEAL = Job(
    id="core.audit_seal",
    title=Text(en="Seal the audit trail", vi="Niêm phong nhật ký kiểm tra"),
    run=seal,
    every=dt.timedelta(minutes=1),
    priority=CORE_PRIORITY,
)
