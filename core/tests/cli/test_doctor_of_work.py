"""What ``relatum doctor`` says of background work that does not go on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from relatum.app.house import House
from relatum.cli.diagnosis_of_work import handlers, jobs, schedules
from relatum.cli.findings import Finding
from relatum.customers.types import CustomerDraft
from relatum.events.types import Event
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import Handler
from relatum.values.time import now

JOB = "core.audit_seal"
AGO = dt.timedelta(minutes=20)


def told(findings: Sequence[Finding]) -> set[tuple[str, str]]:
    return {(finding.check, finding.result) for finding in findings}


async def test_all_is_well(core_house: House) -> None:
    for part in (handlers, jobs, schedules):
        assert {result for _, result in told(await part(core_house))} == {"ok"}


async def test_dead_letters(core_house: House) -> None:
    await core_house.jobs.enqueue(JOB)
    await core_house.db.execute("UPDATE core_queue SET status = 'failed', error = 'x'")
    (finding,) = await jobs(core_house)
    assert (finding.check, finding.result) == ("jobs", "error")
    assert f"relatum jobs retry --job {JOB}" in finding.mend


async def test_nobody_takes_runs(core_house: House) -> None:
    run = await core_house.jobs.enqueue(JOB)
    await core_house.db.execute("UPDATE core_queue SET execute_after = ?", now() - AGO)
    assert told(await jobs(core_house)) == {("worker", "error")}
    await core_house.jobs.enqueue(JOB)
    await core_house.db.execute("UPDATE core_queue SET status = 'picked' WHERE run <> ?", run)
    assert told(await jobs(core_house)) == {("jobs", "note")}, "somebody works"


async def test_what_waits_for_its_time_is_not_late(core_house: House) -> None:
    await core_house.jobs.enqueue(JOB, at=now() + AGO)
    assert told(await jobs(core_house)) == {("jobs", "ok")}


async def test_schedules_that_do_not_run(core_house: House) -> None:
    await core_house.worker.drain()
    await core_house.db.execute("UPDATE core_job SET due_at = ? WHERE id = ?", now() - AGO, JOB)
    (overdue,) = await schedules(core_house)
    assert (overdue.result, JOB in overdue.message) == ("note", True)
    await core_house.db.execute(
        "UPDATE core_job SET due_at = ?, failures = 3, error = 'no road' WHERE id = ?",
        now() + AGO,
        JOB,
    )
    (failed,) = await schedules(core_house)
    assert (failed.result, "no road" in failed.message) == ("error", True)


async def test_a_handler_that_lags(core_house: House) -> None:
    async def handle(plugin: Plugin, events: Sequence[Event]) -> Any:
        return None

    types = ("core.customer_created",)
    core_house.registry.handlers.put(Handler(id="core.sample", events=types, handle=handle))
    await core_house.handlers.run_once()
    await core_house.customers.create([CustomerDraft(display_name="Hoa")], by="system")
    assert told(await handlers(core_house)) == {("handlers", "note")}
    await core_house.db.execute("UPDATE core_event SET recorded_at = ?", now() - AGO)
    (late,) = await handlers(core_house)
    assert late.result == "error"
    assert "1 event(s)" in late.message
