"""One written form of every value, the same on both databases: what checksums are made of.

Each database writes it in its own SQL; the few forms that SQLite's SQL cannot write are functions
here. A row is its values in the order of their columns' names: an empty one is ``~``, texts have
their length in characters before them, and ``;`` ends each.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from relatum.moving.kinds import Kind
from relatum.moving.layouts import quoted

_IS_TREE = "IN ('{', '[', '\"')"
_EMBEDDED = {
    Kind.text: "length({c}) || ':' || {c}",
    # A bare number is kept as a number by SQLite, whatever its text was.
    Kind.json: f"CASE WHEN substr({{c}}, 1, 1) {_IS_TREE} THEN length({{c}}) || ':' || {{c}} "
    "ELSE relatum_bare_json({c}) END",
    Kind.jsonb: "relatum_jsonb({c})",
    Kind.integer: "{c}",
    Kind.boolean: "{c}",
    Kind.uuid: "CASE WHEN length({c}) = 36 THEN lower({c}) ELSE relatum_uuid({c}) END",
    Kind.moment: "CASE WHEN length({c}) = 32 AND substr({c}, 27) = '+00:00' "
    "AND substr({c}, 11, 1) = ' ' THEN substr({c}, 1, 26) "
    "WHEN length({c}) = 25 AND substr({c}, 20) = '+00:00' AND substr({c}, 11, 1) = ' ' "
    "THEN substr({c}, 1, 19) || '.000000' ELSE relatum_moment({c}) END",
    Kind.wall: "relatum_wall({c})",
    Kind.date: "{c}",
    Kind.time: "relatum_time({c})",
    Kind.duration: "relatum_duration({c})",
    # hex() of nothing is an empty text
    Kind.bytes: "CASE WHEN {c} IS NOT NULL THEN lower(hex({c})) END",
    Kind.single: "relatum_single({c})",
    Kind.double: "relatum_double({c})",
    Kind.decimal: "relatum_decimal({c})",
}
_SERVER = {
    Kind.text: "char_length({c}::text) || ':' || {c}::text",
    Kind.json: f"CASE WHEN left({{c}}::text, 1) {_IS_TREE} "
    "THEN char_length({c}::text) || ':' || {c}::text "
    "WHEN json_typeof({c}::json) = 'number' THEN 'n' || trim_scale(({c}::text)::numeric)::text "
    "ELSE char_length({c}::text) || ':' || {c}::text END",
    Kind.jsonb: "char_length({c}::text) || ':' || {c}::text",
    Kind.integer: "{c}::text",
    Kind.boolean: "({c}::int)::text",
    Kind.uuid: "{c}::text",
    Kind.moment: "to_char({c} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
    Kind.wall: "to_char({c}, 'YYYY-MM-DD HH24:MI:SS.US')",
    Kind.date: "to_char({c}, 'YYYY-MM-DD')",
    Kind.time: "to_char({c}::interval, 'HH24:MI:SS.US')",
    Kind.duration: "(extract(epoch FROM {c}) * 1000000)::bigint::text",
    Kind.bytes: "encode({c}, 'hex')",
    Kind.single: "encode(float4send({c} + 0::float4), 'hex')",
    Kind.double: "encode(float8send({c} + 0::float8), 'hex')",
    Kind.decimal: "trim_scale({c})::text",
}


def embedded_form(column: str, kind: Kind) -> str:
    """A value of SQLite in its written form, as SQL for a connection that :func:`teach` taught."""
    return f"coalesce({_EMBEDDED[kind].replace('{c}', quoted(column))}, '~') || ';'"


def server_form(column: str, kind: Kind) -> str:
    """A value of PostgreSQL in its written form, as SQL."""
    return f"coalesce({_SERVER[kind].replace('{c}', quoted(column))}, '~') || ';'"


def teach(connection: sqlite3.Connection) -> None:
    """Give a connection to SQLite the functions that its SQL lacks."""
    for name, function in _FUNCTIONS.items():
        connection.create_function(name, 1, _of_something(function), deterministic=True)


def _of_something(function: Callable[[Any], str]) -> Callable[[Any], str | None]:
    return lambda value: None if value is None else function(value)


def bare_json(value: Any) -> str:
    """JSON that is a number, a word, or begins with a blank."""
    text = repr(value) if isinstance(value, float) else str(value)
    read = json.loads(text, parse_float=Decimal)
    if isinstance(read, int | Decimal) and not isinstance(read, bool):
        return f"n{_plain(Decimal(read))}"
    return f"{len(text)}:{text}"


def jsonb(value: Any) -> str:
    """JSON by its meaning, as PostgreSQL writes what it has taken apart."""
    read = json.loads(str(value), parse_float=Decimal)
    text = _written(read)
    return f"{len(text)}:{text}"


def _written(value: Any) -> str:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return "{" + ", ".join(f"{_written(key)}: {_written(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, Decimal):
        return format(value, "f") if value else format(abs(value), "f")
    return json.dumps(value, ensure_ascii=False)


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f") if value else "0"


def _moment(value: str) -> str:
    moment = dt.datetime.fromisoformat(value)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return _micros(moment.astimezone(dt.UTC))


def _micros(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f").rjust(26, "0")


def _wall(value: str) -> str:
    return _micros(dt.datetime.fromisoformat(value).replace(tzinfo=None))


def _single(value: Any) -> str:
    return struct.pack(">f", float(value) + 0.0).hex()


def _double(value: Any) -> str:
    return struct.pack(">d", float(value) + 0.0).hex()


_FUNCTIONS: dict[str, Callable[[Any], str]] = {
    "relatum_bare_json": bare_json,
    "relatum_jsonb": jsonb,
    "relatum_uuid": lambda value: str(UUID(value)),
    "relatum_moment": _moment,
    "relatum_wall": _wall,
    "relatum_time": lambda value: dt.time.fromisoformat(value).strftime("%H:%M:%S.%f"),
    "relatum_duration": lambda value: str(round(float(value) * 1_000_000)),
    "relatum_single": _single,
    "relatum_double": _double,
    "relatum_decimal": lambda value: _plain(Decimal(str(value))),
    # not canonical: the exact text of a float, for what is copied
    "relatum_exact": lambda value: repr(float(value)),
}
