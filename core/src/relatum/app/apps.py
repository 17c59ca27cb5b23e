"""The Piccolo apps of core's rooms. Those of plugins are found by the plugins room."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from piccolo.conf.apps import AppConfig

#: In the order of their references: what points at customers comes after them.
CORE_APPS = (
    "relatum.events.piccolo_app",
    "relatum.access.accounts.piccolo_app",
    "relatum.access.roles.piccolo_app",
    "relatum.jobs.piccolo_app",
    "relatum.addresses.piccolo_app",
    "relatum.customers.piccolo_app",
    "relatum.customers.merging.piccolo_app",
    "relatum.customers.erasing.piccolo_app",
    "relatum.customers.subject.piccolo_app",
    "relatum.access.sight.piccolo_app",
    "relatum.interactions.piccolo_app",
    "relatum.contact.piccolo_app",
    "relatum.importing.piccolo_app",
    "relatum.archive.piccolo_app",
    "relatum.reports.piccolo_app",
    "relatum.http.piccolo_app",
    "relatum.web.piccolo_app",
)


def core_apps() -> list[AppConfig]:
    """The apps of core's rooms, in the order in which they migrate."""
    return [importlib.import_module(module).APP_CONFIG for module in CORE_APPS if find_spec(module)]
