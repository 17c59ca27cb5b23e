"""``/metrics``: who may ask, what is told; that it does not grow with data or tell of people."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from relatum.app.asgi import create_app
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import Job, Retry
from relatum.jobs.types import Run
from relatum.telemetry.metrics import CONTENT_TYPE
from relatum.values.text import Text
from relatum_sdk.people import client_of, make_person, make_token
from tests.api.conftest import Api

Told = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def told(api: Api) -> Told:
    answer = await api.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == CONTENT_TYPE
    assert api.app is not None
    api.app.measuring._looked = float("-inf")  # look again the next time
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_requests_statements_and_runs_are_told(api: Api) -> None:
    async def fails(plugin: Plugin, run: Run[None]) -> None:
        raise ValueError("no")

    title = Text(en="F", vi="F")
    job = Job(id="core.fails", title=title, run=fails, retry=Retry(attempts=1))
    api.house.registry.jobs.put(job)
    for _ in range(3):
        await api.customer()
    await api.get("/customers/nothing-here")
    await api.get("/nowhere")
    await api.post("/jobs/core.fails/run")
    await api.house.worker.drain()
    figures = await told(api)
    count = "relatum_http_request_seconds_count"
    post = (("method", "POST"), ("route", "/api/v1/customers"), ("status", "2xx"))
    assert figures[count, post] == 3
    one = (("method", "GET"), ("route", "/api/v1/customers/{customer_id}"), ("status", "4xx"))
    assert figures[count, one] == 1
    assert figures[count, (("method", "GET"), ("route", "none"), ("status", "4xx"))] == 1
    assert figures["relatum_db_transactions_total", (("outcome", "committed"),)] >= 4
    assert figures["relatum_db_statement_seconds_count", (("kind", "write"),)] >= 3
    assert figures["relatum_jobs_enqueued_total", (("job", "core.fails"),)] == 1
    failed = (("job", "core.fails"), ("outcome", "failed"))
    assert figures["relatum_job_seconds_count", failed] == 1
    assert figures["relatum_job_runs", (("job", "core.fails"), ("state", "failed"))] == 1
    assert all(
        value == 0 for (name, _), value in figures.items() if name == "relatum_metrics_failed"
    )
    (info,) = [labels for name, labels in figures if name == "relatum_process_info"]
    assert dict(info)["database"] == api.house.db.kind


async def test_labels_do_not_grow_with_what_people_ask(api: Api) -> None:
    await api.customer()
    before = {key for key in await told(api) if key[0].startswith("relatum_http")}
    for number in range(30):
        await api.get(f"/customers/0912{number:06d}")
        await api.get(f"/nothing/{number}?q={number}")
    after = await told(api)
    new = {dict(labels).get("route") for name, labels in after.keys() - before if "http" in name}
    assert new <= {"/api/v1/customers/{customer_id}", "none", "/metrics"}
    text = str(after)
    assert "0912000" not in text
    assert "Hoa" not in text


async def test_who_may_ask(api: Api) -> None:
    app = create_app(api.house)
    async with client_of(app) as anybody:
        assert (await anybody.get("/metrics")).status_code == 401
    for permissions, status in (([], 403), (["core.operations.read"], 200)):
        person = await make_person(api.house, role="read_only", permissions=permissions)
        token = await make_token(api.house, person)
        async with client_of(app, account=person, token=token) as client:
            assert (await client.get("/metrics")).status_code == status
            if status == 200:
                assert (await client.get("/metrics?x=1")).status_code == 400


async def test_what_cannot_be_looked_at_is_left_out(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise OSError("secret host")

    monkeypatch.setattr(type(api.house.handlers), "status", broken)
    answer = await api.get("/metrics")
    assert answer.status_code == 200
    assert 'relatum_metrics_failed{part="handlers"} 1.0' in answer.text
    assert 'relatum_metrics_failed{part="queues"} 0.0' in answer.text
    assert "relatum_handler_lag_events{" not in answer.text
    assert "secret" not in answer.text
