"""Passwords: what is accepted, and how they are kept (argon2id, RFC 9106).

A password is taken as it was typed, in Unicode's form NFC so that keyboards that compose
Vietnamese letters differently agree; nothing is trimmed or cut.
"""

from __future__ import annotations

import asyncio
import re
import threading
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from relatum.values.problems import InvalidInput, Problem
from relatum.values.text import fold

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 10
LONGEST = 200
#: zxcvbn's 0–4: 3 stands against 10^8 guesses, 4 against 10^10.
WEAKEST = 3
#: Hashing takes 64 MiB each time.
AT_ONCE = 2
#: Words that people here use in passwords and that zxcvbn's lists do not know.
COMMON_HERE = [
    *("relatum", "matkhau", "dangnhap", "taikhoan", "khachhang", "congty"),
    *("anhyeuem", "emyeuanh", "conyeu", "giadinh", "bome", "anhem", "iloveu"),
    *("vietnam", "saigon", "hanoi", "danang"),
]
_EXAMINED = 72
_examining = threading.Lock()


def composed(password: str) -> str:
    """The form of a password that is hashed."""
    return unicodedata.normalize("NFC", password)


class Passwords:
    """Accepts, hashes and verifies passwords, at most two at once and never in the event loop.

    Args:
        known: words that are no good in any password here (the company's name).
        hasher: argon2id with other costs than the library's own, for tests.
    """

    def __init__(self, *, known: Sequence[str] = (), hasher: PasswordHasher | None = None) -> None:
        self._known = list(known)
        self._hasher = hasher
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._nobodys = ""

    async def accept(self, password: str, *, known: Sequence[str], where: str = "/password") -> str:
        """Hash a new password.

        Args:
            known: what others may know of the person: name, e-mail.
            where: the field that it came in.

        Raises:
            InvalidInput: it is too short, too long or among the first that would be guessed.
        """
        text = composed(password)
        _refuse_length(text, where)
        async with self._turn:
            weak = await asyncio.to_thread(_is_weak, text, [*self._known, *known])
            if weak:
                raise _refused(where, "one that is not easy to guess", "a common or personal one")
            return await asyncio.to_thread(self._hash, text)

    async def verify(self, password_hash: str, password: str) -> bool:
        """Whether this is the password; takes as long when there is none (empty hash)."""
        text = composed(password)
        async with self._turn:
            return await asyncio.to_thread(self._verify, password_hash, text)

    async def renewed(self, password_hash: str, password: str) -> str | None:
        """A new hash of a right password whose hash was made with other costs; else ``None``."""
        if not self._argon().check_needs_rehash(password_hash):
            return None
        async with self._turn:
            return await asyncio.to_thread(self._hash, composed(password))

    def _argon(self) -> PasswordHasher:
        if self._hasher is None:
            from argon2 import PasswordHasher

            self._hasher = PasswordHasher()
        return self._hasher

    def _hash(self, text: str) -> str:
        return self._argon().hash(text.encode("utf-8", "surrogatepass"))

    def _verify(self, password_hash: str, text: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError

        if not self._nobodys:
            # made before either case, so that the first sign-in gives nothing away
            self._nobodys = self._hash("nobody has this password")
        try:
            right = self._argon().verify(
                password_hash or self._nobodys, text.encode("utf-8", "surrogatepass")
            )
        except (VerificationError, InvalidHashError):
            return False
        return right and bool(password_hash)


def _refuse_length(text: str, where: str) -> None:
    if len(text) < SHORTEST:
        raise _refused(where, f"at least {SHORTEST} characters", f"{len(text)}")
    if len(text) > LONGEST:
        raise _refused(where, f"at most {LONGEST} characters", f"{len(text)}")


def _is_weak(text: str, known: Sequence[str]) -> bool:
    """Whether its beginning would be guessed soon; what follows cannot make it weaker."""
    from zxcvbn import zxcvbn

    words = [*COMMON_HERE, *_words_of(known)]
    scores = []
    with _examining:  # zxcvbn keeps the known words in a global of its own
        for form in {text, fold(text), fold(text).replace(" ", "")}:
            examined = form[:_EXAMINED]
            scores.append(zxcvbn(examined, user_inputs=words)["score"] if examined else 0)
        zxcvbn("-")  # forgets the words
    return min(scores) < WEAKEST


def _words_of(known: Sequence[str]) -> list[str]:
    words = []
    for text in known:
        parts = [part for part in re.split(r"[\W_]+", fold(text)) if len(part) > 2]
        words += [text, fold(text).replace(" ", ""), *parts]
    return [word for word in words if word]


def _refused(where: str, expected: str, got: str) -> InvalidInput:
    problem = Problem(
        code="weak-password",
        message="This password cannot be used",
        where=where,
        expected=expected,
        got=got,
        mend="Take a few words that do not belong together, or let a password manager make one.",
    )
    return InvalidInput("This password cannot be used.", problems=[problem])
