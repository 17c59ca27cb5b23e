"""The second factor: time-based one-time passwords (RFC 6238) and recovery codes."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import secrets
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import msgspec

from relatum.access.accounts import events as facts
from relatum.access.accounts.digests import digest_of
from relatum.access.accounts.throttle import Guessed
from relatum.access.accounts.types import RecoveryCodes, SecondFactorSetup
from relatum.access.viewer import current_viewer
from relatum.values.ids import new_ids
from relatum.values.problems import Conflict, InvalidInput, NotFound, Problem, Refused

if TYPE_CHECKING:
    from relatum.access.accounts.changes import Changes
    from relatum.access.accounts.roles import RoleKeeper
    from relatum.access.accounts.sessions import Sessions
    from relatum.access.accounts.throttle import Throttle
    from relatum.db.database import Database

#: Codes before and after the one of this moment that are taken too: clocks differ.
STEPS_AROUND = 1
STEP_SECONDS = 30
RECOVERY_CODES = 10
#: 16 letters and digits of base 32 are 80 bits.
RECOVERY_BYTES = 10


class Encryption(Protocol):
    """Encrypts texts, each bound to its place in the database."""

    def encrypt(self, text: str, place: str) -> str: ...

    def decrypt(self, text: str, place: str) -> str: ...


class _Stored(msgspec.Struct, frozen=True):
    """What is known of the second factor of one account."""

    email: str
    encrypted: str
    since: dt.datetime | None

    def __repr__(self) -> str:
        return "_Stored(…)"


class SecondFactor:
    """Switching the second factor of an account on and off, and taking codes.

    Args:
        issuer: how authenticator apps name this installation.
        throttle: slows down whoever guesses codes; its clock is the one that codes go by.
    """

    def __init__(
        self,
        db: Database,
        changes: Changes,
        encryption: Encryption,
        *,
        issuer: str,
        sessions: Sessions,
        roles: RoleKeeper,
        throttle: Throttle,
    ) -> None:
        self._db = db
        self._encryption = encryption
        self._issuer = issuer
        self._sessions = sessions
        self._roles = roles
        self._throttle = throttle
        self._changes = changes
        self._clock = throttle.clock

    async def begin(self, account: UUID) -> SecondFactorSetup:
        """A new secret for the authenticator app; nothing is asked for until it is confirmed.

        Raises:
            Conflict: the account has a second factor already, or is no person.
        """
        import pyotp

        stored = await self._stored(account)
        if stored.since is not None:
            raise _on_already()
        secret = pyotp.random_base32()
        encrypted = await asyncio.to_thread(self._encryption.encrypt, secret, _place(account))
        # confirmed by somebody else meanwhile: their secret stays
        written = await self._db.execute(
            "UPDATE core_account SET totp_secret = ?, totp_step = 0 "
            "WHERE id = ? AND totp_since IS NULL",
            *(encrypted, account),
        )
        if not written:
            raise _on_already()
        uri = pyotp.TOTP(secret).provisioning_uri(name=stored.email, issuer_name=self._issuer)
        return SecondFactorSetup(secret=secret, uri=uri, qr_svg=_picture(uri))

    async def confirm(self, account: UUID, code: str, *, session: UUID | None) -> RecoveryCodes:
        """Switch it on with a code of the app; ends every other session.

        Raises:
            Conflict: it was not begun, or is on already.
            InvalidInput: the code is wrong.
            TooManyAttempts: too many were wrong.
        """
        stored = await self._stored(account)
        if stored.since is not None:
            raise _on_already()
        if not stored.encrypted:
            raise Conflict("expected a second factor that was begun, got none; begin it first")
        await self._take(account, code, recovery=False)
        moment = self._clock()
        async with self._db.transaction():
            switched = await self._db.execute(
                "UPDATE core_account SET totp_since = ? WHERE id = ? AND totp_since IS NULL",
                *(moment, account),
            )
            if not switched:
                raise _on_already()
            if session is not None:
                await self._db.execute(
                    "UPDATE core_session SET second_factor_at = ? WHERE id = ? AND account_id = ?",
                    *(moment, session, account),
                )
            await self._sessions.revoke_others(account, session, by=_by(account))
            codes = await self._new_codes(account)
            await self._tell(account, facts.FACTOR_ON, _by(account))
        return codes

    async def renew_codes(self, account: UUID, code: str) -> RecoveryCodes:
        """Ten new recovery codes; the former ones are no longer good.

        Raises:
            Conflict: the account has no second factor.
            InvalidInput, TooManyAttempts: as :meth:`confirm`.
        """
        await self._expect_on(account)
        await self._take(account, code)
        async with self._db.transaction():
            codes = await self._new_codes(account)
            await self._tell(account, facts.CODES_RENEWED, _by(account))
        return codes

    async def codes_left(self, account: UUID) -> int:
        """How many recovery codes are not used yet."""
        row = await self._db.fetch_one(
            "SELECT count(*) FROM core_recovery_code WHERE account_id = ? AND used_at IS NULL",
            account,
        )
        return int(row[0]) if row else 0

    async def turn_off(self, account: UUID, code: str) -> None:
        """Ask for no code any more; needs one last code of the app or a recovery code.

        Raises:
            Conflict, InvalidInput, TooManyAttempts: as :meth:`renew_codes`.
        """
        await self._expect_on(account)
        await self._take(account, code)
        await self._switch_off(account, _by(account))

    async def remove(self, account: UUID, *, by: str) -> None:
        """Take the second factor from somebody who lost it: for whoever manages accounts.

        Ends every session of the account.

        Raises:
            Conflict: the account has no second factor.
            Refused: it is the own account, or holds more than whoever acts.
        """
        await self._expect_on(account)
        if current_viewer().account == account:
            raise Refused("expected another account; switch off your own with a code")
        async with self._db.transaction():
            await self._roles.refuse_stronger(account)
            await self._switch_off(account, by)
            await self._sessions.revoke_others(account, None, by=by)

    async def matches(self, account: UUID, code: str, *, recovery: bool = True) -> bool:
        """Whether a code is right and was not used; it is used then.

        Args:
            recovery: recovery codes are taken too.
        """
        typed = "".join(code.split()).replace("-", "")
        if typed.isascii() and typed.isdigit() and len(typed) == 6:
            return await self._matches_app(account, typed)
        if not recovery:
            return False
        used = await self._db.execute(
            "UPDATE core_recovery_code SET used_at = ? "
            "WHERE account_id = ? AND digest = ? AND used_at IS NULL",
            *(self._clock(), account, _digest(account, typed)),
        )
        return bool(used)

    async def _matches_app(self, account: UUID, typed: str) -> bool:
        import pyotp

        stored = await self._stored(account)
        if not stored.encrypted:
            return False
        secret = await asyncio.to_thread(
            self._encryption.decrypt, stored.encrypted, _place(account)
        )
        app = pyotp.TOTP(secret, interval=STEP_SECONDS)
        current = int(self._clock().timestamp()) // STEP_SECONDS
        # every candidate is compared, whichever fits
        fitting = [
            step
            for step in range(current - STEPS_AROUND, current + STEPS_AROUND + 1)
            if secrets.compare_digest(app.generate_otp(step), typed)
        ]
        if not fitting:
            return False
        used = await self._db.execute(
            "UPDATE core_account SET totp_step = ? WHERE id = ? AND totp_step < ?",
            *(fitting[0], account, fitting[0]),
        )
        return bool(used)

    async def _take(self, account: UUID, code: str, *, recovery: bool = True) -> None:
        guessed = code_of(account)
        await self._throttle.attempt(guessed)
        if not await self.matches(account, code, recovery=recovery):
            raise _wrong_code()
        await self._throttle.succeeded(guessed)

    async def _switch_off(self, account: UUID, by: str) -> None:
        async with self._db.transaction():
            await self._db.execute(
                "UPDATE core_account SET totp_secret = '', totp_since = NULL WHERE id = ?", account
            )
            await self._db.execute("DELETE FROM core_recovery_code WHERE account_id = ?", account)
            await self._tell(account, facts.FACTOR_OFF, by)

    async def _new_codes(self, account: UUID) -> RecoveryCodes:
        codes = [_new_code() for _ in range(RECOVERY_CODES)]
        await self._db.execute("DELETE FROM core_recovery_code WHERE account_id = ?", account)
        await self._db.insert(
            "core_recovery_code",
            ("id", "account_id", "digest"),
            [
                (id, account, _digest(account, code.replace("-", "")))
                for id, code in zip(new_ids(len(codes)), codes, strict=True)
            ],
        )
        return RecoveryCodes(codes=codes)

    async def _expect_on(self, account: UUID) -> None:
        if (await self._stored(account)).since is None:
            raise Conflict("expected an account with a second factor, got one without")

    async def _stored(self, account: UUID) -> _Stored:
        row = await self._db.fetch_one(
            "SELECT email, totp_secret, totp_since FROM core_account WHERE id = ?", account
        )
        if row is None:
            raise NotFound(f"expected the id of an account, got {account}; there is none")
        email, encrypted, since = row
        if email is None:
            raise Conflict("expected a person, got a service, which never signs in")
        return _Stored(email, encrypted, since)

    async def _tell(self, account: UUID, kind: str, by: str) -> None:
        await self._changes.record(account, kind, facts.AccountConcerned(account), by=by)


def code_of(account: UUID) -> Guessed:
    """The codes of one account, as they are throttled."""
    return Guessed(kind="code", subject=str(account))


def _place(account: UUID) -> str:
    from relatum.access.secrets import place_of

    return place_of("core_account", "totp_secret", account)


def _by(account: UUID) -> str:
    return f"person:{account}"


def _new_code() -> str:
    letters = base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def _digest(account: UUID, typed: str) -> str:
    return digest_of(f"{account}:{typed.lower()}")


def _picture(uri: str) -> str:
    import segno

    return segno.make(uri, error="m").svg_inline(scale=4, border=4, light="white")


def _on_already() -> Conflict:
    return Conflict("expected an account without a second factor, got one that has it already")


def _wrong_code() -> InvalidInput:
    problem = Problem(
        code="wrong-code",
        message="This code is not right, or was used already",
        where="/code",
        expected="the six digits that the app shows now, or an unused recovery code",
        mend="Wait for the next code, and check that the clock of the phone is right.",
    )
    return InvalidInput("The code is not right.", problems=[problem])
