"""By what core's figures are cut, and what the parts are called."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from relatum.hooks.screens import Dimension
from relatum.reports.counting import NOTHING, Cut
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.hooks.context import Plugin
    from relatum.web.visit import Visit

    Names = Callable[[Plugin, Visit, Sequence[str]], Awaitable[Mapping[str, str]]]

_KINDS = {
    "person": Text(en="People", vi="Cá nhân"),
    "organisation": Text(en="Organisations", vi="Tổ chức"),
}
_ROLES = {
    "prospect": Text(en="Prospects", vi="Tiềm năng"),
    "customer": Text(en="Customers", vi="Khách hàng"),
    "partner": Text(en="Partners", vi="Đối tác"),
    "supplier": Text(en="Suppliers", vi="Nhà cung cấp"),
    "distributor": Text(en="Distributors", vi="Nhà phân phối"),
    "investor": Text(en="Investors", vi="Nhà đầu tư"),
    "employee": Text(en="Employees", vi="Nhân viên"),
}
_DIRECTIONS = {
    "in": Text(en="From customers", vi="Khách hàng liên hệ"),
    "out": Text(en="To customers", vi="Ta liên hệ"),
    "observed": Text(en="Observed", vi="Quan sát được"),
}
_CHANNELS = {
    "phone": Text(en="Phone", vi="Điện thoại"),
    "email": Text(en="E-mail", vi="Email"),
    "store": Text(en="Store", vi="Cửa hàng"),
    "office": Text(en="Office", vi="Văn phòng"),
    "web": Text(en="Website", vi="Trang web"),
    "sales": Text(en="Sales", vi="Bán hàng"),
    "zalo": Text(en="Zalo", vi="Zalo"),
    "facebook": Text(en="Facebook", vi="Facebook"),
}
_STATES = {
    "running": Text(en="Running", vi="Đang chạy"),
    "applied": Text(en="Done", vi="Đã xong"),
    "undoing": Text(en="Being undone", vi="Đang hoàn tác"),
    "undone": Text(en="Undone", vi="Đã hoàn tác"),
}


def _fixed(texts: Mapping[str, Text]) -> Names:
    async def names(plugin: Plugin, visit: Visit, parts: Sequence[str]) -> Mapping[str, str]:
        return {part: visit.say(texts[part]) for part in parts if part in texts}

    return names


async def _people(plugin: Plugin, visit: Visit, parts: Sequence[str]) -> Mapping[str, str]:
    house: Any = plugin.house
    ids = [UUID(part) for part in parts if part != NOTHING]
    return {str(each.id): each.name for each in await house.accounts.get_many(ids)}


async def _teams(plugin: Plugin, visit: Visit, parts: Sequence[str]) -> Mapping[str, str]:
    house: Any = plugin.house
    return {str(each.id): each.name for each in await house.roles.teams.every()}


async def _interaction_kinds(
    plugin: Plugin, visit: Visit, parts: Sequence[str]
) -> Mapping[str, str]:
    found = {part: plugin.house.registry.interaction_kinds.find(part) for part in parts}
    return {part: visit.say(kind.title) for part, kind in found.items() if kind is not None}


OWNER = Dimension(id="owner", title=Text(en="Owner", vi="Người phụ trách"), names=_people)
TEAM = Dimension(id="team", title=Text(en="Team", vi="Nhóm"), names=_teams)
KIND = Dimension(
    id="kind", title=Text(en="Kind of customer", vi="Loại khách"), names=_fixed(_KINDS)
)
ROLE = Dimension(id="role", title=Text(en="Role", vi="Vai trò khách hàng"), names=_fixed(_ROLES))
TAG = Dimension(id="tag", title=Text(en="Tag", vi="Nhãn"))
SOURCE = Dimension(id="source", title=Text(en="Source", vi="Nguồn"))
WHAT = Dimension(
    id="what", title=Text(en="Kind of interaction", vi="Loại tương tác"), names=_interaction_kinds
)
CHANNEL = Dimension(id="channel", title=Text(en="Channel", vi="Kênh"), names=_fixed(_CHANNELS))
DIRECTION = Dimension(
    id="direction", title=Text(en="Direction", vi="Chiều"), names=_fixed(_DIRECTIONS)
)
STATE = Dimension(id="state", title=Text(en="State", vi="Trạng thái"), names=_fixed(_STATES))

OF_CUSTOMERS = (OWNER, TEAM, KIND, ROLE, TAG, SOURCE)
OF_INTERACTIONS = (WHAT, CHANNEL, DIRECTION)

#: Of customers under the alias ``c``.
CUSTOMER_CUTS: dict[str, Cut] = {
    "owner": Cut(value="c.owner_id", ids=True),
    "team": Cut(value="c.team_id", ids=True),
    "kind": Cut(value="c.kind"),
    **{
        dimension: Cut(
            value=f"x.{column}",
            join=f"LEFT JOIN (SELECT DISTINCT customer_id, {column} FROM {table}) x "  # noqa: S608 - our own names
            "ON x.customer_id = c.id",
            has=f"EXISTS (SELECT 1 FROM {table} x WHERE x.customer_id = c.id AND x.{column} = ?)",  # noqa: S608
            lacks=f"NOT EXISTS (SELECT 1 FROM {table} x WHERE x.customer_id = c.id)",  # noqa: S608
        )
        for dimension, table, column in (
            ("role", "core_customer_role", "role"),
            ("tag", "core_customer_tag", "tag"),
            ("source", "core_external_id", "source"),
        )
    },
}
#: Of interactions under the alias ``i``.
INTERACTION_CUTS: dict[str, Cut] = {
    "what": Cut(value="i.kind"),
    "channel": Cut(value="NULLIF(i.channel, '')"),
    "direction": Cut(value="NULLIF(i.direction, '')"),
}
