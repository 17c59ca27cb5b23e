"""Guards of viewers, compiled once and kept."""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from piccolo.columns import JSON
from piccolo.table import TABLE_REGISTRY

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
    """What each viewer sees of the database."""

    def __init__(self, db: Database, registry: Registry) -> None:
        self._db = db
        self._registry = registry
        self._guards: OrderedDict[Sight, SightGuard | None] = OrderedDict()
        self._state: tuple[object, ...] = ()
        self._masked = Masked()
        self._tables: tuple[GuardedTable, ...] = ()
        self._fields: tuple[tuple[str, str], ...] = ()
        self._classes: dict[str, Sensitivity] = {}
        self._read_at: float | None = None
        self._changes = 0
        self._listeners: list[Callable[[], None]] = []

    @contextlib.asynccontextmanager
    async def looking_as(self, viewer: Viewer) -> AsyncIterator[None]:
        """Let a viewer act inside the block, and see only what is for it."""
        guard = await self.guard_of(viewer.sight)
        with acting_as(viewer), guarded_by(guard):
            yield

    async def guard_of(self, sight: Sight) -> SightGuard | None:
        """The guard for a sight; ``None`` when it sees everything as it is."""
        if sight.everything and not sight.masked:
            return None
        await self._refresh()
        if sight in self._guards:
            self._guards.move_to_end(sight)
            return self._guards[sight]
        guard = guard_for(sight, self._tables, self._masked, kind=self._db.kind)
        self._guards[sight] = guard
        if len(self._guards) > MOST_KEPT:
            self._guards.popitem(last=False)
        return guard

    async def field_classes(self) -> Mapping[str, Sensitivity]:
        """Key and class of each sensitive custom field."""
        if self._read_at is None or time.monotonic() - self._read_at > FRESH_SECONDS:
            await self._read_fields()
        return self._classes

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
        if self._read_at is None or time.monotonic() - self._read_at > FRESH_SECONDS:
            await self._read_fields()
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

    async def _read_fields(self) -> None:
        began, changes = time.monotonic(), self._changes
        with as_the_house():
            found = await self._db.fetch(
                "SELECT key, sensitivity FROM core_customer_field "
                "WHERE sensitivity IS NOT NULL ORDER BY key"
            )
        self._fields = tuple((key, sensitivity) for key, sensitivity in found)
        self._classes = dict(found)
        if changes == self._changes:
            self._read_at = began


def _json_columns() -> Iterator[tuple[str, str]]:
    for table in TABLE_REGISTRY:
        for column in table._meta.columns:
            if isinstance(column, JSON):
                yield table._meta.tablename, column._meta.db_column_name
