"""What consent adds to Relatum: hook implementations only, each delegates."""

from __future__ import annotations

from typing import Any

from relatum.api import EventType, Job, Panel, Permission, Plugin, WebPage, hookimpl
from relatum_consent.events import EVENT_TYPES
from relatum_consent.jobs import JOBS
from relatum_consent.permissions import PERMISSIONS
from relatum_consent.routes import ROUTES
from relatum_consent.screens.declared import PAGES, PANELS


@hookimpl
def relatum_register_permissions(plugin: Plugin) -> list[Permission]:
    return PERMISSIONS


@hookimpl
def relatum_register_event_types(plugin: Plugin) -> list[EventType]:
    return EVENT_TYPES


@hookimpl
def relatum_register_jobs(plugin: Plugin) -> list[Job]:
    return JOBS


@hookimpl
def relatum_register_routes(plugin: Plugin) -> list[Any]:
    return ROUTES


@hookimpl
def relatum_register_pages(plugin: Plugin) -> list[WebPage]:
    return PAGES


@hookimpl
def relatum_register_panels(plugin: Plugin) -> list[Panel]:
    return PANELS
