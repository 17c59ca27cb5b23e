"""Which tables are guarded, told by their columns; and that markers change no schema."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, ClassVar

import pytest
from piccolo.columns import UUID, ForeignKey, Integer, LazyTableReference, Text, Varchar
from piccolo.table import TABLE_REGISTRY, Table, create_table_class

from relatum.db.columns import CustomerRef, CustomerTrace, RowRef
from relatum.db.guarded import GuardedTable, guarded_tables


class Customer(Table, tablename="core_customer"):
    id = UUID(primary_key=True)
    name = Text()


class Order(Table, tablename="shop_order"):
    id = UUID(primary_key=True)
    customer = CustomerRef(db_column_name="customer_id")
    payer = CustomerRef(db_column_name="payer_id", null=True)
    replaces = ForeignKey("self", db_column_name="replaces_id")
    number = Varchar()
    sensitive: ClassVar[dict[str, str]] = {"number": "finance"}


class Line(Table, tablename="shop_line"):
    id = UUID(primary_key=True)
    order = ForeignKey(Order, db_column_name="order_id")


class Note(Table, tablename="shop_note"):
    id = Integer(primary_key=True)
    line = RowRef(to=Line, db_column_name="line_id")


class Log(Table, tablename="shop_log"):
    id = UUID(primary_key=True)
    about = CustomerTrace(db_column_name="about_id")


class Total(Table, tablename="shop_total"):
    id = UUID(primary_key=True)
    across_customers = True


class Product(Table, tablename="shop_product"):
    id = UUID(primary_key=True)
    code = Varchar(unique=True)


class Secret(Table, tablename="shop_secret"):
    id = UUID(primary_key=True)
    word = Varchar()
    sensitive: ClassVar[dict[str, str]] = {"word": "secret"}


class Plain(Table, tablename="shop_plain"):
    id = UUID(primary_key=True)
    customer = ForeignKey(Customer, db_column_name="customer_id")


TABLES = [Note, Line, Order, Log, Total, Product, Secret, Plain, Customer]


for _table in TABLES:  # the rest of the session knows nothing of them
    TABLE_REGISTRY.remove(_table)


@pytest.fixture(autouse=True)
def _leave_no_tables() -> Iterator[None]:
    yield
    for table in [t for t in TABLE_REGISTRY if t._meta.tablename.startswith("circle_")]:
        TABLE_REGISTRY.remove(table)


def described(*tables: type[Table]) -> dict[str, GuardedTable]:
    return {table.name: table for table in guarded_tables(tables or TABLES)}


def test_what_is_guarded_and_what_not() -> None:
    found = described()
    assert set(found) == {
        "core_customer",
        "shop_order",
        "shop_line",
        "shop_note",
        "shop_log",
        "shop_total",
        "shop_secret",
        "shop_plain",
    }
    assert {name for name, table in found.items() if not table.hides_rows} == {"shop_secret"}


def test_a_table_with_everything() -> None:
    order = described()["shop_order"]
    assert order.key == "id"
    assert list(order.columns) == ["id", "customer_id", "payer_id", "replaces_id", "number"]
    assert order.columns["number"] is str
    assert order.customers == ("customer_id", "payer_id")
    assert order.parents == {}, "a self reference would never end"
    assert order.refers == {
        "customer_id": "core_customer",
        "payer_id": "core_customer",
        "replaces_id": "shop_order",
    }
    assert order.sensitive == {"number": "finance"}


def test_parents_traces_and_totals() -> None:
    found = described()
    assert found["shop_line"].parents == {"order_id": "shop_order"}
    assert found["shop_note"].parents == found["shop_note"].refers == {"line_id": "shop_line"}
    assert found["shop_log"].customers == ("about_id",)
    assert found["shop_log"].refers == {}, "a trace may name somebody who is gone"
    assert found["shop_total"].across_customers
    assert found["shop_plain"].customers == ("customer_id",)


def test_parents_come_first() -> None:
    names = [table.name for table in guarded_tables(TABLES)]
    assert names[0] == "core_customer"
    assert names.index("shop_order") < names.index("shop_line") < names.index("shop_note")


def test_circles_are_broken_away_from_the_customer() -> None:
    module = __name__
    deal = create_table_class(
        "Deal",
        class_kwargs={"tablename": "circle_deal"},
        class_members={
            "id": UUID(primary_key=True),
            "customer": CustomerRef(db_column_name="customer_id"),
            "last": RowRef(to=LazyTableReference("Visit", module_path=module), null=True),
        },
    )
    visit = create_table_class(
        "Visit",
        class_kwargs={"tablename": "circle_visit"},
        class_members={"id": UUID(primary_key=True), "deal": RowRef(to=deal)},
    )
    globals()["Visit"] = visit
    found = described(deal, visit)
    assert found["circle_deal"].parents == {}
    assert found["circle_visit"].parents == {"deal": "circle_deal"}
    assert found["circle_deal"].refers["last"] == "circle_visit"


def test_a_reference_to_no_key_shuts_the_table() -> None:
    by_code = create_table_class(
        "ByCode",
        class_kwargs={"tablename": "circle_by_code"},
        class_members={
            "id": UUID(primary_key=True),
            "product": ForeignKey(Product, target_column=Product.code),
        },
    )
    assert described(Product, by_code)["circle_by_code"].across_customers


@pytest.mark.parametrize(
    "column", [CustomerTrace(), RowRef(to=Order), CustomerTrace(null=False), RowRef(to="x")]
)
def test_markers_are_plain_uuids_for_migrations(column: Any) -> None:
    assert column.__class__ is UUID
    assert column.column_type == "UUID"
    assert isinstance(column, CustomerTrace | RowRef)
    plain = UUID(default=None, null=column._meta.null)
    assert plain._meta.params == column._meta.params


def test_the_tables_of_the_house() -> None:
    for room in ("customers", "events", "importing", "http", "interactions"):
        importlib.import_module(f"relatum.{room}.tables")
    found = {table.name: table for table in guarded_tables()}
    assert found["core_event"].customers == ("customer_id",)
    assert found["core_parked_event"].customers == ("customer_id",)
    assert found["core_import_batch"].across_customers
    assert found["core_idempotency"].across_customers


class Note(Table, tablename="probe_note"):
    """As a plugin wrote it."""

    customer = CustomerRef(db_column_name="customer_id", null=True)
    text = Text()


TABLE_REGISTRY.remove(Note)


def copy_of_note() -> type[Table]:
    class Note(Table, tablename="probe_note"):
        text = Text()

    TABLE_REGISTRY.remove(Note)
    return Note


@pytest.mark.parametrize(
    "module", ["types", "<run_path>", "probe.piccolo_migrations.probe_1", "somewhere.else"]
)
@pytest.mark.parametrize("copy_first", [True, False])
def test_a_copy_of_a_table_never_counts(
    module: str, copy_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration that is imported holds its copy under the table's name, as the plugin does."""
    copy = copy_of_note()
    copy.__module__ = module
    if module not in sys.modules:
        holder = ModuleType(module)
        holder.Note = copy  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module, holder)
    (found,) = guarded_tables([copy, Note] if copy_first else [Note, copy])
    assert found.customers == ("customer_id",)
