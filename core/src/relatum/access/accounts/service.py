"""Accounts: the only writer of people and services that may come in."""

from __future__ import annotations

from uuid import UUID

from relatum.access.accounts.types import (
    Account,
    AccountChange,
    AccountDraft,
    AccountQuery,
    InvitationDraft,
    LinkPurpose,
    LinkShown,
    OneTimeSecret,
    ServiceDraft,
)
from relatum.db.pages import Page


class Accounts:
    """People and services. ``by`` is the actor, as the event log writes it.

    ``address`` is that of the caller, by which guessing is throttled; ``""`` is the local shell.
    """

    async def first_link(self) -> OneTimeSecret | None:
        """A new one-time link for the first owner; ``None`` once there is an active owner.

        An earlier one is no longer good.
        """
        raise NotImplementedError

    async def claim_first(self, secret: str, draft: AccountDraft, *, address: str = "") -> Account:
        """Make the first owner.

        Raises:
            LinkSpent: the link is unknown, used, expired, or there is an owner already.
            InvalidInput: the password or e-mail cannot be used.
            TooManyAttempts: this address guesses links.
        """
        raise NotImplementedError

    async def look_at_link(
        self, purpose: LinkPurpose, secret: str, *, address: str = ""
    ) -> LinkShown:
        """What the page of a link may show; the link stays good.

        Raises:
            LinkSpent: it is unknown, used or expired.
            TooManyAttempts: this address guesses links.
        """
        raise NotImplementedError

    async def invite(self, draft: InvitationDraft, *, by: str) -> OneTimeSecret:
        """Make an invited account with its roles; the link is good for seven days.

        Raises:
            Conflict: somebody has this e-mail already.
            InvalidInput: the e-mail, a role or the team does not exist.
            Refused: more would be given than the inviting person holds.
        """
        raise NotImplementedError

    async def invite_again(self, id: UUID, *, by: str) -> OneTimeSecret:
        """A new link for somebody who has not accepted yet; the former one is no longer good.

        Raises:
            Conflict: the account is not waiting for that.
        """
        raise NotImplementedError

    async def accept(self, secret: str, password: str, *, address: str = "") -> Account:
        """Accept an invitation: the account is active from now on.

        Raises:
            LinkSpent, InvalidInput, TooManyAttempts: as :meth:`claim_first`.
        """
        raise NotImplementedError

    async def reset_link(self, id: UUID, *, by: str) -> OneTimeSecret:
        """A link with which a person sets a new password; good for a day.

        Raises:
            Conflict: the account is a service, suspended or invited.
            Refused: it may do more than whoever acts, or it is the own account.
        """
        raise NotImplementedError

    async def reset_password(self, secret: str, password: str, *, address: str = "") -> Account:
        """Set a new password by a reset link; ends every session of the account.

        Raises:
            LinkSpent, InvalidInput, TooManyAttempts: as :meth:`claim_first`.
        """
        raise NotImplementedError

    async def create_service(self, draft: ServiceDraft, *, by: str) -> Account:
        """Make a service account; tokens are made for it with ``Tokens.create``.

        Raises:
            InvalidInput, Refused: as :meth:`invite`.
        """
        raise NotImplementedError

    async def add(self, draft: InvitationDraft, *, password: str | None = None, by: str) -> Account:
        """Make an active person at once: for the local shell and for tests.

        Without a password the account is used through tokens, OpenID Connect or a reset link.

        Raises:
            Conflict, InvalidInput, Refused: as :meth:`invite`.
        """
        raise NotImplementedError

    async def get(self, id: UUID) -> Account:
        """One account.

        Raises:
            NotFound: there is none.
        """
        raise NotImplementedError

    async def get_many(self, ids: list[UUID]) -> list[Account]:
        """Those that exist, in the order of ``ids``."""
        raise NotImplementedError

    async def by_email(self, email: str) -> Account | None:
        """The person with this e-mail, however it is written."""
        raise NotImplementedError

    async def find(self, query: AccountQuery) -> Page[Account]:
        """Accounts that fit, by name."""
        raise NotImplementedError

    async def change(self, id: UUID, change: AccountChange, *, by: str) -> Account:
        """Change name or language."""
        raise NotImplementedError

    async def change_password(
        self, id: UUID, old: str, new: str, *, keep: UUID | None = None, address: str = ""
    ) -> None:
        """Change a person's own password; ends every session but ``keep``.

        Raises:
            InvalidInput: the old password is wrong, or the new one cannot be used.
            TooManyAttempts: the old one was wrong too often.
        """
        raise NotImplementedError

    async def suspend(self, id: UUID, *, by: str) -> Account:
        """Keep somebody out: ends sessions, revokes tokens, spends links.

        Raises:
            Conflict: it is the last active owner.
            Refused: it is the own account.
        """
        raise NotImplementedError

    async def reactivate(self, id: UUID, *, by: str) -> Account:
        """Let a suspended account in again; its tokens stay revoked.

        Raises:
            Conflict: it is not suspended.
        """
        raise NotImplementedError
