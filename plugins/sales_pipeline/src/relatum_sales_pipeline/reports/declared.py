"""The reports, as they are declared."""

from __future__ import annotations

from relatum.api import Report, Text
from relatum_sales_pipeline.permissions import REPORTS_READ
from relatum_sales_pipeline.reports import (
    ageing,
    conversion,
    forecast,
    summary,
    velocity,
    win_loss,
)

REPORTS = [
    Report(
        id="sales_pipeline.summary",
        title=Text(en="Sales summary", vi="Tổng hợp bán hàng"),
        permission=REPORTS_READ,
        run=summary.run,
        params=summary.SummaryParams,
    ),
    Report(
        id="sales_pipeline.forecast",
        title=Text(en="Weighted forecast", vi="Dự báo theo xác suất"),
        permission=REPORTS_READ,
        run=forecast.run,
        params=forecast.ForecastParams,
    ),
    Report(
        id="sales_pipeline.velocity",
        title=Text(en="Sales velocity", vi="Tốc độ bán hàng"),
        permission=REPORTS_READ,
        run=velocity.run,
        params=velocity.VelocityParams,
    ),
    Report(
        id="sales_pipeline.conversion",
        title=Text(en="Conversion from stage to stage", vi="Tỷ lệ chuyển đổi giữa các giai đoạn"),
        permission=REPORTS_READ,
        run=conversion.run,
        params=conversion.ConversionParams,
    ),
    Report(
        id="sales_pipeline.ageing",
        title=Text(en="Ageing of open deals", vi="Tuổi của cơ hội đang mở"),
        permission=REPORTS_READ,
        run=ageing.run,
        params=ageing.AgeingParams,
    ),
    Report(
        id="sales_pipeline.win_loss",
        title=Text(en="Wins and losses", vi="Phân tích thắng thua"),
        permission=REPORTS_READ,
        run=win_loss.run,
        params=win_loss.WinLossParams,
    ),
]
