"""The newest events in memory: whoever keeps up with the log does not read it again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from relatum.events.positions import Range, of_range

if TYPE_CHECKING:
    from relatum.events.log import EventLog
    from relatum.events.types import Event

#: What comes in one go at most; after more than that everybody reads for himself.
MOST_NEW = 2_000
MOST_KEPT = 4_000


class Window:
    """All events of the wanted types with ``start < seq <= end``."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._types: frozenset[str] = frozenset()
        self._events: list[Event] = []
        self.start = self.end = 0

    async def extend(self, until: int, types: frozenset[str]) -> None:
        """Read what is new up to a decided number."""
        if types != self._types or until < self.end:
            self._types = types
            self._begin_at(until)
        if until == self.end:
            return
        new = await self._log.read(self.end, until=until, types=sorted(types), limit=MOST_NEW + 1)
        if len(new) > MOST_NEW:
            self._begin_at(until)
            return
        self._events += new
        self.end = until
        if len(self._events) > MOST_KEPT:
            kept = self._events[-MOST_NEW:]
            self.start = self._events[-MOST_NEW - 1].seq
            self._events = kept

    def _begin_at(self, number: int) -> None:
        self._events = []
        self.start = self.end = number

    def covers(self, after: int) -> bool:
        """Whether everything wanted between a number and the end is here."""
        return self.start <= after <= self.end

    def pick(
        self, after: int, types: Sequence[str], at: Range, limit: int
    ) -> tuple[list[Event], int]:
        """The first events after a number for somebody, and up to where that is all of his."""
        first = bisect_right(self._events, after, key=_seq)
        found = [event for event in self._events[first:] if event.type in types]
        found = of_range(found, at)
        if len(found) < limit:
            return found, self.end
        return found[:limit], found[limit - 1].seq


def _seq(event: Event) -> int:
    return event.seq
