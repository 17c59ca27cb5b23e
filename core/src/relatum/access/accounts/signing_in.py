"""Signing in and out."""

from __future__ import annotations

from uuid import UUID

from relatum.access.accounts.types import SecondFactorNeeded, SignedIn


class SignIn:
    """The ways in for people.

    ``address`` and ``user_agent`` are those of the caller; guessing is throttled by account and by
    address. None of the writing methods may run inside a transaction of the caller: what counts
    wrong attempts must stay when the answer is an error.
    """

    async def by_password(
        self, email: str, password: str, *, address: str, user_agent: str = ""
    ) -> SignedIn | SecondFactorNeeded:
        """Sign in; takes as long, and says the same, for an unknown e-mail and a wrong password.

        Raises:
            SignInRefused: no active account has this e-mail and password.
            TooManyAttempts: too many were wrong.
        """
        raise NotImplementedError

    async def second_factor(
        self, ticket: str, code: str, *, address: str, user_agent: str = ""
    ) -> SignedIn:
        """The second step: a code of the authenticator app, or a recovery code.

        Raises:
            SignInRefused: the ticket is unknown or expired, or the code is wrong or was used.
            TooManyAttempts: too many were wrong.
        """
        raise NotImplementedError

    async def at_once(self, account: UUID, *, address: str, user_agent: str = "") -> SignedIn:
        """A session for somebody who has just shown who they are (claimed, accepted a link).

        Raises:
            SignInRefused: the account is not active, or has a second factor to show.
        """
        raise NotImplementedError

    async def sign_out(self, session: UUID, *, by: str) -> None:
        """End this session; one that has ended already is fine."""
        raise NotImplementedError
