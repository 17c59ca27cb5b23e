"""The audit trail: who did what, when, from what to what and why; and whether it is intact."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get
from msgspec import Meta

from relatum.access.accounts.types import AccountQuery
from relatum.access.audit.types import AuditQuery, Changed
from relatum.http.answers import Html
from relatum.http.calls import Call
from relatum.values.time import day_bounds
from relatum.web.filters import filtered, next_page
from relatum.web.languages import language_of, translations
from relatum.web.layout import PAGE, page
from relatum.web.rendering import plainly

READ = {"permission": "core.audit.read", **PAGE}
#: Seals of at most 1,000 events each, as far as one page goes in a few seconds.
MOST_SEALS = 200
MOST_PEOPLE = 200


class AuditFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which entries to show."""

    actor: Annotated[str, Meta(max_length=120)] = ""
    type: Annotated[str, Meta(max_length=120)] = ""
    first: dt.date | None = None
    last: dt.date | None = None
    customer: UUID | None = None
    cursor: str | None = None


class CheckFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which seal on to check."""

    after: Annotated[int, Meta(ge=0, le=2**53)] = 0


@get("/audit", opt=READ, include_in_schema=False)
async def show_audit(request: Call) -> Html:
    """Entries, newest first; those about customers whom one does not see are left out."""
    form, asked = filtered(request, AuditFilter)
    house = request.house
    zone = house.settings.company.time_zone
    query = AuditQuery(
        actor=asked.actor or None,
        type=asked.type or None,
        customer=asked.customer,
        recorded_from=day_bounds(asked.first, zone)[0] if asked.first else None,
        recorded_before=day_bounds(asked.last, zone)[1] if asked.last else None,
        cursor=asked.cursor,
    )
    found = await house.audit.entries(query)
    return await page(
        request,
        "relatum/audit.html",
        here="audit",
        forms=(form,),
        entries=[
            msgspec.structs.replace(each, changes=list(spread(each.changes)))
            for each in found.items
        ],
        names=await _names(request),
        next=next_page(request, found.next),
        people=await _actors(request),
        types=_types(request),
        customer=asked.customer,
    )


@get("/audit/check", opt=READ, include_in_schema=False)
async def check_audit(request: Call) -> Html:
    """Hold the trail against its seals."""
    _, asked = filtered(request, CheckFilter)
    result = await request.house.audit.check(after=asked.after, most=MOST_SEALS)
    return await page(request, "relatum/audit_check.html", here="audit", result=result)


def spread(changes: Iterable[Changed]) -> Iterator[Changed]:
    """The values that differ, also those inside of others; nothing for nothing again."""
    for each in changes:
        if isinstance(each.before, dict) and isinstance(each.after, dict):
            yield from spread(
                Changed(f"{each.field}.{name}", each.before.get(name), each.after.get(name))
                for name in {**each.before, **each.after}
            )
        elif plainly(each.before) != plainly(each.after):
            yield each


async def _names(request: Call) -> dict[str, str]:
    """What people call the teams whose ids stand in values."""
    return {str(team.id): team.name for team in await request.house.roles.teams.every()}


async def _actors(request: Call) -> list[tuple[str, str]]:
    found = await request.house.accounts.find(AccountQuery(limit=MOST_PEOPLE))
    return [(f"{account.kind}:{account.id}", account.name) for account in found.items]


def _types(request: Call) -> list[tuple[str, Any]]:
    """What can have happened: everything about access first, then each kind by its title."""
    language = language_of(request)
    text = translations(language).gettext
    declared = [
        (each.id, each.title.in_language(language)) for each in request.house.registry.event_types
    ]
    return [
        ("core.access.", text("everything about access")),
        *sorted(declared, key=lambda pair: pair[1]),
    ]


ROUTES = [show_audit, check_audit]
