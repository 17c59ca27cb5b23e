"""Price lists and their prices: the first list in use that has a price for a product decides."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.api import (
    Amount,
    Conflict,
    Form,
    InvalidInput,
    NotFound,
    Plugin,
    Problem,
    Redirect,
    RelatumError,
    Text,
    Visit,
    WebPage,
    next_page,
)
from relatum_sales_pipeline.permissions import SETUP_READ, SETUP_WRITE
from relatum_sales_pipeline.screens.comparing import both_of
from relatum_sales_pipeline.screens.deal_form import Both, refuse_one
from relatum_sales_pipeline.screens.reading import ROOT, amount_of, id_of, one_id, typed
from relatum_sales_pipeline.services.products import Products
from relatum_sales_pipeline.services.settings_log import seen_as
from relatum_sales_pipeline.types.products import (
    Price,
    PriceDraft,
    PriceEdit,
    PriceList,
    PriceListDraft,
    PriceListEdit,
)

HERE = f"{ROOT}/setup/prices"
LAST = 10_000
Seen = Annotated[str, Meta(max_length=64)]
Short = Annotated[str, Meta(max_length=60)]


class ListForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A price list."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    active: bool = False
    seen: Seen = ""


class PriceForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A price from a day to a day; ``product`` is for a new one."""

    product: Short = ""
    amount: Annotated[str, Meta(min_length=1, max_length=60)]
    currency: Annotated[str, Meta(max_length=3)] = ""
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None
    seen: Seen = ""


class Pressed(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing but the button."""

    seen: Seen = ""


class PricesAsked(msgspec.Struct, kw_only=True):
    """Which page of the prices of a list."""

    cursor: Annotated[str, Meta(max_length=2000)] | None = None


async def load(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    products = Products(plugin)
    return {
        "lists": await products.price_lists(),
        "counts": await products.prices_counted(),
        "list": Form("list"),
        "may_write": visit.may(SETUP_WRITE),
        "here": "sales_pipeline.setup",
        "root": ROOT,
    }


async def create(plugin: Plugin, visit: Visit) -> Any:
    form, sent = await visit.form("list", ListForm)
    if sent is not None:
        try:
            draft = PriceListDraft(name=sent.name, position=LAST)
            made = await Products(plugin).create_list(draft, by=visit.call.actor)
        except RelatumError as error:
            form.refuse(error)
        else:
            return Redirect(f"{HERE}/{made.id}", flash="sales_pipeline.saved")
    return {**await load(plugin, visit), "list": form}


async def show(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    shown = await _list(plugin, visit)
    _, asked = visit.query(PricesAsked)
    products = Products(plugin)
    page = await products.find_prices(shown.id, sort="product", cursor=asked.cursor)
    active = [each for each in await products.all() if each.active]
    values = {"name": shown.name, "active": shown.active, "seen": seen_as(shown)}
    return {
        "shown": shown,
        "title": shown.name,
        "prices": page.items,
        "next": next_page(visit.call, page.next),
        "products": [(str(each.id), each.name) for each in active],
        "list": Form("list", values),
        "price": Form("price", {"currency": _currency(plugin, visit)}),
        "both": [],
        "may_write": visit.may(SETUP_WRITE),
        "here": "sales_pipeline.setup",
        "root": ROOT,
    }


async def change(plugin: Plugin, visit: Visit) -> Any:
    shown = await _list(plugin, visit)
    form, sent = await visit.form("list", ListForm)
    both: list[Both] = []
    if sent is not None:
        edit = PriceListEdit(name=sent.name, active=sent.active)
        try:
            seen, by = sent.seen or None, visit.call.actor
            await Products(plugin).change_list(shown.id, edit, by=by, seen=seen)
        except Conflict as error:
            form.refuse(error)
            both = both_of({"name": visit.text("Name")}, {"name": shown.name}, form)
            form.hold({"seen": seen_as(shown)})
        except RelatumError as error:
            form.refuse(error)
        else:
            return Redirect(f"{HERE}/{shown.id}", flash="sales_pipeline.saved")
    return {**await show(plugin, visit), "list": form, "both": both}


async def earlier(plugin: Plugin, visit: Visit) -> Any:
    return await _shift(plugin, visit, -1)


async def later(plugin: Plugin, visit: Visit) -> Any:
    return await _shift(plugin, visit, 1)


async def _shift(plugin: Plugin, visit: Visit, step: int) -> Any:
    await visit.form("pressed", Pressed)
    await Products(plugin).shift_list(id_of(visit, "price list"), step, by=visit.call.actor)
    return Redirect(HERE)


async def add_price(plugin: Plugin, visit: Visit) -> Any:
    shown = await _list(plugin, visit)
    form, sent = await visit.form("price", PriceForm)
    if sent is not None:
        try:
            draft = PriceDraft(
                product_id=_product(sent.product),
                price=_amount(plugin, visit, sent),
                valid_from=sent.valid_from,
                valid_until=sent.valid_until,
            )
            await Products(plugin).set_prices(shown.id, [draft], by=visit.call.actor)
        except RelatumError as error:
            _refuse(form, error)
        else:
            return Redirect(f"{HERE}/{shown.id}#prices", flash="sales_pipeline.saved")
    return {**await show(plugin, visit), "price": form}


async def show_price(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    price = await Products(plugin).price(id_of(visit, "price"))
    return await _price_page(plugin, visit, price, Form("price", _values(price, visit)))


async def change_price(plugin: Plugin, visit: Visit) -> Any:
    products = Products(plugin)
    price = await products.price(id_of(visit, "price"))
    form, sent = await visit.form("price", PriceForm)
    both: list[Both] = []
    if sent is not None:
        try:
            edit = PriceEdit(
                price=_amount(plugin, visit, sent),
                valid_from=sent.valid_from,
                valid_until=sent.valid_until,
            )
            seen, by = sent.seen or None, visit.call.actor
            await products.change_price(price.id, edit, by=by, seen=seen)
        except Conflict as error:
            form.refuse(error)
            both = both_of(_labels(visit), _values(price, visit), form)
            form.hold({"seen": seen_as(price)})
        except RelatumError as error:
            _refuse(form, error)
        else:
            return Redirect(f"{HERE}/{price.price_list_id}#prices", flash="sales_pipeline.saved")
    return {**await _price_page(plugin, visit, price, form), "both": both}


async def remove_price(plugin: Plugin, visit: Visit) -> Any:
    products = Products(plugin)
    price = await products.price(id_of(visit, "price"))
    form, sent = await visit.form("pressed", Pressed)
    if sent is not None:
        try:
            await products.remove_price(price.id, by=visit.call.actor, seen=sent.seen or None)
        except Conflict as error:
            form.refuse(error)
        else:
            return Redirect(f"{HERE}/{price.price_list_id}#prices", flash="sales_pipeline.removed")
    shown = Form("price", _values(price, visit))
    return {**await _price_page(plugin, visit, price, shown), "pressed": form}


async def _price_page(plugin: Plugin, visit: Visit, price: Price, form: Form) -> dict[str, Any]:
    lists = {each.id: each for each in await Products(plugin).price_lists()}
    return {
        "form": form,
        "shown": price,
        "list": lists[price.price_list_id],
        "title": price.product,
        "seen": seen_as(price),
        "both": [],
        "here": "sales_pipeline.setup",
        "root": ROOT,
    }


async def _list(plugin: Plugin, visit: Visit) -> PriceList:
    id = id_of(visit, "price list")
    found = {each.id: each for each in await Products(plugin).price_lists()}.get(id)
    if found is None:
        raise NotFound(f"expected the id of a price list, got {id}; there is none")
    return found


def _currency(plugin: Plugin, visit: Visit) -> str:
    return str(plugin.settings.currency or visit.currency)


def _amount(plugin: Plugin, visit: Visit, sent: PriceForm) -> Amount:
    currency = sent.currency.strip().upper() or _currency(plugin, visit)
    amount = amount_of(sent.amount, currency, visit, "/amount")
    if amount is None:
        raise _missing("amount", "the price is missing", "Enter it.")
    return amount


def _product(text: str) -> UUID:
    id = one_id(text)
    if id is None:
        raise _missing("product", "the product is missing", "Choose one.")
    return id


def _missing(field: str, message: str, mend: str) -> InvalidInput:
    problem = Problem(code="missing", message=message, where=f"/{field}", mend=mend)
    return InvalidInput("The price cannot be accepted.", problems=[problem])


def _values(price: Price, visit: Visit) -> dict[str, Any]:
    days = {"valid_from": price.valid_from, "valid_until": price.valid_until}
    return {
        "amount": typed(price.price, visit),
        "currency": price.price.currency,
        **{name: day.isoformat() if day else "" for name, day in days.items()},
        "seen": seen_as(price),
    }


def _labels(visit: Visit) -> dict[str, str]:
    return {
        "amount": visit.text("Price"),
        "currency": visit.text("Currency"),
        "valid_from": visit.text("From"),
        "valid_until": visit.text("Until"),
    }


def _refuse(form: Form, error: RelatumError) -> None:
    """Note what is wrong beside its field; services say ``/price/amount`` and ``/product_id``."""
    places = {
        "price/amount": "/amount",
        "price/currency": "/currency",
        "product_id": "/product",
    }
    problems = []
    for problem in error.problems:
        first, _, rest = problem.where.strip("/").partition("/")
        place = rest if first.isdigit() else problem.where.strip("/")
        where = places.get(place, f"/{place}")
        problems.append(msgspec.structs.replace(problem, where=where))
    error.problems = tuple(problems)
    refuse_one(form, error)


TITLE = Text(en="Price lists", vi="Bảng giá")
PRICE = Text(en="Price", vi="Giá")


def _page(id: str, path: str, template: str = "", title: Text = TITLE, **does: Any) -> WebPage:
    shown = f"sales_pipeline/{template}.html" if template else ""
    return WebPage(
        id=f"sales_pipeline.{id}",
        path=f"/setup/{path}",
        title=title,
        template=shown,
        **{"permission": SETUP_WRITE, **does},
    )


PAGES = [
    _page(
        "price_lists",
        "prices",
        "price_lists",
        permission=SETUP_READ,
        act_permission=SETUP_WRITE,
        load=load,
        act=create,
    ),
    _page(
        "price_list",
        "prices/{id:str}",
        "price_list",
        permission=SETUP_READ,
        act_permission=SETUP_WRITE,
        load=show,
        act=change,
    ),
    _page("price_list_earlier", "prices/{id:str}/earlier", act=earlier),
    _page("price_list_later", "prices/{id:str}/later", act=later),
    _page("add_price", "prices/{id:str}/add", "price_list", act=add_price),
    _page("price", "price/{id:str}", "price", PRICE, load=show_price, act=change_price),
    _page(
        "remove_price",
        "price/{id:str}/remove",
        "price",
        PRICE,
        act=remove_price,
        says={"sales_pipeline.removed": Text(en="Removed.", vi="Đã gỡ.")},
    ),
]
