"""What is wrong with a plugin, and how to mend it, for people who do not read logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relatum.web.languages import Language, marked, translations
from relatum.web.wording import Sentence

if TYPE_CHECKING:
    from relatum.plugins.states import PluginProblem

_ASK_AUTHOR = marked("Ask whoever wrote the plugin, or install another version of it.")
_CORRECT = marked("Correct the table of the plugin in relatum.toml; the server follows at once.")
_INSTALL = marked("Install the plugin again with pip.")

#: By rule: what it means and what to do.
RULES: dict[str, tuple[str, str]] = {
    "pending-migrations": (
        marked("Its tables are not up to date."),
        marked("Run relatum migrate --apply on the server."),
    ),
    "requirement-unavailable": (
        marked("It needs another plugin that does not run."),
        marked("Install that plugin and switch it on first."),
    ),
    "core-api": (
        marked("It was made for another version of Relatum."),
        marked("Install the version of the plugin that fits, or update Relatum."),
    ),
    "import-failed": (marked("Its program cannot be started."), _ASK_AUTHOR),
    "exits": (marked("It ends the whole program when it starts."), _ASK_AUTHOR),
    "hangs": (
        marked("It does not answer when it starts."),
        marked("Mend or remove it, then restart the server."),
    ),
    "raised": (marked("It failed while it was started."), _ASK_AUTHOR),
    "not-mounted": (marked("What it brings does not fit into this installation."), _ASK_AUTHOR),
    "missing-setting": (marked("A setting that it needs is missing."), _CORRECT),
    "bad-setting": (marked("One of its settings cannot be used."), _CORRECT),
    "unknown-setting": (marked("It has no setting of this name."), _CORRECT),
    "settings-not-applied": (marked("It still runs with its former settings."), _CORRECT),
    "restart-needed": (
        marked("Another version was installed meanwhile."),
        marked("Restart the server to run it."),
    ),
    "not-installed": (
        marked("The settings file names a plugin that is not installed."),
        marked("Install it with pip, or remove its name from relatum.toml."),
    ),
    "cycle": (marked("It and other plugins need each other in a circle."), _ASK_AUTHOR),
    "missing-manifest": (marked("The package has no description of a plugin."), _INSTALL),
    "unreadable-manifest": (marked("The description of the plugin cannot be read."), _INSTALL),
    "damaged-distribution": (marked("The package is damaged."), _INSTALL),
    "duplicate-plugin": (
        marked("Two packages bring a plugin of this name."),
        marked("Uninstall one of them with pip."),
    ),
    "over-budget": (
        marked("It takes longer than planned and slows others down."),
        marked("Tell whoever wrote the plugin."),
    ),
}
_OTHERWISE = (marked("It breaks a rule that plugins keep to."), _ASK_AUTHOR)


def reason_of(problem: PluginProblem, language: Language) -> tuple[Sentence, Sentence]:
    """What a problem means, and what to do about it."""
    said, mend = RULES.get(problem.rule, _OTHERWISE)
    text = translations(language).gettext
    return Sentence(text(said), language), Sentence(text(mend), language)
