"""Telling open screens what has changed: one reader of the log for all streams of a process.

A stream says which customers changed and by which sort of event, never what is in them; a screen
asks for that by the usual routes. It says so only of customers that its viewer sees at that moment
and of events about which the viewer may know.

A page carries the mark of a place in the log from before its rows were read; a stream that begins
at a mark leaves nothing out. Marks are encrypted: how much happens in the house is told to nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.access.telling import hear_others
from relatum.customers.events import EVENT_TYPES as CUSTOMER_EVENTS
from relatum.db.database import marks
from relatum.hooks.gate import CORE, owner
from relatum.http.marks import Marks
from relatum.interactions.events import EVENT_TYPES as INTERACTION_EVENTS
from relatum.values.problems import TooMany

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.app.house import House

log = logging.getLogger("relatum.live")

CUSTOMERS = "core.customers.read"
INTERACTIONS = "core.interactions.read"
#: Changes that come together are told together, in seconds.
GATHER_SECONDS = 0.1
POLL_SECONDS = 1.0
UNDECIDED_SECONDS = 0.05
#: More events at once than this are told as "look again at everything".
MOST_EVENTS = 5_000
#: More customers than this that a slow reader has not been told of yet, too.
MOST_PENDING = 1_000
LASTS_SECONDS = 900.0
#: Streams of one process, and of one account in it.
MOST_STREAMS = 1_000
MOST_OF_ONE = 20

#: Whoever may know of which events of core; of no others is anything told.
_PERMISSIONS = {
    **{each.id: CUSTOMERS for each in CUSTOMER_EVENTS},
    **{each.id: INTERACTIONS for each in INTERACTION_EVENTS},
}

Changes = Mapping[UUID, Iterable[str]]
#: Stands for the customer of events that are about none.
NOBODY = UUID(int=0)


class Subscription:
    """One open stream: what it still has to tell. Its size is bounded, however slow it is."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.came = asyncio.Event()
        #: the place in the log up to which everything is told or pending
        self.until = 0
        #: customers and sorts of events that have not been told yet
        self.pending: dict[UUID, set[str]] = {}
        #: too much to tell one by one
        self.reload = False
        #: something about accounts or roles has changed
        self.doubtful = False

    def tell(self, changes: Changes) -> None:
        """Add to what is to be told."""
        if self.reload:
            return
        for customer, types in changes.items():
            self.pending.setdefault(customer, set()).update(types)
        if len(self.pending) > MOST_PENDING:
            self.tell_all()
        elif self.pending:
            self.came.set()

    def tell_all(self) -> None:
        """Say that everything may have changed."""
        self.pending.clear()
        self.reload = True
        self.came.set()

    def doubt(self) -> None:
        """Have the stream find out anew who looks."""
        self.doubtful = True
        self.came.set()

    def take(self) -> dict[UUID, set[str]]:
        """What is to be told now."""
        taken, self.pending = self.pending, {}
        return taken


class LiveUpdates:
    """The streams of one process. The log is read only while there are any.

    Attributes:
        lasts: a stream ends after so many seconds, and the browser opens it again.
        marks: places in the log, as pages and streams name them.
    """

    def __init__(self, house: House) -> None:
        self.lasts = LASTS_SECONDS
        self._house = house
        self.marks = Marks(house)
        self._subscriptions: set[Subscription] = set()
        self._wake = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        house.roles.listen(self._doubt)
        house.account_changes.listen(lambda _account: self._doubt())
        hear_others(house.signals, self._doubt)
        house.process.on_stop(self._wake_all)

    def __len__(self) -> int:
        return len(self._subscriptions)

    @contextlib.asynccontextmanager
    async def subscribe(self, viewer: Viewer) -> AsyncIterator[Subscription]:
        """Hear of everything from now on until the block ends.

        Raises:
            TooMany: this account, or the process, has too many streams open.
        """
        theirs = sum(each.viewer.account == viewer.account for each in self._subscriptions)
        if theirs >= MOST_OF_ONE or len(self._subscriptions) >= MOST_STREAMS:
            raise TooMany.wait(60, "open streams of live updates")
        subscription = Subscription(viewer)
        self._subscriptions.add(subscription)
        try:
            if self._reader is None or self._reader.done():
                self._ready.clear()
                # a context of its own: the reader is nobody in particular
                self._reader = asyncio.get_running_loop().create_task(
                    self._read(), context=contextvars.Context()
                )
            await self._ready.wait()
            subscription.until = max(subscription.until, await self.marks.now())
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            self._wake.set()

    async def catch_up(self, subscription: Subscription, since: str) -> bool:
        """Add what came after a mark; ``False`` when that is not known any more.

        Args:
            subscription: hears already, so that nothing falls between.
        """
        after = self.marks.place(since)
        if after is None:
            return False
        changes = await self._changes(after, subscription.until)
        if changes is None:
            return False
        subscription.tell(await self._allowed(subscription.viewer, changes))
        return not subscription.reload

    async def since(self, viewer: Viewer, mark: str) -> Missed:
        """What this viewer may know of that came after a mark, and the mark of now."""
        until = await self.marks.now()
        after = self.marks.place(mark)
        changes = None if after is None else await self._changes(after, until)
        allowed = await self._allowed(viewer, changes) if changes is not None else {}
        complete = changes is not None and len(allowed) <= MOST_PENDING
        told = changed_of(allowed if complete else {})
        return Missed(
            complete=complete,
            mark=self.marks.text(until),
            customers=told.customers,
            events=told.events,
        )

    def _doubt(self) -> None:
        for each in self._subscriptions:
            each.doubt()

    def _wake_all(self) -> None:
        for each in self._subscriptions:
            each.came.set()

    async def _read(self) -> None:
        end = self._house.events.listen(self._wake.set)
        seen: int | None = None
        try:
            while self._subscriptions:
                self._wake.clear()
                try:
                    until = await self.marks.now()
                    if seen is not None and until > seen:
                        await self._tell(seen, until)
                    seen = until
                    self._ready.set()
                except Exception:
                    log.exception("live updates stopped for a moment")
                await self._rest(UNDECIDED_SECONDS if self.marks.undecided else POLL_SECONDS)
        finally:
            end()

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
            await asyncio.sleep(GATHER_SECONDS)

    async def _tell(self, seen: int, until: int) -> None:
        hearing = list(self._subscriptions)
        changes = await self._changes(seen, until)
        if changes is None:
            for each in hearing:
                each.tell_all()
        for some in self._by_rights(hearing).values() if changes else ():
            allowed = await self._allowed(some[0].viewer, changes or {})
            for each in some:
                each.tell(allowed)
        for each in hearing:
            each.until = max(each.until, until)

    async def _changes(self, seen: int, until: int) -> dict[UUID, set[str]] | None:
        """Sorts of events by customer; ``None`` when there are too many to name them."""
        if until <= seen:
            return {}
        types = self._types()
        rows = await self._house.db.fetch(
            "SELECT customer_id, type FROM core_event WHERE seq > ? AND seq <= ? "  # noqa: S608
            f"AND type IN ({marks(len(types))}) ORDER BY seq LIMIT ?",
            *(seen, until, *types, MOST_EVENTS + 1),
        )
        if len(rows) > MOST_EVENTS:
            return None
        alone = self._permissions()
        changes: dict[UUID, set[str]] = {}
        for customer, type_ in rows:
            if customer is not None or type_ in alone:
                changes.setdefault(customer or NOBODY, set()).add(type_)
        return changes

    def _permissions(self) -> dict[str, str]:
        """Who may know of an event that is about no customer, by its sort."""
        every = self._house.registry.event_types
        return {each.id: each.permission for each in every if each.permission}

    def _types(self) -> list[str]:
        plugins = [each for each in self._house.registry.event_types.ids() if owner(each) != CORE]
        return [*_PERMISSIONS, *plugins]

    def _by_rights(self, hearing: Iterable[Subscription]) -> dict[object, list[Subscription]]:
        """Streams of viewers who may and see the same."""
        found: dict[object, list[Subscription]] = {}
        for each in hearing:
            viewer = each.viewer
            key = (viewer.permissions, viewer.may_everything, viewer.sight)
            found.setdefault(key, []).append(each)
        return found

    async def _allowed(
        self, viewer: Viewer, changes: Mapping[UUID, set[str]]
    ) -> dict[UUID, set[str]]:
        """What of the changes this viewer may know: of visible customers, by one statement."""
        alone = self._permissions()
        known = {
            customer: found
            for customer, types in changes.items()
            if (found := {each for each in types if may_know(viewer, each)})
        }
        told = {each for each in known.pop(NOBODY, ()) if viewer.may(alone.get(each, ""))}
        of_nobody = {NOBODY: told} if told else {}
        if not known:
            return of_nobody
        async with self._house.sights.looking_as(viewer):
            rows = await self._house.db.fetch_in(
                "SELECT id FROM core_customer WHERE id IN ({})", list(known)
            )
        return {id: known[id] for (id,) in rows} | of_nobody


def may_know(viewer: Viewer, event_type: str) -> bool:
    """Whether somebody may know that such an event has happened to a customer that they see.

    Of a plugin's events whoever holds one of the plugin's permissions.
    """
    if viewer.may_everything:
        return True
    plugin = owner(event_type)
    if plugin == CORE:
        permission = _PERMISSIONS.get(event_type)
        return permission is not None and viewer.may(permission)
    return any(owner(each) == plugin for each in viewer.permissions)


class ChangedCustomer(msgspec.Struct, frozen=True):
    """A customer about whom something was written, and by which sorts of events."""

    id: UUID
    events: list[str]


class Changed(msgspec.Struct, frozen=True):
    """What a ``changed`` message carries.

    Attributes:
        events: sorts of events that are about no customer.
    """

    customers: list[ChangedCustomer]
    events: list[str] = []


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """What came after a mark.

    Attributes:
        complete: whether this is all of it; if not, everything may have changed.
        events: sorts of events that are about no customer.
        mark: of now, to go on from.
    """

    complete: bool
    mark: str
    customers: list[ChangedCustomer]
    events: list[str] = []


def changed_of(changes: Changes) -> Changed:
    """Changes as they are sent."""
    return Changed(
        [ChangedCustomer(id, sorted(types)) for id, types in changes.items() if id != NOBODY],
        sorted(changes.get(NOBODY, ())),
    )
