"""The ledger of erasures beside the database: a backup from before brings nobody back.

One line of JSON for each receipt: its id, when, by whom, why, and the ids that were erased. It lies
in the data folder and in the folder of backups, and holds nothing that names anybody.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import UUID

import msgspec

NAME = "erasures.jsonl"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One erasure, as the ledger has it."""

    id: UUID
    ids: list[UUID]
    erased_at: dt.datetime
    by: str
    reason: str


def read(files: Iterable[Path]) -> dict[UUID, Line]:
    """Every line of these ledgers, by the id of the receipt; a torn last line is passed over."""
    found: dict[UUID, Line] = {}
    for file in files:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            for text in file.read_bytes().splitlines():
                with contextlib.suppress(msgspec.DecodeError):
                    line = msgspec.json.decode(text, type=Line)
                    found[line.id] = line
    return found


def write(file: Path, lines: Sequence[Line]) -> None:
    """Add those that are missing, and put them on the disk."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with file.open("ab") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        known = read([file])
        missing = [line for line in lines if line.id not in known]
        text = b"".join(msgspec.json.encode(line) + b"\n" for line in missing)
        if text and file.stat().st_size and not file.read_bytes().endswith(b"\n"):
            text = b"\n" + text
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
