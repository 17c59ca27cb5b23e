"""What the pages of imports share: permissions, addresses, states, and who did something."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from relatum.web.flashes import declare_flashes
from relatum.web.languages import marked
from relatum.web.layout import PAGE

if TYPE_CHECKING:
    from relatum.app.house import House
    from relatum.importing.results import Progress

READ = {"permission": "core.imports.read", **PAGE}
WRITE = {"permission": "core.imports.write", **PAGE}
HERE = "/imports"
BUSY = ("previewing", "applying", "undoing")

#: What a state is called, and its colour.
STATES: dict[str, tuple[str, str]] = {
    "ready": (marked("being prepared"), ""),
    "previewing": (marked("being tried out"), "info"),
    "applying": (marked("being brought in"), "info"),
    "running": (marked("being brought in"), "info"),
    "applied": (marked("brought in"), "good"),
    "failed": (marked("broken off"), "bad"),
    "undoing": (marked("being taken back"), "warning"),
    "undone": (marked("taken back"), ""),
}

declare_flashes(
    {
        "import-stopped": marked("Stopped. What is in stays in until you take it back."),
        "import-confirmed": marked("Confirmed. It is being tried out again."),
    }
)


def share_done(progress: Progress | None) -> int | None:
    """How much is done in per cent; ``None`` while it is not known."""
    if progress is None or not progress.files:
        return None
    return min(100, int(100 * (progress.files_done + progress.fraction) / progress.files))


async def names_of(house: House, actors: Iterable[str]) -> dict[str, str]:
    """The names of those who acted, by what the log calls them."""
    by_id: dict[UUID, str] = {}
    for actor in actors:
        kind, _, id = actor.partition(":")
        if kind in ("person", "service"):
            by_id[UUID(id)] = actor
    found = await house.accounts.get_many(list(by_id))
    return {by_id[account.id]: account.name for account in found}
