"""Facts that the sales pipeline appends to the event log."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import EventType, Text
from relatum_sales_pipeline.permissions import DEALS_READ, LEADS_READ, SETUP_READ


class DealCreated(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A deal came into being; ``outcome`` is that of its first stage."""

    deal_id: UUID
    customer_id: UUID | None
    pipeline: str
    stage: str
    outcome: str


class DealChanged(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``changes`` maps a field to its value before and after."""

    deal_id: UUID
    changes: dict[str, tuple[Any, Any]]


class DealStageChanged(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A deal went from one stage to another."""

    deal_id: UUID
    pipeline: str
    from_stage: str
    to_stage: str
    from_outcome: str
    to_outcome: str
    at: dt.datetime


class DealWon(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A deal is won, with what it was won for.

    ``version`` is the deal's; ``amount`` is in minor units, ``None`` where no value is known.
    """

    deal_id: UUID
    version: int
    name: str
    customer_id: UUID | None
    amount: int | None
    currency: str
    closed_on: dt.date


class DealLost(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A deal is lost; ``reason`` is the key of a lost reason."""

    deal_id: UUID
    reason: str | None
    competitor: str
    closed_on: dt.date


class DealReopened(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A deal is not won any more, or was won for something else than was said.

    Carries what had been said; a correction is followed by a new :class:`DealWon`.
    """

    deal_id: UUID
    version: int
    name: str
    customer_id: UUID | None
    amount: int | None
    currency: str
    closed_on: dt.date


class DealRemoved(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A deal was taken back (undoing an import)."""

    deal_id: UUID


class DealRotting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Nothing happened in an open deal since a moment, for longer than its stage allows."""

    deal_id: UUID
    owner_id: UUID | None
    stage: str
    since: dt.datetime
    days: int


class LeadCreated(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A lead came in. Interactions from ``since`` on count for its engagement."""

    lead_id: UUID
    customer_id: UUID | None
    source: str
    since: dt.datetime


class LeadStatusChanged(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A lead was qualified, disqualified, converted, or taken up again."""

    lead_id: UUID
    from_status: str
    to_status: str
    deal_id: UUID | None = None


class SettingChanged(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A setting of selling came, changed or went.

    ``changes`` maps a field to its value before and after, ``None`` where there was or is none.
    """

    id: str
    name: str
    changes: dict[str, tuple[Any, Any]]


DEAL_CREATED = "sales_pipeline.deal_created"
DEAL_CHANGED = "sales_pipeline.deal_changed"
DEAL_STAGE_CHANGED = "sales_pipeline.deal_stage_changed"
DEAL_WON = "sales_pipeline.deal_won"
DEAL_LOST = "sales_pipeline.deal_lost"
DEAL_REOPENED = "sales_pipeline.deal_reopened"
DEAL_REMOVED = "sales_pipeline.deal_removed"
DEAL_ROTTING = "sales_pipeline.deal_rotting"
LEAD_CREATED = "sales_pipeline.lead_created"
LEAD_STATUS_CHANGED = "sales_pipeline.lead_status_changed"
QUESTION_CHANGED = "sales_pipeline.question_changed"
PRODUCT_CHANGED = "sales_pipeline.product_changed"
PRICE_LIST_CHANGED = "sales_pipeline.price_list_changed"
PRICE_CHANGED = "sales_pipeline.price_changed"


def _who_may_know(id: str) -> str:
    """Deals and leads without a customer are seen by everybody who may see deals and leads."""
    noun = id.removeprefix("sales_pipeline.").partition("_")[0]
    return {"deal": DEALS_READ, "lead": LEADS_READ}.get(noun, SETUP_READ)


EVENT_TYPES = [
    EventType(id=id, title=Text(en=en, vi=vi), payload=payload, permission=_who_may_know(id))
    for id, en, vi, payload in (
        (DEAL_CREATED, "Deal created", "Đã tạo cơ hội", DealCreated),
        (DEAL_CHANGED, "Deal changed", "Đã sửa cơ hội", DealChanged),
        (DEAL_STAGE_CHANGED, "Deal moved", "Cơ hội chuyển giai đoạn", DealStageChanged),
        (DEAL_WON, "Deal won", "Thắng cơ hội", DealWon),
        (DEAL_LOST, "Deal lost", "Thua cơ hội", DealLost),
        (DEAL_REOPENED, "Deal reopened", "Mở lại cơ hội", DealReopened),
        (DEAL_REMOVED, "Deal taken back", "Đã rút lại cơ hội", DealRemoved),
        (DEAL_ROTTING, "Deal rots", "Cơ hội nguội lạnh", DealRotting),
        (LEAD_CREATED, "Lead came in", "Có khách tiềm năng", LeadCreated),
        (LEAD_STATUS_CHANGED, "Lead changed", "Khách tiềm năng thay đổi", LeadStatusChanged),
        (QUESTION_CHANGED, "Qualification question changed", "Đã sửa câu hỏi", SettingChanged),
        (PRODUCT_CHANGED, "Product changed", "Đã sửa sản phẩm", SettingChanged),
        (PRICE_LIST_CHANGED, "Price list changed", "Đã sửa bảng giá", SettingChanged),
        (PRICE_CHANGED, "Price changed", "Đã sửa giá", SettingChanged),
    )
]
