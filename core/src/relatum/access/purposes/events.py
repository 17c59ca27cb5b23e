"""Facts about what plugins were not given."""

from __future__ import annotations

import msgspec

from relatum.hooks.declarations import EventType
from relatum.values.text import Text


class DataWithheld(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin read customers for a purpose that some of their data is not for, and did not get it.

    Noted once a day for each plugin, purpose and set of data.

    Attributes:
        purpose: that it worked for; empty for all that it declares.
        declared: the purposes that its manifest declares.
        fields: keys of custom fields whose values it did not get.
        classes: classes of sensitive fields that it got masked.
    """

    plugin: str
    version: str
    purpose: str
    declared: list[str]
    fields: list[str]
    classes: list[str]


WITHHELD = "core.purposes.withheld"

EVENT_TYPES = [
    EventType(
        id=WITHHELD,
        title=Text(
            en="Data withheld from a plugin", vi="Không trao dữ liệu cho tiện ích ngoài mục đích"
        ),
        payload=DataWithheld,
    ),
]
