"""Switching traces on and off, and what spans say."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from relatum.config.settings import Traces
from relatum.telemetry import traces
from relatum.telemetry.process import Process
from relatum.values.problems import ConfigurationError

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    traces.use(provider)
    yield exporter
    traces.use(None)


@pytest.mark.parametrize(
    ("on", "env", "wanted"),
    [
        (None, {}, False),
        (True, {}, True),
        (False, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
        (None, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
        (None, {"OTEL_TRACES_EXPORTER": "otlp"}, True),
        (None, {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
        (None, {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
    ],
)
def test_when_they_are_on(on: bool | None, env: dict[str, str], wanted: bool) -> None:
    assert traces.are_wanted(Traces(on=on), env) is wanted


def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'relatum\[otel\]'"):
        traces.switch_on(Process("web"), "1.0")
    assert not traces.is_on()


def test_off_costs_nothing_and_says_nothing() -> None:
    assert traces.span("a") is traces.span("b", parent=PARENT, x=1)
    with traces.span("a"):
        assert traces.current_trace() == ""
        traces.note(x=1)
        traces.past("b", 0.1)
    assert traces.ids_of_trace() == {}


def test_spans_within_spans(exporter: InMemorySpanExporter) -> None:
    with traces.span("outer", parent=PARENT, kind="server", relatum__n=3):
        carried = traces.current_trace()
        traces.past("statement", 0.25, kind="client")
    with traces.span("later", parent=carried):
        pass
    statement, outer, later = exporter.get_finished_spans()
    trace_id = int(PARENT.split("-")[1], 16)
    assert {each.context.trace_id for each in (statement, outer, later)} == {trace_id}
    assert outer.parent is not None
    assert outer.parent.span_id == int(PARENT.split("-")[2], 16)
    assert later.parent is not None
    assert later.parent.span_id == outer.context.span_id
    assert statement.end_time is not None
    assert statement.start_time is not None
    assert statement.end_time - statement.start_time == pytest.approx(0.25e9, rel=0.01)
    assert dict(outer.attributes or {}) == {"relatum.n": 3}


def test_failures_are_noted_without_their_text(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="Hoa"), traces.span("fails"):
        raise ValueError("Nguyễn Thị Hoa")
    (span,) = exporter.get_finished_spans()
    assert span.status.is_ok is False
    assert dict(span.attributes or {}) == {"error.type": "ValueError"}
    assert "Hoa" not in span.to_json()


@pytest.mark.parametrize("parent", ["", "nonsense", "00-00-00-00", f"{PARENT}x"])
def test_a_parent_that_is_none(exporter: InMemorySpanExporter, parent: str) -> None:
    with traces.span("alone", parent=parent):
        pass
    (span,) = exporter.get_finished_spans()
    assert span.parent is None


def test_it_starts_with_the_standard_variables() -> None:
    code = (
        "from relatum.telemetry import traces; from relatum.telemetry.process import Process;"
        "traces.switch_on(Process('web'), '1.2');"
        "r = traces._State.provider.resource.attributes;"
        "print(r['service.name'], r['service.version'], r['relatum.role']); traces.use(None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["relatum", "1.2", "web"]


def test_ending_does_not_wait_for_a_collector_that_is_away() -> None:
    code = (
        "import time; from relatum.telemetry import traces;"
        "from relatum.telemetry.process import Process; traces.LAST_SECONDS = 0.5;"
        "traces.switch_on(Process('web'), '1');\n"
        "with traces.span('a'): pass\n"
        "began = time.monotonic(); traces.switch_off(); print(time.monotonic() - began)"
    )
    env = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    assert float(done.stdout) < 5
