"""Every figure of a process, and writing them down for Prometheus.

Labels are names that the code or the installation declares (routes, jobs, handlers, plugins), never
ids, addresses, names or anything else of people. ``docs/guides/operation.md`` explains each; a test
compares the two.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from relatum.telemetry.figures import Counter, Gauge, Histogram, Labels

if TYPE_CHECKING:
    from relatum.telemetry.process import Process

#: Seconds. Requests and statements are short, jobs may be long.
SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
LONG = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)

CONTENT_TYPE = "text/plain; version=1.0.0; charset=utf-8"


class Metrics:
    """One per house. Counters and histograms are of this process; gauges about jobs, handlers and
    events are of the database, and every process tells the same.
    """

    def __init__(self) -> None:
        self.http_seconds = Histogram(
            "relatum_http_request_seconds",
            "Seconds from the first byte of a request to the last of its answer.",
            ("method", "route", "status"),
            bounds=SHORT,
        )
        self.statement_seconds = Histogram(
            "relatum_db_statement_seconds",
            "Seconds of a database statement, as the code that waits for it sees them.",
            ("kind",),
            bounds=SHORT,
        )
        self.transactions = Counter(
            "relatum_db_transactions", "Transactions that ended.", ("outcome",)
        )
        self.waiting_seconds = Histogram(
            "relatum_db_wait_seconds",
            "Seconds that a transaction waited for the writer (SQLite), or anything for a "
            "connection (PostgreSQL).",
            ("resource",),
            bounds=SHORT,
        )
        self.connections = Gauge(
            "relatum_db_connections", "Connections of this process, by what they do.", ("state",)
        )
        self.jobs_enqueued = Counter(
            "relatum_jobs_enqueued", "Runs asked for in this process.", ("job",)
        )
        self.jobs_started = Counter(
            "relatum_jobs_started", "Attempts begun in this process.", ("job",)
        )
        self.job_seconds = Histogram(
            "relatum_job_seconds",
            "Seconds of an attempt that ended in this process, by what came of it.",
            ("job", "outcome"),
            bounds=LONG,
        )
        self.job_runs = Gauge(
            "relatum_job_runs",
            "Runs in the queue: waiting, running, failed (dead letters).",
            ("job", "state"),
        )
        self.job_oldest_seconds = Gauge(
            "relatum_job_oldest_seconds",
            "Seconds for which the oldest run that could go on has waited.",
            ("job",),
        )
        self.schedule_overdue_seconds = Gauge(
            "relatum_schedule_overdue_seconds",
            "Seconds since a schedule was due without having run; 0 when it is not overdue.",
            ("job",),
        )
        self.schedule_failures = Gauge(
            "relatum_schedule_failures", "Failures in a row of a scheduled job.", ("job",)
        )
        self.handler_seconds = Histogram(
            "relatum_handler_batch_seconds",
            "Seconds of a batch of events in a handler of this process.",
            ("handler",),
            bounds=SHORT,
        )
        self.handler_events = Counter(
            "relatum_handler_events", "Events that a handler took in this process.", ("handler",)
        )
        self.handler_failures = Counter(
            "relatum_handler_failures", "Batches that a handler failed on.", ("handler",)
        )
        self.handler_lag_events = Gauge(
            "relatum_handler_lag_events", "Events that a handler has not taken yet.", ("handler",)
        )
        self.handler_lag_seconds = Gauge(
            "relatum_handler_lag_seconds",
            "Age of the oldest event that a handler has not taken yet.",
            ("handler",),
        )
        self.handler_parked = Gauge(
            "relatum_handler_parked_events",
            "Events that a handler could not take: retrying by itself, or given up.",
            ("handler", "state"),
        )
        self.handler_replay_left = Gauge(
            "relatum_handler_replay_left_events",
            "Events that a replay has not reached yet; 0 without one.",
            ("handler",),
        )
        self.plugins = Gauge(
            "relatum_plugin_state", "1 for the state each plugin is in.", ("plugin", "state")
        )
        self.plugin_overruns = Gauge(
            "relatum_plugin_overruns", "How often a plugin was over a time budget.", ("plugin",)
        )
        self.work_restarts = Gauge(
            "relatum_work_restarts", "How often a work had to be started again.", ("work",)
        )
        self.work_failing = Gauge(
            "relatum_work_failing", "1 while a work does not go on.", ("work",)
        )
        self.failed_parts = Gauge(
            "relatum_metrics_failed", "1 while a part of the figures cannot be told.", ("part",)
        )
        self.process_memory = Gauge(
            "relatum_process_memory_bytes", "Memory of this process that is resident."
        )
        self.process_cpu = Gauge(
            "relatum_process_cpu_seconds", "Processor seconds that this process has used."
        )
        self.process_started = Gauge(
            "relatum_process_start_time_seconds", "When this process began, Unix time."
        )
        self.process_info = Gauge(
            "relatum_process_info", "1, with what this process is.", ("role", "version", "database")
        )

    def all(self) -> list[Counter | Histogram | Gauge]:
        """Every figure, in the order of their declaration."""
        return [
            each for each in vars(self).values() if isinstance(each, Counter | Histogram | Gauge)
        ]

    def note_process(self, process: Process) -> None:
        """What is known of the process itself, at this moment."""
        self.work_restarts.values = {
            (name,): float(count) for name, count in process.restarts.items()
        }
        self.work_failing.values = {
            (name,): float(name in process.failing) for name in process.restarts
        }
        self.process_memory.values = {(): float(resident_bytes())}
        self.process_cpu.values = {(): time.process_time()}
        self.process_started.values = {(): process.started_at.timestamp()}


def resident_bytes() -> int:
    """Memory of this process that is resident; the most it ever was where that is not told."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - one read of a pseudo file
            return int(file.read().split()[1]) * _PAGE
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _page() -> int:
    import os

    return os.sysconf("SC_PAGE_SIZE")


_PAGE = _page()


def written(metrics: Metrics) -> bytes:
    """The figures in the text format of Prometheus, by its own library (imported when first used;
    call it in a thread)."""
    from prometheus_client.exposition import generate_latest
    from prometheus_client.registry import CollectorRegistry

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(metrics))
    return generate_latest(registry)


class _Collector:
    """The figures as the library's own kind, made anew each time it asks."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Any]:
        for figure in self._metrics.all():
            yield _family(figure)


def _family(figure: Counter | Histogram | Gauge) -> Any:
    from prometheus_client import metrics_core

    labels: Labels = figure.labels
    if isinstance(figure, Histogram):
        histogram = metrics_core.HistogramMetricFamily(figure.name, figure.about, labels=labels)
        for values, buckets, total in figure.samples():
            histogram.add_metric(values, buckets, total)
        return histogram
    kinds = {"counter": metrics_core.CounterMetricFamily, "gauge": metrics_core.GaugeMetricFamily}
    family = kinds[figure.kind](figure.name, figure.about, labels=labels)
    for values, value in figure.samples():
        family.add_metric(values, value)
    return family
