"""The staff of the demo company: teams, invited people with roles, and whose customers are whose.

Nobody can come in as one of them: they are invited, and their links are thrown away. A new link for
one of them is made with ``relatum accounts invite-again``.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec

from relatum.access.accounts.types import InvitationDraft
from relatum.access.roles.types import TeamDraft
from relatum.customers.types import CustomerDraft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relatum.app.house import House

BY = "system"
SALES, NORTH, SOUTH, CARE = "Kinh doanh", "Kinh doanh miền Bắc", "Kinh doanh miền Nam", "CSKH"
#: Team → the one above it, that one first.
TEAMS: dict[str, str | None] = {SALES: None, NORTH: SALES, SOUTH: SALES, CARE: None}
NORTHERN = frozenset({"Hà Nội", "Hải Phòng", "Huế"})
#: Of a hundred customers so many belong to nobody yet.
UNOWNED = 15


class Colleague(NamedTuple):
    """Somebody of the demo company."""

    name: str
    mailbox: str
    role: str
    team: str | None


STAFF = (
    Colleague("Đặng Thu Hà", "ha.manager", "manager", SALES),
    Colleague("Nguyễn Văn Nam", "nam.sales", "sales", NORTH),
    Colleague("Trần Thị Mai", "mai.sales", "sales", NORTH),
    Colleague("Lê Quốc Bảo", "bao.sales", "sales", SOUTH),
    Colleague("Phạm Ngọc Lan", "lan.sales", "sales", SOUTH),
    Colleague("Vũ Minh Châu", "chau.care", "care", CARE),
    Colleague("Hoàng Gia Huy", "huy.marketing", "marketing", None),
    Colleague("Bùi Thanh Tùng", "tung.analyst", "analyst", None),
    Colleague("Đỗ Kim Oanh", "oanh.trainee", "read_only", NORTH),
)


class Staff(NamedTuple):
    """Accounts of sellers by their team, and the teams by name."""

    sellers: dict[str, list[UUID]]
    teams: dict[str, UUID]


async def hire(house: House) -> Staff:
    """Make the teams and invite everybody."""
    teams: dict[str, UUID] = {}
    for name, above in TEAMS.items():
        draft = TeamDraft(name=name, parent=teams[above] if above else None)
        teams[name] = (await house.roles.teams.create(draft, by=BY)).id
    sellers: dict[str, list[UUID]] = {NORTH: [], SOUTH: []}
    for each in STAFF:
        link = await house.accounts.invite(
            InvitationDraft(
                name=each.name,
                email=f"{each.mailbox}@example.com",
                roles=[each.role],
                team=teams[each.team] if each.team else None,
            ),
            by=BY,
        )
        if each.role == "sales" and each.team and link.account is not None:
            sellers[each.team].append(link.account.id)
    return Staff(sellers, teams)


def distributed(
    random: Random, drafts: Sequence[CustomerDraft], staff: Staff
) -> list[CustomerDraft]:
    """The same customers, most of them with an owner of the team of their city."""
    return [_given(random, draft, staff) for draft in drafts]


def _given(random: Random, draft: CustomerDraft, staff: Staff) -> CustomerDraft:
    if random.randrange(100) < UNOWNED:
        return draft
    team = NORTH if draft.fields.get("city") in NORTHERN else SOUTH
    owner = random.choice(staff.sellers[team])
    return msgspec.structs.replace(draft, owner=owner, team=staff.teams[team])
