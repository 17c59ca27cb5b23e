"""Two versions of a customer side by side, as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.web.languages import language_of, translations
from relatum.web.pages.customers import card
from relatum.web.pages.customers.history import FIELDS
from relatum.web.pages.customers.merging import FIELD, Difference
from relatum.web.pages.customers.typed import TypedPoint

if TYPE_CHECKING:
    from relatum.http.calls import Call

_NAMES = {"points": "contact_points"}


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One difference in words: lines of text for each version.

    Attributes:
        name: of the field of the form.
        both: one of the two has to be chosen.
    """

    name: str
    title: str
    before: list[str]
    theirs: list[str]
    mine: list[str]
    both: bool


async def compared(request: Call, differences: Sequence[Difference]) -> list[Compared]:
    """The differences in the language of the page; those to be chosen first."""
    house, language = request.house, language_of(request)
    say = translations(language).gettext
    titles = {name: say(title) for name, title in FIELDS.items()}
    fields = await house.customers.fields()
    titles |= {f"{FIELD}{field.key}": card.title_of(field, language) for field in fields}
    names = {name: say(title) for name, title in {**card.KINDS, **card.ROLES}.items()}
    names |= {"yes": say("Yes"), "no": say("No")}
    names |= await _people(request, differences)
    found = [
        Compared(
            name=each.name,
            title=titles.get(_NAMES.get(each.name, each.name), each.name),
            before=_lines(each.before, names, say),
            theirs=_lines(each.theirs, names, say),
            mine=_lines(each.mine, names, say),
            both=each.both,
        )
        for each in differences
    ]
    return sorted(found, key=lambda each: not each.both)


def _lines(value: Any, names: dict[str, str], say: card.Say) -> list[str]:
    if isinstance(value, str):
        return [names.get(value, value)] if value else []
    return [
        _point(each, say) if isinstance(each, TypedPoint) else names.get(each, each)
        for each in value
    ]


def _point(point: TypedPoint, say: card.Say) -> str:
    title = say(card.POINTS.get(point.kind, card.POINTS["other"])[0])
    return f"{title}: {point.raw}" + (f" ({point.label})" if point.label else "")


async def _people(request: Call, differences: Sequence[Difference]) -> dict[str, str]:
    """The names of owners and teams that the versions speak of."""
    house = request.house
    ids = {
        text
        for each in differences
        if each.name in ("owner", "team")
        for text in (each.before, each.theirs, each.mine)
        if isinstance(text, str) and text
    }
    if not ids:
        return {}
    wanted = [UUID(id) for id in sorted(ids)]
    accounts = await house.accounts.get_many(wanted)
    teams = await house.roles.teams.names(wanted)
    return {str(account.id): account.name for account in accounts} | {
        str(id): name for id, name in teams.items()
    }
