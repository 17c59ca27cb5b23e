"""Rights that roles can hold."""

from __future__ import annotations

from relatum.api import Permission, RoleName, Text

DEALS_READ = "sales_pipeline.deals.read"
DEALS_WRITE = "sales_pipeline.deals.write"
LEADS_READ = "sales_pipeline.leads.read"
LEADS_WRITE = "sales_pipeline.leads.write"
SETUP_READ = "sales_pipeline.setup.read"
SETUP_WRITE = "sales_pipeline.setup.write"
REPORTS_READ = "sales_pipeline.reports.read"

_SELLERS: tuple[RoleName, ...] = ("manager", "sales")
_READERS: tuple[RoleName, ...] = (*_SELLERS, "care", "marketing", "analyst", "read_only")
_ANALYSTS: tuple[RoleName, ...] = (*_SELLERS, "marketing", "analyst", "read_only")

PERMISSIONS = [
    Permission(id=id, title=Text(en=en, vi=vi), roles=roles)
    for id, roles, en, vi in (
        (DEALS_READ, _READERS, "See deals", "Xem cơ hội bán hàng"),
        (
            DEALS_WRITE,
            _SELLERS,
            "Create, change and move deals",
            "Tạo, sửa và chuyển cơ hội bán hàng",
        ),
        (LEADS_READ, _READERS, "See leads", "Xem khách hàng tiềm năng"),
        (
            LEADS_WRITE,
            (*_SELLERS, "care", "marketing"),
            "Take in and qualify leads",
            "Nhận và đánh giá khách hàng tiềm năng",
        ),
        (
            SETUP_READ,
            _READERS,
            "See pipelines, products, prices and teams",
            "Xem quy trình, sản phẩm, giá và đội bán hàng",
        ),
        (
            SETUP_WRITE,
            ("manager",),
            "Change pipelines, products, prices and teams",
            "Sửa quy trình, sản phẩm, giá và đội bán hàng",
        ),
        (
            REPORTS_READ,
            _ANALYSTS,
            "See forecasts and sales reports",
            "Xem dự báo và báo cáo bán hàng",
        ),
    )
]
