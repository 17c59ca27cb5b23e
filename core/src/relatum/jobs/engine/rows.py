"""Runs as PgQueuer hands them on. Imports PgQueuer: for the modules of this room alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pgqueuer.domain import models


class QueuedJob(models.Job):
    """A row of ``core_queue`` that a worker has taken, with the columns that PgQueuer lacks."""

    run: UUID
    limit_key: str
    deliveries: int
    due_at: dt.datetime
    started_at: dt.datetime | None = None
    stopping: bool = False

    @property
    def attempt(self) -> int:
        """1 the first time; a delivery that ended in a crash counts."""
        return self.attempts + max(self.deliveries, 1)


def queued_job(row: Mapping[str, Any]) -> QueuedJob:
    """One row, by its columns' names."""
    return QueuedJob.model_validate(row)
