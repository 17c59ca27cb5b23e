"""Settings of operation: work in the background, event handlers, backups."""

from __future__ import annotations

from relatum.web.pages.operations import backups, handlers, jobs, runs

ROUTES = [*jobs.ROUTES, *runs.ROUTES, *handlers.ROUTES, *backups.ROUTES]
