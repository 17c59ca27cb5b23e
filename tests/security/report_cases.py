"""Cases of the routes about figures: dashboards, charts, rows behind figures, schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relatum.importing.acting import viewer_of
from relatum.reports.schedules import WriteWork
from relatum.reports.types import ChartDraft, ChartSpec, ScheduleDraft
from relatum.values.time import now
from tests.security.bodies import Body, just

if TYPE_CHECKING:
    from relatum.app.house import House

_BOARDS = (
    "SELECT id FROM core_dashboard WHERE deleted_at IS NULL AND account_id = '{me}' ORDER BY title"
)
_CHARTS = (
    "SELECT id FROM core_chart WHERE deleted_at IS NULL AND account_id = '{me}' ORDER BY title"
)
_SCHEDULES = "SELECT id FROM core_report_schedule WHERE account_id = '{me}'"
_FILES = (
    "SELECT f.id FROM core_report_file f JOIN core_report_schedule s ON s.id = f.schedule_id "
    "WHERE s.account_id = '{me}'"
)
#: Everybody may see it.
METRIC = "core.new_customers"
TILE = "t0"

REPORT_VALUES: dict[tuple[str, str], list[str] | str] = {
    ("/dashboards/{board_id}/boxes", "board_id"): ["standard"],
    ("/dashboards/{board_id}/order", "board_id"): ["standard"],
    ("/dashboards/", "board_id"): _BOARDS,
    ("/dashboards/", "tile_id"): [TILE],
    ("/dashboards/", "place"): ["1"],
    ("/dashboards/", "width"): ["2"],
    ("/dashboards/", "what"): ["widget:core.customers"],
    ("/charts/", "chart_id"): _CHARTS,
    ("/figures/", "metric_id"): [METRIC],
    ("/reports/schedules/", "schedule_id"): _SCHEDULES,
    ("/reports/files/", "file_id"): _FILES,
    ("/reports/", "report_id"): [],  # every declared one
}

_PAGE = (200, 302, 303)
_FORM = {"title": "Của tôi"}
_WHAT = {"what": "widget:core.customers"}

REPORT_BODIES: dict[tuple[str, str], Body] = {
    ("POST", "/dashboards"): Body(lambda known: {"title": known.new}, ok=_PAGE, kind="form"),
    ("POST", "/dashboards/{board_id}/settings"): just(_FORM, ok=_PAGE, kind="form"),
    ("POST", "/dashboards/{board_id}/boxes"): just(_WHAT, ok=_PAGE, kind="form"),
    ("POST", "/dashboards/{board_id}/boxes/{tile_id}"): just(
        {"move": "wider"}, ok=_PAGE, kind="form"
    ),
    ("POST", "/dashboards/{board_id}/back/{place}/{width}/{what}"): Body(
        None, ok=_PAGE, kind="form"
    ),
    ("POST", "/dashboards/{board_id}/order"): just({"order": TILE}, ok=_PAGE, kind="form"),
    ("POST", "/dashboards/{board_id}/delete"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/dashboards/{board_id}/restore"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/charts"): Body(
        lambda known: {"title": known.new, "query": f"metric={METRIC}"}, ok=_PAGE, kind="form"
    ),
    ("POST", "/charts/{chart_id}/delete"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/charts/{chart_id}/restore"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/reports/schedules"): Body(
        lambda known: {"what": "chart:" + known.ids["core_chart"]}, ok=_PAGE, kind="form"
    ),
    ("POST", "/reports/schedules/{schedule_id}/now"): Body(None, ok=_PAGE, kind="form"),
    ("POST", "/reports/schedules/{schedule_id}/end"): Body(None, ok=_PAGE, kind="form"),
}


async def arrange(house: House) -> None:
    """Some people keep charts, dashboards and schedules; each has three of everything."""
    accounts = await house.db.fetch(
        "SELECT id FROM core_account WHERE kind = 'person' AND state = 'active'"
    )
    for (account,) in accounts:
        viewer = await viewer_of(house, account, "")
        if not viewer.may("core.customers.read"):
            continue
        async with house.sights.looking_as(viewer):
            for number in range(3):
                spec = ChartSpec(metric=METRIC, by="owner", kind="rows")
                draft = ChartDraft(title=f"Khách mới {number}", spec=spec)
                chart = await house.charts.keep(draft, viewer=viewer)
                like = house.dashboards.standard(viewer)
                board = await house.dashboards.create(f"Bảng {number}", viewer=viewer, like=like)
                await house.dashboards.add(board, viewer=viewer, chart=chart)
                plan = ScheduleDraft(kind="dashboard", subject=board, format="csv")
                schedule = await house.report_schedules.keep(plan, viewer=viewer)
                await house.report_schedules.write(WriteWork(schedule=schedule, due=now()))
