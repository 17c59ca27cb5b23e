"""Rights that roles can hold."""

from __future__ import annotations

from relatum.api import Permission, Text

PAIRS_READ = "identity.pairs.read"
PAIRS_DECIDE = "identity.pairs.decide"
CHECK = "identity.check.run"

PERMISSIONS = [
    Permission(
        id=PAIRS_READ,
        title=Text(en="See likely doubles", vi="Xem hồ sơ có thể trùng"),
        roles=("manager", "care", "analyst"),
    ),
    Permission(
        id=PAIRS_DECIDE,
        title=Text(en="Decide about likely doubles", vi="Quyết định hồ sơ trùng"),
        roles=("manager",),
    ),
    Permission(
        id=CHECK,
        title=Text(en="Ask who is likely the same", vi="Kiểm tra trùng trước khi lưu"),
        roles=("manager", "sales", "care", "marketing"),
    ),
]
