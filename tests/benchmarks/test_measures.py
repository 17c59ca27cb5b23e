"""Every measure runs, on a small scale, so that none of them rots unnoticed."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from benchmarks import (
    access_lists,
    access_policies,
    archive,
    boards,
    company,
    customer_page,
    dashboards,
    erasing,
    events,
    gates,
    houses,
    http_reads,
    identity,
    idle_plugins,
    imports,
    jobs,
    kills,
    library,
    lists,
    merges,
    million,
    moves,
    partitions,
    quality,
    scale,
    screens,
    security,
    starts,
    subject,
)
from benchmarks.measures import NotRunError, Reading, all_measures
from tests.browser import reading
from tests.security.people import PEOPLE

pytestmark = pytest.mark.long

SMALL: dict[Any, dict[str, Any]] = {
    access_lists: {"CUSTOMERS": 8_000, "ROUNDS": 2, "DEEP": 1, "SORTS": ("display_name",)},
    lists: {"ROUNDS": 1, "DEEP": 20},
    reading: {"MOST": 3},
    merges: {"CASES": 3, "SERVER_CASES": 1, "INTERACTIONS": 20, "ROUNDS": 1},
    million: {"ACCOUNTS": 40},
    erasing: {"SUBJECTS": 3, "OTHERS": 20, "INTERACTIONS": 1},
    subject: {"INTERACTIONS": 30, "OTHERS": 40},
    access_policies: {"TRIPLES": 500, "CUSTOMERS": 30},
    archive: {"FACTS": 3_000, "CONTACTS": 2_000, "CUSTOMERS": 50},
    boards: {"DEALS": 20, "ROUNDS": 2},
    company: {"CUSTOMERS": 300, "INTERACTIONS": 900},
    customer_page: {"MANY": 40, "LOOKED_AT": 2},
    dashboards: {"ROUNDS": 1, "RANGES": ("last_12_months",)},
    events: {"SECONDS": 1, "WARM_SECONDS": 0, "RATE": 50, "EVENTS": 20_000, "CUSTOMERS": 5},
    gates: {"REQUESTS": 600, "CUSTOMERS": 60, "DAYS": 2, "SINGLES": 10},
    http_reads: {"CUSTOMERS": 120, "ROUNDS": 1, "SECONDS": 1, "IDS": 50},
    idle_plugins: {"ROUNDS": 1, "SINGLES": 5, "BATCHES": 1, "HTTP_ROUNDS": 1, "HTTP_SECONDS": 1},
    identity: {"PEOPLE": 800, "FIRMS": 600, "SEEDS": (1,), "SWEPT": 1_500, "CHECKS": 10},
    imports: {"CUSTOMERS": 300},
    jobs: {
        "ROUNDS": 1,
        "RUNS": 60,
        "SINGLES": 10,
        "AT_ONCE": 25,
        "FUTURE": 200,
        "STARTS": 2,
        "TRANSACTIONS": 3,
        "TURNS": 1,
    },
    kills: {"KILLS": 1},
    library: {"EVERY": 10, "LINES": 20_000},
    moves: {"CUSTOMERS": 300, "INTERACTIONS": 900},
    quality: {"CLEAN": 300, "EACH": 3, "SEEDS": (1,), "CUSTOMERS": 300, "MOST_REAL": 50},
    partitions: {"ROWS": 12_000, "CUSTOMERS": 2_000},
    screens: {"LANGUAGES": ("vi",), "THEMES": ("light",), "PHONES": (True,)},
    scale: {"CUSTOMERS": 200, "BATCH": 100, "CONNECTIONS": 4, "ROUNDS": 1, "SECONDS": 1},
    # everybody at every address is what tests/security does
    security: {"INPUTS": 40, "ROWS": 1, "PEOPLE": {name: PEOPLE[name] for name in ("owner", "an")}},
    starts: {"CUSTOMERS": 120, "STARTS": 1, "IDLE_SECONDS": 0},
}
#: What something adds: of a few rounds it can be less than nothing.
DIFFERENCES = {"jobs.enqueue_cost"}
LINES = """\
InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE HANGING HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
536365,71053,WHITE METAL LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom
C536379,D,Discount,-1,2010-12-01 09:41:00,27.50,14527.0,United Kingdom
536414,22139,RETRO COFFEE MUGS,56,2010-12-01 11:52:00,0.0,,United Kingdom
"""


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in (houses, million, company):
        monkeypatch.setattr(module, "CACHE", tmp_path / "cache")
    for module, constants in SMALL.items():
        for name, value in constants.items():
            monkeypatch.setattr(module, name, value)
    data = tmp_path / "online_retail"
    data.mkdir()
    (data / "online_retail_2010.csv.gz").write_bytes(gzip.compress(LINES.encode()))
    monkeypatch.setattr(imports, "PURCHASE_DATA", data)
    monkeypatch.setattr(imports, "PURCHASES", 4)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("id", list(all_measures()))
def test_it_runs(id: str) -> None:
    reading = all_measures()[id].run()
    assert isinstance(reading, Reading)
    counts_faults = all_measures()[id].limit == 0
    if id not in DIFFERENCES:
        assert reading.value == 0 if counts_faults else reading.value > 0
    assert all(len(row) == len(reading.heads) for row in reading.rows)


@pytest.mark.usefixtures("small")
def test_an_import_that_lost_rows_gives_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "PURCHASES", 5)
    with pytest.raises(RuntimeError, match="expected 5"):
        imports.purchases_541k()


def test_without_its_data_a_measure_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(imports, "PURCHASE_DATA", tmp_path / "nothing")
    with pytest.raises(NotRunError, match="nothing is not here"):
        imports.purchases_541k()
