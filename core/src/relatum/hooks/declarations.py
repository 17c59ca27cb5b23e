"""What plugins declare. Every id begins with the id of the plugin that declares it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable
from uuid import UUID

import msgspec

from relatum.values.problems import Problem
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.customers.types import Customer
    from relatum.events.types import Event
    from relatum.hooks.context import Plugin
    from relatum.jobs.types import Run


#: Permissions that no role holds because everybody does: of routes that anybody may call (a
#: webhook; it has to be said), and of those that need no more than being signed in.
PUBLIC = "public"
SIGNED_IN = "signed-in"
#: The built-in roles besides the owner.
RoleName = Literal["manager", "sales", "care", "marketing", "analyst", "read_only"]


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """A right that a role can hold, ``<plugin>.<noun>.<verb>``.

    ``roles`` are the built-in roles that hold it from the start (an installation may change that);
    the owner holds every permission.
    """

    id: str
    title: Text
    roles: tuple[RoleName, ...] = ()


class InteractionKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of interaction and the type of its payload.

    ``payload`` is a Struct that forbids unknown fields. A new ``version`` may add fields with
    defaults; the version is stored with each interaction.

    Attributes:
        icon: name of a Tabler icon.
        template: ``<plugin>/<name>.html``, shows the body of one in a timeline; it gets ``entry``
            (the interaction), ``payload`` (a mapping) and what every template gets. Without one
            the fields of the payload are listed.
    """

    id: str
    title: Text
    payload: type[msgspec.Struct]
    version: int = 1
    icon: str = "message"
    template: str = ""


class EventType(msgspec.Struct, frozen=True, kw_only=True):
    """A fact of the system that the log may carry, and the type of its payload.

    Attributes:
        permission: who holds it is told live that such a fact came when it is about no customer;
            of those about a customer whoever sees that customer. Empty: nobody is.
    """

    id: str
    title: Text
    payload: type[msgspec.Struct]
    version: int = 1
    permission: str = ""


class Handler(msgspec.Struct, frozen=True, kw_only=True):
    """A durable subscription to event types.

    ``handle`` gets events in the order of the log, in batches, inside a transaction that also moves
    the handler's position: what it writes to the database happens exactly once. ``reset`` empties
    the handler's projection (inside a transaction) so that a replay can build it again.

    ``begin`` says where a new handler starts: at the ``beginning`` of the log, or ``now``.

    Events of one customer are handled in order, those of nobody too. ``shards`` says into how many
    shares customers may be divided so that several workers (or one, at the same time) handle them:
    more than 1 only where everything that ``handle`` writes belongs to the customer of the event.
    On SQLite it says nothing.
    """

    id: str
    events: tuple[str, ...]
    handle: Callable[[Plugin, Sequence[Event]], Awaitable[None]]
    reset: Callable[[Plugin], Awaitable[None]] | None = None
    begin: Literal["beginning", "now"] = "beginning"
    batch: int = 500
    shards: int = 1


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """How a run that failed is tried again.

    The wait before attempt ``n + 1`` is ``first * factor ** (n - 1)``, at most ``most``, and by up
    to ``jitter`` (a share of it) longer or shorter. After ``attempts`` in all the run is a dead
    letter.
    """

    attempts: int = 5
    first: dt.timedelta = dt.timedelta(seconds=5)
    factor: float = 4.0
    most: dt.timedelta = dt.timedelta(hours=1)
    jitter: float = 0.2


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Background work: asked for (``house.jobs.enqueue``), on a schedule, or both.

    ``run`` gets the plugin and the run (:class:`~relatum.jobs.types.Run`); what it returns (a
    Struct or ``None``) is kept for a while. It happens at least once: a crash repeats it. With
    ``atomic`` everything that it writes to the database and the note that it is done commit
    together, so that its effect in the database is exactly once; such a run holds the writer and
    has ten seconds at most. Otherwise it opens its own transactions, and gives ``run.id`` as
    idempotency key to whatever lies outside.

    Attributes:
        args: type of the arguments. Those of a scheduled job all have defaults.
        every: run it at that distance.
        daily_at: ``HH:MM`` in the company's time zone.
        cron: five fields in the company's time zone. At most one of the three. A time that the
            clock skips in spring is an hour later by it (02:30 becomes 03:30); one that comes
            twice in autumn counts once, except for a ``cron`` of every hour.
        missed: what becomes of times that passed while nothing ran: ``once`` (they count as one),
            ``skip`` (only a time that is at most a minute ago counts), ``each`` (every one of them,
            oldest first, 1,000 with each look).
        timeout: seconds that one attempt may take.
        priority: higher ones first, strictly; from -1000 to 1000.
        at_once: how many runs with the same key may go on at the same time, in all processes
            together; 0 is no limit. Runs without a key count as one key.
        keep: how long what came of a run is kept.
    """

    id: str
    title: Text
    run: Callable[[Plugin, Run[Any]], Awaitable[msgspec.Struct | None]]
    args: type[msgspec.Struct] | None = None
    every: dt.timedelta | None = None
    daily_at: str | None = None
    cron: str | None = None
    missed: Literal["once", "skip", "each"] = "once"
    retry: Retry = Retry()
    timeout: dt.timedelta = dt.timedelta(minutes=10)
    priority: int = 0
    atomic: bool = False
    at_once: int = 0
    keep: dt.timedelta = dt.timedelta(days=7)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A named result that can be asked for by command, API and (later) page.

    ``params`` is a Struct with defaults (query parameters become it); ``run`` returns a Struct.
    """

    id: str
    title: Text
    permission: str
    run: Callable[[Plugin, Any], Awaitable[msgspec.Struct]]
    params: type[msgspec.Struct] | None = None


class Numbered(msgspec.Struct, frozen=True):
    """One record of an import and the line it came from."""

    line: int
    record: Any


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """A value that matches nothing known, and the nearest one that is."""

    line: int
    field: str
    got: str
    proposal: str | None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something about one record of an import: ``error`` keeps it out, ``note`` lets it in."""

    line: int
    problem: Problem
    weight: Literal["error", "note"] = "error"


class Prepared(msgspec.Struct, kw_only=True):
    """The answer of an import target to a batch before anything is written."""

    findings: list[Finding] = []
    proposals: list[Proposed] = []


class Written(msgspec.Struct, kw_only=True):
    """What one batch changed: enough to undo it.

    ``created`` holds the ids of new rows by table; ``before`` the former values of changed rows by
    table, each a mapping with its ``id``.
    """

    created: dict[str, list[UUID]] = {}
    before: dict[str, list[dict[str, Any]]] = {}
    created_count: int = 0
    updated_count: int = 0
    unchanged_count: int = 0


@runtime_checkable
class ImportTarget(Protocol):
    """Somewhere an import can write to.

    The importer reads, maps and converts to ``record`` (a Struct; its type errors are reported by
    line). Then, for a batch at a time: ``prepare`` looks things up and reports problems and
    proposals without writing; ``write`` runs inside a transaction with the records that passed;
    ``undo`` takes one ``Written`` back inside a transaction and returns problems for rows that it
    had to keep (because they were changed since). ``export`` yields batches of records that an
    import of the same target reads back.
    """

    id: str
    title: Text
    record: type[msgspec.Struct]
    #: fields by which the same record is recognised when it is imported again
    key: tuple[str, ...]
    #: other headings people use for a field: ``{"display_name": ("name", "họ tên", …)}``
    aliases: Mapping[str, tuple[str, ...]]
    #: what one must hold to take its records out, and to bring records in
    permission: str
    write_permission: str

    async def prepare(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> Prepared: ...

    async def write(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> Written: ...

    async def finish(self, plugin: Plugin, scope: ImportScope) -> Sequence[Finding]: ...

    async def undo(
        self, plugin: Plugin, written: Written, scope: ImportScope
    ) -> Sequence[Problem]: ...

    def export(self, plugin: Plugin) -> Any: ...


class ImportScope(msgspec.Struct, kw_only=True):
    """What a target may need to know about the import it takes part in.

    Attributes:
        id: of the import's journal entry.
        source: the name of the plan; external ids live in it.
        options: the target's options from the plan (``[files.options]``).
        confirmed: confirmed replacements by field: ``{"product": {"GTXPro": "GTX Pro"}}``.
        accept_proposals: fields whose proposals are accepted as they are.
        dry: nothing will be written (preview).
        memory: the target's own notes between batches of one file (caches, links to close).
    """

    id: UUID
    source: str
    options: dict[str, Any] = {}
    confirmed: dict[str, dict[str, str]] = {}
    accept_proposals: frozenset[str] = frozenset()
    dry: bool = False
    memory: dict[str, Any] = {}


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A way to reach customers that the plugin sends through.

    Attributes:
        channel: as consents, verdicts and messages name it: ``email``, ``sms``, ``zalo`` …
        idempotent: the provider knows a message again by its key and never sends it twice. Without
            it, a message whose answer was lost is shown to a person and not sent again.
        batch: how many messages are handed over at once, from 1 to 50.
        subject: whether its messages have a subject line.
    """

    id: str
    title: Text
    channel: str
    idempotent: bool = False
    batch: int = 1
    subject: bool = False


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one message.

    Attributes:
        message: its id.
        outcome: ``sent``: the provider took it. ``delivered``: it arrived. ``failed``: it was not
            sent and will not be. ``bounced``: the address does not exist. ``later``: it was not
            sent, try again after a while. ``untried``: it was not sent because its permit grew old;
            it is handed over anew. ``unknown``: nobody can say whether it was sent.
        reference: the provider's own name of the message.
        detail: what the provider said, without secrets.
    """

    message: UUID
    outcome: Literal["sent", "delivered", "failed", "bounced", "later", "untried", "unknown"]
    reference: str = ""
    detail: str = ""


class LikelyDuplicate(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody that a draft of a batch is likely the same as, and why.

    Attributes:
        index: of the draft in the batch.
        customer: who it is; ``None`` when it is another draft.
        draft: the index of an earlier draft of the batch, when it is no customer yet.
        probability: from 0 to 1; ``None`` where none was worked out.
        sure: whether nobody needs to look; imports act on these alone.
        reasons: what speaks for it and against, the strongest first, as a person reads it.
    """

    index: int
    customer: UUID | None = None
    draft: int | None = None
    probability: float | None = None
    sure: bool = False
    reasons: tuple[Text, ...] = ()


class OpenBusiness(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not over yet with a customer: no schedule erases them meanwhile.

    Attributes:
        text: what it is, as a person reads it, without names: ``2 open deals``.
    """

    customer: UUID
    text: Text


class QualityRule(msgspec.Struct, frozen=True, kw_only=True):
    """Something that may be wrong with a customer's record, or with what hangs on it.

    Attributes:
        why: what it does to the business, and what to do.
        field: what it is about, in a word (``phone``, ``deal``).
        find: given up to a thousand customers; answers with those that it is wrong with, and a text
            that changes when what is wrong changes (the ids of the rows, say). It reads and does
            not write.
    """

    id: str
    title: Text
    why: Text
    dimension: Literal["completeness", "validity", "uniqueness", "freshness", "consistency"]
    find: Callable[[Plugin, Sequence[Customer]], Awaitable[Mapping[UUID, str]]]
    severity: Literal["error", "warning", "note"] = "warning"
    field: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """A plugin's no to one draft of a batch."""

    index: int
    problem: Problem
