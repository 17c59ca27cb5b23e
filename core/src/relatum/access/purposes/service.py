"""Purposes of custom fields, and plugins that are limited to those they declare.

A custom field may be bound to purposes. A plugin is given its values only while it works for one of
them, and only for purposes that its manifest declares (``[[processing]]``). The limit is part of
the guard through which every statement runs, so that it holds for statements that nobody wrote with
a purpose in mind.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from relatum.access.purposes.acting import (
    NO_LIMIT,
    Acting,
    AtWork,
    Limit,
    at_work,
    working_as,
)
from relatum.access.purposes.events import WITHHELD, DataWithheld
from relatum.access.sight.compiling import SightGuard
from relatum.access.sight.masking import CUSTOMER_UPDATED
from relatum.access.viewer import SEES_ALL
from relatum.db.guarding import as_the_house, current_guard, guarded_by
from relatum.events.types import Event, NewEvent
from relatum.hooks.gate import CORE
from relatum.values.sensitivity import SENSITIVITIES
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.sight.service import Sights
    from relatum.db.database import Database
    from relatum.events.log import EventLog
    from relatum.hooks.context import Plugin
    from relatum.values.sensitivity import Sensitivity

T = TypeVar("T")
#: Purpose → classes of sensitive data that a plugin declares for it.
Declared = Mapping[str, frozenset["Sensitivity"]]


class Purposes:
    """Lets plugins work, each limited to its purposes.

    Args:
        declared: what the manifest of a plugin declares.
    """

    def __init__(
        self,
        db: Database,
        events: EventLog,
        sights: Sights,
        declared: Callable[[str], Declared],
    ) -> None:
        self._db = db
        self._events = events
        self._sights = sights
        self._declared = declared
        self._fields: Mapping[str, frozenset[str]] = {}
        self._limits: dict[Acting, Limit] = {}
        self._told: dict[tuple[Acting, Limit], dt.date] = {}
        self._waiting: dict[tuple[Acting, Limit], None] = {}
        sights.notice = self._notice

    @contextlib.asynccontextmanager
    async def work(self, plugin: Plugin, purpose: str = "") -> AsyncIterator[None]:
        """Let a plugin's code run inside the block.

        Args:
            purpose: what it works for; any that it declares when it is empty.
        """
        if plugin.id == CORE:
            yield
            return
        acting = Acting(plugin=plugin.id, version=plugin.version, purpose=purpose)
        limit = self._limit(acting, await self._sights.field_purposes())
        guard = current_guard()
        if not limit and at_work() is None:
            with working_as(AtWork(acting=acting)):
                yield
            return
        house = await self._sights.guard_of(SEES_ALL, limit)
        if guard is None:
            guard = house
        elif isinstance(guard, SightGuard):
            guard = await self._sights.guard_of(guard.sight, limit)
        with working_as(AtWork(acting=acting, limit=limit, house=house)), guarded_by(guard):
            yield
        await self.tell()

    def _limit(self, acting: Acting, fields: Mapping[str, frozenset[str]]) -> Limit:
        if not fields and not acting.purpose:
            return NO_LIMIT
        if fields is not self._fields:
            self._fields = fields
            self._limits.clear()
        if acting not in self._limits:
            self._limits[acting] = limit_of(acting.purpose, self._declared(acting.plugin), fields)
        return self._limits[acting]

    def given(self, value: T) -> T:
        """What a plugin at work is handed, without what is withheld from it.

        Args:
            value: a customer, a draft of one or an event, alone or in a list; anything else stays.
        """
        work = at_work()
        if work is None or not work.limit.withheld:
            return value
        kept: Any = _without(value, work.limit.withheld)
        if kept is not value:
            self._notice()
        return kept  # type: ignore[no-any-return]

    # -- what is told of it ----------------------------------------------------------------------

    def _notice(self) -> None:
        """Somebody reads what is withheld from them."""
        work = at_work()
        if work is None or not work.limit:
            return
        key = work.acting, work.limit
        if self._told.get(key) != now().date():
            self._waiting[key] = None

    async def tell(self) -> None:
        """Note in the log what was withheld since; what is undone with a transaction waits on."""
        if not self._waiting:
            return
        some, self._waiting = self._waiting, {}
        try:
            with as_the_house():
                await self._append(list(some))
        except BaseException:
            self._waiting |= some
            raise

    async def _append(self, some: Sequence[tuple[Acting, Limit]]) -> None:
        def told() -> None:
            self._told.update(dict.fromkeys(some, now().date()))

        async with self._db.transaction():
            await self._events.append(
                [NewEvent(type=WITHHELD, payload=self._fact(*each)) for each in some],
                by="system",
            )
            self._db.after_commit(told)

    def _fact(self, acting: Acting, limit: Limit) -> DataWithheld:
        return DataWithheld(
            plugin=acting.plugin,
            version=acting.version,
            purpose=acting.purpose,
            declared=sorted(self._declared(acting.plugin)),
            fields=sorted(limit.withheld),
            classes=sorted(limit.masked),
        )


def _without(value: Any, keys: frozenset[str]) -> Any:
    """The same object when nothing had to be taken out."""
    if isinstance(value, list | tuple):
        kept = [_without(each, keys) for each in value]
        differs = any(new is not old for new, old in zip(kept, value, strict=True))
        return type(value)(kept) if differs else value
    if isinstance(value, Event):
        return _told_without(value, keys) if value.type == CUSTOMER_UPDATED else value
    fields = getattr(value, "fields", None)
    if isinstance(value, msgspec.Struct) and isinstance(fields, dict) and keys & fields.keys():
        return msgspec.structs.replace(value, fields=_left(fields, keys))
    return value


def _told_without(event: Event, keys: frozenset[str]) -> Event:
    payload = event.data()
    before_after = payload.get("changes", {}).get("fields")
    if before_after is None or not any(keys & each.keys() for each in before_after):
        return event
    payload["changes"]["fields"] = [_left(each, keys) for each in before_after]
    return msgspec.structs.replace(event, payload=msgspec.Raw(msgspec.json.encode(payload)))


def _left(fields: Mapping[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key not in keys}


def limit_of(purpose: str, declared: Declared, fields: Mapping[str, frozenset[str]]) -> Limit:
    """What is not for a plugin.

    Args:
        purpose: what it works for; empty for any that it declares.
        declared: purposes in its manifest with their classes of sensitive data.
        fields: the purposes of each custom field; none is any.
    """
    if purpose and purpose not in declared:
        return Limit(withheld=frozenset(fields), masked=frozenset(SENSITIVITIES))
    wanted = {purpose} if purpose else declared.keys()
    withheld = frozenset(key for key, bound in fields.items() if bound and not bound & wanted)
    if not purpose:
        return Limit(withheld=withheld)
    return Limit(withheld=withheld, masked=frozenset(SENSITIVITIES) - declared[purpose])
