"""RFM of a real shop, against plain dictionaries over its raw lines."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import math
import time
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from relatum_analytics.library import rfm

AS_OF = dt.date(2011, 12, 9)


class Line(NamedTuple):
    customer: str
    invoice: str
    day: dt.date
    pence: int


@pytest.fixture(scope="module")
def lines(real: Path) -> list[Line]:
    path = real / "online_retail" / "online_retail_2010_2011.csv.gz"
    if not path.is_file():
        pytest.skip("the data folder ../shared/data/online_retail is not there")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [
            Line(
                row["CustomerID"],
                row["InvoiceNo"],
                dt.date.fromisoformat(row["InvoiceDate"][:10]),
                round(Decimal(row["UnitPrice"]) * int(row["Quantity"]) * 100),
            )
            for row in csv.DictReader(file)
            if row["CustomerID"]
        ]


def ranked(lines: list[Line]) -> tuple[float, rfm.Ranking]:
    who, invoice, day, pence = zip(*lines, strict=True)
    columns = np.array(who), np.array(invoice), np.array(day, "datetime64[D]"), np.array(pence)
    start = time.perf_counter()
    found = rfm.rank(*columns, as_of=np.datetime64(AS_OF))
    seconds = time.perf_counter() - start
    assert isinstance(found, rfm.Ranking)
    return seconds, found


def by_hand(lines: list[Line]) -> dict[str, tuple[int, int, int, str]]:
    """Of everybody with an invoice above nothing: days, days with one, pence, and scores."""
    invoices: dict[tuple[str, str], list[Line]] = defaultdict(list)
    money: dict[str, int] = defaultdict(int)
    for line in lines:
        invoices[line.customer, line.invoice].append(line)
        if line.day > dt.date(2009, 12, 9):
            money[line.customer] += line.pence
    bought: dict[str, set[dt.date]] = defaultdict(set)
    for (customer, _), some in invoices.items():
        if sum(line.pence for line in some) > 0:
            bought[customer].add(min(line.day for line in some))
    recency = {who: (AS_OF - max(days)).days for who, days in bought.items()}
    values = [
        {who: -days for who, days in recency.items()},
        {who: len(days) for who, days in bought.items()},
        {who: money[who] for who in bought},
    ]
    scores = [scored(each) for each in values]
    return {
        who: (
            recency[who],
            len(bought[who]),
            money[who],
            "".join(str(score[values[k][who]]) for k, score in enumerate(scores)),
        )
        for who in bought
    }


def scored(values: dict[str, int]) -> dict[int, int]:
    """The score of each value that occurs."""
    many: dict[int, int] = defaultdict(int)
    for each in values.values():
        many[each] += 1
    upto, scores = 0, {}
    for each in sorted(many):
        upto += many[each]
        scores[each] = min(5, max(1, math.ceil(Decimal(5 * upto) / Decimal(len(values)))))
    return scores


def test_every_customer_of_the_shop_is_as_by_hand(lines: list[Line]) -> None:
    assert len(lines) == 406_829
    seconds, found = ranked(lines)
    expected = by_hand(lines)
    assert len(expected) > 4_300
    columns = (found.customer, found.recency, found.frequency, found.monetary)
    rows = zip(*(each.tolist() for each in columns), strict=True)
    scores = zip(found.r.tolist(), found.f.tolist(), found.m.tolist(), strict=True)
    got = {
        who: (*values, "".join(map(str, score)))
        for (who, *values), score in zip(rows, scores, strict=True)
    }
    assert got == expected
    assert seconds < 2


def test_the_order_of_lines_changes_nothing(lines: list[Line]) -> None:
    some = lines[:20_000]
    _, one = ranked(some)
    _, other = ranked(some[::-1])
    for name in ("customer", "recency", "frequency", "monetary", "segment"):
        assert (getattr(one, name) == getattr(other, name)).all()


def ranking(*rows: tuple[str, str, str, int]) -> rfm.Ranking:
    who, order, day, amount = zip(*rows, strict=True)
    found = rfm.rank(
        who, order, np.array(day, "datetime64[D]"), amount, as_of=np.datetime64("2026-06-30")
    )
    assert isinstance(found, rfm.Ranking)
    return found


def test_what_was_returned_in_full_is_no_order_and_credit_lowers_revenue() -> None:
    found = ranking(
        ("a", "1", "2026-06-01", 500),
        ("a", "2", "2026-06-20", 300),
        ("a", "2", "2026-06-22", -300),  # returned under its number
        ("b", "3", "2026-06-10", 900),
        ("b", "C3", "2026-06-25", -400),  # a credit note of its own
        ("c", "C9", "2026-06-25", -100),  # no order at all
        ("d", "1", "2024-06-30", 700),  # before the window, and a number used before
    )
    assert found.customer.tolist() == ["a", "b", "d"]
    assert found.recency.tolist() == [29, 20, 730]
    assert found.frequency.tolist() == [1, 1, 0]
    assert found.monetary.tolist() == [500, 500, 0]


def test_months_before_the_end_of_a_month() -> None:
    assert rfm.months_before(np.datetime64("2026-03-31"), 1) == np.datetime64("2026-02-28")
    assert rfm.months_before(np.datetime64("2024-02-29"), 24) == np.datetime64("2022-02-28")
    assert rfm.months_before(np.datetime64("2026-06-30"), 24) == np.datetime64("2024-06-30")
