"""Whatever happened, and whatever is archived, restored and dropped in any order: the same rows."""

from __future__ import annotations

import shutil
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relatum.archive.kinds import EVENTS, INTERACTIONS
from relatum.events.seals import head_path
from relatum.interactions.types import Amount, InteractionDraft
from relatum.values.problems import Conflict, NotFound

MONTHS = ("2025-01", "2025-02", "2025-03", "2025-04")
TABLES = (
    *("core_event", "core_interaction", "core_event_seal", "core_archive", "core_archived_key"),
    *("core_handler", "core_parked_event"),
)

texts = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=30
).filter(lambda text: all(letter.isprintable() or letter in "\t\n" for letter in text))
things = st.lists(
    st.tuples(
        st.integers(0, len(MONTHS) - 1),
        st.sampled_from(["customer", "interaction", "interaction", "keyed", "anonymous"]),
        texts,
        st.none() | st.integers(-(10**17), 10**17),
    ),
    min_size=1,
    max_size=45,
)
steps = st.lists(
    st.tuples(
        st.sampled_from(["run", "restore", "drop", "replay", "live", "live"]),
        st.sampled_from([EVENTS, INTERACTIONS]),
        st.sampled_from(MONTHS[:3]),
    ),
    max_size=8,
)


async def _begin_anew(past: Any) -> None:
    past.house.archive.reading.close()
    for table in TABLES:
        await past.house.db.execute(f"DELETE FROM {table}")
    head_path(past.house.keys).unlink(missing_ok=True)
    shutil.rmtree(past.folder, ignore_errors=True)
    past.seen.clear()


async def _happen(past: Any, history: list[Any]) -> None:
    past.customers.clear()
    past.clock.set(MONTHS[0], 0)
    await past.people(2)
    for n, (month, what, text, amount) in enumerate(sorted(history, key=lambda each: each[0])):
        past.clock.set(MONTHS[month], n)
        if what == "customer":
            await past.people(1)
            continue
        draft = InteractionDraft(
            kind="core.note",
            customer_id=None if what == "anonymous" else past.customers[n % len(past.customers)],
            payload={"text": text},
            money=None if amount is None else Amount(amount, "VND"),
            idempotency_key=f"k:{n}" if what == "keyed" else None,
        )
        await past.house.interactions.record([draft], by="system")


async def _step(past: Any, step: tuple[str, str, str]) -> None:
    what, kind, month = step
    archive = past.house.archive
    try:
        if what == "run":
            await archive.run(until=month, kinds=[kind])
        elif what == "restore":
            await archive.restore(kind, month)
        elif what == "drop":
            await archive.drop(kind, month)
    except (Conflict, NotFound) as error:
        assert "a month that is restored" in error.detail or "in the archive" in error.detail  # noqa: PT017


async def _all_events(past: Any, limit: int) -> list[int]:
    """Every customer's event, read as a handler does."""
    seqs: list[int] = []
    while True:
        found = await past.house.events.read(
            seqs[-1] if seqs else 0, until=10**9, types=["core.customer_created"], limit=limit
        )
        seqs += [event.seq for event in found]
        if len(found) < limit:
            return seqs


@settings(
    deadline=None,
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=things, operations=steps)
async def test_nothing_is_lost_or_doubled_or_changed(
    past: Any, history: list[Any], operations: list[tuple[str, str, str]]
) -> None:
    await _begin_anew(past)
    await _happen(past, history)
    await past.today()
    before = await past.everything()
    events = await _all_events(past, 1_000)
    keys = [f"k:{n}" for n in range(len(history))]
    known = await past.house.interactions.ids_by_key(keys)
    for step in operations:
        if step[0] == "live":
            await past.today()
            before = await past.everything()
            events = await _all_events(past, 1_000)
        await _step(past, step)
        assert await past.everything() == before
        await past.sound()
        assert await _all_events(past, 3) == events
        assert await past.house.interactions.ids_by_key(keys) == known
    for entry in await past.house.archive.files():
        await past.house.archive.restore(entry.kind, entry.month)
    assert await past.everything() == before
    assert await past.stored(INTERACTIONS) == before[INTERACTIONS]
    assert await past.house.db.fetch("SELECT key FROM core_archived_key") == []
