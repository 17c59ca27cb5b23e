"""A year of invoice lines: 541,909 purchases and cancellations, a quarter of them anonymous."""

import csv
import gzip
import sqlite3
from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.real_data.conftest import folder_of

PLAN = "examples/import/online_retail.toml"
PENCE = Decimal("0.01")


def figures(folder):
    """What must come out, from the raw file alone."""
    [path] = folder.glob("online_retail_*.csv.gz")
    kinds, money, exact = Counter(), Counter(), Decimal(0)
    of_customer, countries = Counter(), defaultdict(set)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            kind = "cancellation" if row["InvoiceNo"].startswith("C") else "purchase"
            kinds[kind] += 1
            customer = row["CustomerID"].removesuffix(".0")
            of_customer[customer] += 1
            countries[customer].add(row["Country"])
            value = Decimal(row["Quantity"]) * Decimal(row["UnitPrice"])
            exact += value
            money[kind] += int(value.quantize(PENCE, ROUND_HALF_UP) * 100)
    several = sum(len(some) > 1 for customer, some in countries.items() if customer)
    return kinds, money, exact, of_customer, several


@pytest.mark.long
def test_the_whole_year(relatum, database):
    folder = folder_of("online_retail")
    kinds, money, exact, of_customer, several = figures(folder)
    outcome = relatum("import", "--plan", PLAN, str(folder), "--apply", "--json")
    customers, lines = (each["counts"] for each in outcome["files"])
    anonymous = of_customer.pop("")
    assert customers["created"] == len(of_customer)
    assert customers["notes"] == several
    assert (lines["created"], lines["rejected"]) == (kinds.total(), 0)

    with sqlite3.connect(database) as connection:
        read = connection.execute
        kind = "SELECT replace(kind, 'core.', '') AS kind"
        assert dict(read(f"{kind}, count(*) FROM core_interaction GROUP BY 1")) == kinds
        assert dict(read(f"{kind}, sum(amount) FROM core_interaction GROUP BY 1")) == money
        nobody = "SELECT count(*) FROM core_interaction WHERE customer_id IS NULL"
        assert read(nobody).fetchone() == (anonymous,)
        per_customer = (
            "SELECT e.external_id, count(*) FROM core_interaction i "
            "JOIN core_external_id e ON e.customer_id = i.customer_id GROUP BY 1"
        )
        assert dict(read(per_customer)) == of_customer
        # Prices of a tenth of a penny are not lost: the payload keeps every digit.
        kept = sum(
            Decimal(quantity) * Decimal(price)
            for quantity, price in read(
                "SELECT payload ->> 'quantity', payload ->> 'unit_price' FROM core_interaction"
            )
        )
        assert kept == exact
        told = "SELECT count(*) FROM core_event WHERE type = 'core.interaction_recorded'"
        assert read(told).fetchone() == (kinds.total(),)
