"""Seals over the event log: one changed, removed or inserted event is found, and no other accused.

A seal covers a stretch of the log: a keyed digest of every event in it (HMAC-SHA256, RFC 2104, cut
to 128 bits) and the hash of the seal before it. The key lies outside the database, so whoever can
write to the database alone can neither make nor mend a seal. Only what is decided is sealed
(:class:`~relatum.events.log.Horizon`): no event of a sealed stretch can still come.

The newest seal is also noted in a file beside the keys, so that seals cut off at the end are
missed. :mod:`relatum.events.checking` holds the log against its seals.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import fcntl
import hashlib
import hmac
import os
import secrets
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from relatum.db.guarding import as_the_house
from relatum.events.log import Horizon
from relatum.values.problems import ConfigurationError
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.config.keyring import Keyring
    from relatum.db.database import Database
    from relatum.events.log import EventLog

PURPOSE = "audit"
#: Events in one seal, and seals made in one go.
MOST_EVENTS = 1_000
ROUND = 10
#: The first stretch begins here: nothing can be slipped in below number 1.
BEGINNING = -(2**63)
DIGEST_BYTES = 16

# As stored, whatever is stored: an event that was tampered with may hold anything in any column.
EVENTS = {
    "sqlite": "SELECT seq, CAST(type AS BLOB), CAST(version AS BLOB), CAST(customer_id AS BLOB), "
    "CAST(recorded_at AS BLOB), CAST(by AS BLOB), CAST(payload AS BLOB), CAST(context AS BLOB) "
    "FROM core_event",
    "postgresql": "SELECT seq, type, version::text, customer_id::text, recorded_at, by, "
    "payload::text, context::text FROM core_event",
}
COLUMNS = ("number", "first_seq", "last_seq", "digests", "previous", "hash", "key", "sealed_at")
SEALS = {
    "sqlite": "SELECT number, first_seq, last_seq, digests, previous, hash, key, "
    "CAST(sealed_at AS TEXT) FROM core_event_seal",
    "postgresql": "SELECT number, first_seq, last_seq, digests, previous, hash, key, sealed_at "
    "FROM core_event_seal",
}

_PAIR = struct.Struct(f">q{DIGEST_BYTES}s")


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the log, both ends included, as it was when it was sealed.

    Attributes:
        number: 1, 2, 3, … without gaps.
        digests: number and digest of each event, packed.
        previous: hash of the seal before; empty in the first.
        hash: keyed, over all the rest.
        key: id of the key that it was made with.
        sealed_at: in UTC, as SQLite stores it.
    """

    number: int
    first_seq: int
    last_seq: int
    digests: bytes
    previous: bytes
    hash: bytes
    key: str
    sealed_at: str

    def unpacked(self) -> dict[int, bytes]:
        """The digests by event number."""
        return dict(_PAIR.iter_unpack(self.digests))


class Head(msgspec.Struct, frozen=True):
    """A seal by number and hash."""

    number: int
    hash: str


def seal_of(row: Sequence[Any]) -> Seal:
    """A stored row as a :class:`Seal`; one that was tampered with may hold anything."""
    values = dict(zip(COLUMNS, row, strict=True))
    for column in ("digests", "previous", "hash"):
        values[column] = _bytes(values[column]) or b""
    values["sealed_at"] = (_bytes(values["sealed_at"]) or b"").decode()
    return Seal(**values)


def digests_of(rows: Iterable[Sequence[Any]], key: bytes) -> dict[int, bytes]:
    """The digest of each event, by number; rows of :data:`EVENTS`.

    The payload and the context go in as their own SHA-256, so that an event whose payload has to
    be erased one day can still be told from one that was tampered with.
    """
    return {row[0]: _digest(row, key) for row in rows}


def _digest(row: Sequence[Any], key: bytes) -> bytes:
    seq, type_, version, customer, at, by, payload, context = row
    text = msgspec.msgpack.encode(
        [
            seq,
            _bytes(type_),
            _bytes(version),
            _bytes(customer),
            _bytes(at),
            _bytes(by),
            hashlib.sha256(_bytes(payload) or b"").digest(),
            None if context is None else hashlib.sha256(_bytes(context) or b"").digest(),
        ]
    )
    return hmac.digest(key, text, "sha256")[:DIGEST_BYTES]


def _bytes(value: Any) -> bytes | None:
    """A value as its bytes, the same on both databases: a moved log keeps its seals."""
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(" ").encode()
    return str(value).encode()


def hash_of(seal: Seal, key: bytes) -> bytes:
    """The hash that belongs to a seal, whatever hash it has."""
    text = msgspec.msgpack.encode(
        [
            seal.number,
            seal.first_seq,
            seal.last_seq,
            seal.digests,
            seal.previous,
            seal.key,
            seal.sealed_at,
        ]
    )
    return hmac.digest(key, text, "sha256")


class Seals:
    """Makes seals. One process at a time adds to the chain; others see that it was faster."""

    def __init__(self, db: Database, events: EventLog, keys: Keyring) -> None:
        self._db = db
        self._keys = keys
        self._horizon = Horizon(db, events)
        self._turn = asyncio.Lock()
        self._select = EVENTS[db.kind]

    async def seal(self, *, keys_lost: bool = False) -> int:
        """Seal everything that is decided and not sealed yet; returns how many events.

        Args:
            keys_lost: go on with a new key although that of the newest seal is gone for good.

        Raises:
            ConfigurationError: the file of keys cannot be used, or is of another installation.
        """
        async with self._turn:
            with as_the_house():
                last = await (last_seal(self._db) if keys_lost else self.expect_keys())
                return await self._seal(last)

    async def expect_keys(self) -> Seal | None:
        """The newest seal, once it is sure that the file of keys belongs to this database.

        Raises:
            ConfigurationError: it lacks the key of the newest seal, or is not there.
        """
        last = await last_seal(self._db)
        if last is not None and not self._keys.has(last.key):
            raise ConfigurationError(
                f"expected the key {last.key!r} of the last seal in {self._keys.path}, got no file "
                "with it; put back the file of keys that belongs to this database. If it is gone "
                "for good: relatum keys start-over"
            )
        return last

    async def _seal(self, last: Seal | None) -> int:
        until = await self._horizon.now()
        before, sealed = last, 0
        while last is None or last.last_seq < until:
            rows, made = await self._round(last, until)
            if not rows or not await self._keep(last, made):
                break
            sealed += rows
            last = made[-1]
        if last is not before:
            await self._note(last)
        return sealed

    async def _round(self, last: Seal | None, until: int) -> tuple[int, list[Seal]]:
        """The number of events read, and the seals over them."""
        first = BEGINNING if last is None else last.last_seq + 1
        rows = await self._db.fetch(
            f"{self._select} WHERE seq >= ? AND seq <= ? ORDER BY seq LIMIT ?",
            first,
            until,
            MOST_EVENTS * ROUND,
        )
        key = self._keys.current
        secret = self._keys.derive(PURPOSE, key)
        seals: list[Seal] = []
        for start in range(0, len(rows), MOST_EVENTS):
            some = rows[start : start + MOST_EVENTS]
            digests = await asyncio.to_thread(digests_of, some, secret)
            seal = Seal(
                number=last.number + 1 if last else 1,
                first_seq=first,
                # nothing can come between the last event there is and the horizon any more
                last_seq=some[-1][0] if len(some) == MOST_EVENTS else until,
                digests=b"".join(_PAIR.pack(seq, digest) for seq, digest in digests.items()),
                previous=last.hash if last else b"",
                hash=b"",
                key=key,
                sealed_at=now().isoformat(" "),
            )
            last = msgspec.structs.replace(seal, hash=hash_of(seal, secret))
            first = last.last_seq + 1
            seals.append(last)
        return len(rows), seals

    async def _keep(self, last: Seal | None, made: Sequence[Seal]) -> bool:
        """Write seals, unless another process has added to the chain meanwhile."""
        async with self._db.transaction():
            if self._db.kind == "postgresql":
                await self._db.execute("LOCK TABLE core_event_seal IN EXCLUSIVE MODE")
            newest = await last_seal(self._db)
            if (newest.hash if newest else b"") != (last.hash if last else b""):
                return False
            await self._db.insert("core_event_seal", COLUMNS, [_row(seal) for seal in made])
        return True

    async def _note(self, last: Seal | None) -> None:
        """Note the newest seal beside the keys, unless what is noted there is missing here."""
        path = head_path(self._keys)
        noted = await asyncio.to_thread(read_head, path)
        if last is not None and await stands(self._db, noted):
            await asyncio.to_thread(_write_head, path, head_of(last))


def _row(seal: Seal) -> list[Any]:
    values = [getattr(seal, column) for column in COLUMNS]
    return [*values[:-1], dt.datetime.fromisoformat(seal.sealed_at)]


def head_of(seal: Seal) -> Head:
    """What names a seal."""
    return Head(seal.number, seal.hash.hex())


def head_path(keys: Keyring) -> Path:
    """The file beside the keys that names the newest seal."""
    return keys.path.with_name("audit-head.json")


def read_head(path: Path) -> Head | None:
    """The seal that is noted there; ``None`` when there is no such file.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Head)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigurationError(
            f"expected number and hash of a seal in {path}, got something else; put the file back, "
            "or remove it once the audit trail has been looked at"
        ) from error


def _write_head(path: Path, head: Head) -> None:
    """Write it, unless another process that shares the folder has noted a newer one meanwhile."""
    # processes in containers may have the same number
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        noted = read_head(path)
        if noted is not None and noted.number > head.number:
            return
        draft.write_bytes(msgspec.json.encode(head))
        draft.replace(path)
    finally:
        os.close(folder)


async def last_seal(db: Database) -> Seal | None:
    """The newest seal."""
    row = await db.fetch_one(f"{SEALS[db.kind]} ORDER BY number DESC LIMIT 1")
    return seal_of(row) if row else None


async def stands(db: Database, head: Head | None) -> bool:
    """Whether this seal is in the chain; nothing noted stands."""
    if head is None:
        return True
    row = await db.fetch_one("SELECT hash FROM core_event_seal WHERE number = ?", head.number)
    return row is not None and bytes(row[0]).hex() == head.hash
