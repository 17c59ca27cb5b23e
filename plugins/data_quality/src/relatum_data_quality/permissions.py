"""Rights that roles can hold."""

from __future__ import annotations

from relatum.api import Permission, Text

READ = "data_quality.findings.read"
MEND = "data_quality.findings.mend"
INDEX = "data_quality.index.read"
ENRICH = "data_quality.enrichment.add"
RULES = "data_quality.rules.write"

PERMISSIONS = [
    Permission(
        id=READ,
        title=Text(en="See what is wrong with records", vi="Xem lỗi của hồ sơ"),
        roles=("manager", "sales", "care", "marketing", "analyst"),
    ),
    Permission(
        id=MEND,
        title=Text(en="Mend records and accept findings", vi="Sửa hồ sơ và chấp nhận lỗi"),
        roles=("manager", "sales", "care"),
    ),
    Permission(
        id=INDEX,
        title=Text(en="See the index of data quality", vi="Xem chỉ số chất lượng dữ liệu"),
        roles=("manager", "analyst"),
    ),
    Permission(
        id=ENRICH,
        title=Text(en="Add data from outside", vi="Bổ sung dữ liệu từ bên ngoài"),
        roles=("manager",),
    ),
    Permission(
        id=RULES,
        title=Text(en="Make own quality rules", vi="Đặt quy tắc chất lượng riêng"),
        roles=("manager",),
    ),
]
