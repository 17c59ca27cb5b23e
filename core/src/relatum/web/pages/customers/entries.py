"""What happened with a customer, as a timeline shows it: one entry for each interaction.

Kinds of plugins that are off or gone are shown too: with what is known of them, and the fields of
their payload. A template of a plugin that fails is replaced by the same.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec
from markupsafe import Markup

from relatum.hooks.gate import owner
from relatum.telemetry.logs import about
from relatum.values.time import local_day

if TYPE_CHECKING:
    from relatum.app.house import House
    from relatum.hooks.declarations import InteractionKind
    from relatum.interactions.types import Amount, Interaction
    from relatum.web.languages import Language
    from relatum.web.layout import Shell

log = logging.getLogger("relatum.web")

State = Literal["on", "off", "gone"]
LONGEST_VALUE = 1_000
UNKNOWN_ICON = "puzzle-off"
#: Kinds of actors whose ids say nothing to people.
_GONE: State = "gone"
NAMELESS = frozenset({"person", "service", "import", "plugin", "system"})


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One interaction as it is shown.

    Attributes:
        state: of its kind: of a plugin that is on, off, or gone.
        lines: names and values of its payload, where nothing shows it better.
        body: what the template of its kind made of it.
        who: the name of whoever did it, where it is known.
    """

    id: UUID
    kind: str
    title: str
    icon: str
    state: State
    at: dt.datetime
    channel: str
    direction: str
    money: Amount | None
    who: str
    subject: str
    recorded_at: dt.datetime
    lines: list[tuple[str, str]]
    body: Markup | None = None


class Day(msgspec.Struct, frozen=True):
    """The entries of one day by the company's clock."""

    day: dt.date
    entries: list[Entry]


def kinds_known(house: House) -> dict[str, tuple[InteractionKind, State]]:
    """Every declared kind, also of plugins that are off."""
    shelf = house.registry.interaction_kinds
    on = set(shelf.ids())
    return {each.id: (each, _state(each.id in on)) for each in shelf.declared()}


def _state(is_on: bool) -> State:
    return "on" if is_on else "off"


def title_of(kind: str, known: Mapping[str, tuple[InteractionKind, State]], lang: Language) -> str:
    """What a kind is called; of a plugin that is gone, the last part of its id."""
    if kind in known:
        return known[kind][0].title.in_language(lang)
    return _spelled(kind.rpartition(".")[2])


def entries_of(
    house: House,
    found: Sequence[Interaction],
    *,
    language: Language,
    names: Mapping[str, str],
    shell: Shell,
) -> list[Entry]:
    """Entries with their bodies; to be made beside the event loop.

    Args:
        names: of actors.
        shell: for templates that use parts of pages.
    """
    known = kinds_known(house)
    return [_entry(house, each, known, language, names, shell) for each in found]


def by_day(entries: Iterable[Entry], zone: str) -> list[Day]:
    """Entries, newest first, by the days they happened on."""
    return [Day(day, list(some)) for day, some in groupby(entries, lambda e: local_day(e.at, zone))]


def _entry(
    house: House,
    one: Interaction,
    known: Mapping[str, tuple[InteractionKind, State]],
    language: Language,
    names: Mapping[str, str],
    shell: Shell,
) -> Entry:
    found = known.get(one.kind)
    kind, state = found if found is not None else (None, _GONE)
    payload = _payload(one.payload)
    body = None
    if kind is not None and state == "on" and kind.template:
        values = {"entry": one, "payload": payload, "names": names, "shell": shell}
        body = _body(house, kind, language, values)
    return Entry(
        id=one.id,
        kind=one.kind,
        title=title_of(one.kind, known, language),
        icon=kind.icon if kind is not None else UNKNOWN_ICON,
        state=state,
        at=one.occurred_at,
        channel=one.channel,
        direction=one.direction,
        money=one.money,
        who=_who(one.actor, names),
        subject=one.subject or "",
        recorded_at=one.recorded_at,
        lines=[] if body is not None else list(lines_of(payload)),
        body=body,
    )


def _body(
    house: House, kind: InteractionKind, language: Language, values: dict[str, Any]
) -> Markup | None:
    try:
        text = house.renderer.render(kind.template, language, **values)
    except Exception:
        plugin = owner(kind.id)
        with about(plugin=plugin):
            log.exception("the template of %s failed", kind.id)
        return None
    return Markup(text)  # noqa: S704 - rendered with everything escaped


def _who(actor: str | None, names: Mapping[str, str]) -> str:
    """A name; nothing for an id that nobody knows by name."""
    if not actor:
        return ""
    if actor in names:
        return names[actor]
    return "" if actor.partition(":")[0] in NAMELESS else actor


def _payload(raw: msgspec.Raw) -> dict[str, Any]:
    try:
        payload = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return {}
    return payload if isinstance(payload, dict) else {"": payload}


def lines_of(payload: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """The fields of a payload as names and values, nested ones with their path."""
    for key, value in payload.items():
        name = f"{prefix}{_spelled(key)}"
        if value in (None, "", [], {}):
            continue
        if isinstance(value, dict):
            yield from lines_of(value, f"{name} / ")
        elif isinstance(value, list) and all(not isinstance(each, dict | list) for each in value):
            yield name, _shown(", ".join(str(each) for each in value))
        elif isinstance(value, str):
            yield name, _shown(value)
        else:
            yield name, _shown(msgspec.json.encode(value).decode())


def _shown(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _spelled(key: str) -> str:
    words = key.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
