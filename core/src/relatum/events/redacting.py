"""Redactions of the event log: an event that had to lose what it said, told from a forged one.

A seal cannot be changed, and says how an event was. So a redaction leaves the seal alone and adds a
note of its own: a keyed digest (HMAC-SHA256) that binds the event as it was sealed to the event as
it is now, under the same key as the seals. Whoever can write to the database alone can make
neither. Nothing of what the event said can be read from a note.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.events.seals import EVENTS, PURPOSE, SEALS, digests_of, hash_of, seal_of
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.config.keyring import Keyring
    from relatum.db.database import Database

TABLE = "core_event_redaction"
#: an event as :data:`~relatum.events.seals.EVENTS` reads it
Stored = Sequence[Any]


class Change(msgspec.Struct, frozen=True):
    """One event before and after."""

    before: Stored
    after: Stored


def note_of(seq: int, before: bytes, after: bytes, key: bytes) -> bytes:
    """What binds the digest of an event to the one it has after the redaction."""
    return hmac.digest(key, msgspec.msgpack.encode(["redacted", seq, before, after]), "sha256")


class Redactions:
    """Writes notes of redactions, and holds events against them. Call it as the house."""

    def __init__(self, db: Database, keys: Keyring) -> None:
        self._db = db
        self._keys = keys

    async def note(self, changes: Sequence[Change], receipt: UUID) -> None:
        """Note events that are about to change, in the caller's transaction.

        An event that is not what was sealed gets no note: a redaction must not hide that somebody
        tampered with it. It stays accused.
        """
        sealed = await self._sealed([change.before[0] for change in changes])
        known = await self.of([change.before[0] for change in changes])
        rows = []
        for change in changes:
            seq = change.before[0]
            key, original = sealed.get(seq, (self._keys.current, None))
            if not self._keys.has(key):
                continue
            secret = self._keys.derive(PURPOSE, key)
            present = digests_of([change.before], secret)[seq]
            original = self._original(seq, present, original, known.get(seq, ()), secret)
            if original is None:
                continue
            after = digests_of([change.after], secret)[seq]
            # a seal that is being made may still be of either
            for was in dict.fromkeys((original, present)):
                mac = note_of(seq, was, after, secret)
                rows.append((seq, receipt, key, was, mac, now()))
        await self._db.insert(TABLE, ("seq", "receipt_id", "key", "was", "note", "at"), rows)

    def _original(
        self,
        seq: int,
        present: bytes,
        sealed: bytes | None,
        notes: Sequence[tuple[bytes, bytes]],
        secret: bytes,
    ) -> bytes | None:
        """The digest that the event had first; ``None`` when it is not what it has to be."""
        if sealed in (None, present) and not notes:
            return present
        for was, note in notes:
            fits = sealed in (None, was)
            if fits and hmac.compare_digest(note, note_of(seq, was, present, secret)):
                return was
        return present if sealed == present else None

    async def of(self, seqs: Sequence[int]) -> dict[int, list[tuple[bytes, bytes]]]:
        """The first digest and the note, of every redaction of these events."""
        rows = await self._db.fetch_in(
            f"SELECT seq, was, note FROM {TABLE} WHERE seq IN ({{}})",  # noqa: S608 - a name of our own
            list(seqs),
        )
        found: dict[int, list[tuple[bytes, bytes]]] = {}
        for seq, was, note in rows:
            found.setdefault(seq, []).append((bytes(was), bytes(note)))
        return found

    async def between(self, first: int, last: int) -> dict[int, list[bytes]]:
        """Notes of the events of a stretch."""
        rows = await self._db.fetch(
            f"SELECT seq, note FROM {TABLE} WHERE seq >= ? AND seq <= ?",  # noqa: S608 - a name of our own
            *(first, last),
        )
        found: dict[int, list[bytes]] = {}
        for seq, note in rows:
            found.setdefault(seq, []).append(bytes(note))
        return found

    async def _sealed(self, seqs: Sequence[int]) -> dict[int, tuple[str, bytes | None]]:
        """Key and digest of each event that a trustworthy seal covers."""
        found: dict[int, tuple[str, bytes | None]] = {}
        wanted = sorted(seqs)
        while wanted:
            rows = await self._db.fetch(
                f"{SEALS[self._db.kind]} WHERE last_seq >= ? ORDER BY number LIMIT 1", wanted[0]
            )
            if not rows:
                break
            seal = seal_of(rows[0])
            covered = [seq for seq in wanted if seq <= seal.last_seq]
            wanted = wanted[len(covered) :]
            sound = self._keys.has(seal.key) and (
                hash_of(seal, self._keys.derive(PURPOSE, seal.key)) == seal.hash
            )
            digests = seal.unpacked() if sound else {}
            found |= {seq: (seal.key, digests.get(seq, b"")) for seq in covered}
        return found


def redacted(
    sealed: Mapping[int, bytes],
    present: Mapping[int, bytes],
    notes: Mapping[int, Sequence[bytes]],
    key: bytes,
) -> set[int]:
    """Events that differ from their seal in the way that a redaction noted."""
    return {
        seq
        for seq, some in notes.items()
        if seq in sealed
        and seq in present
        and sealed[seq] != present[seq]
        and any(hmac.compare_digest(n, note_of(seq, sealed[seq], present[seq], key)) for n in some)
    }


def stored_events(database: str) -> str:
    """A SELECT of events as digests need them."""
    return EVENTS[database]
