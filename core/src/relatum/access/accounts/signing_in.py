"""Signing in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn
from uuid import UUID

from relatum.access.accounts import events as facts
from relatum.access.accounts.links import OneTimeLinks, Opened
from relatum.access.accounts.problems import LinkSpent, SignInRefused
from relatum.access.accounts.rows import printable, read_account, sought_email
from relatum.access.accounts.second_factor import code_of
from relatum.access.accounts.throttle import Guessed, from_address
from relatum.access.accounts.types import SecondFactorNeeded, SignedIn
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.accounts.changes import Changes
    from relatum.access.accounts.passwords import Passwords
    from relatum.access.accounts.second_factor import SecondFactor
    from relatum.access.accounts.sessions import Sessions
    from relatum.access.accounts.throttle import Throttle
    from relatum.db.database import Database

BY_EMAIL = (
    "SELECT id, password_hash, state, totp_since FROM core_account "
    "WHERE email = ? AND kind = 'person'"
)


class SignIn:
    """The ways in for people.

    ``address`` and ``user_agent`` are those of the caller; guessing is throttled by account and by
    address. None of the methods that check something may run inside a transaction of the caller:
    what counts wrong attempts must stay when the answer is an error.
    """

    def __init__(
        self,
        db: Database,
        changes: Changes,
        *,
        passwords: Passwords,
        sessions: Sessions,
        links: OneTimeLinks,
        second_factor: SecondFactor,
        throttle: Throttle,
    ) -> None:
        self._db = db
        self._changes = changes
        self._passwords = passwords
        self._sessions = sessions
        self._links = links
        self._factor = second_factor
        self._throttle = throttle

    async def by_password(
        self, email: str, password: str, *, address: str, user_agent: str = ""
    ) -> SignedIn | SecondFactorNeeded:
        """Sign in; takes as long, and says the same, for an unknown e-mail and a wrong password.

        Raises:
            SignInRefused: no active account has this e-mail and password.
            TooManyAttempts: too many were wrong.
        """
        guessed = [password_of(email), *from_address(address)]
        await self._throttle.attempt(*guessed)
        row = await self._db.fetch_one(BY_EMAIL, sought_email(email))
        account, password_hash, state, since = row if row is not None else (None, "", "", None)
        kept = password_hash if state == "active" else ""
        if not await self._passwords.verify(kept, password):
            await self._refuse(account, _reason(account, state, password_hash), "password", address)
        await self._throttle.succeeded(*guessed)
        await self._rehash(account, kept, password)
        if since is not None:
            return await self.ask_for_code(account, way="password")
        return await self.open(account, "password", address=address, user_agent=user_agent)

    async def second_factor(
        self, ticket: str, code: str, *, address: str, user_agent: str = ""
    ) -> SignedIn:
        """The second step: a code of the authenticator app, or a recovery code.

        Raises:
            SignInRefused: the ticket is unknown or expired, or the code is wrong or was used.
            TooManyAttempts: too many were wrong.
        """
        self._throttle.refuse_in_transaction()
        opened, account = await self._ticket(ticket, address)
        way: facts.Way = opened.data.get("way", "password")
        guessed = [code_of(account), *from_address(address)]
        await self._throttle.attempt(*guessed)
        if not await self._factor.matches(account, code):
            await self._refuse(account, "wrong_code", way, address)
        await self._throttle.succeeded(*guessed)
        async with self._db.transaction():
            await self._links.use(opened)
            return await self.open(
                account, way, address=address, user_agent=user_agent, second_factor=True
            )

    async def at_once(self, account: UUID, *, address: str, user_agent: str = "") -> SignedIn:
        """A session for somebody who has just shown who they are (claimed, accepted a link).

        Raises:
            SignInRefused: the account is not active, or has a second factor to show.
        """
        found = await read_account(self._db, account)
        if found.second_factor:
            raise refused()
        return await self.open(account, "link", address=address, user_agent=user_agent)

    async def sign_out(self, session: UUID, *, by: str) -> None:
        """End this session; one that has ended already is fine."""
        row = await self._db.fetch_one("SELECT account_id FROM core_session WHERE id = ?", session)
        if row is not None:
            await self._sessions.end(row[0], session, by=by, kind=facts.SIGNED_OUT)

    async def ask_for_code(self, account: UUID, *, way: facts.Way) -> SecondFactorNeeded:
        """A ticket for the second step, good for five minutes."""
        ticket, expires = await self._links.make("second_factor", account, {"way": way})
        return SecondFactorNeeded(ticket=ticket, expires_at=expires)

    async def open(
        self,
        account: UUID,
        way: facts.Way,
        *,
        address: str,
        user_agent: str,
        second_factor: bool = False,
    ) -> SignedIn:
        """A new session of an active person.

        Raises:
            SignInRefused: the account is not active (any more).
        """
        async with self._db.transaction():
            active = await self._db.execute(
                "UPDATE core_account SET last_sign_in_at = ? "
                "WHERE id = ? AND state = 'active' AND kind = 'person'",
                *(now(), account),
            )
            if not active:
                raise refused()
            session, secret, expires = await self._sessions.begin(
                account, address=address, user_agent=user_agent, second_factor=second_factor
            )
            fact = facts.SignedIn(account, session, way, second_factor, printable(address)[:64])
            by = f"person:{account}"
            await self._changes.record(account, facts.SIGNED_IN, fact, by=by)
            found = await read_account(self._db, account)
        return SignedIn(account=found, session=session, secret=secret, expires_at=expires)

    async def _ticket(self, ticket: str, address: str) -> tuple[Opened, UUID]:
        try:
            opened = await self._links.open("second_factor", ticket, address=address)
        except LinkSpent:
            raise SignInRefused(
                "expected a sign-in that was begun within five minutes, got none; begin again"
            ) from None
        if opened.account is None:
            raise refused()
        return opened, opened.account

    async def _rehash(self, account: UUID, password_hash: str, password: str) -> None:
        renewed = await self._passwords.renewed(password_hash, password)
        if renewed is not None:
            # only if nobody changed the password meanwhile
            await self._db.execute(
                "UPDATE core_account SET password_hash = ? WHERE id = ? AND password_hash = ?",
                *(renewed, account, password_hash),
            )

    async def _refuse(
        self, account: UUID | None, reason: facts.Reason, way: facts.Way, address: str
    ) -> NoReturn:
        fact = facts.SignInRefused(account, reason, way, printable(address)[:64])
        await self._changes.record(account, facts.REFUSED, fact, by="anonymous")
        raise refused() if reason != "wrong_code" else _wrong_code()


def password_of(email: str) -> Guessed:
    """The password of one e-mail, known or not, as it is throttled."""
    return Guessed(kind="password", subject=sought_email(email))


def refused() -> SignInRefused:
    """The same words for an unknown e-mail, a wrong password and an account that may not come."""
    return SignInRefused(
        "expected the e-mail and password of an active account, got something else; check both, "
        "or ask for a new password"
    )


def _wrong_code() -> SignInRefused:
    return SignInRefused(
        "expected the code that the app shows now or an unused recovery code, got something else; "
        "try the next code"
    )


def _reason(account: UUID | None, state: str, password_hash: str) -> facts.Reason:
    if account is None:
        return "unknown"
    if state != "active":
        return "not_active"
    return "wrong" if password_hash else "no_password"
