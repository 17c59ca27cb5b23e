"""``/api/v1/plugins``: what is installed and what is wrong with it."""

from __future__ import annotations

import msgspec
from litestar import get

from relatum.http.answers import Answer
from relatum.http.calls import Call
from relatum.http.routes.operations.names import TAGS
from relatum.plugins.states import PluginProblem, PluginState


class ListedPlugins(msgspec.Struct, frozen=True):
    """Every installed plugin, and what is wrong with the installation as a whole."""

    items: list[PluginState]
    problems: list[PluginProblem]


@get("/api/v1/plugins", opt={"permission": "core.plugins.read"}, tags=TAGS)
async def read_plugins(request: Call) -> Answer[ListedPlugins]:
    """Every installed plugin: its state and version, and what is wrong with it."""
    request.refuse_query()
    plugins = request.house.plugins
    return Answer(ListedPlugins(plugins.states(), plugins.installation_problems()))


ROUTES = [read_plugins]
