"""What accounts need to know of roles, whoever keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID


class RoleKeeper(Protocol):
    """Keeps the roles and teams of accounts; every writing method joins the caller's transaction.

    The first owner's account is active before ``assign`` is called for it; an invited person has
    their roles from the moment of the invitation, and may do nothing until they accept it.
    """

    async def assign(self, account: UUID, roles: Sequence[str], *, by: str) -> None:
        """Let the account have exactly these roles.

        Raises:
            InvalidInput: there is no such role.
            Refused: whoever acts holds less than they would give.
        """

    async def join_team(self, account: UUID, team: UUID, *, by: str) -> None:
        """Put the account into a team.

        Raises:
            InvalidInput: there is no such team.
        """

    async def has_active_owner(self) -> bool:
        """Whether some active person is an owner."""

    async def is_last_owner(self, account: UUID) -> bool:
        """Whether this account is the only active owner."""

    async def refuse_stronger(self, account: UUID) -> None:
        """Refuse to act on an account that may do or see more than the current viewer.

        Raises:
            Refused: whoever could reset its password or make tokens for it would become it.
        """
