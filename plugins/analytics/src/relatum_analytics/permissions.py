"""Rights that roles can hold."""

from __future__ import annotations

from relatum.api import Permission, Text

REPORTS_READ = "analytics.reports.read"

PERMISSIONS = [
    Permission(
        id=REPORTS_READ,
        title=Text(en="See analyses of customers", vi="Xem phân tích khách hàng"),
        roles=("manager", "sales", "marketing", "analyst", "read_only"),
    ),
]
