"""Following the settings file: plugins go on and off while the process runs."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING

from relatum.config.load import find_file, load_settings
from relatum.telemetry.logs import configure_logging
from relatum.values.problems import ConfigurationError, RelatumError

if TYPE_CHECKING:
    from relatum.app.house import House

log = logging.getLogger("relatum.serve")

WATCH_SECONDS = 1.0


async def follow_configuration(house: House) -> None:
    """Apply the settings file whenever it changes, until cancelled."""
    seen = _state_of_file()
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        state = _state_of_file()
        if state != seen:
            seen = state
            await _apply(house)


async def _apply(house: House) -> None:
    try:
        await house.apply_settings(await asyncio.to_thread(load_settings))
    except RelatumError as error:
        log.error("the changed configuration is not applied: %s", error)
    else:
        configure_logging(house.settings.log, house.process)
        log.info("the changed configuration is in force; on: %s", plugins_on(house))


def plugins_on(house: House) -> str:
    """Ids of the plugins that run, for people."""
    return ", ".join(sorted(house.gate.on - {"core"})) or "none"


def _state_of_file() -> tuple[str, int, int] | None:
    try:
        file = find_file(None, os.environ)
        if file is None:
            return None
        stat = file.stat()
    except (OSError, ConfigurationError):
        # an editor that replaces the file leaves a moment without one
        return None
    return str(file), stat.st_mtime_ns, stat.st_size
