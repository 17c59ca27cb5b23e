"""The keys of an installation, in a file beside the database and never inside it.

Several keys, one of them current. Older ones stay: what was sealed or encrypted under them can
still be read. What a key is used for is derived from it (HKDF, RFC 5869), one purpose apart from
the other, so that no two uses share key material.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import datetime as dt
import fcntl
import os
import secrets
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from relatum.values.problems import ConfigurationError
from relatum.values.time import now

KEY_BYTES = 32
#: Seconds for which the file is taken to be as it was read.
STEADY_SECONDS = 1.0

_HEAD = """\
# The keys of this Relatum installation. Whoever has this file and a copy of the database reads
# every secret field and can forge the audit trail: keep it out of backups of the database, and
# keep a copy of it in another safe place. Without it, secret fields are lost for good.
# New keys are made with `relatum keys rotate`; older ones are still needed: remove none.

"""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key, without its secret: where it may be shown.

    Attributes:
        id: as seals and encrypted values name it.
        made_at: when it was made.
        current: whether new values are made with it.
    """

    id: str
    made_at: dt.datetime
    current: bool


class _Stored(msgspec.Struct, frozen=True):
    made_at: dt.datetime
    secret: bytes

    def __repr__(self) -> str:
        """Without the secret."""
        return f"_Stored(made_at={self.made_at!r})"


class _Ring(msgspec.Struct, frozen=True):
    current: str
    keys: Mapping[str, _Stored]


class Keyring:
    """The keys in one file, read when one is first needed and again when the file has changed.

    May be used from any thread and by several processes at once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._ring: _Ring | None = None
        self._state: tuple[int, int] | None = None
        self._looked_at = 0.0
        self._derived: dict[tuple[str, str], bytes] = {}

    def __repr__(self) -> str:
        return f"Keyring({str(self.path)!r})"

    @property
    def current(self) -> str:
        """The id of the current key; the first one is made when there is no file yet.

        Raises:
            ConfigurationError: the file cannot be read or written.
        """
        return self._fresh().current

    def every(self) -> list[Key]:
        """Every key, oldest first; empty while there is no file. Makes none.

        Raises:
            ConfigurationError: the file cannot be read.
        """
        ring = self._read()
        if ring is None:
            return []
        found = [
            Key(id=id, made_at=key.made_at, current=id == ring.current)
            for id, key in ring.keys.items()
        ]
        return sorted(found, key=lambda key: (key.made_at, key.id))

    def has(self, key: str) -> bool:
        """Whether the file has this key. Makes none."""
        ring = self._ring
        if ring is None or key not in ring.keys:
            ring = self._read()
        return ring is not None and key in ring.keys

    def derive(self, purpose: str, key: str | None = None) -> bytes:
        """32 bytes for one purpose, from the current key or from the one with this id.

        Args:
            purpose: what they are for, ``audit`` or ``links``: other purposes get other bytes.
            key: an older key's id.

        Raises:
            ConfigurationError: the file cannot be used, or it has no such key.
        """
        id = self.current if key is None else key
        derived = self._derived.get((purpose, id))
        if derived is None:
            derived = self._derived[purpose, id] = _derive(self._secret(id), purpose)
        return derived

    def rotate(self) -> str:
        """Make a new current key and return its id; the others are kept.

        Raises:
            ConfigurationError: the file cannot be read or written.
        """
        with self._lock, self._alone():
            ring = self._read()
            known = {} if ring is None else dict(ring.keys)
            return self._keep(_with_new_key(known)).current

    def _secret(self, id: str) -> bytes:
        ring = self._fresh()
        if id not in ring.keys:
            # Made by another process a moment ago?
            ring = self._read() or ring
            self._ring = ring
        if id not in ring.keys:
            raise ConfigurationError(
                f"expected the key {id!r} in {self.path}, got a file without it; put back the file "
                "of keys that belongs to this database"
            )
        return ring.keys[id].secret

    def _fresh(self) -> _Ring:
        """The ring, read again when the file has changed, made when there is none."""
        moment = time.monotonic()
        ring = self._ring
        if ring is not None and moment - self._looked_at < STEADY_SECONDS:
            return ring
        with self._lock:
            self._looked_at = moment
            if self._ring is None or self._state != _state_of(self.path):
                self._ring = self._read() or self._first()
            return self._ring

    def _first(self) -> _Ring:
        if self._ring is not None:
            # Deleted under a running process. A new one would make everything unreadable.
            raise ConfigurationError(
                f"expected the file of keys {self.path}, which was there a moment ago, got none; "
                "put it back"
            )
        with self._alone():
            return self._read() or self._keep(_with_new_key({}))

    def _read(self) -> _Ring | None:
        state = _state_of(self.path)
        if state is None:
            return None
        try:
            ring = _ring_of(tomllib.loads(self.path.read_text(encoding="utf-8")))
        except OSError as error:
            raise self._unusable(error.strerror or "it cannot be opened") from None
        except (ValueError, msgspec.ValidationError):
            # The message of the refusal may quote the file.
            raise self._unusable("it is not a file of keys as Relatum writes it") from None
        self._state = state
        return ring

    def _keep(self, ring: _Ring) -> _Ring:
        """Write the file whole, on disk before anything is made with the new key."""
        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(6)}")
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(_text_of(ring).encode())
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
            _sync_folder(self.path.parent)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise self._unusable(error.strerror or "it cannot be written") from None
        self._ring = ring
        self._state = _state_of(self.path)
        return ring

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process writes the file meanwhile: none of two new keys is lost."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            folder = os.open(self.path.parent, os.O_RDONLY)
        except OSError as error:
            raise self._unusable(error.strerror or "its folder cannot be used") from None
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _unusable(self, why: str) -> ConfigurationError:
        return ConfigurationError(
            f"expected a file of keys at {self.path} that this account can read and write, got "
            f"this: {why}; mend it, or name another file in RELATUM_KEYS_FILE"
        )


def _derive(secret: bytes, purpose: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = f"relatum:{purpose}".encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(secret)


def _with_new_key(known: Mapping[str, _Stored]) -> _Ring:
    # Ids are drawn, so that the keys of two installations are never taken for each other.
    id = f"k{secrets.token_hex(4)}"
    key = _Stored(made_at=now(), secret=secrets.token_bytes(KEY_BYTES))
    return _Ring(current=id, keys={**known, id: key})


def _ring_of(tree: Mapping[str, object]) -> _Ring:
    """The file's content, checked.

    Raises:
        ValueError: it is not what :func:`_text_of` writes.
    """
    read = msgspec.convert(tree, _File)
    keys = {}
    for id, entry in read.keys.items():
        try:
            secret = base64.urlsafe_b64decode(entry.secret)
        except binascii.Error:
            raise ValueError(id) from None
        if len(secret) != KEY_BYTES:
            raise ValueError(id)
        keys[id] = _Stored(made_at=entry.made_at, secret=secret)
    if read.current not in keys:
        raise ValueError(read.current)
    return _Ring(current=read.current, keys=keys)


class _Entry(msgspec.Struct):
    made_at: dt.datetime
    secret: str


class _File(msgspec.Struct):
    current: str
    keys: dict[str, _Entry]


def _text_of(ring: _Ring) -> str:
    lines = [_HEAD, f'current = "{ring.current}"\n']
    for id, key in ring.keys.items():
        secret = base64.urlsafe_b64encode(key.secret).decode()
        lines.append(f'\n[keys.{id}]\nmade_at = {key.made_at.isoformat()}\nsecret = "{secret}"\n')
    return "".join(lines)


def _state_of(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
