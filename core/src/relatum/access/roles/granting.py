"""Nobody gives more than they hold. Owners and the system hold everything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from relatum.access.policies import Policy
from relatum.access.roles.builtin import OWNER
from relatum.access.roles.rights import Definition
from relatum.values.problems import Problem, Refused

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.hooks.declarations import Permission


def refuse_role(viewer: Viewer, role: Definition, declared: Iterable[Permission]) -> None:
    """Refuse to give, take or make a role that holds more than the viewer.

    Raises:
        Refused: naming what the viewer does not hold.
    """
    if viewer.may_everything:
        return
    if role.key == OWNER:
        raise Refused("expected an owner, because only owners make and unmake owners; ask one")
    refuse_permissions(viewer, role.permissions(declared))
    refuse_policy(viewer, role.policy)


def refuse_permissions(viewer: Viewer, permissions: Iterable[str]) -> None:
    """Refuse to give permissions that the viewer does not hold.

    Raises:
        Refused: naming each.
    """
    missing = sorted(each for each in permissions if not viewer.may(each))
    if missing:
        raise Refused(
            "Nobody can give more than they hold.",
            problems=[
                Problem(
                    code="more-than-held",
                    message=f"the permission {permission} is not yours to give",
                    expected="permissions that you hold yourself",
                    got=permission,
                    mend="Ask somebody who holds it.",
                )
                for permission in missing
            ],
        )


def refuse_policy(viewer: Viewer, policy: Policy) -> None:
    """Refuse to let others see what the viewer does not.

    Raises:
        Refused: the policy sees more customers or unmasks more fields than the viewer's own.
    """
    if viewer.may_everything:
        return
    if ("all" in policy.scopes or policy.rules) and not viewer.sight.everything:
        raise Refused(
            "expected somebody who sees every customer, because this policy shows more than one's "
            "own teams; ask an owner"
        )
    hidden = sorted(viewer.sight.masked.intersection(policy.unmasked))
    if hidden:
        raise Refused(
            f"expected fields that you see yourself, got {', '.join(hidden)}, which are masked for "
            "you; ask an owner"
        )


def refuse_teams(viewer: Viewer, teams: Iterable[UUID]) -> None:
    """Refuse to put somebody into a team whose customers the viewer does not see.

    Raises:
        Refused: naming how many.
    """
    if viewer.may_everything or viewer.sight.everything:
        return
    foreign = set(teams).difference(viewer.sight.teams)
    if foreign:
        raise Refused(
            f"expected teams whose customers you see yourself, got {len(foreign)} others; ask "
            "somebody who sees them"
        )
