"""Links that open one thing, for one account, for a short time.

The signature (HMAC-SHA256 under a key of the keyring) covers the purpose, the path, the account and
the moment it ends, so that none of them can be exchanged. Links of an older key stay good until
they end.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from relatum.values.problems import Refused

PURPOSE = "links"
_MOMENT = re.compile(r"[0-9]{1,12}")


class Keys(Protocol):
    """What the keyring is needed for."""

    @property
    def current(self) -> str: ...

    def has(self, key: str) -> bool: ...

    def derive(self, purpose: str, key: str | None = None) -> bytes: ...


class LinkQuery(msgspec.Struct, frozen=True):
    """The query of a signed link."""

    until: str = ""
    key: str = ""
    signature: str = ""


class SignedLinks:
    """Makes and checks them.

    Args:
        keys: the keyring.
        clock: seconds since 1970.
    """

    def __init__(self, keys: Keys, *, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._clock = clock

    def sign(self, path: str, *, purpose: str, account: UUID | None, seconds: int) -> str:
        """The path with a query that opens it to this account for so many seconds."""
        until = str(int(self._clock()) + seconds)
        key = self._keys.current
        signature = self._signature(path, purpose, account, until, key)
        query = urlencode({"until": until, "key": key, "signature": signature})
        return f"{path}?{query}"

    def check(self, path: str, query: LinkQuery, *, purpose: str, account: UUID | None) -> None:
        """Accept a link that :meth:`sign` made for exactly this and that has not ended.

        Raises:
            Refused: it is none, or it has ended.
        """
        known = _MOMENT.fullmatch(query.until) is not None and self._keys.has(query.key)
        good = known and hmac.compare_digest(
            self._signature(path, purpose, account, query.until, query.key).encode(),
            query.signature.encode(errors="replace"),
        )
        if not good:
            raise Refused(
                "expected a link as this server gave it to you, got another one; ask for a new link"
            )
        if int(query.until) <= self._clock():
            raise Refused("expected a link that is still open, got one that has ended; ask anew")

    def _signature(
        self, path: str, purpose: str, account: UUID | None, until: str, key: str
    ) -> str:
        # As JSON, so that no part can run into the next one.
        said = msgspec.json.encode([purpose, path, account, until, key])
        digest = hmac.new(self._keys.derive(PURPOSE, key), said, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
