"""Slowing down whoever guesses: by account and by address, remembered across restarts.

An attempt is counted *before* it is looked at and given back when it was right, so that a thousand
at the same moment are no more than a thousand one after the other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from relatum.access.accounts.digests import digest_of
from relatum.access.accounts.problems import TooManyAttempts
from relatum.values.problems import MalformedRequest
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database

#: Wrong attempts that cost nothing: on one account, from one address (an office shares one).
FREE_PER_ACCOUNT = 5
FREE_PER_ADDRESS = 20
LONGEST = dt.timedelta(minutes=15)
#: After so long without another one, wrong attempts are forgotten.
FORGOTTEN = dt.timedelta(hours=24)


class Guessed(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be guessed at: the password of an e-mail, anything from an address."""

    kind: str
    subject: str
    free: int = FREE_PER_ACCOUNT

    @property
    def key(self) -> str:
        """How it is stored: nobody reads e-mails or addresses out of the table."""
        return digest_of(f"{self.kind}\0{self.subject}")


def from_address(address: str) -> list[Guessed]:
    """Anything guessed from this address; the local shell (no address) is trusted."""
    if not address:
        return []
    return [Guessed(kind="address", subject=address, free=FREE_PER_ADDRESS)]


def delay_after(failures: int, free: int) -> dt.timedelta:
    """How long to wait after so many wrong attempts: nothing, then 2 s, 4 s, … 15 min."""
    beyond = failures - free + 1
    if beyond < 1:
        return dt.timedelta()
    return min(dt.timedelta(seconds=2 ** min(beyond, 20)), LONGEST)


class Throttle:
    """Counts wrong attempts.

    Args:
        clock: what time it is; tests have their own.
    """

    def __init__(self, db: Database, *, clock: Callable[[], dt.datetime] = now) -> None:
        self._db = db
        self.clock = clock

    def refuse_in_transaction(self) -> None:
        """Refuse to work where an error would take back what was counted.

        Raises:
            MalformedRequest: the caller has a transaction open.
        """
        if self._db.in_transaction():
            raise MalformedRequest(
                "expected a request without Idempotency-Key, got one with it; the answer holds a "
                "secret or counts attempts, so it is not kept. Send it without the key"
            )

    async def attempt(self, *guessed: Guessed) -> None:
        """Count an attempt on each of these before it is looked at.

        Raises:
            TooManyAttempts: one of them has to wait; then none is counted.
            MalformedRequest: the caller has a transaction open.
        """
        self.refuse_in_transaction()
        moment = self.clock()
        async with self._db.transaction():
            # in one order, so that two requests never wait for each other
            for each in sorted(guessed, key=lambda each: each.key):
                await self._count(each, moment)

    async def succeeded(self, *guessed: Guessed) -> None:
        """Give back a counted attempt that was right: an account starts anew, an address has one
        wrong attempt less.
        """
        for each in sorted(guessed, key=lambda each: each.key):
            if each.kind == "address":
                await self._db.execute(
                    "UPDATE core_attempt SET failures = failures - 1, blocked_until = NULL "
                    "WHERE id = ? AND failures > 0",
                    each.key,
                )
            else:
                await self._db.execute("DELETE FROM core_attempt WHERE id = ?", each.key)

    async def _count(self, guessed: Guessed, moment: dt.datetime) -> None:
        counted = await self._db.execute_returning(
            "INSERT INTO core_attempt (id, failures, blocked_until, last_at) "
            "VALUES (?, 1, NULL, ?) ON CONFLICT (id) DO UPDATE SET "
            "failures = CASE WHEN core_attempt.last_at < ? THEN 1 "
            "ELSE core_attempt.failures + 1 END, "
            "last_at = excluded.last_at, blocked_until = NULL "
            "WHERE core_attempt.blocked_until IS NULL OR core_attempt.blocked_until <= ? "
            "RETURNING failures",
            *(guessed.key, moment, moment - FORGOTTEN, moment),
        )
        if not counted:
            raise TooManyAttempts.wait(await self._left(guessed, moment))
        delay = delay_after(counted[0][0], guessed.free)
        if delay:
            await self._db.execute(
                "UPDATE core_attempt SET blocked_until = ? WHERE id = ?",
                moment + delay,
                guessed.key,
            )

    async def _left(self, guessed: Guessed, moment: dt.datetime) -> float:
        row = await self._db.fetch_one(
            "SELECT blocked_until FROM core_attempt WHERE id = ?", guessed.key
        )
        until = row[0] if row and row[0] is not None else moment
        return float((until - moment).total_seconds())
