"""To whom the viewer may give a customer: the choices of a form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from relatum.access.accounts.types import AccountQuery
from relatum.customers.assigning import ASSIGN

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.app.house import House
    from relatum.web.pages.customers.typed import Typed

READ = "core.accounts.read"
A_PAGE = 200
MOST = 1_000


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """Owners and teams as pairs of id and name.

    Attributes:
        assigns: the viewer may choose; otherwise owner and team are shown as they are.
        takes: the viewer may make a customer of nobody their own.
    """

    assigns: bool
    takes: str
    owners: list[tuple[str, str]]
    teams: list[tuple[str, str]]


async def belonging_choices(house: House, viewer: Viewer, typed: Typed) -> Choices:
    """What the form of a customer offers."""
    assigns = viewer.may(ASSIGN) and viewer.may(READ)
    mine = str(viewer.account) if viewer.kind == "person" and viewer.account else ""
    if not assigns:
        return Choices(assigns=False, takes=mine, owners=[], teams=[])
    teams = await house.roles.teams.every()
    return Choices(
        assigns=True,
        takes=mine,
        owners=await _people(house, typed.owner),
        teams=[(str(team.id), team.name) for team in teams],
    )


async def _people(house: House, owner: str) -> list[tuple[str, str]]:
    """Everybody who is in, by name; and the owner of now, whoever that is."""
    query = AccountQuery(kind="person", limit=A_PAGE)
    found: list[tuple[str, str]] = []
    while len(found) < MOST:
        people = await house.accounts.find(query)
        found += [
            (str(one.id), one.name)
            for one in people.items
            if one.state != "suspended" or str(one.id) == owner
        ]
        if people.next is None:
            break
        query = msgspec.structs.replace(query, cursor=people.next)
    return found
