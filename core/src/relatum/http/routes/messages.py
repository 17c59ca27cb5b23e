"""``/api/v1/messages``: to customers, decided by the contact gate and sent by a channel."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from relatum.contact.outbox.types import Message, MessageDraft, MessageQuery
from relatum.db.pages import Page
from relatum.http.answers import Answer, paged
from relatum.http.calls import Call, id_in_path
from relatum.values.text import Text

READ = "core.messages.read"
WRITE = "core.messages.write"
TAGS = ["messages"]


class MessageBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Messages to send, decided in this order: what one allows counts for the next."""

    items: Annotated[list[MessageDraft], Meta(min_length=1, max_length=500)]


class Messages(msgspec.Struct, frozen=True):
    """Messages as they stand."""

    items: list[Message]


class Settlement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of a message that nobody knew about."""

    was: Literal["sent", "not_sent"]


class ChannelShown(msgspec.Struct, frozen=True, kw_only=True):
    """A channel that a plugin which is on sends through."""

    channel: str
    id: str
    title: Text


class Channels(msgspec.Struct, frozen=True):
    """What can be sent through."""

    items: list[ChannelShown]


@get("/message-channels", opt={"permission": READ}, tags=TAGS)
async def read_message_channels(request: Call) -> Answer[Channels]:
    """The channels that messages are sent through; those of others wait."""
    request.refuse_query()
    found = request.house.contact.outbox.channels()
    shown = [
        ChannelShown(channel=name, id=each.id, title=each.title)
        for name, each in sorted(found.items())
    ]
    return Answer(Channels(shown))


@get("/messages", opt={"permission": READ, "query": MessageQuery}, tags=TAGS)
async def find_messages(request: Call) -> Answer[Page[Message]]:
    """Messages with their states and reasons, the newest first."""
    return paged(request, await request.house.contact.outbox.find(request.query_as(MessageQuery)))


@post("/messages", opt={"permission": WRITE}, tags=TAGS)
async def send_messages(request: Call, data: JSONBody[MessageBatch]) -> Answer[Messages]:
    """Ask the gate about messages, keep them with its verdicts, and have the allowed ones sent."""
    request.refuse_query()
    found = await request.house.contact.outbox.send(data.items, by=request.actor, plugin="api")
    return Answer(Messages(found), status=201)


@get("/messages/{message_id:str}", opt={"permission": READ}, tags=TAGS)
async def read_message(request: Call, message_id: FromPath[str]) -> Answer[Message]:
    """One message."""
    request.refuse_query()
    return Answer(await request.house.contact.outbox.get(_id(message_id)))


@post(
    "/messages/{message_id:str}/cancellation", opt={"permission": WRITE}, tags=TAGS, status_code=200
)
async def cancel_message(request: Call, message_id: FromPath[str]) -> Answer[Message]:
    """Take back a message that is not sent yet."""
    request.refuse_query()
    return Answer(await request.house.contact.outbox.cancel(_id(message_id), by=request.actor))


@post(
    "/messages/{message_id:str}/settlement", opt={"permission": WRITE}, tags=TAGS, status_code=200
)
async def settle_message(
    request: Call, message_id: FromPath[str], data: JSONBody[Settlement]
) -> Answer[Message]:
    """Say whether a message was sent of which nobody knew."""
    request.refuse_query()
    outbox = request.house.contact.outbox
    return Answer(await outbox.settle(_id(message_id), data.was, by=request.actor))


def _id(text: str) -> UUID:
    return id_in_path(text, "message")


ROUTES = [
    read_message_channels,
    find_messages,
    send_messages,
    read_message,
    cancel_message,
    settle_message,
]
