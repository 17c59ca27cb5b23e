"""One trace leads from a request through its statements to the job that it asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from relatum.events.types import Event
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import Handler, Job
from relatum.jobs.types import Run
from relatum.telemetry import traces
from relatum.values.text import Text
from tests.api.conftest import Api

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    traces.use(provider)
    yield exporter
    traces.use(None)


def named(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    (span,) = [span for span in exporter.get_finished_spans() if span.name == name]
    return span


async def test_from_a_request_to_its_job(api: Api, exporter: InMemorySpanExporter) -> None:
    ran: list[str] = []

    async def look(plugin: Plugin, run: Run[None]) -> None:
        ran.append(traces.current_trace())
        await plugin.house.db.fetch_one("SELECT count(*) FROM core_customer")

    title = Text(en="Look", vi="Xem")
    api.house.registry.jobs.put(Job(id="core.look", title=title, run=look))
    answer = await api.post("/jobs/core.look/run", headers={"traceparent": PARENT})
    assert answer.status_code == 202
    await api.house.worker.drain()
    request = named(exporter, "POST /api/v1/jobs/{job_id}/run")
    job = named(exporter, "job core.look")
    trace_id = int(PARENT.split("-")[1], 16)
    assert request.context.trace_id == job.context.trace_id == trace_id
    assert job.parent is not None
    assert job.parent.span_id == request.context.span_id
    assert ran[0].startswith(f"00-{trace_id:032x}-")
    attributes = dict(request.attributes or {})
    assert attributes["http.response.status_code"] == 202
    children: dict[int, list[str]] = {}
    for span in exporter.get_finished_spans():
        if span.parent is not None:
            children.setdefault(span.parent.span_id, []).append(span.name)
    assert "SELECT core_customer" in children[job.context.span_id]
    assert any(name.startswith("INSERT core_queue") for name in children[request.context.span_id])


async def test_a_batch_of_a_handler(api: Api, exporter: InMemorySpanExporter) -> None:
    async def handle(plugin: Plugin, events: Sequence[Event]) -> None:
        return None

    handler = Handler(id="core.sample", events=("core.customer_created",), handle=handle)
    api.house.registry.handlers.put(handler)
    await api.customer("Trần Bí Mật")
    await api.house.handlers.run_once()
    span = named(exporter, "handler core.sample")
    assert dict(span.attributes or {}) == {"relatum.events": 1}


async def test_spans_tell_nothing_of_people(api: Api, exporter: InMemorySpanExporter) -> None:
    customer = await api.customer("Trần Bí Mật", fields={})
    await api.get("/customers?q=Bí Mật&token=rlt_Qm9ndXNTZWNyZXQ")
    await api.get(f"/customers/{customer['id']}")
    told: list[Any] = [span.to_json() for span in exporter.get_finished_spans()]
    assert len(told) > 5
    for word in ("Bí", "B\\u00ed", "rlt_", customer["id"]):
        assert word not in "".join(told)
