"""The metrics and widgets that core declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relatum.hooks.screens import Dimension, Metric, Unit, Widget
from relatum.reports.core_metrics import metrics as sql
from relatum.reports.core_metrics.absence import LOST_DAYS, SILENT_DAYS, Lost, WithoutContact
from relatum.reports.core_metrics.dimensions import (
    CHANNEL,
    OF_CUSTOMERS,
    OF_INTERACTIONS,
    STATE,
)
from relatum.values.text import Text

if TYPE_CHECKING:
    from typing import Literal

    Chart = Literal["line", "bars", "rows", "number"]

    from relatum.reports.counting import Counted

_CUSTOMERS = "core.customers.read"
_INTERACTIONS = "core.interactions.read"


def _counted(  # noqa: PLR0913 - one call for each
    name: str,
    title: Text,
    counted: Counted,
    *,
    about: Text,
    permission: str = _CUSTOMERS,
    dimensions: tuple[Dimension, ...] = OF_CUSTOMERS,
    unit: Unit = "count",
    direction: Literal["up", "down", "none"] = "up",
) -> Metric:
    return Metric(
        id=f"core.{name}",
        title=title,
        permission=permission,
        unit=unit,
        points=sql.points_of(counted),
        rows=sql.rows_of(counted),
        dimensions=dimensions,
        direction=direction,
        description=about,
    )


_WITHOUT = WithoutContact()
_SILENT = WithoutContact(SILENT_DAYS)
_LOST = Lost()

METRICS = [
    _counted(
        "customers",
        Text(en="Customers", vi="Khách hàng"),
        sql.CUSTOMERS,
        about=Text(
            en="All who were on file at the end of the period.",
            vi="Tất cả khách đã có hồ sơ tính đến cuối kỳ.",
        ),
    ),
    _counted(
        "new_customers",
        Text(en="New customers", vi="Khách hàng mới"),
        sql.NEW_CUSTOMERS,
        about=Text(
            en="Put on file in the period, whatever way they came.",
            vi="Khách được lập hồ sơ trong kỳ, dù đến từ đâu.",
        ),
    ),
    _counted(
        "contacted_customers",
        Text(en="Customers consulted", vi="Khách được tư vấn"),
        sql.CONTACTED,
        about=Text(
            en="With at least one call, message, visit or meeting in the period. Purchases and "
            "notes are no contact.",
            vi="Có ít nhất một cuộc gọi, tin nhắn, lần ghé thăm hoặc cuộc hẹn trong kỳ. Mua hàng "
            "và ghi chú không tính.",
        ),
        permission=_INTERACTIONS,
        dimensions=(*OF_CUSTOMERS, *OF_INTERACTIONS),
    ),
    Metric(
        id="core.missed_customers",
        title=Text(en="Customers missed", vi="Khách bị bỏ sót"),
        permission=_INTERACTIONS,
        unit="count",
        points=_WITHOUT.points,
        rows=_WITHOUT.rows,
        dimensions=OF_CUSTOMERS,
        direction="down",
        description=Text(
            en="On file by the end of the period, and nobody was in contact with them in it.",
            vi="Đã có hồ sơ tính đến cuối kỳ nhưng cả kỳ không ai liên hệ.",
        ),
    ),
    Metric(
        id="core.silent_customers",
        title=Text(en="Customers gone silent", vi="Khách lâu không liên hệ"),
        permission=_INTERACTIONS,
        unit="count",
        points=_SILENT.points,
        rows=_SILENT.rows,
        dimensions=OF_CUSTOMERS,
        direction="down",
        description=Text(
            en=f"Without any contact in the {SILENT_DAYS} days before the end of the period.",
            vi=f"Không có liên hệ nào trong {SILENT_DAYS} ngày trước cuối kỳ.",
        ),
    ),
    Metric(
        id="core.lost_customers",
        title=Text(en="Customers lost", vi="Khách đã mất"),
        permission=_INTERACTIONS,
        unit="count",
        points=_LOST.points,
        rows=_LOST.rows,
        dimensions=OF_CUSTOMERS,
        direction="down",
        description=Text(
            en=f"Had bought, and in the period {LOST_DAYS} days had passed without a purchase.",
            vi=f"Từng mua, và trong kỳ đã tròn {LOST_DAYS} ngày không mua lại.",
        ),
    ),
    _counted(
        "interactions",
        Text(en="Interactions", vi="Tương tác"),
        sql.INTERACTIONS,
        about=Text(
            en="Everything that happened with customers in the period.",
            vi="Mọi việc đã diễn ra với khách trong kỳ.",
        ),
        permission=_INTERACTIONS,
        dimensions=(*OF_INTERACTIONS, *OF_CUSTOMERS),
    ),
    _counted(
        "buyers",
        Text(en="Customers who bought", vi="Khách có mua hàng"),
        sql.BUYERS,
        about=Text(
            en="With at least one purchase in the period.",
            vi="Có ít nhất một lần mua trong kỳ.",
        ),
        permission=_INTERACTIONS,
        dimensions=(CHANNEL, *OF_CUSTOMERS),
    ),
    _counted(
        "purchases",
        Text(en="Purchases", vi="Lượt mua hàng"),
        sql.PURCHASES,
        about=Text(en="Purchases in the period.", vi="Số lần mua trong kỳ."),
        permission=_INTERACTIONS,
        dimensions=(CHANNEL, *OF_CUSTOMERS),
    ),
    _counted(
        "revenue",
        Text(en="Money of purchases", vi="Doanh số mua hàng"),
        sql.REVENUE,
        about=Text(
            en="What purchases came to, less what was cancelled; each currency by itself.",
            vi="Tổng tiền mua trừ tiền huỷ; mỗi loại tiền tính riêng.",
        ),
        permission=_INTERACTIONS,
        dimensions=(CHANNEL, *OF_CUSTOMERS),
        unit="money",
    ),
    _counted(
        "imports",
        Text(en="Imports", vi="Lần nhập dữ liệu"),
        sql.IMPORTS,
        about=Text(en="Imports that began in the period.", vi="Các lần nhập bắt đầu trong kỳ."),
        permission="core.imports.read",
        dimensions=(STATE, Dimension(id="name", title=Text(en="Plan", vi="Kế hoạch nhập"))),
        direction="none",
    ),
]


def _widget(
    name: str,
    metric: str,
    title: Text | None = None,
    *,
    icon: str,
    order: int,
    chart: Chart = "number",
    shown: bool = False,
) -> Widget:
    drawn = next(each for each in METRICS if each.id == f"core.{metric}")
    return Widget(
        id=f"core.{name}",
        title=title or drawn.title,
        permission=drawn.permission,
        metric=drawn.id,
        icon=icon,
        chart=chart,
        width=1 if chart == "number" else 2,
        order=order,
        shown=shown,
    )


_REVENUE = Text(en="Money of purchases over time", vi="Doanh số theo thời gian")
_ACTIVITY = Text(en="Interactions over time", vi="Tương tác theo thời gian")
_GROWTH = Text(en="New customers over time", vi="Khách mới theo thời gian")

WIDGETS = [
    _widget("new", "new_customers", icon="user-plus", order=10, shown=True),
    _widget("contacted", "contacted_customers", icon="messages", order=11, shown=True),
    _widget("missed", "missed_customers", icon="user-off", order=12, shown=True),
    _widget("revenue", "revenue", icon="cash", order=13, shown=True),
    _widget(
        "revenue_trend", "revenue", _REVENUE, icon="chart-line", order=20, chart="line", shown=True
    ),
    _widget(
        "activity", "interactions", _ACTIVITY, icon="chart-bar", order=21, chart="bars", shown=True
    ),
    _widget("growth", "new_customers", _GROWTH, icon="chart-bar", order=22, chart="bars"),
    _widget("silent", "silent_customers", icon="zzz", order=30),
    _widget("lost", "lost_customers", icon="user-x", order=31),
    _widget("customers", "customers", icon="users", order=32),
    _widget("buyers", "buyers", icon="shopping-cart", order=33),
    _widget("imports", "imports", icon="file-import", order=40),
]
