"""``/api/v1/plugins/sales_pipeline/…``: thin; every route calls a service."""

from relatum_sales_pipeline.routes import (
    accounts,
    catalogue,
    deals,
    leads,
    pipelines,
    targets,
    teams,
)

ROUTES = [
    *deals.ROUTES,
    *leads.ROUTES,
    *accounts.ROUTES,
    *pipelines.ROUTES,
    *catalogue.ROUTES,
    *teams.ROUTES,
    *targets.ROUTES,
]
