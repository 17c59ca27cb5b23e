"""Reading the audit trail: who, what, when, from, to, why. Rows go through the guard."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from msgspec import inspect

from relatum.access.audit.types import AuditItem, AuditQuery, Changed, Who
from relatum.access.policies import MASK
from relatum.access.secrets import is_encrypted
from relatum.db.pages import Page
from relatum.events.checking import SealCheck, SealChecker
from relatum.events.context import Context
from relatum.values.problems import InvalidInput, Problem
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.config.keyring import Keyring
    from relatum.db.database import Database
    from relatum.hooks.registry import Registry

SELECT = "SELECT seq, type, customer_id, recorded_at, by, payload, context FROM core_event"
#: Who has an account; the rest of ``by`` names an import, a plugin or the system.
WITH_ACCOUNTS = ("person", "service")
Row = tuple[Any, ...]


class Audit:
    """The event log as the audit trail."""

    def __init__(self, db: Database, registry: Registry, keys: Keyring) -> None:
        self._db = db
        self._registry = registry
        self.checker = SealChecker(db, keys)

    async def check(self, *, after: int = 0, most: int | None = None) -> SealCheck:
        """Whether the log is as it was sealed; see :meth:`SealChecker.check`."""
        return await self.checker.check(after=after, most=most)

    async def entries(self, query: AuditQuery) -> Page[AuditItem]:
        """One page, newest first.

        Raises:
            InvalidInput: a cursor that is not of this list.
        """
        where, params = _conditions(query)
        clause = f" WHERE {' AND '.join(where)}" if where else ""
        rows = await self._db.fetch(
            f"{SELECT}{clause} ORDER BY seq DESC LIMIT ?", *params, query.limit + 1
        )
        kept = rows[: query.limit]
        following = str(kept[-1][0]) if len(rows) > query.limit else None
        return Page(await self._items(kept), following)

    async def _items(self, rows: Sequence[Row]) -> list[AuditItem]:
        contexts = [_context(row[6]) for row in rows]
        people = await self._names_of(
            actor
            for row, context in zip(rows, contexts, strict=True)
            for actor in (row[4], context.actor)
        )
        customers = await self._named("core_customer", "display_name", [r[2] for r in rows if r[2]])
        return [
            self._item(row, context, people, customers)
            for row, context in zip(rows, contexts, strict=True)
        ]

    def _item(
        self,
        row: Row,
        context: Context,
        people: Mapping[str, str],
        customers: Mapping[UUID, str],
    ) -> AuditItem:
        seq, type_, customer, at, by, payload, _ = row
        changes, details = self._taken_apart(type_, payload)
        asked = context.actor
        return AuditItem(
            seq=seq,
            at=at,
            who=Who(by, people.get(by, "")),
            asked_by=Who(asked, people.get(asked, "")) if asked else None,
            type=type_,
            what=self._title(type_),
            customer=customer,
            customer_name=customers.get(customer, ""),
            changes=changes,
            details=details,
            why=context.why,
            token=context.token,
            session=context.session,
            request=context.request,
        )

    def _title(self, type_: str) -> Text:
        declared = self._registry.event_types.find(type_)
        return declared.title if declared else Text(en=type_, vi=type_)

    def _taken_apart(self, type_: str, payload: str) -> tuple[list[Changed], dict[str, Any]]:
        """What changed, and what else the payload says; secrets in neither."""
        data = msgspec.json.decode(payload)
        if not isinstance(data, dict):
            return [], {"payload": _without_secrets(data)}
        declared = self._registry.event_types.find(type_)
        pairs = _pairs_in(declared.payload) if declared else frozenset()
        changes: list[Changed] = []
        details: dict[str, Any] = {}
        for name, value in data.items():
            if name == "changes" and isinstance(value, dict):
                changes += _changes(value)
            elif name in pairs:
                changes += _changes({name: value})
            else:
                details[name] = _without_secrets(value)
        return changes, details

    async def _names_of(self, actors: Iterable[str]) -> dict[str, str]:
        ids: dict[UUID, str] = {}
        for actor in set(actors):
            kind, _, id = actor.partition(":")
            if kind in WITH_ACCOUNTS:
                try:
                    ids[UUID(id)] = actor
                except ValueError:
                    continue
        names = await self._named("core_account", "name", list(ids))
        return {ids[id]: name for id, name in names.items()}

    async def _named(self, table: str, column: str, ids: Sequence[UUID]) -> dict[UUID, str]:
        found = await self._db.fetch_in(
            f"SELECT id, {column} FROM {table} WHERE id IN ({{}})",  # noqa: S608 - names of our own
            list(dict.fromkeys(ids)),
        )
        return dict(found)


def _conditions(query: AuditQuery) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    params: list[Any] = []

    def add(sql: str, *values: Any) -> None:
        where.append(sql)
        params.extend(values)

    if query.cursor is not None:
        add("seq < ?", _number(query.cursor))
    if query.actor:
        add(
            "(by = ? OR CAST(context AS TEXT) LIKE ? ESCAPE '\\')",
            query.actor,
            f'%"actor":"{_escaped(query.actor)}"%',
        )
    if query.customer:
        add("customer_id = ?", query.customer)
    if query.type:
        add("type LIKE ? ESCAPE '\\'", f"{_escaped(query.type)}%")
    if query.recorded_from:
        add("recorded_at >= ?", query.recorded_from)
    if query.recorded_before:
        add("recorded_at < ?", query.recorded_before)
    return where, params


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _number(cursor: str) -> int:
    if cursor.isascii() and cursor.isdigit() and len(cursor) < 19:
        return int(cursor)
    raise InvalidInput(
        "The cursor does not belong to this list.",
        problems=[
            Problem(
                code="bad-cursor",
                message="not a cursor of the audit trail",
                where="cursor",
                expected="the `next` of the page before",
                got=cursor[:80],
                mend="Start again without a cursor.",
            )
        ],
    )


def _context(text: str | None) -> Context:
    return msgspec.json.decode(text, type=Context) if text else Context()


def _changes(pairs: Mapping[str, Any]) -> list[Changed]:
    changes: list[Changed] = []
    for field, pair in pairs.items():
        if not (isinstance(pair, list) and len(pair) == 2):
            changes.append(_changed(field, None, pair))
        elif field == "fields" and all(isinstance(each, dict) for each in pair):
            before, after = pair
            changes += [
                _changed(f"fields.{key}", before.get(key), after.get(key))
                for key in before.keys() | after.keys()
                if before.get(key) != after.get(key)
            ]
        else:
            changes.append(_changed(field, *pair))
    return sorted(changes, key=lambda change: change.field)


def _changed(field: str, before: Any, after: Any) -> Changed:
    """Two secrets that differ both show as the mask: that they changed is told."""
    return Changed(field, _without_secrets(before), _without_secrets(after))


@functools.cache
def _pairs_in(payload: type[msgspec.Struct]) -> frozenset[str]:
    """Fields of a payload that hold a value before and after: tuples of two alike."""
    info = inspect.type_info(payload)
    if not isinstance(info, inspect.StructType):
        return frozenset()
    return frozenset(
        field.encode_name
        for field in info.fields
        if isinstance(field.type, inspect.TupleType)
        and len(field.type.item_types) == 2
        and field.type.item_types[0] == field.type.item_types[1]
    )


def _without_secrets(value: Any) -> Any:
    if is_encrypted(value):
        return MASK
    if isinstance(value, dict):
        return {key: _without_secrets(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_secrets(each) for each in value]
    return value
