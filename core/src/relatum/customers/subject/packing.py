"""The archive that a person gets: data for machines, one page for people, and how to check both.

``manifest.json`` says what is in it and the SHA-256 of every other file. ``data.json`` has
everything by plugin and table; ``tables/<table>.csv`` the same for spreadsheets; ``index.html`` is
readable by itself, without a server; ``files/`` has what is no text.
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from relatum.customers.subject.readable import Saying, html_of
from relatum.customers.subject.types import Subject, TableHeld

FORMAT = "relatum-subject-export"
VERSION = 1
#: The same for every file, so that equal data gives equal bytes.
_MOMENT = (1980, 1, 1, 0, 0, 0)
#: What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def pack(
    subject: Subject,
    path: Path,
    *,
    language: str,
    saying: Saying,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> str:
    """Write the archive; slow, call it in a thread.

    Args:
        saying: how people are told.
        told: called with how many files of how many are written.

    Returns:
        the SHA-256 of the whole file.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    sums: dict[str, dict[str, Any]] = {}
    total = len(subject.tables) + len(subject.files) + 3
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in _parts(subject, language, saying):
            _add(packed, name, content)
            sums[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            told(len(sums), total)
        _add(packed, "manifest.json", _json(_manifest(subject, language, sums)))
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _parts(subject: Subject, language: str, saying: Saying) -> Iterator[tuple[str, bytes]]:
    yield "data.json", _json(_data(subject))
    yield "index.html", html_of(subject, language, saying).encode()
    for table in subject.tables:
        yield f"tables/{table.name}.csv", _csv(table).encode("utf-8-sig")
    for file in subject.files:
        yield file.path, file.content


def _add(packed: zipfile.ZipFile, name: str, content: bytes) -> None:
    about = zipfile.ZipInfo(name, date_time=_MOMENT)
    about.compress_type = zipfile.ZIP_DEFLATED
    about.external_attr = 0o600 << 16
    packed.writestr(about, content)


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1)


def _data(subject: Subject) -> dict[str, Any]:
    plugins: dict[str, dict[str, Any]] = {}
    for table in subject.tables:
        plugins.setdefault(table.plugin, {})[table.name] = {
            "title": table.title,
            "columns": table.columns,
            "rows": table.rows,
        }
    return {
        "format": FORMAT,
        "version": VERSION,
        "customer": subject.customer,
        "ids": subject.ids,
        "plugins": plugins,
    }


def _manifest(subject: Subject, language: str, sums: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "customer": subject.customer,
        "ids": subject.ids,
        "language": language,
        "began_at": subject.began_at,
        "ended_at": subject.ended_at,
        "rows": subject.rows,
        "tables": [
            {
                "name": table.name,
                "plugin": table.plugin,
                "title": table.title,
                "rows": len(table.rows),
                "sources": {
                    "database": len(table.rows) - table.archived,
                    "archive": table.archived,
                },
            }
            for table in subject.tables
        ],
        "reduced": subject.reduced,
        "left_out": subject.left_out,
        "files": sums,
    }


def _csv(table: TableHeld) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    names = [column.name for column in table.columns]
    writer.writerow(names)
    writer.writerows([_cell(row[name]) for name in names] for row in table.rows)
    return stream.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return msgspec.json.encode(value).decode()
