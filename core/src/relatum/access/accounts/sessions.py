"""Sessions: kept on the server, listed, revocable."""

from __future__ import annotations

from uuid import UUID

from relatum.access.accounts.types import Identity, Session, SignedIn


class Sessions:
    """Where people are signed in."""

    async def authenticate_session(self, secret: str) -> Identity | None:
        """Who the cookie belongs to; ``None`` when nobody is signed in with it (any more)."""
        raise NotImplementedError

    async def of(self, account: UUID) -> list[Session]:
        """Where somebody is signed in now, the latest first."""
        raise NotImplementedError

    async def revoke(self, account: UUID, session: UUID, *, by: str) -> None:
        """End one session of this account.

        Raises:
            NotFound: the account has no such session.
        """
        raise NotImplementedError

    async def revoke_others(self, account: UUID, keep: UUID | None, *, by: str) -> int:
        """End every session of this account but one; returns how many ended."""
        raise NotImplementedError

    async def rotate(self, session: UUID) -> SignedIn:
        """Give a session a new secret (after the rights of it changed); the old one ends at once.

        Raises:
            NotFound: the session has ended.
        """
        raise NotImplementedError
