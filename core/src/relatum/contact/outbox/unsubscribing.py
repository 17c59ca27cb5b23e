"""Signed addresses by which whoever got a message takes the consent back, without signing in."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.contact.types import WithdrawalDraft
from relatum.db.guarding import as_the_house
from relatum.values.problems import NotFound

if TYPE_CHECKING:
    from relatum.config.keyring import Keyring
    from relatum.contact.consents import Consents
    from relatum.customers.merging.records import Records

PATH = "/unsubscribe"
_PURPOSE = "unsubscribe"
_SIGNATURE = 16


class Way(msgspec.Struct, frozen=True):
    """What is taken back: a purpose through a channel, of one customer."""

    customer: UUID
    purpose: str
    channel: str


class Unsubscribing:
    """Gives out and follows the addresses. They last: a consent may be taken back for good."""

    def __init__(
        self, keys: Keyring, consents: Consents, records: Records, *, public_url: str
    ) -> None:
        self._keys = keys
        self._consents = consents
        self._records = records
        self.public_url = public_url

    def address(self, way: Way) -> str:
        """Where it is taken back; empty when nobody outside could reach us."""
        if not self.public_url:
            return ""
        return f"{self.public_url.rstrip('/')}{PATH}/{self.token(way)}"

    def token(self, way: Way) -> str:
        """The signed part of the address."""
        key = self._keys.current
        said = f"{way.customer.hex}.{way.purpose}.{way.channel}.{key}"
        return f"{said}.{_written(self._signature(said, key))}"

    def read(self, token: str) -> Way:
        """What a token of ours stands for.

        Raises:
            NotFound: it is none of ours.
        """
        said, _, signature = token.rpartition(".")
        parts = said.split(".")
        if len(parts) != 4 or not self._keys.has(parts[3]):
            raise _none()
        try:
            given = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
            customer = UUID(hex=parts[0])
        except (ValueError, binascii.Error) as error:
            raise _none() from error
        if not hmac.compare_digest(given, self._signature(said, parts[3])):
            raise _none()
        return Way(customer, parts[1], parts[2])

    async def take_back(self, token: str) -> Way:
        """Take the consent back, on the word of whoever holds the address.

        Raises:
            NotFound: the token is none of ours, or the customer is gone.
        """
        way = self.read(token)
        with as_the_house():
            current = await self._records.current_of([way.customer])
            customer = current.get(way.customer, way.customer)
            draft = WithdrawalDraft(
                customer=customer,
                purpose=way.purpose,
                channel=way.channel,
                method="preference_page",
            )
            await self._consents.withdraw([draft], by="customer")
        return way

    def _signature(self, said: str, key: str) -> bytes:
        secret = self._keys.derive(_PURPOSE, key)
        return hmac.digest(secret, said.encode(), "sha256")[:_SIGNATURE]


def _written(signature: bytes) -> str:
    return base64.urlsafe_b64encode(signature).decode().rstrip("=")


def _none() -> NotFound:
    return NotFound("expected the address that stands in a message, got another; use it whole")
