"""The record of data breaches."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from relatum.api import (
    Conflict,
    Form,
    InvalidInput,
    Plugin,
    Redirect,
    Visit,
    id_in_path,
    next_page,
    now,
)
from relatum_consent.permissions import BREACHES_WRITE
from relatum_consent.services.breaches import Breaches
from relatum_consent.types import BreachDraft, BreachMove, BreachQuery

HERE = "/p/consent/breaches"
ClockTime = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Shown(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which part of the record."""

    cursor: Annotated[str, Meta(max_length=300)] = ""


class Found(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A breach as somebody writes it down, or what became of one."""

    do: Literal["record", "notify", "close"]
    breach: Annotated[str, Meta(max_length=40)] = ""
    words: Annotated[str, Meta(min_length=3, max_length=2_000)]
    kinds: Annotated[str, Meta(max_length=500)] = ""
    people: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    found_on: dt.date | None = None
    found_at: ClockTime = "00:00"


async def show_breaches(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """The record, and the form for a new one."""
    _, asked = visit.query(Shown)
    found = await Breaches(plugin).find(BreachQuery(cursor=asked.cursor or None))
    return {
        "breaches": found.items,
        "next": next_page(visit.call, found.next),
        "now": now(),
        "hours": plugin.settings.breach_hours,
        "may_write": visit.may(BREACHES_WRITE),
        "path": HERE,
        "breach": Form("breach"),
    }


async def act_on_breach(plugin: Plugin, visit: Visit) -> Any:
    """Record one, or note what became of it."""
    form, said = await visit.form("breach", Found)
    if said is not None:
        try:
            await _done(plugin, visit, said)
        except (Conflict, InvalidInput) as error:
            form.refuse(error, renamed={"discovered_at": "found_on", "title": "words"})
        else:
            return Redirect(HERE, flash="consent.breach")
    return {**await show_breaches(plugin, visit), "breach": form}


async def _done(plugin: Plugin, visit: Visit, said: Found) -> None:
    breaches, by = Breaches(plugin), visit.call.actor
    if said.do != "record":
        move = BreachMove(do=said.do, words=said.words)
        await breaches.move(id_in_path(said.breach, "breach"), move, by=by)
        return
    moment = now()
    if said.found_on is not None:
        clock = dt.time.fromisoformat(said.found_at)
        moment = dt.datetime.combine(said.found_on, clock, ZoneInfo(visit.time_zone))
    draft = BreachDraft(
        title=said.words[:200], discovered_at=moment, kinds=said.kinds, people=said.people
    )
    await breaches.record(draft, by=by)
