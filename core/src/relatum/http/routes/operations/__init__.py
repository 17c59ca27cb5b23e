"""What runs and whether it is well: a file for each part, all of them in :data:`ROUTES`."""

from __future__ import annotations

from relatum.http.routes.operations import handlers, health, jobs, plugins, runs

__all__ = ["ROUTES"]

ROUTES = [*health.ROUTES, *plugins.ROUTES, *handlers.ROUTES, *jobs.ROUTES, *runs.ROUTES]
