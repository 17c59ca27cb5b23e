"""The settings file of a running installation: whether it can be changed, and changing it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from relatum.config.checks import settings_problems
from relatum.config.edit import set_plugin_enabled, set_values
from relatum.config.load import FILE_NAME, PREFIX, find_file, load_settings
from relatum.config.settings import Company, Settings
from relatum.values.problems import Conflict, InvalidInput, Problem


class SettingsFile:
    """Where the settings of a process come from.

    Args:
        path: the file; it need not be there yet.
        env: the environment, whose variables come before the file.
    """

    def __init__(self, path: Path, env: Mapping[str, str]) -> None:
        self.path = path
        self._env = env

    @classmethod
    def of_process(cls, settings: Settings) -> SettingsFile:
        """The one that this process was started with, or the one that it would find."""
        return cls(find_file() or settings.home / FILE_NAME, os.environ)

    def refusal(self) -> str:
        """Why the file cannot be changed from here, for operators; empty when it can."""
        path = self.path.resolve()
        folder = path.parent
        if path.exists() and not os.access(path, os.W_OK):
            return f"{path}: permission denied"
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            return f"{folder}: permission denied"
        return ""

    def load(self, settings: Settings) -> Settings:
        """The settings in force with what the file says by now about the company and plugins.

        Raises:
            ConfigurationError: the file cannot be used.
        """
        file = self.path if self.path.is_file() else None
        if file is None:
            return settings
        read = load_settings(file, self._env)
        return msgspec.structs.replace(settings, company=read.company, plugins=read.plugins)

    def decided(self, table: str, names: tuple[str, ...]) -> set[str]:
        """Those of these settings that a variable of the environment decides."""
        variables = {name: f"{PREFIX}{table}__{name}".upper() for name in names}
        return {name for name, each in variables.items() if self._env.get(each, "").strip()}

    def switch(self, plugin_id: str, *, on: bool) -> bool:
        """As :func:`~relatum.config.edit.set_plugin_enabled`.

        Raises:
            Conflict: the environment decides which plugins run.
            ConfigurationError: the file cannot be changed.
        """
        if self.decided("plugins", ("enabled", "disabled")):
            raise _decided("RELATUM_PLUGINS__ENABLED and RELATUM_PLUGINS__DISABLED", "")
        return set_plugin_enabled(self.path, plugin_id, on)

    def set_company(self, settings: Settings, company: Company) -> bool:
        """Write what changed of the company; True when something did.

        Raises:
            InvalidInput: values that no installation can have, each at its field.
            Conflict: a variable of the environment decides one that was changed.
            ConfigurationError: the file cannot be changed.
        """
        _refuse_bad(msgspec.structs.replace(settings, company=company))
        before = msgspec.structs.asdict(settings.company)
        after = msgspec.structs.asdict(company)
        changed = {name: value for name, value in after.items() if before[name] != value}
        for name in self.decided("company", tuple(changed)):
            raise _decided(f"{PREFIX}COMPANY__{name.upper()}", f"/{name}")
        return set_values(self.path, "company", changed) if changed else False


def _refuse_bad(settings: Settings) -> None:
    found = [
        msgspec.structs.replace(each, where=f"/{each.where.rpartition('.')[2]}")
        for each in settings_problems(settings)
        if "company." in each.where
    ]
    if found:
        raise InvalidInput("The company cannot be changed like this.", problems=found)


def _decided(variable: str, where: str) -> Conflict:
    problem = Problem(
        code="decided-by-environment",
        message=f"{variable} in the environment says otherwise",
        where=where,
        expected="a setting of the file alone",
        got=variable,
        mend="Change the variable where the server is started, and restart it.",
    )
    return Conflict(f"expected no {variable}, got one; change it there", problems=[problem])
