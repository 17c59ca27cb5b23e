"""Texts that must not be readable in a copy of the database: encrypted, and bound to their place.

AES-256 in GCM (NIST SP 800-38D) with a random 96-bit nonce. The place is authenticated with the
text: what is copied from one row or column into another does not decrypt there.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from typing import TYPE_CHECKING

from relatum.values.problems import RelatumError

if TYPE_CHECKING:
    from relatum.config.keyring import Keyring

#: How an encrypted text begins; then the key's id, ``:`` and nonce and cipher text in base64.
MARK = "enc:1:"
PURPOSE = "secrets"
SIGNING = "signatures"
_NONCE_BYTES = 12


class UnreadableSecret(RelatumError):
    """An encrypted text was changed, or lies in another place than it was encrypted for."""

    code = "unreadable-secret"
    title = "A secret value cannot be read"


def place_of(table: str, column: str, row: object) -> str:
    """The place of one value: ``core_account.totp_secret/<id of the row>``."""
    return f"{table}.{column}/{row}"


def is_encrypted(value: object) -> bool:
    """Whether this is a text that :meth:`Secrets.encrypt` made, by how it begins."""
    return isinstance(value, str) and value.startswith(MARK)


class Secrets:
    """Encrypts with the current key, decrypts with the one that a text names."""

    def __init__(self, keys: Keyring) -> None:
        self._keys = keys

    def encrypt(self, text: str, place: str) -> str:
        """``text`` as it may lie in the database, in this place and in no other.

        Args:
            place: made by :func:`place_of`.

        Raises:
            ConfigurationError: the file of keys cannot be used.
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._keys.current
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self._keys.derive(PURPOSE, key)).encrypt(
            nonce, text.encode(), place.encode()
        )
        return f"{MARK}{key}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def decrypt(self, text: str, place: str) -> str:
        """The text that was encrypted for this place.

        Raises:
            UnreadableSecret: it is not one, was changed, or belongs somewhere else.
            ConfigurationError: the file of keys does not have its key.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key, sealed = _parts(text, place)
        cipher = AESGCM(self._keys.derive(PURPOSE, key))
        try:
            plain = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
        except InvalidTag:
            raise _unreadable(place) from None
        return plain.decode()

    def sign(self, text: str, place: str) -> str:
        """A signature of ``text`` for one place, that nobody makes without the keys (HMAC-SHA256).

        Letters, digits, ``-``, ``_`` and one ``.`` alone: it may stand in an address.

        Raises:
            ConfigurationError: the file of keys cannot be used.
        """
        return self._signature(text, place, self._keys.current)

    def is_signed(self, text: str, place: str, signature: str) -> bool:
        """Whether :meth:`sign` made this signature, under any key there is; takes equally long."""
        key = signature.partition(".")[0]
        if not self._keys.has(key):
            return False
        made = self._signature(text, place, key)
        return hmac.compare_digest(made.encode(), signature.encode())

    def _signature(self, text: str, place: str, key: str) -> str:
        said = f"{place}\0{text}".encode()
        made = hmac.digest(self._keys.derive(SIGNING, key), said, "sha256")
        return f"{key}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"

    def renewed(self, text: str, place: str) -> str | None:
        """The same secret under the current key; ``None`` when it already is."""
        if key_of(text) == self._keys.current:
            return None
        return self.encrypt(self.decrypt(text, place), place)


def key_of(text: str) -> str:
    """The id of the key a text is encrypted under; empty when it is not encrypted."""
    return text.removeprefix(MARK).partition(":")[0] if is_encrypted(text) else ""


def _parts(text: str, place: str) -> tuple[str, bytes]:
    key, colon, encoded = text.removeprefix(MARK).partition(":")
    if not (is_encrypted(text) and colon):
        raise _unreadable(place)
    try:
        sealed = base64.urlsafe_b64decode(encoded)
    except (binascii.Error, ValueError):
        raise _unreadable(place) from None
    if len(sealed) <= _NONCE_BYTES:
        raise _unreadable(place)
    return key, sealed


def _unreadable(place: str) -> UnreadableSecret:
    return UnreadableSecret(
        f"expected a secret that was encrypted for {place}, got one that was changed or belongs "
        "somewhere else; restore it from a backup, or set it again"
    )
