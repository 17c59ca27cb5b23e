"""What a plugin brings, and what becomes of it and of others when it is switched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from relatum.plugins.states import PluginProblem, PluginState
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.config.settings import Settings
    from relatum.hooks.registry import Registry

Noun = Literal[
    "pages",
    "panels",
    "widgets",
    "commands",
    "columns",
    "bulk_actions",
    "metrics",
    "reports",
    "interaction_kinds",
    "import_targets",
    "jobs",
    "handlers",
    "event_types",
    "permissions",
    "routes",
]
#: In the order in which people care about them.
NOUNS: tuple[Noun, ...] = Noun.__args__  # type: ignore[attr-defined]


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """What a plugin declares of one sort.

    Attributes:
        count: how many of them there are.
        titles: as people call them, each once; the id where they have no title.
    """

    noun: Noun
    count: int
    titles: list[Text]


class Switching(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of switching a plugin.

    Attributes:
        along: other plugins that go off with it, or come on again with it.
        refusals: what keeps it from running; it is not switched on then.
        brings: what stops or starts; empty when nobody knows before it has run.
    """

    plugin: PluginState
    on: bool
    along: list[PluginState]
    refusals: list[PluginProblem]
    brings: list[Brought]


def brought_by(registry: Registry, plugin_id: str) -> list[Brought]:
    """What a plugin declared since this process started, also when it is off by now."""
    found = []
    for noun in NOUNS:
        titles = _titles(registry, noun, plugin_id)
        if titles:
            once = {(each.en, each.vi): each for each in titles}
            found.append(Brought(noun=noun, count=len(titles), titles=list(once.values())))
    return found


def _titles(registry: Registry, noun: Noun, plugin_id: str) -> list[Text]:
    if noun == "routes":
        paths = [path for each in registry.routes.get(plugin_id, ()) for path in each.paths]
        return [Text(en=path, vi=path) for path in sorted(set(paths))]
    shelf = getattr(registry, noun)
    own = shelf.ids_of(plugin_id)
    return [_title(each) for each in shelf.declared() if each.id in own]


def _title(declared: Any) -> Text:
    title = getattr(declared, "title", None)
    return title if isinstance(title, Text) else Text(en=declared.id, vi=declared.id)


def switched(settings: Settings, plugin_id: str, *, on: bool) -> Settings:
    """The settings with one plugin on or off, as the settings file would say it."""
    plugins = settings.plugins
    disabled = [each for each in plugins.disabled if each != plugin_id]
    enabled = plugins.enabled
    if enabled is not None:
        enabled = [each for each in enabled if each != plugin_id]
        enabled += [plugin_id] if on else []
    disabled += [] if on else [plugin_id]
    changed = msgspec.structs.replace(plugins, enabled=enabled, disabled=disabled)
    return msgspec.structs.replace(settings, plugins=changed)


def differing(
    before: Sequence[PluginState], after: Sequence[PluginState], *, but: str
) -> list[PluginState]:
    """Those that run in only one of the two, apart from one."""
    ran = {each.id: each.state == "enabled" for each in before}
    return [
        each for each in after if each.id != but and ran.get(each.id) != (each.state == "enabled")
    ]
