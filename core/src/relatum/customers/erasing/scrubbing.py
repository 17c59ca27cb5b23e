"""Quotations: wherever a text of somebody else names the person, a mark takes the name's place.

Every text of every table is looked at, whosever it is: tables of plugins that nobody has loaded,
arguments and results of jobs, answers kept for repeated requests, journals of imports and merges.
What tells who *another* customer or an account is stays as it is.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from relatum.customers.erasing.marks import MARK, Marks, scrubbed_text
from relatum.customers.erasing.reach import key_named
from relatum.customers.erasing.types import TableCount

if TYPE_CHECKING:
    from relatum.customers.merging.catalogue import Catalogue
    from relatum.db.database import Database

PAGE = 5_000
#: Whom others are known by, what people who work here are called, what the house is made of; the
#: log, which :mod:`redacting` looks at; and what erasing itself writes.
SPARED = frozenset(
    {
        *("core_account", "core_account_role", "core_api_token", "core_attempt", "core_identity"),
        *("core_one_time_link", "core_preferences", "core_rate", "core_recovery_code"),
        *("core_role", "core_role_permission", "core_session", "core_team", "core_team_member"),
        *("core_admin_change", "core_admin_load", "core_admin_unit", "core_archive"),
        *("core_contact_point", "core_customer_field", "core_customer_role", "core_customer_tag"),
        *("core_do_not_contact", "core_external_id", "core_rule_member"),
        *("core_event", "core_event_redaction", "core_event_seal", "core_handler"),
        *("core_erased_kept", "core_erasure", "migration"),
    }
)
#: Of these tables only some columns: the others say who somebody else is.
_ONLY = {"core_customer": ("fields",)}
#: Copies of answers: one that tells of the person is emptied as a whole.
_COPIES = frozenset({"core_idempotency", "core_report_file"})
_TEXTS = ("char", "text", "json", "clob")
_BYTES = ("bytea", "blob")


def is_text(type_: str) -> bool:
    """Whether a type of either database holds text."""
    return any(word in type_.lower() for word in _TEXTS)


def is_bytes(type_: str) -> bool:
    """Whether a type of either database holds bytes."""
    return type_.lower() in _BYTES


def fitting(
    catalogue: Catalogue, lengths: Mapping[tuple[str, str], int], table: str, column: str
) -> Callable[[str], str]:
    """Makes a mark of its own where the column holds each text once, and none too long for it."""
    shape = catalogue.tables[table]
    once = any(column in unique.parts for unique in shape.uniques)

    most = lengths.get((table, column))

    def fit(text: str) -> str:
        text = text.replace(MARK, f"{MARK}{secrets.token_hex(4)}", 1) if once else text
        return text[:most]

    return fit


class Scrubbing:
    """Reads everything once, and rewrites the few rows that quote somebody. Call as the house."""

    def __init__(
        self,
        db: Database,
        catalogue: Catalogue,
        lengths: Mapping[tuple[str, str], int],
        ids: frozenset[str],
    ) -> None:
        self._db = db
        self._catalogue = catalogue
        self._lengths = lengths
        self._ids = ids

    def tables(self, spared: Collection[str] = SPARED) -> list[str]:
        """Tables that are looked at."""
        return sorted(name for name in self._catalogue.tables if name not in spared)

    async def scrub(self, marks: Marks) -> list[TableCount]:
        """Replace quotations in every table, in the caller's transaction."""
        counts = []
        for table in self.tables():
            rows = await self._scrub(table, marks)
            if rows:
                counts.append(TableCount(table=table, act="scrub", rows=rows))
        return counts

    async def _scrub(self, table: str, marks: Marks) -> int:
        texts = self._columns(table, is_text)
        blobs = self._columns(table, is_bytes)
        # the key last: the others find their rows by it
        texts.sort(key=self._catalogue.tables[table].key.__contains__)
        columns = [*blobs, *texts]
        if not columns:
            return 0
        touched: set[Any] = set()
        named = key_named(self._db, self._catalogue, table)
        async for rows in self._pages(table, texts, blobs):
            changed = await asyncio.to_thread(
                _changed, rows, columns, self._ids, marks, whole=table in _COPIES
            )
            for column, values in changed.items():
                fit = fitting(self._catalogue, self._lengths, table, column)
                await self._db.execute_many(
                    f'UPDATE "{table}" SET "{column}" = ? WHERE {named} = ?',  # noqa: S608 - names of the catalogue
                    [(fit(v) if isinstance(v, str) else v, key) for v, key in values],
                )
                touched |= {key for _, key in values}
        return len(touched)

    def _columns(self, table: str, wanted: Callable[[str], bool]) -> list[str]:
        shape = self._catalogue.tables[table]
        only = _ONLY.get(table)
        # a key that rows point at names them and nobody else
        kept = shape.key if self._catalogue.to(table) or len(shape.key) != 1 else ()
        return [
            name
            for name, type_ in shape.columns.items()
            if wanted(type_) and (name in only if only else name not in kept)
        ]

    async def _pages(self, table: str, texts: list[str], blobs: list[str]) -> Any:
        shape = self._catalogue.tables[table]
        named = key_named(self._db, self._catalogue, table)
        columns = [*(f'"{c}"' for c in blobs), *(f'CAST("{c}" AS TEXT)' for c in texts)]
        selected = ", ".join(f"{column} AS v{n}" for n, column in enumerate(columns))
        select = f'SELECT {named} AS k, {selected} FROM "{table}"'  # noqa: S608 - names of the catalogue
        if len(shape.key) != 1:
            yield await self._db.fetch(select)
            return
        last: tuple[Any, ...] = ()
        while True:
            where = f" WHERE {named} > ?" if last else ""
            rows = await self._db.fetch(
                f"{select}{where} ORDER BY {named} LIMIT {PAGE}",
                *last,
            )
            if rows:
                yield rows
            if len(rows) < PAGE:
                return
            last = (rows[-1][0],)


def _changed(
    rows: Sequence[tuple[Any, ...]],
    columns: list[str],
    ids: frozenset[str],
    marks: Marks,
    *,
    whole: bool,
) -> dict[str, list[tuple[Any, Any]]]:
    """By column the new value of each row that quotes somebody, with the row's key."""
    found: dict[str, list[tuple[Any, Any]]] = {}
    for key, *values in rows:
        for column, value in zip(columns, values, strict=True):
            if not value:
                continue
            after = _scrubbed(value, ids, marks, whole=whole)
            if after is not value:
                found.setdefault(column, []).append((after, key))
    return found


def _scrubbed(value: Any, ids: frozenset[str], marks: Marks, *, whole: bool) -> Any:
    if isinstance(value, str):
        return scrubbed_text(value, ids, marks)
    content = bytes(value)
    text = readable(content)
    told = marks.names(text) or (whole and any(id in text for id in ids))
    if not told:
        return value
    if whole:
        return b"{}"
    try:
        plain = content.decode()
    except UnicodeDecodeError:
        # a file that somebody is named in: nothing of it can be cut out
        return MARK.encode()
    after = scrubbed_text(plain, ids, marks)
    return MARK.encode() if after is plain else after.encode()


def readable(content: bytes) -> str:
    """What can be read of a file: text in the usual encodings, the members of a zip, gzip."""
    import gzip
    import io
    import zipfile
    import zlib

    if content[:2] == b"PK":
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return "\n".join(readable(archive.read(name)) for name in archive.namelist())
        except (zipfile.BadZipFile, RuntimeError, zlib.error):
            return ""
    if content[:2] == b"\x1f\x8b":
        try:
            return readable(gzip.decompress(content))
        except (OSError, EOFError, zlib.error):
            return ""
    for encoding in _encodings(content):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _encodings(content: bytes) -> tuple[str, ...]:
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return ("utf-16",)
    return ("utf-8-sig", "cp1258")
