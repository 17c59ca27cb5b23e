"""Addresses as the gate compares them: one spelling, and a keyed hash that names nobody."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from relatum.contact.types import KIND_OF_CHANNEL
from relatum.values.email import normalise_email
from relatum.values.phone import normalise_phone

if TYPE_CHECKING:
    from relatum.config.keyring import Keyring


class AddressBook:
    """Spells and hashes addresses by the country and the keys of this installation."""

    def __init__(self, keys: Keyring, *, country: str) -> None:
        self._keys = keys
        self.country = country
        self._key: bytes | None = None

    def spelled(self, kind: str, raw: str) -> str:
        """The one spelling of an address; empty when it is none of its kind."""
        if kind == "phone":
            return normalise_phone(raw, self.country).e164 or ""
        if kind == "email":
            return (normalise_email(raw).address or "").lower()
        return raw.strip()

    def hashed(self, kind: str, spelling: str) -> str:
        """The keyed hash of an address, the same for good: the oldest key is never removed."""
        if self._key is None:
            self._keys.current  # noqa: B018 - makes the first key where there is none
            self._key = self._keys.derive("contact-addresses", self._keys.every()[0].id)
        return hmac.digest(self._key, f"{kind}:{spelling}".encode(), "sha256").hex()


def kind_of(channel: str) -> str:
    """The kind of contact point that a channel reaches."""
    return KIND_OF_CHANNEL.get(channel, "other")
