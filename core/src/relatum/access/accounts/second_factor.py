"""The second factor: time-based one-time passwords (RFC 6238) and recovery codes."""

from __future__ import annotations

from uuid import UUID

from relatum.access.accounts.types import RecoveryCodes, SecondFactorSetup


class SecondFactor:
    """Switching the second factor of an account on and off."""

    async def begin(self, account: UUID) -> SecondFactorSetup:
        """A new secret for the authenticator app; nothing is asked for until it is confirmed.

        Raises:
            Conflict: the account has a second factor already.
        """
        raise NotImplementedError

    async def confirm(self, account: UUID, code: str, *, session: UUID | None) -> RecoveryCodes:
        """Switch it on with a code of the app; ends every other session.

        Raises:
            Conflict: it was not begun, or is on already.
            InvalidInput: the code is wrong.
            TooManyAttempts: too many were wrong.
        """
        raise NotImplementedError

    async def renew_codes(self, account: UUID, code: str) -> RecoveryCodes:
        """Ten new recovery codes; the former ones are no longer good.

        Raises:
            Conflict: the account has no second factor.
            InvalidInput, TooManyAttempts: as :meth:`confirm`.
        """
        raise NotImplementedError

    async def codes_left(self, account: UUID) -> int:
        """How many recovery codes are not used yet."""
        raise NotImplementedError

    async def turn_off(self, account: UUID, code: str) -> None:
        """Ask for no code any more; needs one last code of the app or a recovery code.

        Raises:
            Conflict, InvalidInput, TooManyAttempts: as :meth:`renew_codes`.
        """
        raise NotImplementedError

    async def remove(self, account: UUID, *, by: str) -> None:
        """Take the second factor from somebody who lost it: for whoever manages accounts."""
        raise NotImplementedError
