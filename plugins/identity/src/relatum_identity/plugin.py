"""What identity adds to Relatum: hook implementations only, each delegates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from relatum.api import (
    CustomerDraft,
    Handler,
    Job,
    LikelyDuplicate,
    Panel,
    Permission,
    Plugin,
    WebPage,
    hookimpl,
)
from relatum_identity.handlers import HANDLERS
from relatum_identity.jobs import JOBS
from relatum_identity.permissions import PERMISSIONS
from relatum_identity.routes import ROUTES
from relatum_identity.screens import PAGES, PANELS
from relatum_identity.services.telling import likely_duplicates


@hookimpl
def relatum_register_permissions(plugin: Plugin) -> list[Permission]:
    return PERMISSIONS


@hookimpl
def relatum_register_handlers(plugin: Plugin) -> list[Handler]:
    return HANDLERS


@hookimpl
def relatum_register_jobs(plugin: Plugin) -> list[Job]:
    return JOBS


@hookimpl
async def relatum_find_duplicates(
    plugin: Plugin, drafts: Sequence[CustomerDraft]
) -> list[LikelyDuplicate]:
    return await likely_duplicates(plugin, drafts)


@hookimpl
def relatum_register_routes(plugin: Plugin) -> list[Any]:
    return ROUTES


@hookimpl
def relatum_register_pages(plugin: Plugin) -> list[WebPage]:
    return PAGES


@hookimpl
def relatum_register_panels(plugin: Plugin) -> list[Panel]:
    return PANELS
