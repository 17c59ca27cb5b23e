"""Facts about roles and teams."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from relatum.hooks.declarations import EventType
from relatum.values.text import Text


class RoleChanged(msgspec.Struct, frozen=True):
    """``changes`` maps what changed to its value before and after; ``null`` is "there was none"."""

    role: str
    changes: dict[str, tuple[Any, Any]]


class RolesAssigned(msgspec.Struct, frozen=True):
    """``roles`` holds all roles of the account before and after."""

    account: UUID
    roles: tuple[list[str], list[str]]


class TeamChanged(msgspec.Struct, frozen=True):
    """``changes`` as in :class:`RoleChanged`."""

    team: UUID
    changes: dict[str, tuple[Any, Any]]


class TeamsAssigned(msgspec.Struct, frozen=True):
    """``teams`` holds all teams of the account before and after."""

    account: UUID
    teams: tuple[list[UUID], list[UUID]]


ROLE_CHANGED = "core.access.role_changed"
ROLES_ASSIGNED = "core.access.roles_assigned"
TEAM_CHANGED = "core.access.team_changed"
TEAMS_ASSIGNED = "core.access.teams_assigned"

EVENT_TYPES = [
    EventType(
        id=ROLE_CHANGED,
        title=Text(en="Role changed", vi="Đã sửa vai trò"),
        payload=RoleChanged,
    ),
    EventType(
        id=ROLES_ASSIGNED,
        title=Text(en="Roles given or taken", vi="Đã gán lại vai trò"),
        payload=RolesAssigned,
    ),
    EventType(
        id=TEAM_CHANGED,
        title=Text(en="Team changed", vi="Đã sửa nhóm"),
        payload=TeamChanged,
    ),
    EventType(
        id=TEAMS_ASSIGNED,
        title=Text(en="Teams of a person changed", vi="Đã đổi nhóm của một người"),
        payload=TeamsAssigned,
    ),
]
