"""Links to the preference page: signed, expiring, revocable."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from typing import Any
from uuid import UUID

from relatum.api import NotFound, Plugin, as_the_house, new_id, now
from relatum_consent.settings import Settings
from relatum_consent.types import Link

SELECT = (
    "SELECT id, customer_id, made_at, made_by, expires_at, revoked_at, revoked_by FROM consent_link"
)
COLUMNS = ("id", "customer_id", "made_at", "made_by", "expires_at")
PLACE = "consent_link"
PATH = "/p/consent/preferences/"
#: ``link_for`` gives an older link again while it is good for at least so long.
GOOD_FOR = dt.timedelta(days=14)


class Links:
    """The only writer of links."""

    def __init__(self, plugin: Plugin) -> None:
        self._db = plugin.house.db
        self._secrets = plugin.house.secrets
        self._public_url = plugin.house.settings.server.public_url
        settings: Settings = plugin.settings
        self._length = dt.timedelta(days=settings.link_days)

    async def make(self, customer: UUID, *, by: str) -> Link:
        """A new link for a customer.

        Raises:
            NotFound: there is no such customer.
        """
        id, made = new_id(), now()
        async with self._db.transaction():
            await refuse_unknown(self._db, customer)
            row = (id, customer, made, by, made + self._length)
            await self._db.insert("consent_link", COLUMNS, [row])
        return self._link((*row, None, ""))

    async def for_customer(self, customer: UUID, *, by: str) -> Link:
        """A link that is good for two weeks at least: one that there is, or a new one."""
        async with self._db.transaction():
            await self._db.hold(f"consent.link.{customer}")
            row = await self._db.fetch_one(
                f"{SELECT} WHERE customer_id = ? AND revoked_at IS NULL AND expires_at > ? "
                "ORDER BY expires_at DESC, id LIMIT 1",
                *(customer, now() + min(GOOD_FOR, self._length / 2)),
            )
            return self._link(row) if row else await self.make(customer, by=by)

    async def of(self, customer: UUID, *, limit: int = 20) -> list[Link]:
        """The links of a customer, the newest first."""
        rows = await self._db.fetch(
            f"{SELECT} WHERE customer_id = ? ORDER BY made_at DESC, id DESC LIMIT ?",
            *(customer, limit),
        )
        return [self._link(row) for row in rows]

    async def revoke(self, id: UUID, *, by: str) -> Link:
        """Make a link no good from now on; one that was revoked before stays as it is.

        Raises:
            NotFound: there is none with this id.
        """
        async with self._db.transaction():
            await self._db.execute(
                "UPDATE consent_link SET revoked_at = ?, revoked_by = ? "
                "WHERE id = ? AND revoked_at IS NULL",
                *(now(), by, id),
            )
            row = await self._db.fetch_one(f"{SELECT} WHERE id = ?", id)
        if row is None:
            raise NotFound(f"expected the id of a link, got {id}, which there is not")
        return self._link(row)

    async def opened_by(self, token: str) -> Link:
        """The link with this token, whoever asks.

        Raises:
            NotFound: it was not signed here, has expired or was revoked; it never says which.
        """
        id = self._id_of(token)
        row = None
        if id is not None:
            with as_the_house():
                row = await self._db.fetch_one(f"{SELECT} WHERE id = ?", id)
        link = self._link(row) if row else None
        if link is None or not link.address:
            raise NotFound(
                "expected a link that is good, got one that is not, or no longer; ask the company "
                "for a new one"
            )
        return link

    def _id_of(self, token: str) -> UUID | None:
        said, _, signature = token.partition(".")
        try:
            id = UUID(bytes=base64.urlsafe_b64decode(f"{said}==".encode("ascii")))
        except (ValueError, binascii.Error):
            return None
        return id if self._secrets.is_signed(str(id), PLACE, signature) else None

    def _link(self, row: tuple[Any, ...]) -> Link:
        id, customer, made_at, made_by, expires_at, revoked_at, _ = row
        said = base64.urlsafe_b64encode(id.bytes).decode().rstrip("=")
        good = revoked_at is None and expires_at > now()
        signed = f"{PATH}{said}.{self._secrets.sign(str(id), PLACE)}" if good else ""
        return Link(
            id=id,
            customer=customer,
            made_at=made_at,
            made_by=made_by,
            expires_at=expires_at,
            revoked_at=revoked_at,
            address=f"{self._public_url.rstrip('/')}{signed}" if good else "",
        )


async def refuse_unknown(db: Any, customer: UUID) -> None:
    """Raise NotFound for a customer that the viewer does not see."""
    if not await db.fetch("SELECT id FROM core_customer WHERE id = ?", customer):
        raise NotFound(f"expected the id of a customer, got {customer}, which nobody has")
