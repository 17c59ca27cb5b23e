"""Sessions: kept on the server, listed, revocable."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from uuid import UUID

from relatum.access.accounts import events as facts
from relatum.access.accounts.digests import digest_of, new_secret
from relatum.access.accounts.rows import printable, read_account
from relatum.access.accounts.types import Identity, Session, SignedIn
from relatum.values.ids import new_id
from relatum.values.problems import NotFound
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.accounts.changes import Changes
    from relatum.db.database import Database

#: A session ends after this long, however busy it is, …
LONGEST = dt.timedelta(days=30)
#: … and after this long without a request.
IDLE = dt.timedelta(days=7)
#: How exact ``last_seen_at`` is: a write for every request would be too many.
SEEN_EVERY = dt.timedelta(minutes=5)

COLUMNS = (
    "id",
    "account_id",
    "digest",
    "created_at",
    "last_seen_at",
    "expires_at",
    "address",
    "user_agent",
    "second_factor_at",
)
FOUND = (
    "SELECT s.id, s.last_seen_at, s.expires_at, s.second_factor_at, a.id, a.kind, a.name, a.email, "
    "a.language, a.totp_since FROM core_session s JOIN core_account a ON a.id = s.account_id "
    "WHERE s.digest = ? AND s.expires_at > ? AND s.last_seen_at > ? AND a.state = 'active'"
)
LISTED = (
    "SELECT id, account_id, created_at, last_seen_at, expires_at, address, user_agent, "
    "second_factor_at FROM core_session "
    "WHERE account_id = ? AND expires_at > ? AND last_seen_at > ? ORDER BY last_seen_at DESC, id"
)


class Sessions:
    """Where people are signed in."""

    def __init__(self, db: Database, changes: Changes) -> None:
        self._db = db
        self._changes = changes

    async def authenticate_session(self, secret: str, *, notice: bool = True) -> Identity | None:
        """Who the cookie belongs to; ``None`` when nobody is signed in with it (any more).

        ``notice`` says that somebody does something with it: the time after which an idle session
        ends begins anew.
        """
        moment = now()
        row = await self._db.fetch_one(FOUND, digest_of(secret), moment, moment - IDLE)
        if row is None:
            return None
        session, seen, expires, factor_at, account, kind, name, email, language, since = row
        if notice and moment - seen > SEEN_EVERY:
            seen = moment
            await self._db.execute(
                "UPDATE core_session SET last_seen_at = ? WHERE id = ?", moment, session
            )
        return Identity(
            account=account,
            kind=kind,
            name=name,
            email=email,
            language=language,
            session=session,
            second_factor=since is not None,
            second_factor_at=factor_at,
            valid_until=min(expires, seen + IDLE),
        )

    async def begin(
        self, account: UUID, *, address: str, user_agent: str, second_factor: bool = False
    ) -> tuple[UUID, str, dt.datetime]:
        """A new session, in the caller's transaction: its id, its secret, and when it ends."""
        id, secret, moment = new_id(), new_secret(), now()
        expires = moment + LONGEST
        row = (
            *(id, account, digest_of(secret), moment, moment, expires),
            *(printable(address)[:64], printable(user_agent)[:300]),
            moment if second_factor else None,
        )
        await self._db.insert("core_session", COLUMNS, [row])
        return id, secret, expires

    async def of(self, account: UUID) -> list[Session]:
        """Where somebody is signed in now, the latest first."""
        moment = now()
        return [
            _session_of(row) for row in await self._db.fetch(LISTED, account, moment, moment - IDLE)
        ]

    async def revoke(self, account: UUID, session: UUID, *, by: str) -> None:
        """End one session of this account.

        Raises:
            NotFound: the account has no such session.
        """
        if not await self.end(account, session, by=by, kind=facts.REVOKED):
            raise NotFound(f"expected the id of a session of this account, got {session}")

    async def end(self, account: UUID, session: UUID, *, by: str, kind: str) -> bool:
        """End a session with an event of this kind; whether there was one."""
        async with self._db.transaction():
            ended = await self._db.execute(
                "DELETE FROM core_session WHERE id = ? AND account_id = ?", session, account
            )
            if ended:
                fact = facts.SessionEnded(account, session)
                await self._changes.record(account, kind, fact, by=by)
        return bool(ended)

    async def revoke_others(self, account: UUID, keep: UUID | None, *, by: str) -> int:
        """End every session of this account but one; returns how many ended."""
        async with self._db.transaction():
            rows = await self._db.execute_returning(
                "DELETE FROM core_session WHERE account_id = ? RETURNING id"
                if keep is None
                else "DELETE FROM core_session WHERE account_id = ? AND id <> ? RETURNING id",
                *([account] if keep is None else [account, keep]),
            )
            for (id,) in rows:
                fact = facts.SessionEnded(account, id)
                await self._changes.record(account, facts.REVOKED, fact, by=by)
            self._changes.tell(account)
        return len(rows)

    async def rotate(self, session: UUID) -> SignedIn:
        """Give a session a new secret (after the rights of it changed); the old one ends at once.

        Raises:
            NotFound: the session has ended.
        """
        secret = new_secret()
        async with self._db.transaction():
            rows = await self._db.execute_returning(
                "UPDATE core_session SET digest = ? WHERE id = ? RETURNING account_id, expires_at",
                *(digest_of(secret), session),
            )
            if not rows:
                raise NotFound(f"expected the id of a session, got {session}; it has ended")
            id, expires = rows[0]
            account = await read_account(self._db, id)
            self._changes.tell(id)
        return SignedIn(account=account, session=session, secret=secret, expires_at=expires)


def _session_of(row: tuple[Any, ...]) -> Session:
    id, account, created, seen, expires, address, user_agent, factor_at = row
    return Session(
        id=id,
        account=account,
        created_at=created,
        last_seen_at=seen,
        expires_at=min(expires, seen + IDLE),
        address=address,
        user_agent=user_agent,
        second_factor_at=factor_at,
    )
