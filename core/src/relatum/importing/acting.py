"""In whose name work is done that goes on after the request: who asked, as they are by then."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from relatum.access.accounts.types import Identity
from relatum.access.viewer import SYSTEM, Viewer
from relatum.hooks import context
from relatum.values.problems import Refused
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.accounts.service import Accounts
    from relatum.access.roles.service import Roles
    from relatum.access.sight.service import Sights
    from relatum.config.keyring import Keyring

#: For as long as one piece of work may take, what somebody may do is not asked again.
_VALID = dt.timedelta(days=1)


class House(context.House, Protocol):
    """The services of the house that this room needs beside those of plugins."""

    accounts: Accounts
    roles: Roles
    sights: Sights
    keys: Keyring


async def viewer_of(house: House, account: UUID | None, actor: str) -> Viewer:
    """The viewer that an account is at this moment; the system for what it asked itself.

    Raises:
        NotFound: there is no such account.
        Refused: it is suspended, or it is nobody.
    """
    if account is None:
        if actor == SYSTEM.actor:
            return SYSTEM
        raise Refused(f"expected somebody with an account, got {actor}; sign in")
    known = await house.accounts.get(account)
    if known.state != "active":
        raise Refused(f"expected an active account, got {known.name}, which is {known.state}")
    identity = Identity(
        account=known.id,
        kind=known.kind,
        name=known.name,
        email=known.email,
        language=known.language,
        valid_until=now() + _VALID,
    )
    return await house.roles.viewer_of(identity)


def demand(viewer: Viewer, permission: str) -> None:
    """Refuse somebody who does not hold a permission.

    Raises:
        Refused: naming it.
    """
    if not viewer.may(permission):
        raise Refused(
            f"expected the permission {permission}, got somebody without it; ask whoever manages "
            "roles",
            extra={"permission": permission},
        )
