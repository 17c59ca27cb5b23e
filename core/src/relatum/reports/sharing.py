"""Who sees a chart or a dashboard that somebody keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from relatum.db.database import marks
from relatum.hooks import context
from relatum.values.problems import InvalidInput, NotFound, Problem, Refused

if TYPE_CHECKING:
    from relatum.access.accounts.service import Accounts
    from relatum.access.roles.service import Roles
    from relatum.access.sight.service import Sights
    from relatum.access.viewer import Viewer
    from relatum.config.keyring import Keyring
    from relatum.reports.charts import Charts
    from relatum.reports.dashboards import Dashboards
    from relatum.reports.figures import Figures
    from relatum.reports.schedules import Schedules


class House(context.House, Protocol):
    """The services that this room needs beside those of plugins."""

    accounts: Accounts
    roles: Roles
    sights: Sights
    keys: Keyring
    figures: Figures
    charts: Charts
    dashboards: Dashboards
    report_schedules: Schedules
    renderer: Any


async def roles_of(house: House, viewer: Viewer) -> list[str]:
    """The roles that a viewer has; none for who has no account."""
    if viewer.account is None:
        return []
    return list((await house.roles.standing(viewer.account)).roles)


async def seen_by(house: House, viewer: Viewer) -> tuple[str, list[Any]]:
    """The condition for rows that a viewer sees, with its parameters."""
    roles = await roles_of(house, viewer)
    condition = (
        "(account_id = ? OR shared = 'everybody' "
        f"OR (shared = 'role' AND role IN ({marks(len(roles))})))"
    )
    return condition, [account_of(viewer), *roles]


def account_of(viewer: Viewer) -> UUID:
    """The account of a viewer.

    Raises:
        Refused: it has none.
    """
    if viewer.account is None:
        raise Refused("expected somebody with an account, got none; sign in")
    return viewer.account


async def refuse_sharing(house: House, viewer: Viewer, shared: str, role: str) -> str:
    """The role that something is shared with; empty when it is with none.

    Raises:
        Refused: the viewer may not share.
        InvalidInput: there is no such role.
    """
    if shared == "private":
        return ""
    if not viewer.may("core.reports.write"):
        raise Refused("expected the permission core.reports.write to share, got nobody with it")
    if shared == "everybody":
        return ""
    known = [each.key for each in await house.roles.every()]
    if role not in known:
        problem = Problem(
            code="unknown-role",
            message="There is no such role",
            where="/role",
            expected=", ".join(known),
            got=role,
            mend="Choose a role.",
        )
        raise InvalidInput("There is no such role.", problems=[problem])
    return role


def nothing(noun: str, id: object) -> NotFound:
    """There is none, or not for this viewer; which of the two is not said."""
    return NotFound(f"expected a {noun} that you may see, got {str(id)!r}")
