"""Positions from before handlers had ranges: nothing is handled again, nothing is left out."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

from relatum.app.apps import core_apps
from relatum.db import migrate
from relatum.db.database import Database

FIRST_OF_RANGES = "2026-11-22T11:40:00:000001"


async def test_a_handler_goes_on_from_where_it_stood(
    scene: Any, relatum_empty_database_url: str
) -> None:
    db = await Database.open(relatum_empty_database_url)
    steps = [step for step in await migrate.plan(db, core_apps()) if step.app == "core_events"]
    before = [step for step in steps if step.migration < FIRST_OF_RANGES]
    assert 0 < len(before) < len(steps)
    await migrate.apply(db, before)
    place = "BIGSERIAL" if db.kind == "postgresql" else "INTEGER"
    await db.execute(
        f"CREATE TABLE probe_seen (place {place} PRIMARY KEY, handler TEXT, seq BIGINT, "
        "customer_id TEXT, n BIGINT)"
    )
    scene = type(scene)(db)
    scene.declare("writer")
    await scene.append((uuid4(), 1), (uuid4(), 2), (uuid4(), 3))
    await db.execute(
        "INSERT INTO core_handler (id, position, updated_at) VALUES ('probe.writer', 2, ?)",
        dt.datetime(2026, 11, 22, tzinfo=dt.UTC),
    )
    await migrate.apply(db, [step for step in steps if step not in before])
    await scene.runner.run_once()
    assert await scene.seen("writer") == [3]
    (status,) = await scene.runner.status()
    assert (status.position, status.lag, status.shards, status.replay) == (3, 0, 1, None)
    await db.close()
