"""The places of the navigation: core's, those of plugins, and what of them somebody may see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from relatum.access.viewer import Viewer
from relatum.hooks.gate import owner
from relatum.web.languages import Language, marked, translations
from relatum.web.places import PLACES, Place

if TYPE_CHECKING:
    from relatum.hooks.registry import Registry
PAGES_PREFIX = "/p"


class Navigation(msgspec.Struct, frozen=True):
    """The places that somebody sees: the daily ones by heading, and those of the settings."""

    places: list[tuple[str, list[Place]]]
    settings: list[tuple[str, list[Place]]]


_HEADINGS = {"work": "", "insight": marked("Insight")}
_OF_PLUGINS = marked("Plugins")


def navigation_for(viewer: Viewer, registry: Registry, language: Language) -> Navigation:
    """The places that somebody may go to; headings with nothing below are left out."""
    text = translations(language).gettext
    core = [
        msgspec.structs.replace(
            place,
            title=text(place.title),
            section=text(place.section) if place.section else "",
            hint=text(place.hint) if place.hint else "",
        )
        for place in PLACES
    ]
    places = [*core, *_of_plugins(registry, language)]
    seen = [place for place in places if viewer.may(place.permission)]
    seen = _with_own_keys(sorted(seen, key=lambda place: place.order))
    daily = [
        (text(heading) if heading else "", [each for each in seen if each.group == group])
        for group, heading in _HEADINGS.items()
    ]
    settings: dict[str, list[Place]] = {}
    for place in seen:
        if place.group == "settings":
            settings.setdefault(place.section or text(_OF_PLUGINS), []).append(place)
    return Navigation([each for each in daily if each[1]], list(settings.items()))


def _of_plugins(registry: Registry, language: Language) -> Iterator[Place]:
    for page in registry.pages:
        if page.entry is not None:
            yield Place(
                id=page.id,
                path=path_of_page(page.id, page.path),
                title=page.title.in_language(language),
                icon=page.entry.icon,
                permission=page.permission,
                group=page.entry.group,
                order=page.entry.order,
                key=page.entry.key,
                phone=page.entry.phone,
            )


def path_of_page(page_id: str, path: str) -> str:
    """Where the page of a plugin is: ``/p/spa/rooms``."""
    return f"{PAGES_PREFIX}/{owner(page_id)}{'' if path == '/' else path}"


def _with_own_keys(places: Sequence[Place]) -> list[Place]:
    """Each letter leads to one place: the first that asks for it."""
    taken: set[str] = set()
    kept = []
    for place in places:
        key = "" if place.key in taken else place.key
        taken.add(key)
        kept.append(place if key == place.key else msgspec.structs.replace(place, key=key))
    return kept
