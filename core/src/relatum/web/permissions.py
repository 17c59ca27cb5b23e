"""Permissions as people choose them: by the plugin that declares them, in their language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from relatum.hooks.gate import owner

if TYPE_CHECKING:
    from relatum.hooks.declarations import Permission


class PermissionGroup(msgspec.Struct, frozen=True):
    """The permissions that core or one plugin declares."""

    plugin: str
    permissions: list[Permission]


def groups_of(permissions: Iterable[Permission]) -> list[PermissionGroup]:
    """By plugin, core first, each by id."""
    groups: dict[str, list[Permission]] = {}
    for each in sorted(permissions, key=lambda each: (owner(each.id) != "core", each.id)):
        groups.setdefault(owner(each.id), []).append(each)
    return [PermissionGroup(plugin, found) for plugin, found in groups.items()]
