"""The tables that are archived, and one row as text: the same on both databases and in a file.

A row is compared, hashed and kept as text, column by column, exactly as the database has it: times
in UTC as ``2026-01-31 23:59:59.123456+00:00``, ids in small letters, numbers in digits, JSON as it
was written. What cannot be turned into the types of a file and back to the same text is refused.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import msgspec

from relatum.values.problems import Conflict

Form = Literal["whole", "small", "text", "time"]
#: One row; ``None`` is an empty column.
Row = tuple[str | None, ...]

EVENTS = "core_event"
INTERACTIONS = "core_interaction"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_digests = msgspec.msgpack.Encoder().encode


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A table that is archived.

    Attributes:
        id: its name in the database.
        short: as the command line calls it.
        forms: its columns, the key first, and what they hold.
    """

    id: str
    short: str
    forms: dict[str, Form]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.forms)

    @property
    def key(self) -> str:
        return self.columns[0]

    def place(self, column: str) -> int:
        """Where a column stands in a row."""
        return self.columns.index(column)

    def select(self, database: str) -> str:
        """A SELECT of every column as it is stored, whatever is stored there."""
        if database == "sqlite":
            named = ", ".join(f'CAST("{column}" AS BLOB)' for column in self.columns)
        else:
            named = ", ".join(f'"{column}"' for column in self.columns)
        return f"SELECT {named} FROM {self.id}"  # noqa: S608 - names of our own

    def key_of(self, text: str) -> Any:
        """A key as the database takes it."""
        return int(text) if self.forms[self.key] == "whole" else text

    def before(self, one: str, other: str) -> bool:
        """Whether a key comes before another."""
        return bool(self.key_of(one) < self.key_of(other))


_EVENT_FORMS: dict[str, Form] = {
    "seq": "whole",
    "type": "text",
    "version": "small",
    "customer_id": "text",
    "recorded_at": "time",
    "by": "text",
    "payload": "text",
    "context": "text",
}
_INTERACTION_FORMS: dict[str, Form] = {
    "id": "text",
    "kind": "text",
    "kind_version": "small",
    "customer_id": "text",
    "channel": "text",
    "direction": "text",
    "occurred_at": "time",
    "recorded_at": "time",
    "payload": "text",
    "amount": "whole",
    "currency": "text",
    "handle": "text",
    "subject": "text",
    "actor": "text",
    "idempotency_key": "text",
}
KINDS: dict[str, Kind] = {
    EVENTS: Kind(id=EVENTS, short="events", forms=_EVENT_FORMS),
    INTERACTIONS: Kind(id=INTERACTIONS, short="interactions", forms=_INTERACTION_FORMS),
}


def rows_of(stored: Iterable[Sequence[Any]]) -> list[Row]:
    """Rows of :meth:`Kind.select` as text.

    Raises:
        Conflict: a value is no text at all.
    """
    return [tuple([None if value is None else _text(value) for value in row]) for row in stored]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise Conflict(
                f"expected text in every column, got {value[:40]!r}; it cannot be archived to the "
                "byte, so nothing is: relatum doctor --audit tells whether somebody changed it"
            ) from error
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(" ")
    return str(value)


def digest_of(rows: Sequence[Row]) -> str:
    """SHA-256 over rows and their order, hexadecimal; the same wherever they are."""
    return hashlib.sha256(_digests(rows)).hexdigest()


def micros(text: str) -> int:
    """A stored time as microseconds since 1970.

    Raises:
        ValueError: it is not the usual form, so that it could not be given back as it is.
    """
    moment = dt.datetime.fromisoformat(text)
    if moment.isoformat(" ") != text or moment.utcoffset() != dt.timedelta():
        raise ValueError(text)
    return (moment - _EPOCH) // _MICROSECOND


def time_text(value: int) -> str:
    """Microseconds since 1970 as they are stored."""
    return (_EPOCH + value * _MICROSECOND).isoformat(" ")


def whole(text: str) -> int:
    """A stored whole number.

    Raises:
        ValueError: it could not be given back as it is.
    """
    number = int(text)
    if str(number) != text:
        raise ValueError(text)
    return number


#: From text into a file, and back.
INTO: dict[Form, Callable[[str], Any]] = {"whole": whole, "small": whole, "time": micros}
OUT: dict[Form, Callable[[Any], str]] = {"whole": str, "small": str, "time": time_text}


def values_of(kind: Kind, database: str, rows: Iterable[Row]) -> list[tuple[Any, ...]]:
    """Rows as values to insert: text as it is on SQLite, else Python's types."""

    def moment(text: str) -> Any:
        return text if database == "sqlite" else dt.datetime.fromisoformat(text)

    readers: dict[Form, Callable[[str], Any]] = {
        "whole": int,
        "small": int,
        "text": str,
        "time": moment,
    }
    reads = [readers[form] for form in kind.forms.values()]
    return [
        tuple([None if text is None else read(text) for read, text in zip(reads, row, strict=True)])
        for row in rows
    ]
