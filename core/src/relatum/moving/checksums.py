"""The checksum of a table: one changed, missing, doubled or swapped row gives another one.

Every row's written form (:mod:`~relatum.moving.canonical`) goes through SHA-256, and the first 16
bytes of all rows are added up as two numbers of 64 bits. A sum does not depend on the order in
which a database gives its rows, and counts a doubled row twice. PostgreSQL adds up by itself, in
its own SQL; for SQLite it is done here.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from relatum.moving.canonical import embedded_form, server_form
from relatum.moving.kinds import Kind
from relatum.moving.layouts import Layout, quoted

#: Columns by name and kind, as they are compared.
Columns = Mapping[str, Kind]
_MOST_ROWS = 5_000


class Checksum(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a table.

    Attributes:
        digest: 32 hexadecimal digits.
        sums: of each column of money or amounts.
    """

    rows: int
    digest: str
    sums: Mapping[str, int] = {}


def columns_of(layout: Layout) -> dict[str, Kind]:
    """All columns with their kinds, in the order of their names."""
    return {each.name: each.kind for each in sorted(layout.columns, key=lambda one: one.name)}


def amounts_of(columns: Columns) -> list[str]:
    """The columns that are added up besides."""
    return [name for name, kind in columns.items() if kind is Kind.integer and "amount" in name]


def embedded_checksum(connection: sqlite3.Connection, table: str, columns: Columns) -> Checksum:
    """Of a table of SQLite; blocks the thread.

    Raises:
        sqlite3.Error: a value cannot be read as what its column holds.
    """
    form = " || ".join(embedded_form(name, columns[name]) for name in sorted(columns))
    cursor = connection.execute(f"SELECT {form} FROM {quoted(table)}")  # noqa: S608 - names of the catalogue
    count = high = low = 0
    sha256, number = hashlib.sha256, int.from_bytes
    while rows := cursor.fetchmany(_MOST_ROWS):
        count += len(rows)
        for (text,) in rows:
            digest = sha256(text.encode()).digest()
            high += number(digest[:8], "big")
            low += number(digest[8:16], "big")
    amounts = amounts_of(columns)
    sums: Sequence[int] = ()
    if amounts:
        added = ", ".join(f"coalesce(sum({quoted(name)}), 0)" for name in amounts)
        sums = connection.execute(f"SELECT {added} FROM {quoted(table)}").fetchone()  # noqa: S608
    return _checksum(count, high, low, dict(zip(amounts, sums, strict=True)))


async def server_checksum(connection: Any, table: str, columns: Columns) -> Checksum:
    """Of a table of PostgreSQL; only the result leaves the server."""
    form = " || ".join(server_form(name, columns[name]) for name in sorted(columns))
    amounts = amounts_of(columns)
    kept = "".join(f", {quoted(name)}" for name in amounts)
    added = "".join(f", coalesce(sum({quoted(name)}), 0)::numeric" for name in amounts)
    half = "('x' || encode(substring(h, {start}, 8), 'hex'))::bit(64)::bigint"
    # OFFSET 0 keeps the planner from writing the hash out twice
    statement = (
        f"SELECT count(*), coalesce(sum({half.format(start=1)}), 0), "  # noqa: S608 - as above
        f"coalesce(sum({half.format(start=9)}), 0){added} "
        f"FROM (SELECT sha256(convert_to({form}, 'UTF8')) h{kept} FROM {quoted(table)} OFFSET 0) r"
    )
    count, high, low, *sums = await connection.fetchrow(statement)
    numbers = {name: int(each) for name, each in zip(amounts, sums, strict=True)}
    return _checksum(count, int(high), int(low), numbers)


def _checksum(rows: int, high: int, low: int, sums: Mapping[str, int]) -> Checksum:
    # signed or not, the remainder is the same
    return Checksum(rows=rows, digest=f"{high % 2**64:016x}{low % 2**64:016x}", sums=sums)
