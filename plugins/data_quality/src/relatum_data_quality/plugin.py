"""What data quality adds to Relatum: hook implementations only, each delegates."""

from __future__ import annotations

from typing import Any

from relatum.api import EventType, Handler, Job, Panel, Permission, Plugin, WebPage, hookimpl
from relatum_data_quality.events import EVENT_TYPES
from relatum_data_quality.handlers import HANDLERS
from relatum_data_quality.jobs import JOBS
from relatum_data_quality.permissions import PERMISSIONS
from relatum_data_quality.routes import ROUTES
from relatum_data_quality.screens import PAGES, PANELS
from relatum_data_quality.screens_own_rules import PAGES as OWN_RULE_PAGES


@hookimpl
def relatum_register_permissions(plugin: Plugin) -> list[Permission]:
    return PERMISSIONS


@hookimpl
def relatum_register_event_types(plugin: Plugin) -> list[EventType]:
    return EVENT_TYPES


@hookimpl
def relatum_register_handlers(plugin: Plugin) -> list[Handler]:
    return HANDLERS


@hookimpl
def relatum_register_jobs(plugin: Plugin) -> list[Job]:
    return JOBS


@hookimpl
def relatum_register_routes(plugin: Plugin) -> list[Any]:
    return ROUTES


@hookimpl
def relatum_register_pages(plugin: Plugin) -> list[WebPage]:
    return [*PAGES, *OWN_RULE_PAGES]


@hookimpl
def relatum_register_panels(plugin: Plugin) -> list[Panel]:
    return PANELS
