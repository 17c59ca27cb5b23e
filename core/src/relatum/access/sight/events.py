"""Facts about rules."""

from __future__ import annotations

import msgspec

from relatum.access.sight.types import NamedRule
from relatum.hooks.declarations import EventType
from relatum.values.text import Text


class RuleChanged(msgspec.Struct, frozen=True):
    """``before`` is empty for a new rule, ``after`` for one that is gone."""

    key: str
    before: NamedRule | None
    after: NamedRule | None


RULE_CHANGED = "core.access.rule_changed"

EVENT_TYPES = [
    EventType(
        id=RULE_CHANGED,
        title=Text(en="Visibility rule changed", vi="Đã sửa quy tắc hiển thị"),
        payload=RuleChanged,
    )
]
