"""Dashboards, charts, reports, and the rows behind every figure."""

from relatum.web.pages.reporting import charts, dashboards, reports, rows, schedules

ROUTES = [
    *dashboards.ROUTES,
    *charts.ROUTES,
    *rows.ROUTES,
    *schedules.ROUTES,
    *reports.ROUTES,
]
