"""Products, price lists and prices."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relatum.api import Amount

Name = Annotated[str, Meta(min_length=1, max_length=200)]
ListName = Annotated[str, Meta(min_length=1, max_length=100)]
Code = Annotated[str, Meta(min_length=1, max_length=60)]
Series = Annotated[str, Meta(max_length=100)]
Position = Annotated[int, Meta(ge=0, le=10_000)]


class ProductDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A product to be made; its name, and its code when it has one, are unique."""

    name: Name
    code: Code | None = None
    series: Series = ""


class ProductEdit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What is to change of a product."""

    name: Name | UnsetType = UNSET
    code: Code | UnsetType | None = UNSET
    series: Series | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class Product(msgspec.Struct, kw_only=True, frozen=True):
    """A product as read."""

    id: UUID
    code: str | None
    name: str
    series: str
    active: bool


class PriceListDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A price list to be made; the first by position is the one deals are priced by."""

    name: ListName
    position: Position = 100


class PriceListEdit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What is to change of a price list."""

    name: ListName | UnsetType = UNSET
    position: Position | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class PriceList(msgspec.Struct, kw_only=True, frozen=True):
    """A price list as read."""

    id: UUID
    name: str
    position: int
    active: bool


class PriceDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A price to be set, from a day to a day, both included; no day is no limit."""

    product_id: UUID
    price: Amount
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None


class PriceEdit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What a price is from now on."""

    price: Amount
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None


class Price(msgspec.Struct, kw_only=True, frozen=True):
    """A price as read."""

    id: UUID
    price_list_id: UUID
    product_id: UUID
    product: str
    price: Amount
    valid_from: dt.date | None
    valid_until: dt.date | None
