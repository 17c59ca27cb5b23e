"""The kinds of interaction: of core, of plugins, and of plugins that are off or gone."""

from __future__ import annotations

import msgspec
from litestar import get

from relatum.hooks.gate import owner
from relatum.http.answers import Html
from relatum.http.calls import Call
from relatum.interactions.inventory import MOST, KindInUse, kinds_in_use
from relatum.web.languages import language_of
from relatum.web.layout import PAGE, page


class ShownKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind as the page shows it.

    Attributes:
        version: of its payload; 0 when its plugin is not there to say.
        state: ``on``, ``off`` (its plugin is installed but does not run) or ``gone``.
    """

    id: str
    title: str
    icon: str
    plugin: str
    version: int
    state: str
    used: KindInUse | None


@get(
    "/settings/kinds",
    opt={"permission": "core.interactions.read", **PAGE},
    include_in_schema=False,
)
async def show_kinds(request: Call) -> Html:
    """Every kind that is declared, and every kind that interactions have."""
    request.refuse_query(("lang",))
    used = await kinds_in_use(request.house.db)
    return await page(
        request,
        "relatum/settings_kinds.html",
        here="kinds",
        kinds=_kinds(request, used),
        most=MOST,
    )


def _kinds(request: Call, used: dict[str, KindInUse]) -> list[tuple[str, list[ShownKind]]]:
    """By plugin, core first."""
    shelf = request.house.registry.interaction_kinds
    on = set(shelf.ids())
    shown = [
        ShownKind(
            id=each.id,
            title=each.title.in_language(language_of(request)),
            icon=each.icon,
            plugin=owner(each.id),
            version=each.version,
            state="on" if each.id in on else "off",
            used=used.get(each.id),
        )
        for each in shelf.declared()
    ]
    declared = {each.id for each in shown}
    installed = {each.id for each in request.house.plugins.states()}
    shown += [
        ShownKind(
            id=kind,
            title=kind,
            icon="message",
            plugin=owner(kind),
            version=0,
            state="off" if owner(kind) in installed else "gone",
            used=each,
        )
        for kind, each in used.items()
        if kind not in declared
    ]
    groups: dict[str, list[ShownKind]] = {}
    for each in sorted(shown, key=lambda each: (each.plugin != "core", each.plugin, each.id)):
        groups.setdefault(each.plugin, []).append(each)
    return list(groups.items())


ROUTES = [show_kinds]
