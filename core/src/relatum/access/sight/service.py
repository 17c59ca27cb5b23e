"""Guards of viewers, compiled once and kept."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from relatum.access.viewer import Sight, Viewer, acting_as
from relatum.db.guarding import Guard, guarded_by

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.hooks.registry import Registry


class Sights:
    """What each viewer sees of the database."""

    def __init__(self, db: Database, registry: Registry) -> None:
        self._db = db
        self._registry = registry

    async def guard_of(self, sight: Sight) -> Guard | None:
        """The guard for a sight; ``None`` when it sees everything unmasked."""
        return None

    @contextlib.asynccontextmanager
    async def looking_as(self, viewer: Viewer) -> AsyncIterator[None]:
        """Let a viewer act inside the block, and see only what is for it."""
        guard = await self.guard_of(viewer.sight)
        with acting_as(viewer), guarded_by(guard):
            yield

    def forget(self) -> None:
        """Compile anew from now on: custom fields or interaction kinds have changed."""
