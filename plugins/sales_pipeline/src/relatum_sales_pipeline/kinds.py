"""Kinds of interaction that selling brings."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec
from msgspec import Meta

from relatum.api import InteractionKind, Text

Short = Annotated[str, Meta(max_length=300)]
Long = Annotated[str, Meta(max_length=100_000)]


class Activity(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Something a seller did or learned: advice given, a sample sent, a promise made."""

    summary: Long
    next_step: Long = ""


class Quote(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """An offer was made; its total is the money of the interaction."""

    reference: Short = ""
    valid_until: dt.date | None = None
    summary: Long = ""


class Refusal(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The customer said no, or asked to be left alone about this."""

    reason: Long = ""


KINDS = [
    InteractionKind(
        id="sales_pipeline.activity",
        title=Text(en="Sales activity", vi="Hoạt động bán hàng"),
        payload=Activity,
        icon="briefcase",
        template="sales_pipeline/kinds/activity.html",
    ),
    InteractionKind(
        id="sales_pipeline.quote",
        title=Text(en="Quotation", vi="Báo giá"),
        payload=Quote,
        icon="file-invoice",
        template="sales_pipeline/kinds/quote.html",
    ),
    InteractionKind(
        id="sales_pipeline.refusal",
        title=Text(en="Said no", vi="Từ chối"),
        payload=Refusal,
        icon="hand-stop",
        template="sales_pipeline/kinds/refusal.html",
    ),
]
