"""What is still needed stays, and who needs it is told."""

from __future__ import annotations

from typing import Any

import pytest

from relatum.archive.kinds import EVENTS, INTERACTIONS
from relatum.events.archived import ArchivedAway
from relatum.interactions.types import InteractionDraft
from relatum.values.problems import Conflict

CREATED = "core.customer_created"
RECORDED = "core.interaction_recorded"


async def test_events_that_a_handler_has_not_handled_stay(past: Any) -> None:
    past.follow("slow", RECORDED)
    await past.lived()
    archive = past.house.archive
    outcome = await archive.run(until="2025-01")
    assert outcome.archived == []
    assert "handler core.slow is at 0 and has not handled it" in str(outcome.held)
    status = await archive.status()
    assert {month.file for month in status.months} == {None}

    await past.house.handlers.run_once()
    outcome = await archive.run(until="2025-01")
    assert len(outcome.archived) == 2


async def test_a_handler_of_a_plugin_that_is_off_holds_too(past: Any) -> None:
    await past.lived()
    db = past.house.db
    handler = past.follow("off", CREATED)
    await past.house.handlers.run_once()
    await db.execute("UPDATE core_handler SET position = 2 WHERE handler = ?", handler.id)
    past.house.registry.handlers.remove_all_of("core")
    outcome = await past.house.archive.run(until="2025-01")
    assert "handler core.off is at 2" in str(outcome.held)
    # a range of its customers that lags behind holds as well
    await db.execute("UPDATE core_handler SET position = 1000 WHERE handler = ?", handler.id)
    await db.execute("UPDATE core_handler SET hi = 9 WHERE handler = ?", handler.id)
    await db.execute(
        "INSERT INTO core_handler (id, handler, lo, hi, position, paused, handled, rate, "
        "updated_at) SELECT 'core.off/0009', handler, 9, 65536, 1, paused, 0, 0, updated_at "
        "FROM core_handler"
    )
    outcome = await past.house.archive.run(until="2025-01")
    assert "handler core.off is at 1 " in str(outcome.held)
    outcome = await past.house.archive.run(until="2025-01", ignoring=["core.off"])
    assert outcome.held == {}
    assert len(outcome.archived) == 2


async def test_parked_events_stay(past: Any) -> None:
    await past.lived()
    columns = ("id", "handler", "seq", "attempts", "error", "parked_at")
    from relatum.values.ids import new_id
    from relatum.values.time import now

    await past.house.db.insert(
        "core_parked_event", columns, [(new_id(), "core.x", 7, 1, "broken", now())]
    )
    outcome = await past.house.archive.run(until="2025-02")
    assert outcome.archived == []
    assert "handler core.x has parked 1 of it" in str(outcome.held)


async def test_events_that_are_not_sealed_stay(past: Any) -> None:
    past.clock.set("2025-01", 0)
    await past.people(3)
    past.clock.moment = None
    await past.people(1)
    outcome = await past.house.archive.run(until="2025-01")
    assert "not sealed yet" in str(outcome.held)
    await past.house.seals.seal()
    assert len((await past.house.archive.run(until="2025-01")).archived) == 1


async def test_a_replay_reads_the_archive(past: Any) -> None:
    handler = past.follow("all", CREATED, RECORDED, batch=7)
    await past.lived()
    await past.house.handlers.run_once()
    seen = list(past.seen)
    assert seen == sorted(seen)
    assert len(seen) == 79
    await past.house.archive.run(until="2025-02", kinds=[EVENTS])
    await past.house.handlers.replay(handler.id)
    (status,) = await past.house.handlers.status()
    assert status.replay is not None
    assert status.replay.of == len(seen)
    await past.house.handlers.run_once()
    assert past.seen == seen

    # and where only the month in the middle is restored
    await past.house.archive.restore(EVENTS, "2025-02")
    await past.house.handlers.replay(handler.id)
    await past.house.handlers.run_once()
    assert past.seen == seen
    # a new one begins at the beginning
    past.seen.clear()
    past.follow("new", CREATED, batch=2)
    await past.house.handlers.run_once()
    assert len(past.seen) == 4


async def test_a_replay_that_needs_archived_interactions_refuses(past: Any) -> None:
    handler = past.follow("all", RECORDED, batch=7)
    other = past.follow("people", CREATED)
    await past.lived()
    await past.house.handlers.run_once()
    await past.house.archive.run(until="2025-02", kinds=[INTERACTIONS])
    past.seen.clear()
    await past.house.handlers.replay(handler.id)
    with pytest.raises(
        ArchivedAway, match="restore --kind interactions --from 2025-01 --to 2025-02"
    ):
        await past.house.handlers.run_once(handler.id)
    assert past.seen == []
    await past.house.handlers.run_once(other.id)
    for month in ("2025-01", "2025-02"):
        await past.house.archive.restore(INTERACTIONS, month)
    await past.house.handlers.run_once()
    assert len(past.seen) == 75


async def test_events_by_their_numbers_are_found(past: Any) -> None:
    await past.lived()
    wanted = [2, 9, 40, 70]
    before = await past.house.events.by_seq(wanted)
    await past.house.archive.run(until="2025-02", kinds=[EVENTS])
    assert await past.house.events.by_seq(wanted) == before
    assert [event.seq for event in before] == wanted


async def test_keys_of_archived_interactions_stay_taken(past: Any) -> None:
    await past.lived(keys="shop:")
    interactions = past.house.interactions
    known = await interactions.ids_by_key(["shop:2025-01:3", "shop:2025-01:4"])
    await past.house.archive.run(until="2025-01", kinds=[INTERACTIONS])
    assert await interactions.ids_by_key(["shop:2025-01:3", "shop:2025-01:4"]) == known
    draft = InteractionDraft(
        kind="core.note", payload={"text": "again"}, idempotency_key="shop:2025-01:3"
    )
    count = len(await past.stored(INTERACTIONS))
    assert await interactions.record([draft], by="system") == [known["shop:2025-01:3"]]
    assert len(await past.stored(INTERACTIONS)) == count


async def test_archived_interactions_cannot_be_taken_back(past: Any) -> None:
    await past.lived()
    ids = [row[0] for row in await past.stored(INTERACTIONS)][20:30]
    await past.house.archive.run(until="2025-01", kinds=[INTERACTIONS])
    with pytest.raises(Conflict, match="relatum archive restore --kind interactions"):
        await past.house.interactions.remove([*map(_uuid, ids)], by="import:1")
    assert len(await past.stored(INTERACTIONS)) == 50
    await past.house.archive.restore(INTERACTIONS, "2025-01")
    assert await past.house.interactions.remove([*map(_uuid, ids)], by="import:1") == 10


def _uuid(text: str) -> Any:
    from uuid import UUID

    return UUID(text)


async def test_interactions_that_something_points_at_stay(past: Any) -> None:
    await past.lived()
    db = past.house.db
    ids = [row[0] for row in await past.stored(INTERACTIONS)]
    kind = "UUID" if db.kind == "postgresql" else "TEXT"
    await db.execute(f"CREATE TABLE probe_note (interaction_id {kind})")
    await db.execute(f"CREATE TABLE probe_bound (it {kind} REFERENCES core_interaction (id))")
    await db.execute("INSERT INTO probe_note VALUES (?)", ids[3])
    await db.execute("INSERT INTO probe_bound VALUES (?)", ids[17])
    before = await past.everything()
    (entry,) = (await past.house.archive.run(until="2025-01", kinds=[INTERACTIONS])).archived
    assert (entry.rows, entry.held) == (23, 2)
    left = [row[0] for row in await past.stored(INTERACTIONS) if row[7] < "2025-02"]
    assert left == [ids[3], ids[17]]
    assert await past.everything() == before
    assert (await past.house.archive.run(until="2025-01")).held == {}
    await past.house.archive.restore(INTERACTIONS, "2025-01")
    await db.execute("DELETE FROM probe_note")
    again = await past.house.archive.drop(INTERACTIONS, "2025-01")
    assert (again.rows, again.held) == (24, 1)
    assert await past.everything() == before


async def test_a_customer_is_found_in_every_file(past: Any) -> None:
    await past.lived()
    customer = past.customers[1]
    expected = {
        kind: [row for row in await past.stored(kind) if str(customer) in row]
        for kind in (EVENTS, INTERACTIONS)
    }
    await past.house.archive.run(until="2025-03")
    found: dict[str, list[Any]] = {EVENTS: [], INTERACTIONS: []}
    async for entry, rows in past.house.archive.of_customer(customer):
        found[entry.kind] += rows
    assert found == expected
    assert len(found[INTERACTIONS]) > 10


async def test_settings_say_what_is_due(past: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime as dt

    import msgspec

    from relatum.archive import holding

    await past.lived()
    archive = past.house.archive
    monkeypatch.setattr(holding, "now", lambda: dt.datetime(2025, 4, 15, tzinfo=dt.UTC))
    archive._settings = msgspec.structs.replace(
        archive._settings, keep_months_events=1, keep_months_interactions=2
    )
    due = [(month.kind, month.month) for month in (await archive.status()).months if month.due]
    assert due == [(EVENTS, "2025-01"), (EVENTS, "2025-02"), (INTERACTIONS, "2025-01")]
    outcome = await archive.run()
    assert [(entry.kind, entry.month) for entry in outcome.archived] == due
    assert (await archive.run()).archived == []
