"""Whether requests can be served, and whether background work goes on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from relatum.http.answers import Answer
from relatum.http.problems import failure_of

if TYPE_CHECKING:
    from relatum.app.house import House

log = logging.getLogger("relatum.http")


#: Whether the database takes no writes.
_ASK = {"sqlite": "SELECT 0", "postgresql": "SELECT pg_is_in_recovery()"}
_FOLLOWS = (
    "the PostgreSQL server follows another one and takes no writes; name the other in `database`"
)


class Readiness(msgspec.Struct, frozen=True):
    """Whether requests can be served, and every reason why not."""

    status: str
    reasons: list[str] = []


class ReadinessCheck:
    """Asks the database each time; whether it is up to date only until it once was.

    A process that is about to end is not ready, and neither is a worker of which something does
    not go on.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._up_to_date = False

    async def reasons(self) -> list[str]:
        """Why this process cannot do what it is for; empty when it can."""
        process = self._house.process
        if process.stopping:
            return ["it was told to end"]
        if process.role == "worker" and process.failing:
            return [f"{name} does not go on ({why})" for name, why in process.failing.items()]
        try:
            db = self._house.db
            row = await db.fetch_one(_ASK[db.kind])
            if row is not None and row[0]:
                return [_FOLLOWS]
            return [] if self._up_to_date else await self._pending()
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is "not ready"
            log.warning("not ready: %r", error)
            return [failure_of(error).error.detail]

    @staticmethod
    def answer(reasons: list[str]) -> Answer[Readiness]:
        """200 without reasons, else 503 with them."""
        if not reasons:
            return Answer(Readiness("ready"))
        again = [(b"retry-after", b"1")]
        return Answer(Readiness("not ready", reasons), status=503, headers=again)

    async def _pending(self) -> list[str]:
        pending = await self._house.core_pending()
        self._up_to_date = not pending
        if not pending:
            return []
        apps = ", ".join(sorted({step.app for step in pending}))
        return [f"{len(pending)} migrations have not run ({apps}); run `relatum migrate --apply`"]
