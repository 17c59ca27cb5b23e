"""The import target ``sales_pipeline.products``: the catalogue with its prices."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.api import (
    Amount,
    Finding,
    ImportScope,
    Numbered,
    Plugin,
    Prepared,
    Problem,
    Text,
    Written,
    is_currency,
    new_id,
)
from relatum_sales_pipeline.import_targets.taking_back import image, take_back
from relatum_sales_pipeline.matching import name_key
from relatum_sales_pipeline.permissions import SETUP_READ, SETUP_WRITE
from relatum_sales_pipeline.services.catalogue_rows import (
    PRICE,
    PRICE_LIST,
    PRODUCT,
    CatalogueRows,
)
from relatum_sales_pipeline.services.findings import Findings
from relatum_sales_pipeline.wording import SENTENCES

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Code = Annotated[str, Meta(min_length=1, max_length=60)]
Series = Annotated[str, Meta(max_length=100)]
ListName = Annotated[str, Meta(min_length=1, max_length=100)]
Row = dict[str, Any]

STANDARD = "Standard"
EXPORTED_AT_ONCE = 1000


class ProductRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A product, with one price of one list; a product with several prices has several rows."""

    name: Name
    code: Code | None = None
    series: Series | None = None
    active: bool | None = None
    price: Amount | None = None
    price_list: ListName | None = None
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None


class ProductsTarget:
    """Products by name. Prices go into the list of the row, else ``Standard``."""

    id = "sales_pipeline.products"
    title = Text(en="Products and prices", vi="Sản phẩm và giá")
    record: type[msgspec.Struct] = ProductRecord
    key: tuple[str, ...] = ("name", "price_list", "valid_from")
    permission = SETUP_READ
    write_permission = SETUP_WRITE
    sentences: Mapping[str, Text] = SENTENCES
    aliases: Mapping[str, tuple[str, ...]] = {
        "name": ("product", "product name", "sản phẩm", "tên sản phẩm"),
        "code": ("sku", "product code", "mã", "mã sản phẩm"),
        "series": ("product series", "family", "category", "dòng sản phẩm", "nhóm hàng"),
        "price": ("sales_price", "sales price", "unit price", "list price", "giá", "đơn giá"),
        "price_list": ("bảng giá",),
        "valid_from": ("từ ngày",),
        "valid_until": ("đến ngày",),
        "active": ("đang bán",),
    }

    async def prepare(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> Prepared:
        prepared = Prepared()
        owners = await _code_owners(CatalogueRows(plugin), records)
        spans = await _spans(CatalogueRows(plugin), records)
        for numbered in records:
            record: ProductRecord = numbered.record
            problems = _problems(record)
            if record.code is not None:
                key = name_key(record.name)
                if owners.setdefault(record.code, key) != key:
                    problems.append(_code_taken(record.code))
            problems += _overlap(record, spans)
            prepared.findings += [Finding(line=numbered.line, problem=p) for p in problems]
        return prepared

    async def write(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> Written:
        wanted: list[ProductRecord] = [numbered.record for numbered in records]
        rows = CatalogueRows(plugin)
        written = Written()
        touched = await _save_products(rows, wanted, written)
        touched |= await _save_prices(rows, wanted, written)
        written.updated_count = len(touched)
        written.unchanged_count = len(wanted) - written.created_count - len(touched)
        return written

    async def finish(self, plugin: Plugin, scope: ImportScope) -> list[Finding]:
        return []

    async def undo(self, plugin: Plugin, written: Written, scope: ImportScope) -> list[Problem]:
        return await take_back(plugin, written)

    async def export(self, plugin: Plugin) -> AsyncIterator[list[ProductRecord]]:
        rows = CatalogueRows(plugin)
        lists = {row["id"]: row["name"] for row in await rows.all(PRICE_LIST)}
        products = await rows.all(PRODUCT)
        for start in range(0, len(products), EXPORTED_AT_ONCE):
            batch = products[start : start + EXPORTED_AT_ONCE]
            prices = await rows.where(PRICE, "product_id", [row["id"] for row in batch])
            yield [record for row in batch for record in _exported(row, prices, lists)]


async def _save_products(
    rows: CatalogueRows, wanted: Sequence[ProductRecord], written: Written
) -> set[int]:
    """Make and change products; returns the places of records that changed one."""
    found = await rows.where(PRODUCT, "name_key", [name_key(record.name) for record in wanted])
    products = {row["name_key"]: row for row in found}
    stored = {row["id"]: dict(row) for row in found}
    new: list[Row] = []
    touched: set[int] = set()
    for place, record in enumerate(wanted):
        key = name_key(record.name)
        given: Row = {
            name: getattr(record, name)
            for name in ("code", "series", "active")
            if getattr(record, name) is not None
        }
        if key not in products:
            empty = {"code": None, "series": "", "active": True}
            name = record.name.strip()
            made = {"id": new_id(), "name": name, "name_key": key, **empty, **given}
            # The columns of all rows come in one order.
            products[key] = {column: made[column] for column in PRODUCT.columns}
            new.append(products[key])
            written.created_count += 1
        elif {**products[key], **given} != products[key]:
            products[key].update(given)
            touched.add(place)
    changed = [(stored[row["id"]], row) for row in found if stored[row["id"]] != row]
    await rows.insert(PRODUCT, new)
    await rows.update(PRODUCT, [after for _, after in changed])
    _note(written, PRODUCT.name, new, changed)
    return touched


async def _save_prices(
    rows: CatalogueRows, wanted: Sequence[ProductRecord], written: Written
) -> set[int]:
    """Set and correct prices; returns the places of records of known products that did so."""
    priced = [(place, record) for place, record in enumerate(wanted) if record.price is not None]
    if not priced:
        return set()
    lists = await _lists(rows, [record.price_list or STANDARD for _, record in priced], written)
    found = await rows.where(PRODUCT, "name_key", [name_key(r.name) for _, r in priced])
    products: dict[str, UUID] = {row["name_key"]: row["id"] for row in found}
    prices = await rows.where(PRICE, "product_id", list(products.values()))
    known = {_place_of(row): row for row in prices}
    made_now = set(written.created.get(PRODUCT.name, []))
    new, changed, touched = [], [], set()
    for place, record in priced:
        row = _price_row(record, lists, products[name_key(record.name)])
        before = known.get(_place_of(row))
        if before is None:
            new.append(row)
        elif (after := {**row, "id": before["id"]}) != before:
            changed.append((before, after))
        else:
            continue
        known[_place_of(row)] = row if before is None else {**row, "id": before["id"]}
        if row["product_id"] not in made_now:
            touched.add(place)
    await rows.insert(PRICE, new)
    await rows.update(PRICE, [after for _, after in changed])
    _note(written, PRICE.name, new, changed)
    return touched


async def _lists(rows: CatalogueRows, names: Sequence[str], written: Written) -> dict[str, UUID]:
    """Price lists by the key of their name; those that are not there are made."""
    existing = await rows.all(PRICE_LIST)
    lists: dict[str, UUID] = {row["name_key"]: row["id"] for row in existing}
    new = []
    for name in names:
        key = name_key(name)
        if key not in lists:
            lists[key] = new_id()
            position = len(lists)
            new.append(
                {
                    "id": lists[key],
                    "name": name.strip(),
                    "name_key": key,
                    "position": position,
                    "active": True,
                }
            )
    await rows.insert(PRICE_LIST, new)
    _note(written, PRICE_LIST.name, new, [])
    return lists


def _price_row(record: ProductRecord, lists: Mapping[str, UUID], product: UUID) -> Row:
    price = record.price or Amount(0, "")
    return {
        "id": new_id(),
        "price_list_id": lists[name_key(record.price_list or STANDARD)],
        "product_id": product,
        "currency": price.currency,
        "amount": price.amount,
        "valid_from": record.valid_from,
        "valid_until": record.valid_until,
    }


def _place_of(row: Row) -> tuple[Any, ...]:
    return (row["price_list_id"], row["product_id"], row["currency"], row["valid_from"])


def _note(
    written: Written, table: str, new: Sequence[Row], changed: Sequence[tuple[Row, Row]]
) -> None:
    written.created.setdefault(table, []).extend(row["id"] for row in new)
    written.before.setdefault(table, []).extend(image(*pair) for pair in changed)


async def _code_owners(rows: CatalogueRows, records: Sequence[Numbered]) -> dict[str, str]:
    codes = [n.record.code for n in records if n.record.code is not None]
    return {row["code"]: row["name_key"] for row in await rows.where(PRODUCT, "code", codes)}


Span = tuple[dt.date | None, dt.date | None]
Spans = dict[tuple[str, str, str], list[Span]]


async def _spans(rows: CatalogueRows, records: Sequence[Numbered]) -> Spans:
    """The days of stored prices by list, product and currency."""
    keys = [name_key(n.record.name) for n in records if n.record.price is not None]
    products = {row["id"]: row["name_key"] for row in await rows.where(PRODUCT, "name_key", keys)}
    lists = {row["id"]: row["name_key"] for row in await rows.all(PRICE_LIST)}
    spans: Spans = {}
    for row in await rows.where(PRICE, "product_id", list(products)):
        key = (lists[row["price_list_id"]], products[row["product_id"]], row["currency"])
        spans.setdefault(key, []).append((row["valid_from"], row["valid_until"]))
    return spans


def _overlap(record: ProductRecord, spans: Spans) -> list[Problem]:
    """Why the price of a record cannot stand beside the others of its list and currency."""
    if record.price is None:
        return []
    key = (name_key(record.price_list or STANDARD), name_key(record.name), record.price.currency)
    others = spans.setdefault(key, [])
    first, last = record.valid_from or dt.date.min, record.valid_until or dt.date.max
    crossing = [
        (since, until)
        for since, until in others
        if since != record.valid_from
        and (since or dt.date.min) <= last
        and first <= (until or dt.date.max)
    ]
    others.append((record.valid_from, record.valid_until))
    if not crossing:
        return []
    return [
        Problem(
            code="overlapping-price",
            message="another price of this product holds on some of these days",
            where="/valid_from",
            expected="days that no other price of the list has",
            got=f"{record.valid_from or '…'} to {record.valid_until or '…'}",
            mend="End the other price first.",
        )
    ]


def _problems(record: ProductRecord) -> list[Problem]:
    found = Findings()
    found.line(record.name, what="name", most=200, where="/name", needed=True)
    for name, most in (("code", 60), ("series", 100), ("price_list", 100)):
        value = getattr(record, name)
        if value is not None:
            found.line(value, what=name, most=most, where=f"/{name}")
    price = record.price
    if price is not None and (price.amount < 0 or not is_currency(price.currency)):
        found.add(
            "bad-price",
            "this cannot be a price",
            where="/price",
            expected="zero or more, in an ISO 4217 currency",
            got=f"{price.amount} {price.currency}",
            mend="Correct it.",
        )
    if record.valid_from and record.valid_until and record.valid_until < record.valid_from:
        found.add(
            "days-turned-round",
            "the price ends before it begins",
            where="/valid_until",
            expected=f"{record.valid_from} or later",
            got=record.valid_until.isoformat(),
            mend="Correct one of the days.",
        )
    return found.problems


def _code_taken(code: str) -> Problem:
    return Problem(
        code="code-taken",
        message="another product has this code",
        where="/code",
        expected="a code that no other product has",
        got=code,
        mend="Correct the code or the name.",
    )


def _exported(
    product: Row, prices: Sequence[Row], lists: Mapping[UUID, str]
) -> list[ProductRecord]:
    plain = {
        "name": product["name"],
        "code": product["code"],
        "series": product["series"] or None,
        "active": product["active"],
    }
    own = [row for row in prices if row["product_id"] == product["id"]]
    if not own:
        return [ProductRecord(**plain)]
    return [
        ProductRecord(
            **plain,
            price=Amount(row["amount"], row["currency"]),
            price_list=lists[row["price_list_id"]],
            valid_from=row["valid_from"],
            valid_until=row["valid_until"],
        )
        for row in own
    ]
