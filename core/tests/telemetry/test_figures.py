"""Counting and writing down, held against the library's own way of doing both."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Counter as TheirCounter
from prometheus_client import Histogram as TheirHistogram
from prometheus_client.parser import text_string_to_metric_families

from relatum.telemetry.figures import MOST_SERIES, OVERFLOW, Counter, Histogram
from relatum.telemetry.metrics import CONTENT_TYPE, SHORT, Metrics, resident_bytes, written
from relatum.telemetry.process import Process

amounts = st.lists(
    st.tuples(st.sampled_from(["GET", "POST"]), st.floats(0, 100, allow_nan=False)), max_size=40
)


def samples(text: str, name: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """By name and labels, what a parser that is not ours reads; without moments of creation."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith(name) and not sample.name.endswith("_created")
    }


@given(amounts)
def test_histograms_and_counters_are_those_of_the_library(given: list[tuple[str, float]]) -> None:
    metrics = Metrics()
    registry = CollectorRegistry()
    theirs = TheirHistogram(
        "relatum_http_request_seconds",
        "x",
        ["method", "route", "status"],
        registry=registry,
        buckets=SHORT,
    )
    jobs = TheirCounter("relatum_jobs_enqueued", "x", ["job"], registry=registry)
    for method, amount in given:
        metrics.http_seconds.observe((method, "/a", "2xx"), amount)
        theirs.labels(method, "/a", "2xx").observe(amount)
        metrics.jobs_enqueued.add(method, n=2)
        jobs.labels(method).inc(2)
    ours, expected = written(metrics).decode(), generate_latest(registry).decode()
    for name in ("relatum_http_request_seconds", "relatum_jobs_enqueued"):
        found, wanted = samples(ours, name), samples(expected, name)
        assert found.keys() == wanted.keys()
        for key, value in wanted.items():
            assert found[key] == pytest.approx(value)


def test_labels_are_written_safely() -> None:
    metrics = Metrics()
    metrics.jobs_enqueued.add('a"b\\c\nd')
    ((_, labels),) = samples(written(metrics).decode(), "relatum_jobs_enqueued")
    assert labels == (("job", 'a"b\\c\nd'),)


def test_series_are_bounded() -> None:
    counter = Counter("x", "x", ("job",))
    histogram = Histogram("y", "y", ("job",), bounds=(1.0,))
    for number in range(MOST_SERIES + 50):
        counter.add(f"job{number}")
        histogram.observe((f"job{number}",), 0.5)
    assert counter.value(OVERFLOW) == 50
    assert histogram.count(OVERFLOW) == 50
    assert len(list(counter.samples())) == len(list(histogram.samples())) == MOST_SERIES + 1


def test_what_is_known_of_the_process() -> None:
    metrics, process = Metrics(), Process("worker")
    process.restarts = {"jobs": 3, "handlers": 0}
    process.failing = {"jobs": "OSError"}
    metrics.note_process(process)
    found = samples(written(metrics).decode(), "relatum_work")
    assert found["relatum_work_restarts", (("work", "jobs"),)] == 3
    assert found["relatum_work_failing", (("work", "jobs"),)] == 1
    assert found["relatum_work_failing", (("work", "handlers"),)] == 0
    assert 1_000_000 < resident_bytes() < 10_000_000_000


def test_the_content_type_is_the_librarys() -> None:
    from prometheus_client.exposition import CONTENT_TYPE_LATEST

    assert CONTENT_TYPE == CONTENT_TYPE_LATEST


def test_nothing_heavy_is_imported_for_counting() -> None:
    code = (
        "import sys, relatum.app.serve, relatum.app.asgi;"
        "print([n for n in sys.modules if n.startswith(('prometheus', 'opentelemetry'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
