"""Plugins: what is installed and what runs, why not, and switching on and off."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from litestar import get, post
from litestar.params import FromPath

from relatum.http.answers import Answer, Html
from relatum.http.calls import Call
from relatum.plugins.effects import brought_by
from relatum.plugins.settings_source import SettingState, setting_states
from relatum.plugins.states import PluginProblem, PluginState
from relatum.values.problems import ConfigurationError, Conflict, NotFound, RelatumError
from relatum.web.flashes import declare_flashes
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import language_of, marked
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.navigation import path_of_page
from relatum.web.plugin_wording import reason_of
from relatum.web.wording import Sentence, declare_sentences

READ = {"permission": "core.plugins.read", **PAGE}
WRITE = {"permission": "core.plugins.write", **PAGE}
HERE = "/settings/plugins"

declare_flashes(
    {
        "plugin-on": marked("The plugin is on."),
        "plugin-off": marked("The plugin is off. Its data stays."),
        "plugin-as-before": marked("The plugin was already like that."),
    }
)
declare_sentences(
    {
        "unusable-configuration": marked(
            "The settings file cannot be changed from here. Change relatum.toml on the server, or "
            "let the account that runs Relatum write it."
        ),
        "unreadable-configuration": marked(
            "There is a mistake in the settings file. Correct relatum.toml on the server first."
        ),
        "decided-by-environment": marked(
            "The environment variable %(got)s decides this. Change it where the server is started."
        ),
    }
)


class Reason(msgspec.Struct, frozen=True):
    """Why a plugin does not run, or what should be mended; then the same as operators read it."""

    said: Sentence
    mend: Sentence
    problem: PluginProblem


@get(HERE, opt=READ, include_in_schema=False)
async def show_plugins(request: Call) -> Html:
    """Every installed plugin and its state."""
    request.refuse_query(("lang",))
    plugins = request.house.plugins
    states = plugins.states()
    return await page(
        request,
        "relatum/settings_plugins.html",
        here="plugins",
        plugins=states,
        reasons={each.id: reasons_of(request, each.problems) for each in states},
        installation=reasons_of(request, plugins.installation_problems()),
        safe_mode=request.house.settings.safe_mode,
    )


@get("/settings/plugins/{plugin:str}", opt=READ, include_in_schema=False)
async def show_plugin(request: Call, plugin: FromPath[str]) -> Html:
    """One plugin: what it brings, its settings, what is wrong with it."""
    request.refuse_query(("lang",))
    house = request.house
    state = _state(request, plugin)
    return await page(
        request,
        "relatum/settings_plugin.html",
        here="plugins",
        plugin=state,
        reasons=reasons_of(request, state.problems),
        brings=brought_by(house.registry, state.id),
        required_by=house.plugins.dependents(state.id),
        tables=await house.steering.tables(state.id),
        settings=_settings_of(request, state.id),
        places=_places(request, state.id),
    )


@get("/settings/plugins/{plugin:str}/on", opt=WRITE, include_in_schema=False)
async def preview_on(request: Call, plugin: FromPath[str]) -> Html:
    """What switching a plugin on would change."""
    request.refuse_query(("lang",))
    return await _preview(request, plugin, Form("switch"), on=True)


@get("/settings/plugins/{plugin:str}/off", opt=WRITE, include_in_schema=False)
async def preview_off(request: Call, plugin: FromPath[str]) -> Html:
    """What switching a plugin off would change."""
    request.refuse_query(("lang",))
    return await _preview(request, plugin, Form("switch"), on=False)


@post("/settings/plugins/{plugin:str}/on", opt=WRITE, include_in_schema=False)
async def switch_on(request: Call, plugin: FromPath[str]) -> Answer[Any]:
    """Switch a plugin on in the settings file."""
    return await _switch(request, plugin, on=True)


@post("/settings/plugins/{plugin:str}/off", opt=WRITE, include_in_schema=False)
async def switch_off(request: Call, plugin: FromPath[str]) -> Answer[Any]:
    """Switch a plugin off in the settings file."""
    return await _switch(request, plugin, on=False)


async def _switch(request: Call, plugin: str, *, on: bool) -> Answer[Any]:
    form = Form("switch")
    state = _state(request, plugin)
    try:
        form.take(await sent(request), Nothing)
        changed = await written(request.house.steering.switch(state.id, on=on, by=request.actor))
    except RelatumError as error:
        form.refuse(error)
        return await _preview(request, plugin, form, on=on)
    here = f"{HERE}/{state.id}"
    if not changed:
        return Redirect(here, flash="plugin-as-before")
    back = f"{here}/{'off' if on else 'on'}"
    return Redirect(here, flash="plugin-on" if on else "plugin-off", undo=back)


async def _preview(request: Call, plugin: str, form: Form, *, on: bool) -> Html:
    state = _state(request, plugin)
    steering = request.house.steering
    looked = await asyncio.to_thread(steering.look, state.id, on=on)
    return await page(
        request,
        "relatum/settings_plugin_switch.html",
        here="plugins",
        forms=(form,),
        address=f"{HERE}/{state.id}/{'on' if on else 'off'}",
        looked=looked,
        plugin=state,
        reasons=reasons_of(request, looked.refusals),
        refusal=steering.file.refusal(),
        file=str(steering.file.path),
        tables=await steering.tables(state.id),
    )


async def written(writing: Any) -> Any:
    """What came of writing the settings file; that it cannot be written is for the form to say."""
    try:
        return await writing
    except ConfigurationError as error:
        raise Conflict(error.detail, problems=error.problems) from error


def reasons_of(request: Call, problems: list[PluginProblem]) -> list[Reason]:
    """What is wrong, in the language of the page."""
    language = language_of(request)
    return [Reason(*reason_of(each, language), each) for each in problems]


def _state(request: Call, plugin: str) -> PluginState:
    found = [each for each in request.house.plugins.states() if each.id == plugin]
    if not found:
        raise NotFound("expected the id of an installed plugin, got another text")
    return found[0]


def _settings_of(request: Call, plugin_id: str) -> list[SettingState]:
    plugins = request.house.plugins
    found = next(each for each in plugins.found if each.id == plugin_id)
    return setting_states(found, request.house.settings.plugin_settings.get(plugin_id, {}))


def _places(request: Call, plugin_id: str) -> list[tuple[str, str]]:
    """The pages of the plugin that the navigation leads to: path and title."""
    language = language_of(request)
    return [
        (path_of_page(each.id, each.path), each.title.in_language(language))
        for each in request.house.registry.pages
        if each.entry is not None and each.id.partition(".")[0] == plugin_id
    ]


ROUTES = [show_plugins, show_plugin, preview_off, preview_on, switch_off, switch_on]
