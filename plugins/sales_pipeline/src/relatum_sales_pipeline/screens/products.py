"""One product: what it is called, whether it is sold, and what it costs in each list."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from relatum.api import (
    Conflict,
    Form,
    NotFound,
    Plugin,
    Redirect,
    RelatumError,
    Text,
    Visit,
    WebPage,
)
from relatum_sales_pipeline.permissions import SETUP_READ, SETUP_WRITE
from relatum_sales_pipeline.screens.comparing import both_of
from relatum_sales_pipeline.screens.deal_form import Both
from relatum_sales_pipeline.screens.reading import ROOT, id_of
from relatum_sales_pipeline.services.products import Products
from relatum_sales_pipeline.services.settings_log import seen_as
from relatum_sales_pipeline.types.products import Product, ProductEdit


class ProductEditForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A product as it is to be."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    code: Annotated[str, Meta(max_length=60)] = ""
    series: Annotated[str, Meta(max_length=100)] = ""
    active: bool = False
    seen: Annotated[str, Meta(max_length=64)] = ""


async def load(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    product = await _product(plugin, visit)
    return await _page(plugin, visit, product, Form("product", _values(product)))


async def change(plugin: Plugin, visit: Visit) -> Any:
    product = await _product(plugin, visit)
    form, sent = await visit.form("product", ProductEditForm)
    both: list[Both] = []
    if sent is not None:
        code = sent.code.strip() or None
        edit = ProductEdit(name=sent.name, code=code, series=sent.series, active=sent.active)
        seen, by = sent.seen or None, visit.call.actor
        try:
            await Products(plugin).change(product.id, edit, by=by, seen=seen)
        except Conflict as error:
            form.refuse(error)
            both = both_of(_labels(visit), _values(product), form)
            form.hold({"seen": seen_as(product)})
        except RelatumError as error:
            form.refuse(error)
        else:
            return Redirect(f"{ROOT}/setup#products", flash="sales_pipeline.saved")
    return {**await _page(plugin, visit, product, form), "both": both}


async def _page(plugin: Plugin, visit: Visit, product: Product, form: Form) -> dict[str, Any]:
    products = Products(plugin)
    return {
        "form": form,
        "shown": product,
        "title": product.name,
        "prices": await products.prices_of(product.id),
        "lists": {each.id: each for each in await products.price_lists()},
        "both": [],
        "may_write": visit.may(SETUP_WRITE),
        "here": "sales_pipeline.setup",
        "root": ROOT,
    }


async def _product(plugin: Plugin, visit: Visit) -> Product:
    id = id_of(visit, "product")
    found = (await Products(plugin).get_many([id])).get(id)
    if found is None:
        raise NotFound(f"expected the id of a product, got {id}; there is none")
    return found


def _values(product: Product) -> dict[str, Any]:
    return {
        "name": product.name,
        "code": product.code or "",
        "series": product.series,
        "active": product.active,
        "seen": seen_as(product),
    }


def _labels(visit: Visit) -> dict[str, str]:
    return {
        "name": visit.text("Name"),
        "code": visit.text("Code"),
        "series": visit.text("Series"),
    }


PAGES = [
    WebPage(
        id="sales_pipeline.product",
        path="/setup/products/{id:str}",
        title=Text(en="Product", vi="Sản phẩm"),
        permission=SETUP_READ,
        act_permission=SETUP_WRITE,
        template="sales_pipeline/product.html",
        load=load,
        act=change,
    )
]
