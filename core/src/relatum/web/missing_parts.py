"""What an address says whose plugin does not run: not that nothing is there, but why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from relatum.http.mounting import PAGES
from relatum.values.problems import NotFound
from relatum.web.languages import marked

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.app.house import House

READ, WRITE = "core.plugins.read", "core.plugins.write"
_KEPT = marked("Its data is kept. Ask an owner of this installation if you need it.")


class MissingPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the house that is not there at the moment.

    Attributes:
        title, text: what a person is told; ``%(plugin)s`` is its id.
        plugin: empty for those who may not see plugins.
        path, button: where it is switched on, or where it says why it does not run.
    """

    title: str
    text: str
    plugin: str = ""
    path: str = ""
    button: str = ""


def missing_part(path: str, house: House, viewer: Viewer) -> MissingPart | None:
    """Whose page it was, when its plugin is there and does not run; else ``None``.

    Who is not signed in is told nothing of what there could be.
    """
    if not path.startswith(PAGES) or viewer.kind == "anonymous":
        return None
    plugin = path.removeprefix(PAGES).partition("/")[0]
    try:
        state = house.plugins.state(plugin).state
    except NotFound:
        return None
    if state == "enabled":
        return None
    off = state == "disabled"
    if not viewer.may(READ):
        title = marked("This part is switched off")
        return MissingPart(title=title if off else marked("This part does not run"), text=_KEPT)
    return _switched_off(plugin, viewer) if off else _does_not_run(plugin)


def _switched_off(plugin: str, viewer: Viewer) -> MissingPart:
    may = viewer.may(WRITE)
    return MissingPart(
        title=marked("The plugin %(plugin)s is switched off"),
        text=marked("Its data is kept; this page is there again as soon as it is switched on."),
        plugin=plugin,
        path=f"/settings/plugins/{plugin}/on" if may else f"/settings/plugins/{plugin}",
        button=marked("Switch on …") if may else marked("See the plugin"),
    )


def _does_not_run(plugin: str) -> MissingPart:
    return MissingPart(
        title=marked("The plugin %(plugin)s does not run"),
        text=marked("It is switched on, but something keeps it out. Its data is kept."),
        plugin=plugin,
        path=f"/settings/plugins/{plugin}",
        button=marked("See why"),
    )
