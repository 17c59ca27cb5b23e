"""What crosses the border of this room: roles, teams, who has which."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relatum.access.policies import BuiltinRole, Policy
from relatum.values.text import Text

RoleKey = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,59}$", max_length=60)]
Title = Annotated[str, Meta(min_length=1, max_length=100)]
PermissionId = Annotated[str, Meta(min_length=1, max_length=200)]
PermissionIds = Annotated[list[PermissionId], Meta(max_length=2000)]
#: Own roles begin with what a built-in role may; nobody but owners is an owner.
BasedOn = Annotated[
    str, Meta(pattern=r"^(?:manager|sales|care|marketing|analyst|read_only)$", max_length=20)
]


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A role as it is now.

    Attributes:
        builtin: every installation has it; it can be changed and reset, not removed.
        based_on: whose declared permissions it begins with, also of plugins that come later.
        permissions: held now, of core and of the plugins that run.
        changed: a built-in role that this installation changed.
    """

    key: str
    title: Text
    builtin: bool
    based_on: BuiltinRole
    policy: Policy
    permissions: list[str]
    changed: bool
    version: int


class RoleDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A role to make.

    Attributes:
        policy: what it sees; by default what the built-in role sees.
        permissions: all it may; by default what the built-in role may.
    """

    key: RoleKey
    title_en: Title
    title_vi: Title
    based_on: BasedOn = "read_only"
    policy: Policy | None = None
    permissions: PermissionIds | None = None


class RoleChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What changes about a role; what is left out stays."""

    title_en: Title | UnsetType = UNSET
    title_vi: Title | UnsetType = UNSET
    policy: Policy | UnsetType = UNSET
    permissions: PermissionIds | UnsetType = UNSET


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """People who share customers.

    Attributes:
        parent: the team above; its ``subteams`` roles see this one's customers too.
        members: accounts, in the order of joining.
    """

    id: UUID
    name: str
    parent: UUID | None
    members: list[UUID]


class TeamDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A team to make."""

    name: Title
    parent: UUID | None = None


class TeamChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What changes about a team; ``parent: null`` puts it at the top."""

    name: Title | UnsetType = UNSET
    parent: UUID | UnsetType | None = UNSET


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody has: their roles, and their teams (the first gets their new customers)."""

    account: UUID
    roles: list[str]
    teams: list[UUID]


class StandingChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All roles and all teams somebody has from now on; what is left out stays."""

    roles: Annotated[list[RoleKey], Meta(max_length=50)] | UnsetType = UNSET
    teams: Annotated[list[UUID], Meta(max_length=200)] | UnsetType = UNSET
