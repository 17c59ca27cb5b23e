"""What a row of a file may say about a deal."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.api import Amount
from relatum_sales_pipeline.types.deals import (
    MOST_LINES,
    MOST_PASSAGES,
    Competitor,
    CurrencyCode,
    Reference,
    Source,
)

Name = Annotated[str, Meta(min_length=1, max_length=300)]


class LineRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """One product of several."""

    product: Name
    quantity: Decimal = Decimal(1)
    unit_amount: int | None = None


class PassageRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """The deal came into a stage."""

    stage: Name
    at: Annotated[dt.datetime, Meta(tz=True)]


class DealRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A deal as an import brings it; everything but the stage may be missing.

    Attributes:
        external_ref: its id in the source; the same id again is the same deal.
        id: its id in this house, as an export gives it.
        source: of ``external_ref``; the plan's name when left out.
        account: the customer: an external id of the source, an id, or a display name.
        product: the one product; ``lines`` for several.
        value: what the deal is worth.
        engaged_on, closed_on: days on which work on it began and ended.
        history: how it came to its stage; worked out from the days when left out.
    """

    external_ref: Reference | None = None
    id: UUID | None = None
    source: Source | None = None
    name: Name | None = None
    agent: Name | None = None
    team: Name | None = None
    account: Name | None = None
    pipeline: Name | None = None
    stage: Name
    product: Name | None = None
    quantity: Decimal | None = None
    lines: Annotated[list[LineRecord], Meta(max_length=MOST_LINES)] = []
    value: Amount | None = None
    currency: CurrencyCode | None = None
    engaged_on: dt.date | None = None
    closed_on: dt.date | None = None
    expected_close: dt.date | None = None
    lost_reason: Name | None = None
    competitor: Competitor | None = None
    history: Annotated[list[PassageRecord], Meta(max_length=MOST_PASSAGES)] = []

    @property
    def products(self) -> list[LineRecord]:
        """Its lines, however they are given."""
        if self.lines or self.product is None:
            return list(self.lines)
        quantity = Decimal(1) if self.quantity is None else self.quantity
        return [LineRecord(product=self.product, quantity=quantity)]


ALIASES: dict[str, tuple[str, ...]] = {
    "external_ref": ("opportunity_id", "opportunity id", "deal id", "mã cơ hội", "mã"),
    "name": ("deal name", "opportunity name", "opportunity", "title", "tên cơ hội"),
    "agent": ("sales_agent", "sales agent", "owner", "salesperson", "nhân viên", "phụ trách"),
    "team": ("sales team", "đội", "nhóm"),
    "account": ("company", "customer", "client", "khách hàng", "công ty"),
    "pipeline": ("quy trình",),
    "stage": ("deal_stage", "deal stage", "status", "giai đoạn", "trạng thái"),
    "product": ("product name", "sản phẩm"),
    "quantity": ("qty", "số lượng"),
    "value": ("close_value", "close value", "amount", "deal value", "giá trị", "doanh thu"),
    "engaged_on": ("engage_date", "engage date", "start date", "ngày bắt đầu"),
    "closed_on": ("close_date", "close date", "closed date", "ngày chốt", "ngày kết thúc"),
    "expected_close": ("expected close date", "dự kiến chốt", "ngày dự kiến"),
    "lost_reason": ("loss reason", "lý do thua"),
    "competitor": ("đối thủ",),
}
