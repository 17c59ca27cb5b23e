"""Facts about outgoing messages. What a message says is in none of them."""

from __future__ import annotations

from uuid import UUID

import msgspec

from relatum.hooks.declarations import EventType
from relatum.values.text import Text


class MessageFact(msgspec.Struct, frozen=True):
    """Something became of a message."""

    message_id: UUID
    channel: str
    purpose: str
    plugin: str
    outcome: str = ""


PLANNED = "core.message_planned"
GATED = "core.message_gated"
SENT = "core.message_sent"
DELIVERED = "core.message_delivered"
FAILED = "core.message_failed"
BOUNCED = "core.message_bounced"
UNCERTAIN = "core.message_uncertain"
CANCELLED = "core.message_cancelled"
#: by the state that a message came into
OF_STATE = {
    "sent": SENT,
    "delivered": DELIVERED,
    "failed": FAILED,
    "bounced": BOUNCED,
    "uncertain": UNCERTAIN,
    "cancelled": CANCELLED,
}

EVENT_TYPES = [
    EventType(id=id, title=Text(en=en, vi=vi), payload=MessageFact)
    for id, en, vi in (
        (PLANNED, "Message planned", "Đã lên lịch tin nhắn"),
        (GATED, "Message decided by the contact gate", "Chốt liên hệ đã quyết định tin nhắn"),
        (SENT, "Message sent", "Đã gửi tin nhắn"),
        (DELIVERED, "Message delivered", "Tin nhắn đã đến"),
        (FAILED, "Message failed", "Gửi tin nhắn thất bại"),
        (BOUNCED, "Message bounced", "Tin nhắn bị trả lại"),
        (UNCERTAIN, "Not known whether a message was sent", "Không rõ tin nhắn đã gửi hay chưa"),
        (CANCELLED, "Message cancelled", "Đã huỷ tin nhắn"),
    )
]
