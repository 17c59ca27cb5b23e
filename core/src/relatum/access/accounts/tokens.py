"""API tokens: act as their owner, never more than the owner may at that moment."""

from __future__ import annotations

from uuid import UUID

from relatum.access.accounts.types import Identity, NewToken, Token, TokenDraft


class Tokens:
    """Personal tokens and those of services."""

    async def authenticate_token(self, secret: str) -> Identity | None:
        """Whose token this is; ``None`` when it is unknown, expired, revoked or its owner is out.

        Call :meth:`refused` then, so that guessing is throttled.
        """
        raise NotImplementedError

    async def refused(self, address: str) -> None:
        """Count a bad token or session cookie from this address.

        Raises:
            TooManyAttempts: there were too many.
        """
        raise NotImplementedError

    async def create(self, account: UUID, draft: TokenDraft, *, by: str) -> NewToken:
        """Make a token; its secret is shown this once.

        Raises:
            InvalidInput: a scope is no permission.
            Conflict: the account is not active.
        """
        raise NotImplementedError

    async def of(self, account: UUID) -> list[Token]:
        """The tokens of an account, the newest first, ended ones among them for 30 days."""
        raise NotImplementedError

    async def revoke(self, account: UUID, token: UUID, *, by: str) -> None:
        """End a token of this account at once.

        Raises:
            NotFound: the account has no such token.
        """
        raise NotImplementedError
