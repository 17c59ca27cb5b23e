"""What the sales pipeline adds to Relatum: hook implementations only, each delegates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from relatum.api import (
    BulkAction,
    Column,
    Command,
    EventType,
    Handler,
    ImportTarget,
    InteractionDraft,
    InteractionKind,
    Job,
    Metric,
    OpenBusiness,
    Panel,
    Permission,
    Plugin,
    QualityRule,
    Refusal,
    Report,
    WebPage,
    Widget,
    hookimpl,
)
from relatum_sales_pipeline.demo import seed_demo
from relatum_sales_pipeline.events import EVENT_TYPES
from relatum_sales_pipeline.handlers import HANDLERS
from relatum_sales_pipeline.import_targets import DealsTarget, ProductsTarget, TeamsTarget
from relatum_sales_pipeline.jobs import JOBS
from relatum_sales_pipeline.kinds import KINDS
from relatum_sales_pipeline.open_business import open_deals
from relatum_sales_pipeline.permissions import PERMISSIONS
from relatum_sales_pipeline.quality import QUALITY_RULES
from relatum_sales_pipeline.reports import REPORTS
from relatum_sales_pipeline.routes import ROUTES
from relatum_sales_pipeline.screens import (
    BULK_ACTIONS,
    COLUMNS,
    COMMANDS,
    METRICS,
    PAGES,
    PANELS,
    WIDGETS,
)
from relatum_sales_pipeline.validation import refuse_unknown_subjects


@hookimpl
def relatum_register_permissions(plugin: Plugin) -> list[Permission]:
    return PERMISSIONS


@hookimpl
def relatum_register_interaction_kinds(plugin: Plugin) -> list[InteractionKind]:
    return KINDS


@hookimpl
def relatum_register_event_types(plugin: Plugin) -> list[EventType]:
    return EVENT_TYPES


@hookimpl
def relatum_register_handlers(plugin: Plugin) -> list[Handler]:
    return HANDLERS


@hookimpl
def relatum_register_import_targets(plugin: Plugin) -> list[ImportTarget]:
    return [ProductsTarget(), TeamsTarget(), DealsTarget()]


@hookimpl
def relatum_register_jobs(plugin: Plugin) -> list[Job]:
    return JOBS


@hookimpl
def relatum_register_routes(plugin: Plugin) -> list[Any]:
    return ROUTES


@hookimpl
def relatum_register_reports(plugin: Plugin) -> list[Report]:
    return REPORTS


@hookimpl
def relatum_register_widgets(plugin: Plugin) -> list[Widget]:
    return WIDGETS


@hookimpl
def relatum_register_metrics(plugin: Plugin) -> list[Metric]:
    return METRICS


@hookimpl
def relatum_register_pages(plugin: Plugin) -> list[WebPage]:
    return PAGES


@hookimpl
def relatum_register_panels(plugin: Plugin) -> list[Panel]:
    return PANELS


@hookimpl
def relatum_register_commands(plugin: Plugin) -> list[Command]:
    return COMMANDS


@hookimpl
def relatum_register_columns(plugin: Plugin) -> list[Column]:
    return COLUMNS


@hookimpl
def relatum_register_bulk_actions(plugin: Plugin) -> list[BulkAction]:
    return BULK_ACTIONS


@hookimpl
def relatum_register_quality_rules(plugin: Plugin) -> list[QualityRule]:
    return QUALITY_RULES


@hookimpl
async def relatum_validate_interactions(
    plugin: Plugin, drafts: Sequence[InteractionDraft]
) -> list[Refusal]:
    return await refuse_unknown_subjects(plugin, drafts)


@hookimpl
async def relatum_seed_demo(plugin: Plugin, customers: Sequence[Any], seed: int) -> None:
    await seed_demo(plugin, customers, seed)


@hookimpl
async def relatum_open_business(plugin: Plugin, customers: Sequence[UUID]) -> list[OpenBusiness]:
    return await open_deals(plugin, customers)
