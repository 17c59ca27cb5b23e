"""Labelled files that others made: two of FEBRL (slips of a clinic's desk), and restaurants."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from relatum_identity.engine.linking import Linked, link
from relatum_identity.engine.schema import Field, Schema
from tests.real_data.conftest import folder_of

pytestmark = pytest.mark.long

FEBRL = Schema(
    (
        Field("given_name", "word", swaps_with="surname"),
        Field("surname", "word", swaps_with="given_name"),
        Field("address", "address", shared=True),
        Field("suburb", "word", shared=True),
        Field("postcode", "identifier", shared=True),
        Field("state", "category", shared=True),
        Field("date_of_birth", "date"),
        Field("soc_sec_id", "identifier"),
    )
)
RESTAURANTS = Schema((Field("name", "text"), Field("address", "address"), Field("city", "text")))
Pairs = set[tuple[int, int]]


def rows(*names: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for name in names:
        with (folder_of("record_linkage") / name).open(encoding="utf-8", newline="") as file:
            read = csv.DictReader(file, skipinitialspace=True)
            found += [{k.strip(): (v or "").strip(" \"'") for k, v in row.items()} for row in read]
    return found


def same(labels: list[str]) -> Pairs:
    places: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        places.setdefault(label, []).append(place)
    return {(a, b) for some in places.values() for n, a in enumerate(some) for b in some[n + 1 :]}


def f1(found: Linked, true: Pairs) -> float:
    likely = found.probabilities >= 0.5
    pairs = set(zip(found.left[likely].tolist(), found.right[likely].tolist(), strict=True))
    return 2 * len(pairs & true) / (len(pairs) + len(true))


def febrl(read: list[dict[str, str]]) -> tuple[dict[str, Any], Pairs]:
    columns: dict[str, Any] = {
        each.name: [row.get(each.name) or None for row in read] for each in FEBRL.fields
    }
    columns["address"] = [f"{row['street_number']} {row['address_1']}".strip() for row in read]
    return columns, same([row["rec_id"].split("-")[1] for row in read])


def test_one_file_with_doubles() -> None:
    columns, true = febrl(rows("febrl/dataset1.csv"))
    found = link(columns, FEBRL)
    assert len(true) == 500
    assert f1(found, true) >= 0.98
    sure = found.decisions == 2
    merged = set(zip(found.left[sure].tolist(), found.right[sure].tolist(), strict=True))
    assert merged <= true


def test_two_files() -> None:
    read = rows("febrl/dataset4a.csv", "febrl/dataset4b.csv")
    columns, true = febrl(read)
    found = link(columns, FEBRL, side=[n >= 5_000 for n in range(len(read))])
    assert len(true) == 5_000
    assert f1(found, true) >= 0.98


def test_restaurants_by_name_address_and_city_alone() -> None:
    read = rows("restaurants/restaurant-nophone-training.csv")
    true = same([row["unique_id"] for row in read])
    columns: Any = {
        each.name: [row[each.name] or None for row in read] for each in RESTAURANTS.fields
    }
    assert len(true) == 112
    # What was reached; it has no limit of its own.
    assert f1(link(columns, RESTAURANTS), true) >= 0.90
