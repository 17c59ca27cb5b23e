"""The audit trail: who did what, when, from what to what and why; and whether it is intact."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import get, post
from msgspec import Meta

from relatum.access.accounts.types import AccountQuery
from relatum.access.audit.taking import every_entry, note_taken
from relatum.access.audit.types import AuditQuery
from relatum.events.seals import Seal, last_seal
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call
from relatum.http.downloads import Streamed
from relatum.values.problems import RelatumError
from relatum.values.time import day_bounds, local_day, now
from relatum.web.audit_file import lines_of, spread
from relatum.web.filters import filtered, next_page
from relatum.web.forms import Form, sent
from relatum.web.languages import language_of, translations
from relatum.web.layout import PAGE, page
from relatum.web.reading import zone_here

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
    return await _audit_page(request, *filtered(request, AuditFilter))


@post("/audit/file", opt=READ, include_in_schema=False)
async def download_audit(request: Call) -> Answer[Any]:
    """Everything that the filter finds as CSV; that it was taken out is an entry of its own."""
    form = Form("filter")
    try:
        asked = form.take(await sent(request), AuditFilter)
    except RelatumError as error:
        form.refuse(error)
        return await _audit_page(request, form, AuditFilter())
    house = request.house
    query = _query(asked, zone := _zone(request))
    query = await note_taken(house.events, query, by=request.actor)
    names = await _names(request)
    pieces = lines_of(every_entry(house.audit, query), language_of(request), zone, names)
    return Streamed(pieces, f"audit {local_day(now(), zone)}.csv")


async def _audit_page(request: Call, form: Form, asked: AuditFilter) -> Html:
    house = request.house
    found = await house.audit.entries(_query(asked, _zone(request)))
    sealed = await last_seal(house.db)
    return await page(
        request,
        "relatum/audit.html",
        here="audit",
        address="/audit",
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
        customer_name=next((each.customer_name for each in found.items), ""),
        sealed=sealed,
        sealed_at=_moment_of(sealed),
        periods=_periods(request, asked),
        filtered=asked != AuditFilter(cursor=asked.cursor),
        chosen=_given(asked),
    )


def _query(asked: AuditFilter, zone: str) -> AuditQuery:
    return AuditQuery(
        actor=asked.actor or None,
        type=asked.type or None,
        customer=asked.customer,
        recorded_from=day_bounds(asked.first, zone)[0] if asked.first else None,
        recorded_before=day_bounds(asked.last, zone)[1] if asked.last else None,
        cursor=asked.cursor,
    )


def _given(asked: AuditFilter) -> dict[str, str]:
    """What of the filter says something, as its form sends it."""
    held = {name: getattr(asked, name) for name in ("actor", "type", "first", "last", "customer")}
    return {name: str(value) for name, value in held.items() if value}


def _zone(request: Call) -> str:
    return zone_here(request.house)


@get("/audit/check", opt=READ, include_in_schema=False)
async def check_audit(request: Call) -> Html:
    """Hold the trail against its seals."""
    _, asked = filtered(request, CheckFilter)
    result = await request.house.audit.check(after=asked.after, most=MOST_SEALS)
    return await page(request, "relatum/audit_check.html", here="audit", result=result)


def _periods(request: Call, asked: AuditFilter) -> list[tuple[str, str, bool]]:
    """Stretches of time with the rest of the filter: address, title, whether it is shown."""
    text = translations(language_of(request)).gettext
    today = local_day(now(), _zone(request))
    given = {k: v for k, v in _given(asked).items() if k not in ("first", "last")}
    return [
        (
            f"?{urlencode({**given, 'first': first.isoformat()})}",
            title,
            asked.first == first and asked.last is None,
        )
        for title, first in (
            (text("Today"), today),
            (text("7 days"), today - dt.timedelta(days=6)),
            (text("30 days"), today - dt.timedelta(days=29)),
        )
    ]


def _moment_of(seal: Seal | None) -> dt.datetime | None:
    """When it was made; nothing when a row that was tampered with says no moment."""
    try:
        moment = dt.datetime.fromisoformat(seal.sealed_at) if seal is not None else None
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or dt.UTC) if moment is not None else None


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


ROUTES = [show_audit, download_audit, check_audit]
