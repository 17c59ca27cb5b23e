"""Whether requests can be served."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from relatum.http.problems import failure_of

if TYPE_CHECKING:
    from relatum.app.house import House

log = logging.getLogger("relatum.http")


class ReadinessCheck:
    """Asks the database each time; whether it is up to date only until it once was."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._up_to_date = False

    async def reasons(self) -> list[str]:
        """Why requests cannot be served; empty when they can."""
        try:
            await self._house.db.fetch_one("SELECT 1")
            return [] if self._up_to_date else await self._pending()
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is "not ready"
            log.warning("not ready: %r", error)
            return [failure_of(error).error.detail]

    async def _pending(self) -> list[str]:
        pending = await self._house.core_pending()
        self._up_to_date = not pending
        if not pending:
            return []
        apps = ", ".join(sorted({step.app for step in pending}))
        return [f"{len(pending)} migrations have not run ({apps}); run `relatum migrate --apply`"]
