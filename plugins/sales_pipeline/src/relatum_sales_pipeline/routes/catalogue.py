"""Products, price lists and prices."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from relatum.api import (
    Answer,
    Call,
    InvalidInput,
    NotFound,
    Page,
    Plugin,
    id_in_path,
    of_one,
    paged,
    under_items,
)
from relatum_sales_pipeline.permissions import SETUP_READ, SETUP_WRITE
from relatum_sales_pipeline.routes.verbs import delete, get, patch, post, put
from relatum_sales_pipeline.services.products import Products
from relatum_sales_pipeline.types.products import (
    Price,
    PriceDraft,
    PriceEdit,
    PriceList,
    PriceListDraft,
    PriceListEdit,
    Product,
    ProductDraft,
    ProductEdit,
)

Limit = Annotated[int, Meta(ge=1, le=200)]


class ProductQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which products, by name."""

    active: bool | None = None
    limit: Limit = 50
    cursor: str | None = None


class PriceQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which prices of a list."""

    product_id: UUID | None = None
    limit: Limit = 50
    cursor: str | None = None


class ListedPriceLists(msgspec.Struct, frozen=True):
    """Every price list in its order."""

    items: list[PriceList]


class PriceBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices to be set together, all or none."""

    items: Annotated[list[PriceDraft], Meta(min_length=1, max_length=1000)]


class PricesSet(msgspec.Struct, frozen=True):
    """The ids of the prices, in the order they were given."""

    ids: list[UUID]


@get("/products", opt={"permission": SETUP_READ, "query": ProductQuery})
async def find_products(request: Call, plugin: NamedDependency[Plugin]) -> Answer[Page[Product]]:
    """Products by name, one page at a time."""
    query = request.query_as(ProductQuery)
    page = await Products(plugin).find(active=query.active, limit=query.limit, cursor=query.cursor)
    return paged(request, page)


@post("/products", opt={"permission": SETUP_WRITE})
async def create_product(
    request: Call, plugin: NamedDependency[Plugin], data: JSONBody[ProductDraft]
) -> Answer[Product]:
    """Add a product."""
    request.refuse_query()
    products = Products(plugin)
    try:
        (id,) = await products.create([data], by=request.actor)
    except InvalidInput as error:
        raise of_one(error) from error
    return Answer((await products.get_many([id]))[id], status=201)


@get("/products/{product_id:str}", opt={"permission": SETUP_READ})
async def read_product(
    request: Call, plugin: NamedDependency[Plugin], product_id: FromPath[str]
) -> Answer[Product]:
    """One product."""
    request.refuse_query()
    id = id_in_path(product_id, "product")
    found = await Products(plugin).get_many([id])
    if id not in found:
        raise NotFound(f"expected the id of a product, got {id}; there is none")
    return Answer(found[id])


@patch("/products/{product_id:str}", opt={"permission": SETUP_WRITE})
async def change_product(
    request: Call,
    plugin: NamedDependency[Plugin],
    product_id: FromPath[str],
    data: JSONBody[ProductEdit],
) -> Answer[Product]:
    """Change a product, or stop selling it."""
    request.refuse_query()
    id = id_in_path(product_id, "product")
    return Answer(await Products(plugin).change(id, data, by=request.actor))


@get("/price-lists", opt={"permission": SETUP_READ})
async def read_lists(request: Call, plugin: NamedDependency[Plugin]) -> Answer[ListedPriceLists]:
    """Every price list; the first that has a price for a product decides."""
    request.refuse_query()
    return Answer(ListedPriceLists(await Products(plugin).price_lists()))


@post("/price-lists", opt={"permission": SETUP_WRITE})
async def create_list(
    request: Call, plugin: NamedDependency[Plugin], data: JSONBody[PriceListDraft]
) -> Answer[PriceList]:
    """Make a price list."""
    request.refuse_query()
    return Answer(await Products(plugin).create_list(data, by=request.actor), status=201)


@patch("/price-lists/{list_id:str}", opt={"permission": SETUP_WRITE})
async def change_list(
    request: Call,
    plugin: NamedDependency[Plugin],
    list_id: FromPath[str],
    data: JSONBody[PriceListEdit],
) -> Answer[PriceList]:
    """Change a price list."""
    request.refuse_query()
    id = id_in_path(list_id, "price list")
    return Answer(await Products(plugin).change_list(id, data, by=request.actor))


@get("/price-lists/{list_id:str}/prices", opt={"permission": SETUP_READ, "query": PriceQuery})
async def find_prices(
    request: Call, plugin: NamedDependency[Plugin], list_id: FromPath[str]
) -> Answer[Page[Price]]:
    """The prices of a list, one page at a time."""
    query = request.query_as(PriceQuery)
    page = await Products(plugin).find_prices(
        id_in_path(list_id, "price list"),
        product_id=query.product_id,
        limit=query.limit,
        cursor=query.cursor,
    )
    return paged(request, page)


@post("/price-lists/{list_id:str}/prices", opt={"permission": SETUP_WRITE})
async def set_prices(
    request: Call,
    plugin: NamedDependency[Plugin],
    list_id: FromPath[str],
    data: JSONBody[PriceBatch],
) -> Answer[PricesSet]:
    """Set prices from a day to a day, all or none."""
    request.refuse_query()
    id = id_in_path(list_id, "price list")
    try:
        ids = await Products(plugin).set_prices(id, data.items, by=request.actor)
    except InvalidInput as error:
        raise under_items(error) from error
    return Answer(PricesSet(ids), status=201)


@get("/prices/{price_id:str}", opt={"permission": SETUP_READ})
async def read_price(
    request: Call, plugin: NamedDependency[Plugin], price_id: FromPath[str]
) -> Answer[Price]:
    """One price."""
    request.refuse_query()
    return Answer(await Products(plugin).price(id_in_path(price_id, "price")))


@put("/prices/{price_id:str}", opt={"permission": SETUP_WRITE})
async def change_price(
    request: Call,
    plugin: NamedDependency[Plugin],
    price_id: FromPath[str],
    data: JSONBody[PriceEdit],
) -> Answer[Price]:
    """Say anew what a price is and on which days; deals keep what they were priced at."""
    request.refuse_query()
    id = id_in_path(price_id, "price")
    try:
        return Answer(await Products(plugin).change_price(id, data, by=request.actor))
    except InvalidInput as error:
        raise of_one(error) from error


@delete("/prices/{price_id:str}", opt={"permission": SETUP_WRITE}, status_code=204)
async def remove_price(
    request: Call, plugin: NamedDependency[Plugin], price_id: FromPath[str]
) -> None:
    """Take a price off its list; deals keep what they were priced at."""
    request.refuse_query()
    await Products(plugin).remove_price(id_in_path(price_id, "price"), by=request.actor)


ROUTES = [
    find_products,
    create_product,
    read_product,
    change_product,
    read_lists,
    create_list,
    change_list,
    find_prices,
    set_prices,
    read_price,
    change_price,
    remove_price,
]
