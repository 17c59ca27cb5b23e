"""Guards of viewers, compiled once and kept."""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec
from piccolo.columns import JSON
from piccolo.table import TABLE_REGISTRY

from relatum.access.purposes.acting import NO_LIMIT, Limit, at_work
from relatum.access.sight.compiling import SightGuard, guard_for
from relatum.access.sight.masking import Masked
from relatum.access.viewer import Sight, Viewer, acting_as
from relatum.db.guarded import GuardedTable, guarded_tables
from relatum.db.guarding import as_the_house, guarded_by
from relatum.values.sensitivity import sensitive_fields

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.hooks.registry import Registry
    from relatum.values.sensitivity import Sensitivity

MOST_KEPT = 1024
#: For how long another process may have changed the class of a custom field unnoticed.
FRESH_SECONDS = 1.0


class Sights:
    """What each viewer sees of the database.

    Attributes:
        notice: called when a plugin reads something that is withheld from it.
    """

    def __init__(self, db: Database, registry: Registry) -> None:
        self._db = db
        self._registry = registry
        self._guards: OrderedDict[tuple[Sight, Limit], SightGuard | None] = OrderedDict()
        self.notice: Callable[[], None] = lambda: None
        self._state: tuple[object, ...] = ()
        self._masked = Masked()
        self._tables: tuple[GuardedTable, ...] = ()
        self._fields: tuple[tuple[str, str], ...] = ()
        self._classes: dict[str, Sensitivity] = {}
        self._purposes: dict[str, frozenset[str]] = {}
        self._read_at: float | None = None
        self._changes = 0
        self._listeners: list[Callable[[], None]] = []

    @contextlib.asynccontextmanager
    async def looking_as(self, viewer: Viewer) -> AsyncIterator[None]:
        """Let a viewer act inside the block, and see only what is for it."""
        guard = await self.guard_of(viewer.sight)
        with acting_as(viewer), guarded_by(guard):
            yield

    async def guard_of(self, sight: Sight, limit: Limit | None = None) -> SightGuard | None:
        """The guard for a sight; ``None`` when it sees everything as it is.

        Args:
            limit: what is withheld besides; of the plugin at work when it is not given.
        """
        if limit is None:
            work = at_work()
            limit = NO_LIMIT if work is None else work.limit
        if sight.everything and not sight.masked and not limit:
            return None
        await self._refresh()
        key = sight, limit
        if key in self._guards:
            self._guards.move_to_end(key)
            return self._guards[key]
        guard = guard_for(
            *(sight, self._tables, self._masked),
            kind=self._db.kind,
            limit=limit,
            notice=self.notice,
        )
        self._guards[key] = guard
        if len(self._guards) > MOST_KEPT:
            self._guards.popitem(last=False)
        return guard

    async def field_classes(self) -> Mapping[str, Sensitivity]:
        """Key and class of each sensitive custom field."""
        await self._freshen()
        return self._classes

    async def field_purposes(self) -> Mapping[str, frozenset[str]]:
        """Key of each custom field and the purposes that it is bound to; none is any."""
        await self._freshen()
        return self._purposes

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after each commit of this process that changed custom fields."""
        self._listeners.append(listener)

    def fields_changed(self) -> None:
        """Custom fields have changed here."""
        self.forget()
        for listener in self._listeners:
            listener()

    def forget(self) -> None:
        """Custom fields have changed: read them again before the next guard is given out."""
        self._changes += 1
        self._read_at = None

    async def _refresh(self) -> None:
        """Drop what was compiled when fields, interaction kinds or tables are others now."""
        await self._freshen()
        kinds = tuple(self._registry.interaction_kinds)
        state = (self._fields, tuple((k.id, k.payload) for k in kinds), len(TABLE_REGISTRY))
        if state == self._state:
            return
        self._masked = Masked(
            fields=self._fields,  # type: ignore[arg-type] # only such classes are stored
            payloads=tuple((k.id, tuple(sensitive_fields(k.payload).items())) for k in kinds),
            jsons=frozenset(_json_columns()),
        )
        self._tables = guarded_tables()
        self._guards.clear()
        self._state = state

    async def _freshen(self) -> None:
        if self._read_at is None or time.monotonic() - self._read_at > FRESH_SECONDS:
            await self._read_fields()

    async def _read_fields(self) -> None:
        began, changes = time.monotonic(), self._changes
        with as_the_house():
            found = await self._db.fetch(
                "SELECT key, sensitivity, purposes FROM core_customer_field ORDER BY key"
            )
        self._fields = tuple((key, of) for key, of, _ in found if of is not None)
        self._classes = dict(self._fields)  # type: ignore[arg-type] # only such classes are stored
        self._purposes = {
            key: frozenset(msgspec.json.decode(purposes or "[]", type=list[str]))
            for key, _, purposes in found
        }
        if changes == self._changes:
            self._read_at = began


def _json_columns() -> Iterator[tuple[str, str]]:
    for table in TABLE_REGISTRY:
        for column in table._meta.columns:
            if isinstance(column, JSON):
                yield table._meta.tablename, column._meta.db_column_name
