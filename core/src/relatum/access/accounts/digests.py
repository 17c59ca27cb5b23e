"""Random secrets, and the digests by which they are found again.

The secrets have 256 random bits, so that a plain SHA-256 of one cannot be turned back by guessing;
passwords, which people choose, go through argon2id instead.
"""

from __future__ import annotations

import hashlib
import secrets

TOKEN_PREFIX = "rlt_"  # noqa: S105 - how tokens begin, so that scanners for leaks know them
#: Of a token, shown to tell it from others.
SHOWN_CHARACTERS = 10


def new_secret() -> str:
    """43 characters of the URL-safe alphabet."""
    return secrets.token_urlsafe(32)


def new_token() -> str:
    """The secret of an API token: ``rlt_…``."""
    return TOKEN_PREFIX + new_secret()


def digest_of(secret: str) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
