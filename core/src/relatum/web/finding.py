"""What the command palette offers: customers, places and commands, by a few letters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from relatum.customers.types import CustomerQuery
from relatum.values.text import fold
from relatum.web.formats import phone
from relatum.web.languages import Language, marked, translations
from relatum.web.navigation import navigation_for

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.app.house import House
    from relatum.customers.types import Customer

CUSTOMERS = "core.customers.read"
#: Fewer letters than this would find everybody.
LEAST_LETTERS = 2
MOST_CUSTOMERS = 8
MOST_PLACES = 6
MOST_COMMANDS = 8
LONGEST_QUERY = 200


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """Something to go to or to do.

    Attributes:
        detail: what tells it from others of its name.
        post: it is done by POST.
    """

    path: str
    title: str
    icon: str
    detail: str = ""
    post: bool = False


class Group(msgspec.Struct, frozen=True):
    """Items of one sort, with its heading in the language of the page."""

    title: str
    items: list[Item]


async def groups_for(house: House, viewer: Viewer, language: Language, query: str) -> list[Group]:
    """What fits, customers first; without a query, the places and commands.

    Only what the viewer may: customers by what they see, the rest by permission.
    """
    text = translations(language).gettext
    words = fold(query).split()
    found = [
        Group(text(marked("Customers")), await _customers(house, viewer, query)),
        Group(text(marked("Go to")), _best(_places(house, viewer, language), words, MOST_PLACES)),
        Group(text(marked("Do")), _best(_commands(house, viewer, language), words, MOST_COMMANDS)),
    ]
    return [group for group in found if group.items]


async def _customers(house: House, viewer: Viewer, query: str) -> list[Item]:
    wanted = " ".join(query.split())
    if len(wanted) < LEAST_LETTERS or not viewer.may(CUSTOMERS):
        return []
    page = await house.customers.find(CustomerQuery(q=wanted, limit=MOST_CUSTOMERS))
    country = house.settings.company.country
    return [_customer(each, country) for each in page.items]


def _customer(customer: Customer, country: str) -> Item:
    return Item(
        path=f"/customers/{customer.id}",
        title=customer.display_name,
        icon="user" if customer.kind == "person" else "building",
        detail=_reached_at(customer, country),
    )


def _reached_at(customer: Customer, country: str) -> str:
    """The first telephone number as people write it, else whatever else there is."""
    points = sorted(customer.contact_points, key=lambda each: each.kind != "phone")
    if not points:
        return ""
    first = points[0]
    return phone(first.normalised, country) if first.kind == "phone" else first.raw


class _Candidate(msgspec.Struct, frozen=True):
    item: Item
    #: by which it is found, folded
    words: str


def _places(house: House, viewer: Viewer, language: Language) -> Iterator[_Candidate]:
    navigation = navigation_for(viewer, house.registry, language)
    for heading, places in (*navigation.places, *navigation.settings):
        for place in places:
            item = Item(path=place.path, title=place.title, icon=place.icon, detail=heading)
            yield _Candidate(item, fold(f"{place.title} {heading} {place.hint} {place.id}"))


def _commands(house: House, viewer: Viewer, language: Language) -> Iterator[_Candidate]:
    """Those that need no customer; found by their titles in every language."""
    shown = [each for each in house.registry.commands if not each.slot]
    for command in sorted(shown, key=lambda each: each.order):
        if not viewer.may(command.permission):
            continue
        title = command.title.in_language(language)
        icon = command.icon or "bolt"
        item = Item(path=command.path, title=title, icon=icon, post=command.post)
        yield _Candidate(item, fold(f"{command.title.en} {command.title.vi} {command.words}"))


def _best(candidates: Iterable[_Candidate], words: Sequence[str], most: int) -> list[Item]:
    """Those in which every word occurs; first those whose titles begin with the first."""
    fit = [each for each in candidates if all(word in each.words for word in words)]
    if not words:
        return [each.item for each in fit]
    fit.sort(key=lambda each: _rank(fold(each.item.title), words[0]))
    return [each.item for each in fit[:most]]


def _rank(title: str, word: str) -> int:
    """First titles that begin with the word, then those in which another word does."""
    if title.startswith(word):
        return 0
    return 1 if f" {word}" in title else 2
