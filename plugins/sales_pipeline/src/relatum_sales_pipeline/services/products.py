"""Products, price lists and prices."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import (
    Amount,
    Conflict,
    NotFound,
    Page,
    Plugin,
    Problem,
    Refusal,
    is_currency,
    new_id,
    refuse,
)
from relatum_sales_pipeline.events import PRICE_CHANGED, PRICE_LIST_CHANGED, PRODUCT_CHANGED
from relatum_sales_pipeline.matching import Names, name_key
from relatum_sales_pipeline.services.findings import Findings
from relatum_sales_pipeline.services.records import (
    Conditions,
    Listing,
    fetch_page,
    given_fields,
    update,
)
from relatum_sales_pipeline.services.settings_log import (
    SettingsLog,
    differing,
    expect_seen,
    hold,
)
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

PRODUCT_SELECT = "SELECT id, code, name, series, active, name_key FROM sales_pipeline_product"
LIST_SELECT = "SELECT id, name, position, active FROM sales_pipeline_price_list"
PRICE_SELECT = (
    "SELECT p.id, p.price_list_id, p.product_id, q.name, p.amount, p.currency, p.valid_from, "
    "p.valid_until, q.name_key FROM sales_pipeline_price p "
    "JOIN sales_pipeline_product q ON q.id = p.product_id"
)
PRODUCTS = Listing(select=PRODUCT_SELECT, sorts={"name": ("name_key", str, 5)})
PRICES = Listing(
    select=PRICE_SELECT,
    sorts={"id": ("p.id", UUID, 0), "product": ("q.name_key", str, 8)},
    id_column="p.id",
)
PRICE_COLUMNS = (
    "id",
    "price_list_id",
    "product_id",
    "currency",
    "amount",
    "valid_from",
    "valid_until",
)


_Setting = Product | PriceList | Price


class PriceBook:
    """Prices by product and currency; the first price list that has one decides."""

    def __init__(self, prices: Iterable[tuple[UUID, str, int, dt.date | None, dt.date | None]]):
        self._prices: defaultdict[tuple[UUID, str], list[tuple[Any, ...]]] = defaultdict(list)
        for product, currency, amount, since, until in prices:
            self._prices[product, currency].append((amount, since, until))

    def on(self, product: UUID, currency: str, day: dt.date) -> int | None:
        """The list price of a day in minor units; ``None`` when there is none."""
        for amount, since, until in self._prices.get((product, currency), ()):
            if (since is None or since <= day) and (until is None or day <= until):
                return int(amount)
        return None


class Products:
    """The only writer of products, price lists and prices."""

    def __init__(self, plugin: Plugin) -> None:
        self._db = plugin.house.db
        self._log = SettingsLog(plugin)

    # -- reading ---------------------------------------------------------------------------------

    async def find(
        self, *, active: bool | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[Product]:
        """One page of the products, by name."""
        where = Conditions()
        where.equal(active=active)
        return await fetch_page(
            self._db, PRODUCTS, where, sort="name", limit=limit, cursor=cursor, read=_products
        )

    async def get_many(self, ids: Sequence[UUID]) -> dict[UUID, Product]:
        """These products; ids that no product has are left out."""
        rows = await self._db.fetch_in(f"{PRODUCT_SELECT} WHERE id IN ({{}})", ids)
        return {product.id: product for product in _products(rows)}

    async def all(self) -> list[Product]:
        """Every product, by name."""
        return _products(await self._db.fetch(f"{PRODUCT_SELECT} ORDER BY name_key"))

    async def names(self) -> Names[Product]:
        """Every product by its name and by its code."""
        products = await self.all()
        coded = [(product.code, product) for product in products if product.code]
        return Names([*((product.name, product) for product in products), *coded])

    async def price_lists(self) -> list[PriceList]:
        """Every price list in its order."""
        rows = await self._db.fetch(f"{LIST_SELECT} ORDER BY position, name_key")
        return [PriceList(id=i, name=n, position=p, active=a) for i, n, p, a in rows]

    async def find_prices(
        self,
        price_list_id: UUID,
        *,
        product_id: UUID | None = None,
        sort: str = "id",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Price]:
        """One page of the prices of a list, in the order of their ids or of their products."""
        where = Conditions()
        where.equal(p__price_list_id=price_list_id, p__product_id=product_id)
        return await fetch_page(
            self._db, PRICES, where, sort=sort, limit=limit, cursor=cursor, read=_prices
        )

    async def price(self, id: UUID) -> Price:
        """One price.

        Raises:
            NotFound: there is no such price.
        """
        found = _prices(await self._db.fetch(f"{PRICE_SELECT} WHERE p.id = ?", id))
        if not found:
            raise NotFound(f"expected the id of a price, got {id}; there is none")
        return found[0]

    async def prices_of(self, product: UUID) -> list[Price]:
        """Every price of a product, list by list, the latest first."""
        return _prices(
            await self._db.fetch(
                f"{PRICE_SELECT} JOIN sales_pipeline_price_list l ON l.id = p.price_list_id "
                "WHERE p.product_id = ? ORDER BY l.position, l.name_key, p.valid_from DESC, p.id",
                product,
            )
        )

    async def prices_counted(self) -> dict[UUID, int]:
        """How many prices each list has; lists without any are left out."""
        rows = await self._db.fetch(
            "SELECT price_list_id, count(*) FROM sales_pipeline_price GROUP BY price_list_id"
        )
        return {id: int(count) for id, count in rows}

    async def price_book(self, products: Sequence[UUID]) -> PriceBook:
        """The prices of these products in the active lists."""
        rows = await self._db.fetch_in(
            "SELECT p.product_id, p.currency, p.amount, p.valid_from, p.valid_until "
            "FROM sales_pipeline_price p "
            "JOIN sales_pipeline_price_list l ON l.id = p.price_list_id "
            "WHERE p.product_id IN ({}) AND l.active = ? ORDER BY l.position, l.name_key, p.id",
            products,
            True,
        )
        return PriceBook(rows)

    # -- writing ---------------------------------------------------------------------------------

    async def create(self, drafts: Sequence[ProductDraft], *, by: str = "system") -> list[UUID]:
        """Make all of them, or none.

        Raises:
            InvalidInput: with every problem; a name or code that is taken is one.
        """
        async with self._db.transaction():
            refuse(await self._refusals(drafts), "products")
            rows = [
                (new_id(), d.code, d.name.strip(), name_key(d.name), d.series.strip(), True)
                for d in drafts
            ]
            columns = ("id", "code", "name", "name_key", "series", "active")
            await self._db.insert("sales_pipeline_product", columns, rows)
            made = await self.get_many([row[0] for row in rows])
            await self._tell(PRODUCT_CHANGED, [(None, each) for each in made.values()], by)
        return [row[0] for row in rows]

    async def change(
        self, id: UUID, edit: ProductEdit, *, by: str = "system", seen: str | None = None
    ) -> Product:
        """Change one product.

        Args:
            seen: the state that the change was made from, see ``settings_log``.

        Raises:
            NotFound: there is no such product.
            Conflict: another product has the name or code, or somebody changed it meanwhile.
        """
        async with self._db.transaction():
            await hold(self._db)
            before = (await self.get_many([id])).get(id)
            if before is None:
                raise NotFound(f"expected the id of a product, got {id}; there is none")
            expect_seen(before, seen, edit)
            values = given_fields(edit)
            if "name" in values:
                name = _checked_name(values["name"], "product", 200)
                values |= {"name": name, "name_key": name_key(name)}
            for column in ("name_key", "code"):
                if values.get(column) is not None:
                    await self._free(column, values[column], id)
            await update(self._db, "sales_pipeline_product", id, values)
            after = (await self.get_many([id]))[id]
            await self._tell(PRODUCT_CHANGED, [(before, after)], by)
            return after

    async def create_list(self, draft: PriceListDraft, *, by: str = "system") -> PriceList:
        """Make a price list.

        Raises:
            Conflict: another list has the name.
        """
        name = _checked_name(draft.name, "price list", 100)
        async with self._db.transaction():
            await hold(self._db)
            if any(name_key(each.name) == name_key(name) for each in await self.price_lists()):
                raise Conflict(f"expected a name that no other price list has, got {name!r}")
            id = new_id()
            await self._db.insert(
                "sales_pipeline_price_list",
                ("id", "name", "name_key", "position", "active"),
                [(id, name, name_key(name), draft.position, True)],
            )
            made = PriceList(id=id, name=name, position=draft.position, active=True)
            await self._tell(PRICE_LIST_CHANGED, [(None, made)], by)
        return made

    async def change_list(
        self, id: UUID, edit: PriceListEdit, *, by: str = "system", seen: str | None = None
    ) -> PriceList:
        """Change a price list.

        Args:
            seen: the state that the change was made from, see ``settings_log``.

        Raises:
            NotFound: there is no such list.
            Conflict: another list has the name, or somebody changed this one meanwhile.
        """
        async with self._db.transaction():
            await hold(self._db)
            lists = {each.id: each for each in await self.price_lists()}
            _require_list(id, lists)
            expect_seen(lists[id], seen, edit)
            values = given_fields(edit)
            if "name" in values:
                name = _checked_name(values["name"], "price list", 100)
                if any(name_key(o.name) == name_key(name) for o in lists.values() if o.id != id):
                    raise Conflict(f"expected a name that no other price list has, got {name!r}")
                values |= {"name": name, "name_key": name_key(name)}
            await update(self._db, "sales_pipeline_price_list", id, values)
            after = {each.id: each for each in await self.price_lists()}[id]
            await self._tell(PRICE_LIST_CHANGED, [(lists[id], after)], by)
            return after

    async def shift_list(self, id: UUID, step: int, *, by: str) -> None:
        """Let a price list change places with its neighbour: the first one that has a price counts.

        Args:
            step: -1 to come earlier, 1 to come later; at the end nothing happens.

        Raises:
            NotFound: there is no such list.
        """
        async with self._db.transaction():
            await hold(self._db)
            lists = await self.price_lists()
            _require_list(id, {each.id: each for each in lists})
            order = [each.id for each in lists]
            place = order.index(id)
            if not 0 <= place + step < len(order):
                return
            order[place], order[place + step] = order[place + step], order[place]
            await self._db.execute_many(
                "UPDATE sales_pipeline_price_list SET position = ? WHERE id = ?",
                [(10 * n + 10, each) for n, each in enumerate(order)],
            )
            after = {each.id: each for each in await self.price_lists()}
            await self._tell(PRICE_LIST_CHANGED, [(each, after[each.id]) for each in lists], by)

    async def set_prices(
        self, price_list_id: UUID, drafts: Sequence[PriceDraft], *, by: str = "system"
    ) -> list[UUID]:
        """Add prices to a list, all or none; days of one product and currency may not overlap.

        Raises:
            NotFound: there is no such list.
            InvalidInput: with every problem.
        """
        async with self._db.transaction():
            await hold(self._db)
            _require_list(price_list_id, {each.id: each for each in await self.price_lists()})
            wanted = list({draft.product_id for draft in drafts})
            known = await self.get_many(wanted)
            existing = await self._db.fetch_in(
                "SELECT product_id, currency, valid_from, valid_until FROM sales_pipeline_price "
                "WHERE product_id IN ({}) AND price_list_id = ?",
                wanted,
                price_list_id,
            )
            refuse(list(_price_refusals(drafts, set(known), existing)), "prices")
            rows = [
                (
                    new_id(),
                    price_list_id,
                    draft.product_id,
                    draft.price.currency,
                    draft.price.amount,
                    draft.valid_from,
                    draft.valid_until,
                )
                for draft in drafts
            ]
            await self._db.insert("sales_pipeline_price", PRICE_COLUMNS, rows)
            stored = await self._db.fetch_in(
                f"{PRICE_SELECT} WHERE p.id IN ({{}})", [row[0] for row in rows]
            )
            await self._tell(PRICE_CHANGED, [(None, each) for each in _prices(stored)], by)
        return [row[0] for row in rows]

    async def change_price(
        self, id: UUID, edit: PriceEdit, *, by: str, seen: str | None = None
    ) -> Price:
        """Correct a price, or end it; deals keep what they were priced at.

        Args:
            seen: the state that the change was made from, see ``settings_log``.

        Raises:
            NotFound: there is no such price.
            Conflict: somebody changed it meanwhile.
            InvalidInput: with every problem.
        """
        async with self._db.transaction():
            await hold(self._db)
            before = await self.price(id)
            expect_seen(before, seen, edit)
            others = await self._db.fetch(
                "SELECT valid_from, valid_until FROM sales_pipeline_price "
                "WHERE price_list_id = ? AND product_id = ? AND currency = ? AND id <> ?",
                *(before.price_list_id, before.product_id, edit.price.currency, id),
            )
            draft = PriceDraft(
                product_id=before.product_id,
                price=edit.price,
                valid_from=edit.valid_from,
                valid_until=edit.valid_until,
            )
            problems = _price_problems(draft, {before.product_id}, [(a, b) for a, b in others])
            refuse([Refusal(0, problem) for problem in problems], "prices")
            values = {
                "amount": edit.price.amount,
                "currency": edit.price.currency,
                "valid_from": edit.valid_from,
                "valid_until": edit.valid_until,
            }
            await update(self._db, "sales_pipeline_price", id, values)
            after = await self.price(id)
            await self._tell(PRICE_CHANGED, [(before, after)], by)
            return after

    async def remove_price(self, id: UUID, *, by: str = "system", seen: str | None = None) -> Price:
        """Take a price off its list; deals keep what they were priced at.

        Raises:
            NotFound: there is no such price.
            Conflict: somebody changed it meanwhile.
        """
        async with self._db.transaction():
            await hold(self._db)
            before = await self.price(id)
            expect_seen(before, seen, before)
            await self._db.execute("DELETE FROM sales_pipeline_price WHERE id = ?", id)
            await self._tell(PRICE_CHANGED, [(before, None)], by)
        return before

    async def _tell(
        self, kind: str, pairs: Sequence[tuple[_Setting | None, _Setting | None]], by: str
    ) -> None:
        changed = []
        for before, after in pairs:
            one = after or before
            if one is not None:
                named = one.product if isinstance(one, Price) else one.name
                fields = differing(_values(before), _values(after))
                changed.append((one.id, named, fields))
        await self._log.tell(kind, changed, by=by)

    async def _refusals(self, drafts: Sequence[ProductDraft]) -> list[Refusal]:
        names = Names((product.name, product) for product in await self.all())
        codes = await self._db.fetch_in(
            "SELECT code FROM sales_pipeline_product WHERE code IN ({})",
            [draft.code for draft in drafts if draft.code],
        )
        taken = {row[0] for row in codes}
        seen: set[str] = set()
        refusals = []
        for index, draft in enumerate(drafts):
            found = Findings()
            found.line(draft.name, what="name", most=200, where="/name", needed=True)
            found.line(draft.series, what="series", most=100, where="/series")
            found.line(draft.code or "", what="code", most=60, where="/code")
            if names.get(draft.name) or name_key(draft.name) in seen:
                _taken(found, "name", draft.name)
            if draft.code in taken:
                _taken(found, "code", draft.code or "")
            seen.add(name_key(draft.name))
            taken |= {draft.code} - {None}
            refusals += [Refusal(index, problem) for problem in found.problems]
        return refusals

    async def _free(self, column: str, value: str, id: UUID) -> None:
        sql = f"SELECT id FROM sales_pipeline_product WHERE {column} = ? AND id <> ?"  # noqa: S608 - names of our own
        if await self._db.fetch_one(sql, value, id):
            raise Conflict(f"expected a name and code that no other product has, got {value!r}")


def _products(rows: Sequence[tuple[Any, ...]]) -> list[Product]:
    return [
        Product(id=id, code=code, name=name, series=series, active=active)
        for id, code, name, series, active, _ in rows
    ]


def _prices(rows: Sequence[tuple[Any, ...]]) -> list[Price]:
    return [
        Price(
            id=id,
            price_list_id=price_list,
            product_id=product,
            product=name,
            price=Amount(amount, currency),
            valid_from=since,
            valid_until=until,
        )
        for id, price_list, product, name, amount, currency, since, until, _ in rows
    ]


def _values(setting: _Setting | None) -> dict[str, Any]:
    return {} if setting is None else msgspec.structs.asdict(setting)


def _require_list(id: UUID, lists: dict[UUID, PriceList]) -> None:
    if id not in lists:
        raise NotFound(f"expected the id of a price list, got {id}; there is none")


def _checked_name(name: str, noun: str, most: int) -> str:
    found = Findings()
    clean = found.line(name, what=f"name of the {noun}", most=most, where="/name", needed=True)
    found.refuse(f"The {noun}")
    return clean


def _taken(found: Findings, what: str, got: str) -> None:
    found.add(
        f"{what}-taken",
        f"there is a product of that {what}",
        where=f"/{what}",
        expected=f"a {what} that no other product has",
        got=got[:80],
        mend="Choose another, or change the product that has it.",
    )


def _price_refusals(
    drafts: Sequence[PriceDraft], products: set[UUID], existing: Sequence[tuple[Any, ...]]
) -> Iterable[Refusal]:
    spans: defaultdict[tuple[UUID, str], list[tuple[Any, Any]]] = defaultdict(list)
    for product, currency, since, until in existing:
        spans[product, currency].append((since, until))
    for index, draft in enumerate(drafts):
        others = spans[draft.product_id, draft.price.currency]
        for problem in _price_problems(draft, products, others):
            yield Refusal(index, problem)
        others.append((draft.valid_from, draft.valid_until))


def _price_problems(
    draft: PriceDraft, products: set[UUID], others: Sequence[tuple[Any, Any]]
) -> list[Problem]:
    found = Findings()
    if draft.product_id not in products:
        found.unknown("product", str(draft.product_id), known=[], where="/product_id")
    if not is_currency(draft.price.currency):
        found.unknown(
            "currency", draft.price.currency, known=["VND", "USD"], where="/price/currency"
        )
    if draft.price.amount < 0:
        found.add(
            "negative-price",
            "a price is zero or more",
            where="/price/amount",
            expected="0 or more",
            got=str(draft.price.amount),
            mend="Correct it.",
        )
    first, last = draft.valid_from or dt.date.min, draft.valid_until or dt.date.max
    if last < first:
        found.add(
            "days-turned-round",
            "the price ends before it begins",
            where="/valid_until",
            expected=f"{first} or later",
            got=str(last),
            mend="Correct one of the days.",
        )
    if any((a or dt.date.min) <= last and first <= (b or dt.date.max) for a, b in others):
        found.add(
            "overlapping-price",
            "another price of this product holds on some of these days",
            where="/valid_from",
            expected="days that no other price of the list has",
            got=f"{first} to {last}",
            mend="End the other price first.",
        )
    return found.problems
