"""The formulas of the library: published figures, lifetime value of CDNOW, RFM of a shop."""

from __future__ import annotations

import csv
import gzip
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from benchmarks.measures import Condition, Measure, NotRunError, Reading

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
VECTORS = "plugins/analytics/tests/test_vectors.py"
#: One customer of so many of CDNOW is taken, and so many lines of the shop.
EVERY, LINES = 1, 1_000_000
WEEKS, UNTIL, END = 39, np.datetime64("1997-09-30"), np.datetime64("1998-06-30")


def vectors() -> Reading:
    """The tests of published figures, each by its name."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
        subprocess.run(
            [*command, f"--junitxml={report}", VECTORS], cwd=ROOT, capture_output=True, check=False
        )
        if not report.is_file():
            raise RuntimeError(f"expected a report of {VECTORS}, got none; run it by hand")
        cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - written just now
    failed = [case.attrib["name"] for case in cases if len(case)]
    return Reading(
        value=len(failed),
        heads=("tests of figures", "failed"),
        rows=[(len(cases), len(failed))],
        conditions=[Condition("tests of figures", len(cases), "tests", 50, "at least")],
        notes=failed,
    )


def cdnow() -> Reading:
    """Both models fitted to 39 weeks of purchases, and what they say of the 39 after."""
    from relatum_analytics.library.lifetime import bgnbd, gamma_gamma
    from relatum_analytics.library.lifetime.purchases import purchases

    lines = _cdnow_lines()
    seen, whole = purchases(*lines, until=UNTIL), purchases(*lines, until=END)
    start = time.perf_counter()
    buying = bgnbd.fit_buying(seen.repeats, seen.last, seen.seen)
    first = time.perf_counter()
    paid = (seen.repeats > 0) & (seen.spent > 0)
    spending = gamma_gamma.fit_spending(seen.repeats[paid], seen.average[paid] / 100)
    second = time.perf_counter()
    if isinstance(buying, tuple) and isinstance(spending, gamma_gamma.SpendingFit):
        model, found = buying
    else:
        raise RuntimeError(f"expected two fits, got {buying} and {spending}")
    came = whole.repeats - seen.repeats
    said = model.expected(WEEKS, seen.repeats, seen.last, seen.seen)
    going_on = seen.repeats / np.maximum(seen.seen, 1 / 7) * WEEKS
    fits = (("BG/NBD", found, first - start), ("Gamma-Gamma", spending.fit, second - first))
    return Reading(
        value=max(seconds for *_, seconds in fits),
        heads=("model", "customers", "estimates", "log-likelihood", "seconds"),
        rows=[_row(name, fit, seconds) for name, fit, seconds in fits],
        conditions=[
            Condition(
                "fits that did not converge", sum(not f.converged for _, f, _ in fits), "", 0
            ),
            Condition("hold-out, off by", abs(float(said.sum() / came.sum()) - 1), "share", 0.2),
        ],
        notes=[
            _held_out("model", said, came),
            _held_out("past rate goes on", going_on, came),
        ],
    )


def _row(name: str, fit: Any, seconds: float) -> tuple[object, ...]:
    estimates = " ".join(f"{key} {each:.4f}" for key, each in fit.parameters.items())
    return name, int(fit.n), estimates, f"{fit.log_likelihood:.2f}", f"{seconds:.2f}"


def _held_out(name: str, said: Any, came: Any) -> str:
    off, each = said.sum() / came.sum() - 1, np.abs(said - came).mean()
    return (
        f"{name}: {said.sum():.0f} repeat days of {came.sum()} ({off:+.1%}), "
        f"mean absolute error of a customer {each:.3f}"
    )


def _cdnow_lines() -> tuple[Any, Any, Any]:
    rows = [
        line.split()
        for line in _there("cdnow/CDNOW_master.txt").read_text(encoding="utf-8").splitlines()[1:]
    ]
    some = [row for row in rows if int(row[0]) % EVERY == 0]
    day = [f"{row[1][:4]}-{row[1][4:6]}-{row[1][6:]}" for row in some]
    cents = np.array([round(float(row[3]) * 100) for row in some])
    return np.array([int(row[0]) for row in some]), np.array(day, "datetime64[D]"), cents


def shop() -> Reading:
    """Grouping, scores and segments from lines of invoices, given as columns."""
    from relatum_analytics.library import rfm

    who, invoice, day, pence = zip(*islice(_shop_lines(), LINES), strict=True)
    columns = np.array(who), np.array(invoice), np.array(day, "datetime64[D]"), np.array(pence)
    start = time.perf_counter()
    found = rfm.rank(*columns, as_of=np.datetime64("2011-12-09"))
    seconds = time.perf_counter() - start
    if not isinstance(found, rfm.Ranking):
        raise RuntimeError(f"expected a ranking, got {found}")
    names, many = np.unique(found.names, return_counts=True)
    return Reading(
        value=seconds,
        heads=("lines", "customers", "seconds"),
        rows=[(len(who), len(found.customer), f"{seconds:.2f}")],
        notes=[", ".join(f"{name} {n}" for name, n in zip(names, many, strict=True))],
    )


def _shop_lines() -> Iterator[tuple[str, str, str, int]]:
    path = _there("online_retail/online_retail_2010_2011.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["CustomerID"]:
                pence = round(float(row["UnitPrice"]) * int(row["Quantity"]) * 100)
                yield row["CustomerID"], row["InvoiceNo"], row["InvoiceDate"][:10], pence


def _there(name: str) -> Path:
    path = DATA / name
    if not path.is_file():
        raise NotRunError(f"the data file ../shared/data/{name} is not here")
    return path


MEASURES = [
    Measure("metrics.vectors", "Published figures missed", "tests", 0, "at most", vectors),
    Measure("clv.cdnow", "Fitting lifetime value of CDNOW, the slower", "s", 5, "at most", cdnow),
    Measure("rfm.online_retail", "RFM of 406,829 lines of a shop", "s", 2, "at most", shop),
]
