"""The proof that a page of ours sent a write: derived from the session, and never said twice alike.

What a page holds is the proof mixed with random bytes, and those bytes before it. Pages go out
compressed, and the length of a compressed page tells how often something in it occurs: a proof that
is another one each time cannot be guessed that way (BREACH).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

FIELD = "csrf"
#: Either of them says it, for writes that send no form.
HEADERS = (b"x-relatum-csrf", b"x-csrf")
BYTES = hashlib.sha256().digest_size


def csrf_token(secret: str) -> str:
    """The proof of a session, hexadecimal; tells nothing about the secret of the session."""
    return _proof(secret).hex()


def masked_token(secret: str) -> str:
    """The proof for one answer: as good as :func:`csrf_token`, and different every time."""
    mask = secrets.token_bytes(BYTES)
    return (mask + _mixed(_proof(secret), mask)).hex()


def is_proof(said: str, secret: str) -> bool:
    """Whether this is the proof of a session, in either form."""
    try:
        given = bytes.fromhex(said)
    except ValueError:
        return False
    if len(given) == 2 * BYTES:
        given = _mixed(given[BYTES:], given[:BYTES])
    return hmac.compare_digest(given, _proof(secret))


def _proof(secret: str) -> bytes:
    return hmac.new(secret.encode(), b"relatum csrf", hashlib.sha256).digest()


def _mixed(content: bytes, mask: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(content, mask, strict=True))
