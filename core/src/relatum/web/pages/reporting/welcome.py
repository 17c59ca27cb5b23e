"""What to do first, while there is nothing to look at yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from relatum.access.viewer import current_viewer
from relatum.web.languages import marked

if TYPE_CHECKING:
    from relatum.http.calls import Call


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Something to begin with, for those who may."""

    href: str
    icon: str
    title: str
    about: str
    permission: str


_STEPS = (
    Step(
        href="/imports/new",
        icon="file-import",
        title=marked("Bring your customers"),
        about=marked("From Excel, CSV or another CRM. You see what would happen before it does."),
        permission="core.imports.write",
    ),
    Step(
        href="/customers/new",
        icon="user-plus",
        title=marked("Put one customer on file"),
        about=marked("A name is enough to begin with."),
        permission="core.customers.write",
    ),
    Step(
        href="/people/invite",
        icon="users",
        title=marked("Invite your people"),
        about=marked("Each sees their own customers, or those of their team."),
        permission="core.accounts.write",
    ),
    Step(
        href="/settings/plugins",
        icon="plug",
        title=marked("Choose what it can do"),
        about=marked("Selling, calls, campaigns: plugins are switched on and off at any time."),
        permission="core.plugins.read",
    ),
)


async def steps_for(request: Call) -> list[Step]:
    """The steps for who looks; none once there is a customer."""
    viewer = current_viewer()
    if not viewer.may("core.customers.read"):
        return []
    if await request.house.db.fetch_one("SELECT id FROM core_customer LIMIT 1"):
        return []
    return [step for step in _STEPS if viewer.may(step.permission)]
