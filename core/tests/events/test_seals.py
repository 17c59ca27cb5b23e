"""Tampering with the log is found, event by event; nothing beside it is accused."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relatum.config.keyring import Keyring
from relatum.db.guarding import Guard, Shadow, guarded_by
from relatum.events import seals as seals_module
from relatum.events.checking import Accused, BrokenSeal, SealCheck, SealChecker
from relatum.events.context import because
from relatum.events.seals import Seals, digests_of, head_path
from relatum.values.ids import new_id
from relatum.values.problems import ConfigurationError

SOMEBODY = UUID("01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1f")
SOMEBODY_ELSE = UUID("01936f2c-8a3e-7b51-9c0d-000000000000")


class Trail:
    """A log with its seals and its keys; five events a seal."""

    def __init__(self, scene: Any, keys: Keyring) -> None:
        self.scene = scene
        self.db = scene.db
        self.keys = keys
        self.seals = Seals(scene.db, scene.log, keys)
        self.checker = SealChecker(scene.db, keys)

    async def write(self, numbers: Iterable[int]) -> None:
        await self.scene.append(*((SOMEBODY, n) for n in numbers))

    async def sealed(self, count: int) -> None:
        await self.write(range(count))
        assert await self.seals.seal() == count

    async def check(self) -> SealCheck:
        return await self.checker.check()

    async def accused(self) -> set[tuple[int, str]]:
        found = await self.check()
        assert found.sound == (not found.accused and not found.broken)
        assert found.broken == []
        return {(each.seq, each.what) for each in found.accused}


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys" / "keys.toml")


@pytest.fixture
async def trail(scene: Any, keys: Keyring, monkeypatch: pytest.MonkeyPatch) -> Trail:
    monkeypatch.setattr(seals_module, "MOST_EVENTS", 5)
    monkeypatch.setattr(seals_module, "ROUND", 2)
    return Trail(scene, keys)


# -- a log that nobody touched ---------------------------------------------------------------------


async def test_an_empty_log_is_sound(trail: Trail) -> None:
    assert await trail.seals.seal() == 0
    assert await trail.check() == SealCheck()


async def test_everything_is_sealed_once(trail: Trail) -> None:
    await trail.sealed(23)
    assert await trail.seals.seal() == 0
    await trail.write(range(3))
    found = await trail.check()
    assert (found.events, found.seals, found.unsealed, found.sound) == (23, 5, 3, True)
    assert await trail.seals.seal() == 3
    found = await trail.check()
    assert (found.events, found.seals, found.unsealed, found.sound) == (26, 6, 0, True)
    assert found.head is not None
    assert found.head.number == 6


async def test_can_be_checked_in_pieces(trail: Trail) -> None:
    await trail.sealed(23)
    await trail.db.execute("DELETE FROM core_event WHERE seq IN (2, 22)")
    pieces, after = [], 0
    while True:
        piece = await trail.checker.check(after=after, most=2)
        pieces.append(piece)
        if piece.next is None:
            break
        after = piece.next
    assert [piece.seals for piece in pieces] == [2, 2, 1]
    assert [each.seq for piece in pieces for each in piece.accused] == [2, 22]
    assert [piece.head is not None for piece in pieces] == [False, False, True]


async def test_handlers_and_replays_go_on_as_before(trail: Trail) -> None:
    trail.scene.declare("writer")
    await trail.sealed(7)
    await trail.scene.runner.run_once()
    await trail.scene.runner.replay("probe.writer")
    await trail.scene.runner.run_once()
    assert await trail.scene.seen("writer") == list(range(7))
    assert (await trail.check()).sound


async def test_whoever_asks_every_row_counts(trail: Trail) -> None:
    await trail.sealed(7)
    hidden = Shadow(select="SELECT * FROM {table} WHERE 1 = 0", key="seq")
    with guarded_by(Guard(shape="nothing", shadows={"core_event": hidden})):
        found = await trail.check()
        assert await trail.seals.seal() == 0
    assert (found.sound, found.events) == (True, 7)


# -- tampering -------------------------------------------------------------------------------------

CHANGES = {
    "type": "probe.other",
    "version": 2,
    "customer_id": SOMEBODY_ELSE,
    "recorded_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    "by": "person:1",
    "payload": '{"n": 4}',
    "context": '{"why":"because I say so"}',
}


@pytest.mark.parametrize("column", CHANGES)
async def test_a_change_of_any_column_is_found(trail: Trail, column: str) -> None:
    await trail.sealed(23)
    await trail.db.execute(f"UPDATE core_event SET {column} = ? WHERE seq = 9", CHANGES[column])
    assert await trail.accused() == {(9, "changed")}


def test_every_column_is_tried(trail: Trail) -> None:
    """A column that is added later must be sealed, and tried here."""
    from relatum.events.tables import StoredEvent

    columns = {column._meta.db_column_name for column in StoredEvent._meta.columns}
    assert columns == {*CHANGES, "seq"}


async def test_a_customer_taken_out_is_found(trail: Trail) -> None:
    await trail.sealed(6)
    await trail.db.execute("UPDATE core_event SET customer_id = NULL WHERE seq = 6")
    assert await trail.accused() == {(6, "changed")}


async def test_a_reason_taken_out_is_found(trail: Trail) -> None:
    with because("she asked me to"):
        await trail.write([1])
    await trail.seals.seal()
    await trail.db.execute("UPDATE core_event SET context = NULL")
    assert await trail.accused() == {(1, "changed")}


@pytest.mark.parametrize("seq", [1, 5, 6, 12, 23])
async def test_a_removed_event_is_found(trail: Trail, seq: int) -> None:
    await trail.sealed(23)
    await trail.db.execute("DELETE FROM core_event WHERE seq = ?", seq)
    assert await trail.accused() == {(seq, "removed")}


@pytest.mark.parametrize("seq", [-7, 0, 12])
async def test_an_inserted_event_is_found(trail: Trail, seq: int) -> None:
    await trail.write(range(14))
    await trail.db.execute("DELETE FROM core_event WHERE seq = 12")  # a gap, before it is sealed
    assert await trail.seals.seal() == 13
    assert await trail.accused() == set()
    await trail.db.execute(COPY, seq)
    assert await trail.accused() == {(seq, "inserted")}


COPY = (
    "INSERT INTO core_event (seq, type, version, customer_id, recorded_at, by, payload, context) "
    "SELECT CAST(? AS BIGINT), type, version, customer_id, recorded_at, by, payload, context "
    "FROM core_event WHERE seq = 3"
)


async def test_two_swapped_events_are_both_found(trail: Trail) -> None:
    await trail.sealed(23)
    for before, after in ((4, 1000), (17, 4), (1000, 17)):
        await trail.db.execute("UPDATE core_event SET seq = ? WHERE seq = ?", after, before)
    assert await trail.accused() == {(4, "changed"), (17, "changed")}


async def test_what_cannot_even_be_read_is_found(trail: Trail) -> None:
    if trail.db.kind == "postgresql":
        pytest.skip("PostgreSQL keeps its types")
    await trail.sealed(8)
    await trail.db.execute(
        "UPDATE core_event SET recorded_at = 'yesterday', customer_id = x'ff00', version = 'one' "
        "WHERE seq = 3"
    )
    assert await trail.accused() == {(3, "changed")}


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    deeds=st.dictionaries(
        st.integers(1, 40), st.sampled_from(["remove", "by", "payload", "version"]), max_size=12
    ),
    in_pieces=st.lists(st.integers(1, 15), max_size=4),
)
async def test_exactly_what_was_tampered_with_is_accused(
    trail: Trail, deeds: dict[int, str], in_pieces: list[int]
) -> None:
    await trail.db.execute("DELETE FROM core_event")
    await trail.db.execute("DELETE FROM core_event_seal")
    head_path(trail.keys).unlink(missing_ok=True)
    left = 40
    for size in in_pieces:
        await trail.write(range(min(size, left)))
        left -= min(size, left)
        await trail.seals.seal()
    await trail.write(range(left))
    await trail.seals.seal()
    (shift,) = (await trail.db.fetch("SELECT min(seq) - 1 FROM core_event"))[0]
    for number, deed in deeds.items():
        seq = number + shift
        if deed == "remove":
            await trail.db.execute("DELETE FROM core_event WHERE seq = ?", seq)
        elif deed == "version":
            await trail.db.execute("UPDATE core_event SET version = 9 WHERE seq = ?", seq)
        else:
            await trail.db.execute(f"UPDATE core_event SET {deed} = '[]' WHERE seq = ?", seq)
    expected = {
        (number + shift, "removed" if deed == "remove" else "changed")
        for number, deed in deeds.items()
    }
    assert await trail.accused() == expected


# -- tampering with the seals ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "column", ["first_seq", "last_seq", "digests", "previous", "key", "sealed_at"]
)
async def test_a_changed_seal_is_found_and_accuses_nobody(trail: Trail, column: str) -> None:
    await trail.sealed(23)
    value = "'x'" if column == "key" else column
    await trail.db.execute(
        f"UPDATE core_event_seal SET {column} = "
        f"(SELECT {value} FROM core_event_seal WHERE number = 4) WHERE number = 3"
    )
    found = await trail.check()
    what = "unknown key" if column == "key" else "changed"
    assert found.accused == []
    assert found.broken == [BrokenSeal(3, what)]  # type: ignore[arg-type]
    assert not found.sound


async def test_a_forged_hash_is_found(trail: Trail) -> None:
    await trail.sealed(23)
    await trail.db.execute(
        "UPDATE core_event_seal SET hash = "
        "(SELECT hash FROM core_event_seal WHERE number = 4) WHERE number = 3"
    )
    found = await trail.check()
    assert found.accused == []
    assert found.broken == [BrokenSeal(3, "changed")]


async def test_a_removed_seal_is_found(trail: Trail) -> None:
    await trail.sealed(23)
    await trail.db.execute("DELETE FROM core_event_seal WHERE number = 3")
    found = await trail.check()
    assert (found.broken, found.accused, found.sound) == ([BrokenSeal(3, "missing")], [], False)


async def test_a_log_cut_off_at_its_end_is_found(trail: Trail) -> None:
    await trail.sealed(23)
    await trail.db.execute("DELETE FROM core_event_seal WHERE number > 2")
    await trail.db.execute("DELETE FROM core_event WHERE seq > 10")
    found = await trail.check()
    assert (found.broken, found.accused) == ([BrokenSeal(5, "missing")], [])


async def test_a_log_sealed_anew_after_it_was_cut_off_is_found(trail: Trail) -> None:
    """By the running server, with the right key."""
    await trail.sealed(23)
    await trail.db.execute("DELETE FROM core_event_seal WHERE number > 2")
    await trail.db.execute("UPDATE core_event SET payload = '{}' WHERE seq = 15")
    await trail.seals.seal()
    await trail.write(range(10))
    await trail.seals.seal()
    found = await trail.check()
    assert found.broken == [BrokenSeal(5, "replaced")]
    assert not found.sound


async def test_all_seals_removed_is_found(trail: Trail) -> None:
    await trail.sealed(23)
    await trail.db.execute("DELETE FROM core_event_seal")
    found = await trail.check()
    assert (found.sound, found.unsealed, found.broken) == (False, 23, [BrokenSeal(5, "missing")])


# -- keys ------------------------------------------------------------------------------------------


async def test_seals_outlive_a_rotation(trail: Trail) -> None:
    await trail.sealed(7)
    trail.keys.rotate()
    await trail.sealed(7)
    found = await trail.check()
    assert (found.sound, found.events) == (True, 14)
    used = await trail.db.fetch("SELECT DISTINCT key FROM core_event_seal")
    assert len(used) == 2
    await trail.db.execute("UPDATE core_event SET by = 'x' WHERE seq IN (2, 13)")
    assert await trail.accused() == {(2, "changed"), (13, "changed")}


async def test_another_installations_keys_seal_nothing(trail: Trail, tmp_path: Path) -> None:
    await trail.sealed(7)
    await trail.write(range(3))
    stranger = Trail(trail.scene, Keyring(tmp_path / "elsewhere" / "keys.toml"))
    with pytest.raises(ConfigurationError, match="put back the file of keys"):
        await stranger.seals.seal()
    found = await stranger.check()
    assert found.broken == [BrokenSeal(1, "unknown key"), BrokenSeal(2, "unknown key")]
    assert found.accused == []


async def test_the_key_is_not_in_the_database(trail: Trail) -> None:
    await trail.sealed(7)
    (_, secret) = trail.keys.path.read_text().rsplit("secret = ", 1)
    for table in ("core_event_seal", "core_event"):
        assert secret.strip().strip('"') not in repr(await trail.db.fetch(f"SELECT * FROM {table}"))


# -- several processes, and events that commit late ------------------------------------------------


async def test_processes_that_seal_at_once_make_one_chain(
    trail: Trail, other_process: Callable[[], Awaitable[Any]]
) -> None:
    others = [Trail(await other_process(), trail.keys) for _ in range(2)]
    for _ in range(5):
        await trail.write(range(23))
        await asyncio.gather(*(each.seals.seal() for each in [trail, *others]))
    await trail.seals.seal()
    found = await trail.check()
    assert (found.sound, found.events, found.unsealed) == (True, 115, 0)


async def test_what_commits_late_is_sealed_when_it_is_there(
    trail: Trail, relatum_database_url: str
) -> None:
    if trail.db.kind == "sqlite":
        pytest.skip("SQLite has one writer")
    slow = await asyncpg.connect(relatum_database_url)
    try:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(
            "INSERT INTO core_event (type, version, recorded_at, by, payload) "
            "VALUES ('probe.happened', 1, now(), 'system', '{\"n\":0}')"
        )
        await trail.write(range(3))
        for _ in range(3):
            assert await trail.seals.seal() == 0
        assert (await trail.check()).unsealed == 3
        await transaction.commit()
    finally:
        await slow.close()
    assert await trail.seals.seal() == 4
    assert await trail.accused() == set()


def test_both_databases_give_an_event_one_digest() -> None:
    at = dt.datetime(2026, 11, 22, 8, 0, 0, 5, dt.timezone(dt.timedelta(hours=7)))
    customer = new_id()
    embedded = (
        7,
        b"probe.happened",
        b"1",
        str(customer).encode(),
        b"2026-11-22 01:00:00.000005+00:00",
        b"system",
        '{"n":"ê"}'.encode(),
        None,
    )
    server = (7, "probe.happened", "1", str(customer), at, "system", '{"n":"ê"}', None)
    assert digests_of([embedded], b"k") == digests_of([server], b"k")
    assert digests_of([embedded], b"k") != digests_of([embedded], b"l")
    assert Accused(1, "changed") != Accused(1, "removed")


async def test_lost_keys_are_noticed_before_new_ones_are_made(trail: Trail) -> None:
    assert await trail.seals.expect_keys() is None
    await trail.sealed(3)
    assert await trail.seals.expect_keys() is not None
    trail.keys.path.unlink()
    restarted = Trail(trail.scene, Keyring(trail.keys.path))
    with pytest.raises(ConfigurationError, match="put back the file of keys"):
        await restarted.seals.expect_keys()
    assert not trail.keys.path.exists()
