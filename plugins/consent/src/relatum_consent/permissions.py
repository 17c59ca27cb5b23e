"""Rights that roles can hold."""

from __future__ import annotations

from relatum.api import Permission, Text

LINKS_WRITE = "consent.links.write"
REQUESTS_READ = "consent.requests.read"
REQUESTS_WRITE = "consent.requests.write"

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
]
