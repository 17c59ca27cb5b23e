"""What of the rows about one person may be handed to the person: not what is of others.

Pure: what has to be looked up (who is a customer, who works here) is given.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from relatum.access.secrets import MARK, is_encrypted
from relatum.customers.subject.types import FileHeld, Reduced, What

#: What stands for something that is not handed over.
MARKS: Mapping[What, str] = {
    "staff": "[staff]",
    "other_customer": "[another customer]",
    "unreadable": "[unreadable]",
    "key": "[not handed out]",
}
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ACTOR = re.compile(r"(?:person|service|account):[0-9a-fA-F-]{36}")
#: Keys that open something are for nobody, whoever's they are.
_KEYS = re.compile(r"(?:^|_)(?:totp|otp|password|passwd|recovery_code|private_key|token)(?:_|$)")
#: Words of a program: the state of something, never a text about somebody.
_CODE = re.compile(r"[a-z][a-z0-9_.]{0,39}|[A-Z]{3}|\d{4}-\d\d-\d\d.{0,25}|files/\S+|\[[a-z ]+\]")
_JSON = frozenset({"JSON", "JSONB"})

#: Reads an encrypted text: the text, the names of what holds it from the outside in.
Decrypt = Callable[[str, str], Any]


class Others(msgspec.Struct, frozen=True):
    """Who is not the person.

    Attributes:
        customers: ids of other customers that the rows name.
        accounts: ids of those who work here.
        staff: names and addresses of those who work here, as a whole text.
    """

    customers: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    staff: frozenset[str] = frozenset()


class RowShape(msgspec.Struct, frozen=True, kw_only=True):
    """Of the table a row is from: the types of its columns, those that name customers, its key."""

    table: str
    types: Mapping[str, str]
    customers: frozenset[str]
    key: tuple[str, ...]


def ids_in(rows: Collection[Mapping[str, Any]]) -> set[str]:
    """Every UUID that any value is or mentions."""
    found: set[str] = set()
    for row in rows:
        for value in row.values():
            if isinstance(value, UUID):
                found.add(str(value))
            elif isinstance(value, str) and len(value) >= 36:
                found.update(each.lower() for each in _UUID.findall(value))
    return found


class Reducer:
    """Turns rows into values of JSON, without what is of others, and counts what it took out."""

    def __init__(
        self, ids: Collection[UUID], others: Others, decrypt: Callable[..., Decrypt]
    ) -> None:
        self._ids = {str(id) for id in ids}
        self._others = others
        self._decrypt = decrypt
        self._counts: Counter[tuple[str, str, What]] = Counter()
        self.files: list[FileHeld] = []

    def reduced(self) -> list[Reduced]:
        """What was taken out of which columns, and in how many rows."""
        return [
            Reduced(table=table, column=column, what=what, rows=rows)
            for (table, column, what), rows in sorted(self._counts.items())
        ]

    def row(self, shape: RowShape, row: Mapping[str, Any]) -> dict[str, Any]:
        """One row as it is handed over; every column stays."""
        key = "-".join(str(row[name]) for name in shape.key)
        shared = any(
            row[name] is not None and str(row[name]) not in self._ids for name in shape.customers
        )
        result: dict[str, Any] = {}
        for name, value in row.items():
            cell = _Cell(self._others, self._decrypt(shape.table, name, key), shared=shared)
            result[name] = self._value(cell, shape, name, value, key)
            for what in cell.what:
                self._counts[shape.table, name, what] += 1
        return result

    def _value(self, cell: _Cell, shape: RowShape, name: str, value: Any, key: str) -> Any:
        if isinstance(value, bytes | bytearray | memoryview):
            content = bytes(value)
            if not content:
                return ""
            cell.what.add("file")
            path = f"files/{shape.table}/{key}-{name}{ending_of(content)}"
            self.files.append(FileHeld(path=path, content=content))
            return path
        if shape.types.get(name, "").upper() in _JSON and isinstance(value, str | dict | list):
            return cell.json(name, _decoded(value))
        return cell.any(name, value, kept=name in shape.key)


class _Cell:
    """One value, and why anything of it was taken out."""

    def __init__(self, others: Others, decrypt: Decrypt, *, shared: bool) -> None:
        self._others = others
        self._decrypt = decrypt
        self._shared = shared
        self.what: set[What] = set()

    def json(self, name: str, value: Any) -> Any:
        if not self._shared and self._others.customers:
            text = msgspec.json.encode(value).decode()
            self._shared = any(
                each.lower() in self._others.customers for each in _UUID.findall(text)
            )
        return self.any(name, value)

    def any(self, name: str, value: Any, *, kept: bool = False) -> Any:
        if value is not None and value != "" and _KEYS.search(name.lower()):
            return self._mark("key")
        if isinstance(value, dict):
            return {key: self.any(str(key), each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.any(name, each) for each in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self._text(name, value, kept=kept)
        return self._text(name, plain(value), kept=True)

    def _text(self, name: str, text: str, *, kept: bool) -> Any:
        if is_encrypted(text):
            opened = self._decrypt(name, text)
            return self._mark("unreadable") if opened is None else opened
        if MARK in text:
            return self._inside(name, text)
        if text.lower() in self._others.customers:
            return self._mark("other_customer")
        if text.lower() in self._others.accounts or text in self._others.staff:
            return self._mark("staff")
        text = _ACTOR.sub(self._named_staff, text)
        text = _UUID.sub(self._named, text) if len(text) >= 36 else text
        if self._shared and not kept and text and not self._is_bare(text):
            return self._mark("other_customer")
        return text

    def _inside(self, name: str, text: str) -> Any:
        """A secret inside of JSON that is kept as text (a journal): as JSON, with it in plain."""
        inner = _decoded(text)
        return self._mark("unreadable") if inner == text else self.any(name, inner)

    def _named(self, found: re.Match[str]) -> str:
        id = found[0].lower()
        if id in self._others.customers:
            return self._mark("other_customer")
        return self._mark("staff") if id in self._others.accounts else found[0]

    def _named_staff(self, found: re.Match[str]) -> str:
        return self._mark("staff")

    def _is_bare(self, text: str) -> bool:
        return _CODE.fullmatch(text) is not None or _UUID.fullmatch(text) is not None

    def _mark(self, what: What) -> str:
        self.what.add(what)
        return MARKS[what]


def plain(value: Any) -> str:
    """A value of the database as text: times in ISO 8601, lengths of time in seconds."""
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return str(value.total_seconds())
    return str(value) if isinstance(value, UUID | Decimal) else repr(value)


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value


_ENDINGS = (
    (b"%PDF", ".pdf"),
    (b"\x89PNG", ".png"),
    (b"\xff\xd8\xff", ".jpg"),
    (b"PK\x03\x04", ".zip"),
)


def ending_of(content: bytes) -> str:
    """How a file's name ends, by how the file begins."""
    found: Iterator[str] = (ending for begin, ending in _ENDINGS if content.startswith(begin))
    return next(found, ".bin")
