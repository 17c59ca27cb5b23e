"""One tampered event among 100,000 is found, and no other is accused."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import random
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from benchmarks.measures import Condition, Measure, Reading
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.customers import events as facts
from relatum.events.types import NewEvent
from relatum.values.ids import new_ids

EVENTS = 100_000
AT_ONCE = 1_000
#: Every so many numbers one is missing, as those of transactions that were rolled back are.
GAP = 50
ROUNDS = 20
SEED = 20261122
CHECK_SECONDS = 10.0
COLUMNS = "type, version, customer_id, recorded_at, by, payload, context"

LAST = EVENTS * GAP // (GAP - 1)
Expected = set[tuple[int, str]]


def tamper() -> Reading:
    """Tamper, check, mend, and again; every way of tampering takes its turn."""
    return asyncio.run(_tamper())


async def _tamper() -> Reading:
    async with _house() as house:
        started = time.perf_counter()
        await _fill(house)
        appended = time.perf_counter() - started
        started = time.perf_counter()
        sealed = await house.seals.seal()
        sealing = time.perf_counter() - started
        untouched = await house.audit.check()
        rounds = [await _round(house, n, random.Random(SEED + n)) for n in range(ROUNDS)]
        mended = await house.audit.check()
    if (sealed, untouched.sound, mended.sound) != (EVENTS, True, True):
        raise RuntimeError(f"expected {EVENTS} sealed events that are sound, got {sealed}")
    exact = sum(expected == accused for _, _, expected, accused, _ in rounds)
    slowest = max(seconds for *_, seconds in rounds)
    note = (
        f"{EVENTS:,} events appended in {appended:.1f} s and sealed in {sealing:.1f} s "
        f"({1e6 * sealing / EVENTS:.1f} µs an event, in the background); {house.db.kind}"
    )
    return Reading(
        value=exact / ROUNDS,
        heads=["round", "deed", "tampered with", "accused", "s"],
        rows=[
            [n, deed, sorted(expected), sorted(accused), seconds]
            for n, deed, expected, accused, seconds in rounds
        ],
        conditions=[Condition("slowest check", slowest, "s", CHECK_SECONDS)],
        notes=[note],
    )


@contextlib.asynccontextmanager
async def _house() -> AsyncIterator[House]:
    with tempfile.TemporaryDirectory(prefix="relatum-bench-") as folder:
        async with await House.open(Settings(home=Path(folder), safe_mode=True)) as house:
            await house.migrate_apply()
            yield house


async def _fill(house: House) -> None:
    """More than enough events, then gaps in their numbers until 100,000 are left."""
    for _ in range(LAST // AT_ONCE + 1):
        events = [
            NewEvent(type=facts.CREATED, payload=facts.CustomerCreated(id), customer=id)
            for id in new_ids(AT_ONCE)
        ]
        await house.events.append(events, by="import:benchmark")
    await house.db.execute("DELETE FROM core_event WHERE seq % ? = 0 OR seq > ?", GAP, LAST)


async def _round(
    house: House, number: int, chance: random.Random
) -> tuple[int, str, Expected, Expected, float]:
    deed = ("change", "remove", "insert", "swap")[number % 4]
    undo: list[tuple[str, Any]] = []
    expected = await _DEEDS[deed](house, chance, undo)
    started = time.perf_counter()
    check = await house.audit.check()
    seconds = time.perf_counter() - started
    accused = {(each.seq, each.what) for each in check.accused}
    if check.broken or len(accused) != check.accused_count:
        accused.add((-1, "seals"))
    for sql, params in undo:
        await house.db.execute(sql, *params)
    return number + 1, deed, expected, accused, seconds


def _number(chance: random.Random) -> int:
    """Of an event that is there."""
    number = chance.randint(1, LAST)
    return number if number % GAP else _number(chance)


async def _change(house: House, chance: random.Random, undo: list[Any]) -> Expected:
    """One value of one event, sometimes by one character."""
    seq = _number(chance)
    column, value = chance.choice(
        [
            ("by", "import:benchmarl"),
            ("payload", "{}"),
            ("type", facts.REMOVED),
            ("recorded_at", dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
            ("context", '{"why":"none"}'),
            ("customer_id", None),
        ]
    )
    [[before]] = await house.db.fetch(f"SELECT {column} FROM core_event WHERE seq = ?", seq)
    update = f"UPDATE core_event SET {column} = ? WHERE seq = ?"
    await house.db.execute(update, value, seq)
    undo.append((update, (before, seq)))
    return {(seq, "changed")}


async def _remove(house: House, chance: random.Random, undo: list[Any]) -> Expected:
    seq = _number(chance)
    [row] = await house.db.fetch(f"SELECT seq, {COLUMNS} FROM core_event WHERE seq = ?", seq)
    await house.db.execute("DELETE FROM core_event WHERE seq = ?", seq)
    undo.append((f"INSERT INTO core_event (seq, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row))
    return {(seq, "removed")}


async def _insert(house: House, chance: random.Random, undo: list[Any]) -> Expected:
    """A copy of an event, in a gap of the sealed numbers."""
    seq, source = GAP * chance.randint(1, LAST // GAP), _number(chance)
    await house.db.execute(
        f"INSERT INTO core_event (seq, {COLUMNS}) SELECT ?, {COLUMNS} FROM core_event "
        "WHERE seq = ?",
        seq,
        source,
    )
    undo.append(("DELETE FROM core_event WHERE seq = ?", (seq,)))
    return {(seq, "inserted")}


async def _swap(house: House, chance: random.Random, undo: list[Any]) -> Expected:
    """Two events change places: both are tampered with."""
    one = other = _number(chance)
    while other == one:
        other = _number(chance)
    update = "UPDATE core_event SET seq = ? WHERE seq = ?"
    away = LAST + GAP
    swap = [(away, one), (one, other), (other, away)]
    for move in swap:
        await house.db.execute(update, *move)
    undo += [(update, move) for move in swap]
    return {(one, "changed"), (other, "changed")}


_DEEDS = {"change": _change, "remove": _remove, "insert": _insert, "swap": _swap}

MEASURES = [
    Measure(
        id="audit.tamper",
        title="rounds in which exactly the tampered events among 100,000 are accused",
        unit="of all",
        limit=1.0,
        goal="at least",
        run=tamper,
    ),
]
