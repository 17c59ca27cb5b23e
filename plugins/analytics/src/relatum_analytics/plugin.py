"""What analytics adds to Relatum: hook implementations only, each delegates."""

from __future__ import annotations

from relatum.api import Permission, Plugin, Report, hookimpl
from relatum_analytics.permissions import PERMISSIONS
from relatum_analytics.reports import REPORTS


@hookimpl
def relatum_register_permissions(plugin: Plugin) -> list[Permission]:
    return PERMISSIONS


@hookimpl
def relatum_register_reports(plugin: Plugin) -> list[Report]:
    return REPORTS
