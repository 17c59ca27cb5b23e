"""Settings of selling: who changed what, and from which version.

They have no version of their own; what somebody saw is recognised by a sum over it, so that a
change by an import or another program counts as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from relatum.api import Conflict, Database, NewEvent, Plugin
from relatum_sales_pipeline.events import SettingChanged

#: Changes of settings are made one after the other, in all processes.
HELD = "sales_pipeline.settings"


def seen_as(shown: msgspec.Struct) -> str:
    """What a form carries along to say which state it was opened with."""
    return hashlib.sha256(msgspec.json.encode(shown)).hexdigest()[:24]


def expect_seen(shown: msgspec.Struct, seen: str | None, yours: msgspec.Struct) -> None:
    """Refuse a change that was made from another state.

    Args:
        seen: as :func:`seen_as` said when the form was opened; ``None`` where nobody cares.

    Raises:
        Conflict: somebody changed it meanwhile; ``extra`` has both versions.
    """
    if seen is not None and seen != seen_as(shown):
        raise Conflict(
            "expected a change made from what is stored now, got one made from a former state; "
            "look at both and send the change again",
            extra={"current": shown, "yours": yours},
        )


async def hold(db: Database) -> None:
    """Let nobody else change settings until the transaction ends."""
    await db.hold(HELD)


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Each field that differs, with its value before and after."""
    names = [*before, *(name for name in after if name not in before)]
    pairs = {name: (before.get(name), after.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


class SettingsLog:
    """Tells the event log of changed settings, in the transaction that changes them."""

    def __init__(self, plugin: Plugin) -> None:
        self._events = plugin.house.events

    async def tell(
        self,
        kind: str,
        changed: Sequence[tuple[object, str, dict[str, tuple[Any, Any]]]],
        *,
        by: str,
    ) -> None:
        """Append a fact for each that is different now.

        Args:
            kind: the event type.
            changed: id or key, name, and the fields that differ.
        """
        told = [
            NewEvent(type=kind, payload=SettingChanged(id=str(id), name=name, changes=fields))
            for id, name, fields in changed
            if fields
        ]
        await self._events.append(told, by=by)
