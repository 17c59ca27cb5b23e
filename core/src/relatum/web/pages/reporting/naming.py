"""What plugins and the fields of their reports are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relatum.hooks.gate import CORE
from relatum.web.languages import language_of, translations

if TYPE_CHECKING:
    from relatum.http.calls import Call
    from relatum.web.visit import Visit


def plugin_title(request: Call, plugin_id: str) -> str:
    """What a plugin's page among the settings is called, or its id in words."""
    language = language_of(request)
    if plugin_id == CORE:
        return translations(language).gettext("General")
    house = request.house
    for page in house.registry.pages:
        if page.entry and page.entry.group == "settings" and page.id.startswith(f"{plugin_id}."):
            return page.title.in_language(language)
    words = plugin_id.replace("_", " ").capitalize()
    return house.renderer.text(plugin_id, language).gettext(words)


def field_title(visit: Visit, name: str) -> str:
    """A field of a report in words; plugins translate it in their catalogue."""
    return visit.text(name.replace("_", " ").capitalize())
