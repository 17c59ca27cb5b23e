"""What the event log knows of events that have left the database; room ``archive`` has them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from relatum.values.problems import Unavailable

if TYPE_CHECKING:
    from uuid import UUID

    from relatum.events.types import Event

#: An event as it is stored, every value as text; columns and order of :mod:`relatum.events.seals`.
Stored = tuple[str | None, ...]


class ArchivedAway(Unavailable):
    """What is asked for lies in the archive and cannot be had from there now."""


class BrokenFile(msgspec.Struct, frozen=True):
    """A file of the archive that cannot be read: its events cannot be checked.

    ``missing``: it is not there. ``changed``: it is not the file that was written. ``unreadable``:
    the library for it is not installed, or the file may not be opened.
    """

    file: str
    what: Literal["missing", "changed", "unreadable"]


class Stretch(msgspec.Struct, frozen=True):
    """Sealed events between two numbers, both included, that are archived.

    Attributes:
        rows: them; empty when ``broken`` says why.
    """

    first: int
    last: int
    rows: Sequence[Stored] = ()
    broken: BrokenFile | None = None


class Archived(Protocol):
    """Reads archived events. Nothing is skipped: what cannot be read is refused."""

    async def read(
        self,
        live: Callable[[], Awaitable[list[Event]]],
        after: int,
        *,
        until: int,
        types: Sequence[str],
        limit: int,
        holds: Callable[[UUID | None], bool] | None = None,
    ) -> list[Event]:
        """What ``EventLog.read`` answers; ``live`` reads the database.

        ``holds`` says of which customers; left out, of all.

        Raises:
            ArchivedAway: a file is missing or changed, or interactions that events of these types
                tell of are archived.
        """

    async def by_seq(
        self, live: Callable[[], Awaitable[list[Event]]], seqs: Sequence[int]
    ) -> list[Event]:
        """What ``EventLog.by_seq`` answers.

        Raises:
            ArchivedAway: as above.
        """

    async def count(self, types: Sequence[str]) -> int:
        """How many events of these types are archived; those in a file that cannot be read do not
        count, and nothing is raised."""

    async def since(self, seq: int) -> list[str]:
        """The months of which something is archived that events after this number need."""

    async def stored(
        self, live: Callable[[], Awaitable[Sequence[Sequence[object]]]], first: int, last: int
    ) -> tuple[Sequence[Sequence[object]], list[Stretch]]:
        """What ``live`` answers, and what is archived between two numbers, of the same moment."""
