"""Custom fields that are for other purposes than those of this plugin."""

from __future__ import annotations

from relatum.api import Plugin

#: What the manifest declares under ``[[processing]]``.
PURPOSES = frozenset({"relations"})


async def not_given(plugin: Plugin) -> frozenset[str]:
    """Keys of fields whose values this plugin does not get: they look empty, and may not be."""
    return frozenset(
        each.key
        for each in await plugin.house.customers.fields()
        if each.purposes and not PURPOSES & set(each.purposes)
    )
