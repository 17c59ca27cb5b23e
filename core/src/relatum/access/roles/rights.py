"""From roles, teams and the scopes of a token to what somebody may do and see. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.access.policies import BUILTIN_ROLES, BuiltinRole, Policy
from relatum.access.roles.builtin import OWNER, POLICIES, TITLES
from relatum.access.viewer import SEES_ALL, Sight, Viewer
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.access.accounts.types import Identity
    from relatum.hooks.declarations import Permission


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """A role as it is stored, or a built-in one as nobody changed it."""

    key: str
    title: Text
    based_on: BuiltinRole
    policy: Policy
    #: permission → given (true) or taken, over what the built-in role begins with
    given: Mapping[str, bool] = {}
    stored: bool = False
    version: int = 0

    def permissions(self, declared: Iterable[Permission]) -> frozenset[str]:
        """Everything it may, of what is declared now."""
        owner = self.key == OWNER
        return frozenset(
            each.id
            for each in declared
            if owner or self.given.get(each.id, self.based_on in each.roles)
        )


def definition_of(key: BuiltinRole) -> Definition:
    """A built-in role that nobody changed."""
    return Definition(key=key, title=TITLES[key], based_on=key, policy=POLICIES[key])


def definitions(stored: Iterable[Definition]) -> dict[str, Definition]:
    """Every role by key: the built-in ones, changed or not, then the own ones."""
    known = {str(key): definition_of(key) for key in BUILTIN_ROLES}
    return {**known, **{each.key: each for each in stored if each.key != OWNER}}


def below(teams: Iterable[UUID], parents: Mapping[UUID, UUID | None]) -> tuple[UUID, ...]:
    """These teams and every team under one of them, in a fixed order."""
    children: dict[UUID, list[UUID]] = {}
    for team, parent in parents.items():
        if parent is not None:
            children.setdefault(parent, []).append(team)
    found: set[UUID] = set()
    waiting = list(teams)
    while waiting:
        team = waiting.pop()
        if team not in found:
            found.add(team)
            waiting += children.get(team, ())
    return tuple(sorted(found))


def viewer_with(
    identity: Identity,
    roles: Sequence[Definition],
    sight: Sight,
    declared: Iterable[Permission],
) -> Viewer:
    """Who acts, with what the roles give; the scopes of a token only ever take away."""
    everything = any(role.key == OWNER for role in roles)
    held = frozenset[str]()
    if not everything or identity.scopes is not None:
        listed = list(declared)
        held = held.union(*(role.permissions(listed) for role in roles))
    if identity.scopes is not None:
        held &= identity.scopes
    return Viewer(
        actor=identity.actor,
        kind=identity.kind,
        account=identity.account,
        permissions=held,
        may_everything=everything and identity.scopes is None,
        sight=SEES_ALL if everything else sight,
        token=identity.token,
        session=identity.session,
    )
