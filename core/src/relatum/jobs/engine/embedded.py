"""The queue on SQLite: what a dead process left is taken up at once by the one that comes next."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from relatum.db.embedded import EmbeddedEngine
from relatum.db.guarding import as_the_house
from relatum.jobs.engine import bookkeeping
from relatum.jobs.engine.one_hop import Work, in_one_hop
from relatum.jobs.engine.repository import HouseRepository

if TYPE_CHECKING:
    from pgqueuer.domain.models import Job
    from pgqueuer.ports.repository import EntrypointExecutionParameter

T = TypeVar("T")

log = logging.getLogger("relatum.jobs")


class WorkersLock:
    """Who works on the file: every worker shares the lock, the first one has it alone.

    The system lets go of it when a process ends, however that happens.
    """

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}-workers")
        self._file: IO[bytes] | None = None

    def alone(self) -> bool:
        """Take the lock; whether nobody else has it. Blocks for moments.

        Where files cannot be locked nobody counts as alone.
        """
        try:
            import fcntl
        except ImportError:
            return False
        self._file = self._path.open("ab")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.share()
            return False
        return True

    def share(self) -> None:
        """Let others in."""
        import fcntl

        if self._file is not None:
            # a file system without locks: nobody is ever alone on it
            with contextlib.suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_SH)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class EmbeddedRepository(HouseRepository):
    """The repository on SQLite. Between processes the file tells that something was written."""

    _lock: WorkersLock | None = None

    async def _together(self, work: Work[T], *, lasting: bool = True) -> T:
        engine = self._engine()
        if engine.transaction_exists():
            return await work(self._db)
        return await in_one_hop(engine, work, lasting=lasting)

    def _engine(self) -> EmbeddedEngine:
        if not isinstance(self._db.engine, EmbeddedEngine):
            raise TypeError(f"expected a database of SQLite, got {self._db.kind}")
        return self._db.engine

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: Mapping[Any, EntrypointExecutionParameter],
        queue_manager_id: UUID,
        global_concurrency_limit: int | None,
        heartbeat_timeout: dt.timedelta,
    ) -> list[Job]:
        if self._lock is None:
            await self.reclaim()
        return await super().dequeue(
            batch_size,
            entrypoints,
            queue_manager_id,
            global_concurrency_limit,
            heartbeat_timeout,
        )

    async def reclaim(self) -> int:
        """Take up what a process left that is not there any more; returns how many runs.

        Only as the sole worker on the file. Otherwise the heartbeats tell who is dead.
        """
        self._lock = lock = WorkersLock(self._engine().path)
        if not await asyncio.to_thread(lock.alone):
            return 0
        try:
            with as_the_house():
                count = await bookkeeping.give_back(self._db, None, self._now())
        finally:
            await asyncio.to_thread(lock.share)
        if count:
            log.warning(
                "%s runs were going on when the last process ended; they begin again (process %s)",
                count,
                os.getpid(),
            )
        return count

    def close(self) -> None:
        """Let go of the file: this process works no more."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
