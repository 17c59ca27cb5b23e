"""Two processes on one database work on exports and imports: each of them once."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from relatum.access.policies import Policy
from relatum.app.house import House
from relatum.config.settings import Jobs as Limits
from relatum.customers.types import CustomerDraft
from relatum.importing.exports import running, service
from relatum.values.sensitivity import SENSITIVITIES

EXPORTS = 12
SEES_ALL = Policy(scopes=["all"], unmasked=list(SENSITIVITIES))


@pytest.mark.postgres
@pytest.mark.parametrize("relatum_database_kind", ["postgresql"])
async def test_an_export_is_written_once_by_two_workers(
    house: House, house_settings: Any, client_as: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = msgspec.structs.replace(house_settings, jobs=Limits(concurrency=4))
    lan = await client_as("manager", policy=SEES_ALL)
    await house.customers.create([CustomerDraft(display_name=f"K{n}") for n in range(20)], by="x")
    written: list[str] = []
    real = running.write_export

    async def counted(where: Any, export: Any, *args: Any, **more: Any) -> Any:
        written.append(str(export.id))
        await asyncio.sleep(0.01)
        return await real(where, export, *args, **more)

    monkeypatch.setattr(service, "write_export", counted)
    body = {"target": "core.customers", "format": "csv", "why": "two"}
    ids = []
    async with await House.open(settings) as second, await House.open(settings) as third:
        works = [
            asyncio.create_task(work())
            for each in (second, third)
            for work in (each.signals.run_forever, each.worker.run_forever)
        ]
        try:
            for _ in range(EXPORTS):
                answer = await lan.post("/api/v1/exports", json=body)
                assert answer.status_code == 202, answer.text
                ids.append(answer.json()["id"])
            async with asyncio.timeout(60):
                while await _left(lan):  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.05)
        finally:
            for work in works:
                work.cancel()
            await asyncio.wait(works)
    assert sorted(written) == sorted(ids)
    rows = await house.db.fetch("SELECT state, attempts FROM core_export")
    assert rows == [("ready", 1)] * EXPORTS
    facts = await house.db.fetch("SELECT 1 FROM core_event WHERE type = 'core.export_written'")
    assert len(facts) == EXPORTS


async def _left(client: Any) -> int:
    items = (await client.get("/api/v1/exports")).json()["items"]
    return sum(item["state"] in ("queued", "running") for item in items)
