"""Core's job that sends what is due, and the kind of interaction that receipts become."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from relatum.contact.outbox.outcomes import RECEIPT
from relatum.contact.outbox.posting import JOB, Posted, SendWork
from relatum.hooks.checks import CORE_PRIORITY
from relatum.hooks.declarations import InteractionKind, Job, Retry
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.hooks.context import Plugin
    from relatum.jobs.types import Run


class MessageReceipt(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What became of a message after it was handed over; ``detail`` is the provider's word."""

    outcome: Annotated[str, Meta(max_length=20)]
    detail: Annotated[str, Meta(max_length=500)] = ""


async def _send(plugin: Plugin, run: Run[SendWork]) -> Posted:
    return await plugin.house.contact.outbox.posting.run(run.id, run.args.channel)


KINDS = [
    InteractionKind(
        id=RECEIPT,
        title=Text(en="Receipt of a message", vi="Kết quả gửi tin"),
        payload=MessageReceipt,
        icon="mail",
    )
]
JOBS = [
    Job(
        id=JOB,
        title=Text(en="Send messages that are due", vi="Gửi tin nhắn đến hạn"),
        run=_send,
        args=SendWork,
        every=dt.timedelta(minutes=1),
        missed="once",
        timeout=dt.timedelta(minutes=10),
        retry=Retry(attempts=3),
        priority=CORE_PRIORITY - 1,
        at_once=1,
    )
]
