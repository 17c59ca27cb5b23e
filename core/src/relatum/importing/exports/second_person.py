"""Who may let an export go: somebody else, and a person.

Whoever made a service account, or a token of it, acts through it: they are no second person for
what it asks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relatum.access.accounts.events import ADDED, TOKEN_CREATED
from relatum.db.guarding import as_the_house
from relatum.importing.exports.types import Export
from relatum.values.problems import Refused

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.events.log import EventLog


#: Events that are read in one go.
_AT_ONCE = 5_000


async def refuse_first_person(events: EventLog, export: Export, viewer: Viewer) -> None:
    """Refuse whoever asked for the export, and whatever is no person.

    Raises:
        Refused: with the reason.
    """
    if viewer.kind != "person" or viewer.account is None:
        raise Refused(
            f"expected a person who decides, got {viewer.actor}; somebody must sign in and do it"
        )
    if viewer.account == export.account or viewer.actor == export.by:
        raise Refused("expected a second person, got the one who asked; let a colleague decide")
    if export.by.startswith("service:") and viewer.actor in await _makers(events, export):
        raise Refused(
            "expected a second person, got the one who set up the service account that asked; let "
            "a colleague decide"
        )


async def _makers(events: EventLog, export: Export) -> set[str]:
    """Who made the service account that asked, or a token of it; however long ago that was."""
    makers: set[str] = set()
    account = str(export.account).encode()
    with as_the_house():
        until, after = await events.last(), 0
        while True:
            found = await events.read(
                after, until=until, types=(ADDED, TOKEN_CREATED), limit=_AT_ONCE
            )
            makers |= {event.by for event in found if account in bytes(event.payload)}
            if len(found) < _AT_ONCE:
                return makers
            after = found[-1].seq
