"""Facts that the plugin appends to the event log."""

from __future__ import annotations

from typing import Any

import msgspec

from relatum.api import EventType, Text
from relatum_data_quality.permissions import READ


class OwnRuleChanged(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An own quality rule came, changed or went.

    ``changes`` maps a part to its value before and after, ``None`` where there was or is none.
    """

    id: str
    name: str
    changes: dict[str, tuple[Any, Any]]


OWN_RULE = "data_quality.own_rule_changed"

EVENT_TYPES = [
    EventType(
        id=OWN_RULE,
        title=Text(en="Own quality rule changed", vi="Quy tắc chất lượng riêng đã thay đổi"),
        payload=OwnRuleChanged,
        permission=READ,
    )
]
