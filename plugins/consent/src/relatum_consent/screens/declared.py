"""The pages and panels as the plugin declares them."""

from __future__ import annotations

from relatum.api import Entry, Panel, Text, WebPage
from relatum_consent.permissions import (
    BREACHES_READ,
    BREACHES_WRITE,
    LINKS_WRITE,
    REGISTER_READ,
    REQUESTS_READ,
    REQUESTS_WRITE,
    RETENTION_READ,
    RETENTION_WRITE,
)
from relatum_consent.screens.breaches import act_on_breach, show_breaches
from relatum_consent.screens.public import act, show
from relatum_consent.screens.register import download_register, show_register
from relatum_consent.screens.retention import decide, show_retention
from relatum_consent.screens.staff import (
    act_for_customer,
    move,
    panel,
    show_customer,
    show_queue,
    show_request,
)

TITLE = Text(en="Privacy requests", vi="Yêu cầu về dữ liệu")
REGISTER = Text(en="Register of processing", vi="Sổ hoạt động xử lý dữ liệu")
PAGES = [
    WebPage(
        id="consent.queue",
        path="/",
        title=TITLE,
        permission=REQUESTS_READ,
        template="consent/queue.html",
        load=show_queue,
        entry=Entry(icon="shield", group="work", order=90),
    ),
    WebPage(
        id="consent.request",
        path="/requests/{request_id:str}",
        title=TITLE,
        permission=REQUESTS_READ,
        template="consent/request.html",
        load=show_request,
        act=move,
        act_permission=REQUESTS_WRITE,
        says={"consent.moved": Text(en="The step is recorded.", vi="Đã ghi bước xử lý.")},
    ),
    WebPage(
        id="consent.breaches",
        path="/breaches",
        title=Text(en="Data breaches", vi="Vi phạm dữ liệu"),
        permission=BREACHES_READ,
        template="consent/breaches.html",
        load=show_breaches,
        act=act_on_breach,
        act_permission=BREACHES_WRITE,
        entry=Entry(icon="alert-triangle", group="settings", order=95),
        says={"consent.breach": Text(en="It is in the record.", vi="Đã ghi vào sổ.")},
    ),
    WebPage(
        id="consent.register",
        path="/register",
        title=REGISTER,
        permission=REGISTER_READ,
        template="consent/register.html",
        load=show_register,
        entry=Entry(icon="list", group="settings", order=96),
    ),
    WebPage(
        id="consent.register_file",
        path="/register/file",
        title=REGISTER,
        permission=REGISTER_READ,
        template="consent/register.html",
        load=download_register,
    ),
    WebPage(
        id="consent.retention",
        path="/retention",
        title=Text(en="Erasure on schedule", vi="Xoá theo lịch"),
        permission=RETENTION_READ,
        template="consent/retention.html",
        load=show_retention,
        act=decide,
        act_permission=RETENTION_WRITE,
        entry=Entry(icon="clock", group="settings", order=97),
        says={
            "consent.retention_approve": Text(
                en="Approved. They are erased when their notice is over.",
                vi="Đã duyệt. Dữ liệu bị xoá khi hết thời gian báo trước.",
            ),
            "consent.retention_keep": Text(en="They are kept.", vi="Đã giữ lại."),
        },
    ),
    WebPage(
        id="consent.customer",
        path="/customers/{customer_id:str}",
        title=Text(en="Preferences and requests", vi="Tuỳ chọn và yêu cầu"),
        permission=LINKS_WRITE,
        template="consent/customer.html",
        load=show_customer,
        act=act_for_customer,
        says={
            "consent.linked": Text(en="There is a new link.", vi="Đã tạo liên kết mới."),
            "consent.revoked": Text(en="The link is no longer good.", vi="Đã thu hồi liên kết."),
            "consent.received": Text(
                en="The request is recorded; its clocks run.",
                vi="Đã ghi yêu cầu; thời hạn bắt đầu tính.",
            ),
        },
    ),
    WebPage(
        id="consent.preferences",
        path="/preferences/{token:str}",
        title=Text(en="Your choices", vi="Lựa chọn của bạn"),
        permission="public",
        template="consent/preferences.html",
        load=show,
        act=act,
        limited=True,
        says={
            "consent.saved": Text(
                en="Saved. It counts from now on.", vi="Đã lưu. Có hiệu lực ngay."
            ),
            "consent.stopped": Text(
                en="Stopped. We only write about what you ordered.",
                vi="Đã dừng. Chúng tôi chỉ liên hệ về những gì bạn đã đặt.",
            ),
            "consent.asked": Text(
                en="Your request has reached us.", vi="Chúng tôi đã nhận yêu cầu của bạn."
            ),
        },
    ),
]
PANELS = [
    Panel(
        id="consent.of_customer",
        slot="customer.side",
        title=Text(en="Preferences and requests", vi="Tuỳ chọn và yêu cầu"),
        permission=LINKS_WRITE,
        template="consent/panel.html",
        load=panel,
        icon="shield",
        order=40,
    )
]
