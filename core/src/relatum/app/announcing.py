"""What a process says on standard output when it is up."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from relatum.access.accounts.addresses import url_of
from relatum.app.following import plugins_on
from relatum.app.listening import is_loopback, shown_address

if TYPE_CHECKING:
    from relatum.access.accounts.types import OneTimeSecret
    from relatum.app.house import House
    from relatum.config.settings import Settings

_HEADS = {
    "serve": "Relatum at {address}",
    "web": "Relatum at {address} (HTTP only; `relatum worker` does the rest)",
    "worker": "Relatum worker: jobs, schedules, event handlers",
}


def announce(house: House, link: OneTimeSecret | None = None) -> None:
    """Say where it is, on which database, with which plugins and problems.

    Args:
        link: by which the first owner comes in, while there is none.
    """
    settings, server = house.settings, house.settings.server
    address = shown_address(server.host, server.port)
    lines = [_HEADS[house.process.role].format(address=address)]
    lines.append(f"  database  {_shown_database(settings)}")
    lines.append(f"  plugins   {plugins_on(house)}")
    if house.process.answers and is_loopback(server.host):
        lines.append("  reachable  from this machine")
    if house.process.role == "worker" and settings.worker.port:
        worker = settings.worker
        lines.append(f"  health, ready, metrics at {shown_address(worker.host, worker.port)}")
    if link is not None:
        lines.append(f"  first owner: open {url_of(link, server)}")
        lines.append(f"  (good once, until {link.expires_at:%Y-%m-%d %H:%M} UTC)")
    lines += [f"  {problem.weight:<8}  {problem}" for problem in house.plugins.problems()]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _shown_database(settings: Settings) -> str:
    path = settings.sqlite_path
    return settings.redacted_database() if path is None else str(_short(path))


def _short(path: Path) -> Path:
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path
