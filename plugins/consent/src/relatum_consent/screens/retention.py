"""Who is due to be erased by the retention rules, and what people decide about it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from relatum.api import Conflict, Form, InvalidInput, Plugin, Redirect, Visit, id_in_path, next_page
from relatum_consent.permissions import RETENTION_WRITE
from relatum_consent.screens.staff import actor_of
from relatum_consent.services.carrying_out import ERASE
from relatum_consent.services.retention import Retention
from relatum_consent.types import DueQuery, RetentionState

HERE = "/p/consent/retention"
STATES: tuple[RetentionState, ...] = ("due", "approved", "kept", "erased", "ended")


class Shown(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which part of the list."""

    state: RetentionState = "due"
    cursor: Annotated[str, Meta(max_length=300)] = ""


class Decision(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What becomes of those who were chosen."""

    do: Literal["approve", "keep"]
    entries: Annotated[list[Annotated[str, Meta(max_length=40)]], Meta(max_length=200)] = []
    until: dt.date | None = None
    reason: Annotated[str, Meta(max_length=500)] = ""


async def show_retention(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """The list in one state, and the rules it rests on."""
    _, asked = visit.query(Shown)
    query = DueQuery(state=asked.state, cursor=asked.cursor or None)
    found = await Retention(plugin).find(query)
    ids = list({each.customer for each in found.items if each.customer is not None})
    return {
        "entries": found.items,
        "people": {each.id: each for each in await visit.house.customers.get_many(ids)},
        "rules": plugin.settings.retention,
        "by_rule": {rule.id: rule for rule in plugin.settings.retention},
        "state": asked.state,
        "states": STATES,
        "next": next_page(visit.call, found.next),
        "may_decide": visit.may(RETENTION_WRITE) and asked.state in ("due", "approved"),
        "may_erase": visit.may(ERASE),
        "path": HERE,
        "deciding": Form("deciding"),
    }


async def decide(plugin: Plugin, visit: Visit) -> Any:
    """Approve, or keep, those who were chosen."""
    form, said = await visit.form("deciding", Decision)
    if said is not None:
        ids = [id_in_path(each, "customer who is due") for each in said.entries]
        retention, actor = Retention(plugin), actor_of(visit)
        try:
            if said.do == "approve":
                await retention.approve(ids, actor)
            else:
                await retention.keep(ids, actor, until=said.until, reason=said.reason)
        except (Conflict, InvalidInput) as error:
            form.refuse(error)
        else:
            return Redirect(HERE, flash=f"consent.retention_{said.do}")
    return {**await show_retention(plugin, visit), "deciding": form}
