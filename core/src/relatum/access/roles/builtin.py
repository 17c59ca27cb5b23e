"""The roles that every installation has, as they are before anybody changes them."""

from __future__ import annotations

from relatum.access.policies import BuiltinRole, Policy
from relatum.values.sensitivity import SENSITIVITIES
from relatum.values.text import Text

OWNER: BuiltinRole = "owner"

TITLES: dict[BuiltinRole, Text] = {
    "owner": Text(en="Owner", vi="Chủ doanh nghiệp"),
    "manager": Text(en="Manager", vi="Quản lý"),
    "sales": Text(en="Sales", vi="Kinh doanh"),
    "care": Text(en="Customer care", vi="Chăm sóc khách hàng"),
    "marketing": Text(en="Marketing", vi="Tiếp thị"),
    "analyst": Text(en="Analyst", vi="Phân tích"),
    "read_only": Text(en="Read only", vi="Chỉ xem"),
}

POLICIES: dict[BuiltinRole, Policy] = {
    "owner": Policy(scopes=["all"], unmasked=list(SENSITIVITIES)),
    "manager": Policy(scopes=["own", "subteams"], unmasked=["contact", "identity", "finance"]),
    "sales": Policy(scopes=["own", "team"], unmasked=["contact"]),
    "care": Policy(scopes=["all"], unmasked=["contact"]),
    "marketing": Policy(scopes=["all"]),
    "analyst": Policy(scopes=["all"]),
    "read_only": Policy(scopes=["team"]),
}
