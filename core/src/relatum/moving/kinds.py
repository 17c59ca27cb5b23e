"""What kinds of values there are, as both databases know them."""

from __future__ import annotations

import enum
import re

from relatum.values.problems import ConfigurationError


class Kind(enum.StrEnum):
    """What a column holds, whichever database it is in.

    ``json`` keeps its text to the letter, ``jsonb`` only its meaning. ``moment`` is a time with a
    zone, ``wall`` one without. ``single`` and ``double`` are floats of 4 and 8 bytes.
    """

    text = "text"
    json = "json"
    jsonb = "jsonb"
    integer = "integer"
    boolean = "boolean"
    uuid = "uuid"
    moment = "moment"
    wall = "wall"
    date = "date"
    time = "time"
    duration = "duration"
    bytes = "bytes"
    single = "single"
    double = "double"
    decimal = "decimal"


_EMBEDDED = {
    "VARCHAR": Kind.text,
    "CHAR": Kind.text,
    "TEXT": Kind.text,
    "JSON": Kind.json,
    "JSONB": Kind.jsonb,
    "INTEGER": Kind.integer,
    "BIGINT": Kind.integer,
    "SMALLINT": Kind.integer,
    "INT": Kind.integer,
    "BOOLEAN": Kind.boolean,
    "UUID": Kind.uuid,
    "TIMESTAMPTZ": Kind.moment,
    "TIMESTAMP": Kind.wall,
    "DATE": Kind.date,
    "TIME": Kind.time,
    "SECONDS": Kind.duration,
    "BLOB": Kind.bytes,
    "REAL": Kind.single,
    "DOUBLE PRECISION": Kind.double,
    "NUMERIC": Kind.decimal,
    "DECIMAL": Kind.decimal,
}
_SERVER = {
    "character varying": Kind.text,
    "character": Kind.text,
    "text": Kind.text,
    "json": Kind.json,
    "jsonb": Kind.jsonb,
    "bigint": Kind.integer,
    "integer": Kind.integer,
    "smallint": Kind.integer,
    "boolean": Kind.boolean,
    "uuid": Kind.uuid,
    "timestamp with time zone": Kind.moment,
    "timestamp without time zone": Kind.wall,
    "date": Kind.date,
    "time without time zone": Kind.time,
    "interval": Kind.duration,
    "bytea": Kind.bytes,
    "real": Kind.single,
    "double precision": Kind.double,
    "numeric": Kind.decimal,
}
#: How a column is declared in the database that had no such table before.
EMBEDDED_TYPES = {
    Kind.text: "TEXT",
    Kind.json: "JSON",
    Kind.jsonb: "JSONB",
    Kind.integer: "INTEGER",
    Kind.boolean: "BOOLEAN",
    Kind.uuid: "UUID",
    Kind.moment: "TIMESTAMPTZ",
    Kind.wall: "TIMESTAMP",
    Kind.date: "DATE",
    Kind.time: "TIME",
    Kind.duration: "SECONDS",
    Kind.bytes: "BLOB",
    Kind.single: "REAL",
    Kind.double: "DOUBLE PRECISION",
    Kind.decimal: "NUMERIC",
}
SERVER_TYPES = {
    **EMBEDDED_TYPES,
    Kind.integer: "BIGINT",
    Kind.duration: "INTERVAL",
    Kind.bytes: "BYTEA",
}
_MODIFIER = re.compile(r"\s*\(([\d, ]+)\)")
#: The kinds that differ in name alone: what one database keeps as text the other checks as JSON.
_SAME = ({Kind.text, Kind.json},)


def embedded_kind(declared: str, where: str) -> Kind:
    """The kind of a column of SQLite.

    Raises:
        ConfigurationError: no such type is known; it cannot be moved.
    """
    kind = _EMBEDDED.get(_MODIFIER.sub("", declared).strip().upper())
    return kind or _unknown(declared, where)


def server_kind(declared: str, where: str, *, is_enum: bool = False) -> Kind:
    """The kind of a column of PostgreSQL, from its type as ``format_type`` writes it.

    Raises:
        ConfigurationError: no such type is known; it cannot be moved.
    """
    if is_enum:
        return Kind.text
    kind = _SERVER.get(_MODIFIER.sub("", declared).strip())
    return kind or _unknown(declared, where)


def length_of(declared: str) -> int | None:
    """Most characters that a column takes, from ``VARCHAR(60)``; ``None`` is no limit."""
    found = re.fullmatch(
        r"(?:varchar|char|character varying|character)\s*\((\d+)\)", declared, re.I
    )
    return int(found.group(1)) if found else None


def shared_kind(one: Kind, other: Kind) -> Kind | None:
    """The kind by which the same column of two databases is compared; ``None``: none fits."""
    if one == other:
        return one
    return Kind.text if any({one, other} <= same for same in _SAME) else None


def _unknown(declared: str, where: str) -> Kind:
    known = ", ".join(sorted(set(_EMBEDDED)))
    raise ConfigurationError(
        f"expected a column of a type that both databases know ({known}), got {declared!r} in "
        f"{where}; a table with such a column cannot be moved"
    )
