"""Secrets that open one door once: links for people, and tickets between two steps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec

from relatum.access.accounts.digests import digest_of, new_secret
from relatum.access.accounts.problems import LinkSpent
from relatum.access.accounts.throttle import from_address
from relatum.access.accounts.types import LinkPurpose
from relatum.db.database import marks, to_json
from relatum.values.ids import new_id
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.accounts.throttle import Throttle
    from relatum.db.database import Database

Purpose = LinkPurpose | Literal["second_factor", "openid"]

LIFETIMES: dict[Purpose, dt.timedelta] = {
    "first_owner": dt.timedelta(hours=24),
    "invitation": dt.timedelta(days=7),
    "password_reset": dt.timedelta(hours=24),
    "second_factor": dt.timedelta(minutes=5),
    "openid": dt.timedelta(minutes=10),
}
COLUMNS = ("id", "purpose", "account_id", "digest", "data", "created_at", "expires_at")

SPEND = "UPDATE core_one_time_link SET used_at = ? WHERE used_at IS NULL"


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A link that is good at this moment; ``OneTimeLinks.use`` spends it."""

    id: UUID
    account: UUID | None
    expires_at: dt.datetime
    data: dict[str, Any]

    def __repr__(self) -> str:
        return f"Opened({self.id})"


class OneTimeLinks:
    """Makes, finds and spends them."""

    def __init__(self, db: Database, throttle: Throttle) -> None:
        self._db = db
        #: slows down whoever guesses links
        self.throttle = throttle

    async def make(
        self, purpose: Purpose, account: UUID | None, data: dict[str, Any] | None = None
    ) -> tuple[str, dt.datetime]:
        """A new secret and until when it is good."""
        secret, moment = new_secret(), now()
        expires = moment + LIFETIMES[purpose]
        row = (
            *(new_id(), purpose, account, digest_of(secret)),
            *(to_json(data or {}), moment, expires),
        )
        await self._db.insert("core_one_time_link", COLUMNS, [row])
        return secret, expires

    async def open(self, purpose: Purpose, secret: str, *, address: str) -> Opened:
        """The link with this secret; stays good.

        Raises:
            LinkSpent: there is none that is good.
            TooManyAttempts: this address tried too many that were not.
        """
        row = await self._db.fetch_one(
            "SELECT id, account_id, expires_at, data FROM core_one_time_link "
            "WHERE digest = ? AND purpose = ? AND used_at IS NULL AND expires_at > ?",
            *(digest_of(secret), purpose, now()),
        )
        if row is None:
            await self.throttle.attempt(*from_address(address))
            raise spent()
        id, account, expires, data = row
        return Opened(id=id, account=account, expires_at=expires, data=msgspec.json.decode(data))

    async def use(self, link: Opened) -> None:
        """Spend it, in the transaction of what it allows; of two at once, one comes too late.

        Raises:
            LinkSpent: it was spent meanwhile.
        """
        used = await self._db.execute(
            "UPDATE core_one_time_link SET used_at = ? WHERE id = ? AND used_at IS NULL",
            *(now(), link.id),
        )
        if not used:
            raise spent()

    async def spend(self, account: UUID | None, purposes: Sequence[Purpose]) -> None:
        """No link of these purposes is good any more for this account."""
        whose = "account_id = ?" if account is not None else "account_id IS NULL"
        params = [now(), *purposes] + ([account] if account is not None else [])
        await self._db.execute(
            f"{SPEND} AND purpose IN ({marks(len(purposes))}) AND {whose}",
            *params,
        )


def spent() -> LinkSpent:
    """The same words for unknown, used and expired."""
    return LinkSpent(
        "expected a link that is still good, got one that was used, has expired or never was; ask "
        "for a new one"
    )
