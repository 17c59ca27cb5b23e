"""Rights that roles can hold."""

from __future__ import annotations

from relatum.api import Permission, Text

LINKS_WRITE = "consent.links.write"
REQUESTS_READ = "consent.requests.read"
REQUESTS_WRITE = "consent.requests.write"
BREACHES_READ = "consent.breaches.read"
BREACHES_WRITE = "consent.breaches.write"
REGISTER_READ = "consent.register.read"
RETENTION_READ = "consent.retention.read"
RETENTION_WRITE = "consent.retention.write"

PERMISSIONS = [
    Permission(
        id=LINKS_WRITE,
        title=Text(en="Make links to the preference page", vi="Tạo liên kết trang tuỳ chọn"),
        roles=("manager", "sales", "care"),
    ),
    Permission(
        id=REQUESTS_READ,
        title=Text(en="See requests of data subjects", vi="Xem yêu cầu về dữ liệu cá nhân"),
        roles=("manager", "care"),
    ),
    Permission(
        id=REQUESTS_WRITE,
        title=Text(en="Handle requests of data subjects", vi="Xử lý yêu cầu về dữ liệu cá nhân"),
        roles=("manager", "care"),
    ),
    Permission(
        id=BREACHES_READ,
        title=Text(en="See the record of data breaches", vi="Xem sổ vi phạm dữ liệu"),
        roles=("manager",),
    ),
    Permission(
        id=BREACHES_WRITE,
        title=Text(en="Record data breaches", vi="Ghi sổ vi phạm dữ liệu"),
        roles=("manager",),
    ),
    Permission(
        id=REGISTER_READ,
        title=Text(en="See the register of processing", vi="Xem sổ hoạt động xử lý dữ liệu"),
        roles=("manager",),
    ),
    Permission(
        id=RETENTION_READ,
        title=Text(en="See who is due to be erased", vi="Xem khách hàng sắp bị xoá theo lịch"),
        roles=("manager",),
    ),
    Permission(
        id=RETENTION_WRITE,
        title=Text(
            en="Decide who is erased on schedule", vi="Quyết định khách hàng bị xoá theo lịch"
        ),
        roles=("manager",),
    ),
]
