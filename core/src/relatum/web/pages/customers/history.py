"""What was changed of a customer, when and by whom, out of the event log.

Everybody who sees the customer sees that it changed and in which fields; values before and after
are for those who may read the audit trail. The guard of the moment masks what is masked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.access.audit.types import AuditQuery, Changed
from relatum.access.viewer import current_viewer
from relatum.customers import events as facts
from relatum.web.audit_file import spread
from relatum.web.languages import marked, translations
from relatum.web.pages.customers.card import title_of
from relatum.web.pages.customers.timeline import names_of

if TYPE_CHECKING:
    from relatum.app.house import House
    from relatum.customers.types import FieldDraft
    from relatum.events.types import Event
    from relatum.values.text import Text
    from relatum.web.languages import Language

AUDIT = "core.audit.read"
MOST = 20
TYPES = tuple(each.id for each in facts.EVENT_TYPES)
#: What the ids of these types begin with, and no others.
PREFIX = "core.customer"
FIELDS = {
    "kind": marked("Kind"),
    "display_name": marked("Name"),
    "contact_points": marked("Contact points"),
    "roles": marked("Roles"),
    "tags": marked("Tags"),
    "external_ids": marked("Ids elsewhere"),
    "owner": marked("Owner"),
    "team": marked("Team"),
}


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """One change. ``changes`` has values only for those who may see them."""

    at: dt.datetime
    what: Text
    who: str
    fields: list[str]
    changes: list[Changed]


async def history_of(
    house: House, customer: UUID, fields: Sequence[FieldDraft], language: Language
) -> list[Past]:
    """The newest changes."""
    say = translations(language).gettext
    events = await house.events.of_customer(customer, types=TYPES, limit=MOST)
    if not events:
        return []
    values = await _values(house, customer) if current_viewer().may(AUDIT) else {}
    names = await names_of(house, [event.by for event in events])
    names |= await _owners(house, values)
    titles = {f"fields.{field.key}": title_of(field, language) for field in fields}
    titles |= {name: say(title) for name, title in FIELDS.items()}
    return [_past(house, event, names, titles, values) for event in events]


async def changed_by(house: House, customer: UUID) -> tuple[str, dt.datetime] | None:
    """Who changed a customer last, and when; the name is empty when nobody knows it."""
    events = await house.events.of_customer(customer, types=(facts.UPDATED,), limit=1)
    if not events:
        return None
    names = await names_of(house, [events[0].by])
    return names.get(events[0].by, ""), events[0].recorded_at


async def _values(house: House, customer: UUID) -> dict[int, list[Changed]]:
    found = await house.audit.entries(AuditQuery(customer=customer, type=PREFIX, limit=MOST))
    return {item.seq: list(spread(item.changes)) for item in found.items}


async def _owners(house: House, values: Mapping[int, Sequence[Changed]]) -> dict[str, str]:
    """The names of owners and teams that changes speak of."""
    ids = {
        value
        for changes in values.values()
        for each in changes
        if each.field in ("owner", "team")
        for value in (each.before, each.after)
        if isinstance(value, str)
    }
    if not ids:
        return {}
    wanted = [UUID(id) for id in sorted(ids)]
    accounts = await house.accounts.get_many(wanted)
    teams = await house.roles.teams.names(wanted)
    named = {str(account.id): account.name for account in accounts}
    return named | {str(id): name for id, name in teams.items()}


def _past(
    house: House,
    event: Event,
    names: Mapping[str, str],
    titles: Mapping[str, str],
    values: Mapping[int, list[Changed]],
) -> Past:
    declared = house.registry.event_types.get(event.type)
    changed = [
        Changed(
            titles.get(each.field, each.field),
            _spelled(each.before, names),
            _spelled(each.after, names),
        )
        for each in values.get(event.seq, [])
    ]
    return Past(
        at=event.recorded_at,
        what=declared.title,
        who=names.get(event.by, ""),
        fields=_fields(event, titles),
        changes=changed,
    )


def _spelled(value: Any, names: Mapping[str, str]) -> Any:
    """A value as people know it: contact points by what they hold, owners by name."""
    if isinstance(value, list):
        return [each["raw"] if isinstance(each, dict) and "raw" in each else each for each in value]
    return names.get(value, value) if isinstance(value, str) else value


def _fields(event: Event, titles: Mapping[str, str]) -> list[str]:
    """What was changed, by name; nothing where the log is masked."""
    payload = event.data()
    changes = payload.get("changes")
    if not isinstance(changes, dict):
        return []
    found: dict[str, None] = {}
    for name, pair in changes.items():
        if name != "fields":
            found[titles.get(name, name)] = None
            continue
        before, after = (each if isinstance(each, dict) else {} for each in pair)
        for key in {**before, **after}:
            if before.get(key) != after.get(key):
                found[titles.get(f"fields.{key}", key)] = None
    return list(found)
