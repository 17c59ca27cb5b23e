"""Erasing customers: found, removed, made nameless, redacted, and proven by a receipt.

The order is that of what may break in between. Copies in files go first: nothing rests on them.
Then everything in the database happens in one transaction for each small batch, the receipts with
it. At last the freed pages are overwritten and the ledger beside the database is written; whoever
finds receipts that the ledger lacks does this last step again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import msgspec

from relatum.customers import events as facts
from relatum.customers.erasing import ledger
from relatum.customers.erasing.business import Business, Schedule, not_due
from relatum.customers.erasing.files import Files
from relatum.customers.erasing.keeping import Cipher, Duties, Keeping
from relatum.customers.erasing.knowing import Knowing, Known
from relatum.customers.erasing.marks import Marks, blanked_text, scrubbed_text
from relatum.customers.erasing.pages import clean
from relatum.customers.erasing.reach import Reach, Reaching, lengths_of
from relatum.customers.erasing.receipts import Receipts
from relatum.customers.erasing.redacting import Redacting, Redactor
from relatum.customers.erasing.removing import Removing
from relatum.customers.erasing.scrubbing import Scrubbing
from relatum.customers.erasing.types import (
    Erasure,
    ErasureBatch,
    ErasurePreview,
    HeldBackup,
    LegalHold,
    NotErased,
    TableCount,
)
from relatum.customers.merging.service import TURN
from relatum.db.guarding import as_the_house
from relatum.events.redacting import Change, Redactions
from relatum.events.types import NewEvent
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, InvalidInput, NotFound
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.config.keyring import Keyring
    from relatum.customers.merging.catalogue import Catalogue
    from relatum.customers.service import Customers
    from relatum.db.database import Database
    from relatum.events.log import EventLog
    from relatum.hooks.dispatcher import Dispatcher
    from relatum.hooks.registry import Registry
    from relatum.values.text import Text

#: Customers in one transaction.
AT_ONCE = 100
LONGEST_REASON = 500
_HOLDS = "SELECT id, reason, placed_by, since, customer_id FROM core_contact_hold"
Row = tuple[str | None, ...]


class ArchiveFiles(Protocol):
    """Rewrites archived rows; :class:`relatum.archive.redacting.ArchiveRedaction`."""

    async def rewrite(self, redact: Callable[[str, Row], Row]) -> Sequence[Any]: ...

    async def place(self, rewritten: Sequence[Any]) -> None: ...

    def forget(self, rewritten: Sequence[Any], *, placed: bool) -> None: ...


class Surroundings(msgspec.Struct, kw_only=True):
    """What lies around the database; the application names it.

    Attributes:
        folders: with files that may hold customers, by name.
        ledgers: where the ledger is kept, the first one in the data folder.
        backups: those that there are, and when they expire.
        archive: rewrites archived rows.
        cipher: encrypts what the law keeps.
        duties: what it keeps.
        country: where the company is, for the spelling of numbers.
        dispatcher: by which plugins are asked what is not over yet.
    """

    folders: dict[str, Path]
    ledgers: list[Path]
    backups: Callable[[], list[HeldBackup]]
    archive: ArchiveFiles
    cipher: Cipher
    duties: Duties
    country: Callable[[], str]
    dispatcher: Dispatcher


class Erasing:
    """The only one who erases customers. Whoever asks has to see them."""

    def __init__(
        self,
        db: Database,
        events: EventLog,
        customers: Customers,
        registry: Registry,
        keys: Keyring,
        around: Surroundings,
    ) -> None:
        self._db = db
        self._events = events
        self._customers = customers
        self._registry = registry
        self._country = around.country
        self._around = around
        self._business = Business(around.dispatcher)
        self._receipts = Receipts(db)
        self._reaching = Reaching(db)
        self._knowing = Knowing(db)
        self._keeping = Keeping(db, around.duties, around.cipher)
        self._redactions = Redactions(db, keys)

    # -- reading ---------------------------------------------------------------------------------

    async def preview(self, customer: UUID) -> ErasurePreview:
        """What erasing a customer would do. Nothing is written.

        Raises:
            NotFound: there is nobody with this id, or they are not seen.
        """
        await self._customers.get(customer)
        with as_the_house():
            ids = [customer, *await self._absorbed_by(customer)]
            catalogue = await self._reaching.catalogue()
            reach = await self._reaching.of(ids, catalogue)
            holds = await self._holds([customer])
            return ErasurePreview(
                customer=customer,
                absorbed=ids[1:],
                holds=holds.get(customer, []),
                business=await self._business.of_one(customer),
                tables=[*_counted(reach), *await self._log_of(ids)],
                kept=await self._keeping.of(reach, catalogue, now().date()),
                backups=await asyncio.to_thread(self._around.backups),
            )

    async def open_business(self, customers: Sequence[UUID]) -> dict[UUID, list[Text]]:
        """What is not over yet with these customers, as plugins say; the others are left out.

        Raises:
            PluginError: one of them did not say.
        """
        with as_the_house():
            return await self._business.of(customers)

    async def receipt(self, id: UUID) -> Erasure:
        """One receipt.

        Raises:
            NotFound: there is none.
        """
        return await self._receipts.get(id)

    async def receipts(self, most: int = 200) -> list[Erasure]:
        """The newest receipts, the last one first."""
        return await self._receipts.latest(most)

    async def _log_of(self, ids: Sequence[UUID]) -> list[TableCount]:
        rows = await self._db.fetch_in(
            "SELECT count(*) FROM core_event WHERE customer_id IN ({})", list(ids)
        )
        number = sum(count for (count,) in rows)
        return [TableCount(table="core_event", act="redact", rows=number)] if number else []

    async def _absorbed_by(self, customer: UUID) -> list[UUID]:
        rows = await self._db.fetch(
            "SELECT absorbed_id FROM core_merge WHERE customer_id = ? AND undone_at IS NULL "
            "ORDER BY number",
            customer,
        )
        return [id for (id,) in rows]

    async def _holds(self, customers: Sequence[UUID]) -> dict[UUID, list[LegalHold]]:
        rows = await self._db.fetch_in(
            f"{_HOLDS} WHERE customer_id IN ({{}}) AND kind = 'legal' AND lifted_at IS NULL "
            "ORDER BY since, id",
            list(customers),
        )
        found: dict[UUID, list[LegalHold]] = {}
        for id, reason, placed_by, since, customer in rows:
            hold = LegalHold(id=id, reason=reason, placed_by=placed_by, since=since)
            found.setdefault(customer, []).append(hold)
        return found

    # -- writing ---------------------------------------------------------------------------------

    async def erase(self, customer: UUID, *, by: str, reason: str) -> Erasure:
        """Erase one customer and everybody absorbed by it, for good.

        One that was erased before is answered with its receipt.

        Raises:
            NotFound: there is nobody with this id, or they are not seen.
            Conflict: a legal hold stands, or the customer was merged into another one.
            InvalidInput: no reason is given.
        """
        batch = await self.erase_many([customer], by=by, reason=reason)
        for refused in batch.refused:
            raise (NotFound if refused.code == "unknown" else Conflict)(refused.why)
        return batch.erased[0]

    async def erase_many(self, customers: Sequence[UUID], *, by: str, reason: str) -> ErasureBatch:
        """Erase many; whoever cannot be erased is named and the others are.

        Not to be called within a transaction: it has its own, one for each hundred.

        Raises:
            InvalidInput: no reason is given.
        """
        return await self._erase_many(customers, _Order(by=by, reason=reason))

    async def erase_scheduled(
        self, customers: Sequence[UUID], schedule: Schedule, *, by: str, reason: str
    ) -> ErasureBatch:
        """As :meth:`erase_many`, because a schedule says so and not a person.

        Whoever has open business stays, and so does everybody of the batch while a plugin cannot
        say whether they have. Both are looked at, and the schedule is asked, before anything
        happens and once more in the transaction that erases; who must stay by then does not keep
        the others.
        """
        return await self._erase_many(customers, _Order(by=by, reason=reason, schedule=schedule))

    async def _erase_many(self, customers: Sequence[UUID], order: _Order) -> ErasureBatch:
        reason = order.reason
        if not reason.strip() or len(reason) > LONGEST_REASON:
            raise InvalidInput(
                f"expected a reason of 1 to {LONGEST_REASON} characters, got {len(reason)}; write "
                "why the customer is erased, without naming anybody"
            )
        if self._db.in_transaction():
            raise RuntimeError("expected no transaction around an erasure, got one; call it alone")
        wanted = list(dict.fromkeys(customers))
        seen = {each.id for each in await self._customers.get_many(wanted)}
        erased: list[Erasure] = []
        with as_the_house():
            old = await self._receipts.of([id for id in wanted if id not in seen])
            refused = await self._refused(wanted, seen, old)
            out = {each.customer for each in refused} | old.keys()
            todo = [id for id in wanted if id not in out]
            for start in range(0, len(todo), AT_ONCE):
                made, stayed = await self._erase(todo[start : start + AT_ONCE], order)
                erased += made
                refused += stayed
            await self.finish()
        return ErasureBatch(erased=[*old.values(), *erased], refused=refused)

    async def _refused(
        self, wanted: Sequence[UUID], seen: set[UUID], old: dict[UUID, Erasure]
    ) -> list[NotErased]:
        merged: dict[UUID, UUID] = dict(
            await self._db.fetch_in(
                "SELECT absorbed_id, customer_id FROM core_merge "
                "WHERE absorbed_id IN ({}) AND undone_at IS NULL",
                [id for id in wanted if id not in seen and id not in old],
            )
        )
        visible = {each.id for each in await self._customers.get_many(list(merged.values()))}
        refused = []
        for id in wanted:
            if id in seen or id in old:
                continue
            if id in merged and merged[id] in visible:
                why = (
                    f"expected a customer of its own, got {id}, who was merged into {merged[id]}; "
                    "erase that one, or take the merge back first"
                )
                refused.append(NotErased(customer=id, code="merged", why=why))
            else:
                why = f"expected the id of a customer, got {id}; there is nobody with that id"
                refused.append(NotErased(customer=id, code="unknown", why=why))
        return refused

    async def _erase(
        self, customers: Sequence[UUID], order: _Order
    ) -> tuple[list[Erasure], list[NotErased]]:
        """One batch, as often as somebody in it has to stay after all: then without them."""
        left, refused = list(customers), await self._staying(customers, order)
        while left := _without(left, refused):
            try:
                return await self._erase_together(left, order), refused
            except _StayingError as late:
                refused += late.refused
        return [], refused

    async def _staying(self, customers: Sequence[UUID], order: _Order) -> list[NotErased]:
        """Who cannot be erased as things stand."""
        held = await self._holds(customers)
        refused = [_held(id, holds) for id, holds in held.items()]
        left = _without(customers, refused)
        if order.schedule is not None and left:
            refused += await self._business.staying(left)
            left = _without(left, refused)
        if order.schedule is not None and left:
            refused += not_due(await order.schedule.staying(left))
        return refused

    async def _erase_together(self, free: list[UUID], order: _Order) -> list[Erasure]:
        """Copies in files, then everything else in one transaction.

        Raises:
            _StayingError: some of them have to stay by now; nothing in the database has changed.
        """
        job = _Job(
            by=order.by,
            reason=order.reason.strip(),
            order=order,
            absorbed={id: await self._absorbed_by(id) for id in free},
        )
        job.known = await self._knowing.of(job.every())
        own, certain = self._marks(job.known)
        job.counts += await Files(self._db, self._around.folders).delete(own, job.texts())
        redactor = Redactor(job.texts(), own, certain, self._registry)
        rewritten = await self._around.archive.rewrite(
            _archived(redactor, own, certain, job.texts())
        )
        placed = False
        try:
            async with self._db.transaction():
                made = await self._write(job, own, certain, redactor, rewritten)
            placed = True
        finally:
            await asyncio.to_thread(self._around.archive.forget, rewritten, placed=placed)
        return made

    def _marks(self, known: Known) -> tuple[Marks, Marks]:
        country = self._country()
        own = Marks([known.person], country=country)
        return own, own if not known.shared else Marks([known.certain], country=country)

    async def _write(
        self,
        job: _Job,
        own: Marks,
        certain: Marks,
        redactor: Redactor,
        rewritten: Sequence[Any],
    ) -> list[Erasure]:
        await self._hold(job.customers(), job.order)
        catalogue = await self._reaching.catalogue()
        lengths = await lengths_of(self._db, catalogue)
        made: list[Erasure] = []
        together = Reach()
        await self._keeping.let_go(now().date())
        for customer in job.customers():
            receipt, reach = await self._prepare(job, customer, catalogue)
            made.append(receipt)
            _join(together, reach)
        await self._receipts.add(made)
        for receipt, reach in zip(made, job.reaches, strict=True):
            await self._keeping.keep(receipt.id, reach, catalogue, now().date())
        await Removing(self._db, catalogue, lengths).remove(together, own)
        await self._db.execute_many(
            "DELETE FROM core_archived_key WHERE customer_id = ?", [(id,) for id in job.every()]
        )
        job.counts += await Scrubbing(self._db, catalogue, lengths, job.texts()).scrub(certain)
        job.counts += await Redacting(self._db, self._redactions).redact(redactor, made[0].id)
        job.counts += await self._place(rewritten, made[0].id)
        made = [_with_shared_work(each, job.counts, len(made)) for each in made]
        await self._db.execute_many(
            "UPDATE core_erasure SET tables = ?, notes = ? WHERE id = ?",
            [
                (
                    msgspec.json.encode(each.tables).decode(),
                    msgspec.json.encode(each.notes).decode(),
                    each.id,
                )
                for each in made
            ],
        )
        await self._events.append([_fact(each) for each in made], by=job.by)
        if job.order.schedule is not None:
            await job.order.schedule.erased(made)
        return made

    async def _hold(self, customers: Sequence[UUID], order: _Order) -> None:
        """Nobody merges meanwhile, and nothing new hangs itself on those who go."""
        await self._db.hold(TURN)
        if self._db.kind == "postgresql":
            await self._db.fetch_in(
                "SELECT id FROM core_customer WHERE id IN ({}) ORDER BY id FOR UPDATE",
                list(customers),
            )
            await self._db.execute("LOCK TABLE core_event_seal IN EXCLUSIVE MODE")
        if refused := await self._staying(customers, order):
            raise _StayingError(refused)

    async def _prepare(
        self, job: _Job, customer: UUID, catalogue: Catalogue
    ) -> tuple[Erasure, Reach]:
        """The receipt of one customer as far as its own rows go, and those rows."""
        ids = [customer, *job.absorbed[customer]]
        reach = await self._reaching.of(ids, catalogue)
        job.reaches.append(reach)
        receipt = Erasure(
            id=new_id(),
            customer=customer,
            ids=ids,
            erased_at=now(),
            by=job.by,
            reason=job.reason,
            tables=_counted(reach),
            kept=await self._keeping.of(reach, catalogue, now().date()),
            backups=await asyncio.to_thread(self._around.backups),
            notes=_notes(job.known),
        )
        return receipt, reach

    async def _place(self, rewritten: Sequence[Any], receipt: UUID) -> list[TableCount]:
        if not rewritten:
            return []
        await self._around.archive.place(rewritten)
        counts = []
        for each in rewritten:
            if each.entry.kind == "core_event":
                changes = [Change(_event(b), _event(a)) for b, a in each.changes]
                await self._redactions.note(changes, receipt)
            name = f"archive:{each.entry.id}"
            counts.append(TableCount(table=name, act="redact", rows=len(each.changes)))
        return counts

    # -- afterwards ------------------------------------------------------------------------------

    async def finish(self) -> int:
        """Overwrite freed pages and write the ledger, for receipts that it lacks.

        Returns:
            how many it lacked.
        """
        with as_the_house():
            lines = await self._receipts.lines()
            known = await asyncio.to_thread(ledger.read, self._around.ledgers[:1])
            missing = [line for line in lines if line.id not in known]
            if missing:
                tables = await self._reaching.catalogue()
                await clean(self._db, tables.tables)
        for file in self._around.ledgers if lines else ():
            await asyncio.to_thread(ledger.write, file, lines)
        return len(missing)

    async def again(self, more: Sequence[Path] = ()) -> ErasureBatch:
        """Erase again whom the ledgers name and a restored backup has brought back.

        Args:
            more: other ledgers, as beside the backup.
        """
        lines = await asyncio.to_thread(ledger.read, [*self._around.ledgers, *more])
        done = ErasureBatch(erased=[], refused=[])
        with as_the_house():
            named = list({id: line for line in lines.values() for id in line.ids}.items())
            back = await self._db.fetch_in(
                "SELECT id FROM core_customer WHERE id IN ({})", [id for id, _ in named]
            )
            there = {id for (id,) in back}
            for line in {line.id: line for id, line in named if id in there}.values():
                some = [id for id in line.ids if id in there]
                batch = await self.erase_many(some, by=line.by, reason=line.reason)
                done.erased.extend(batch.erased)
                done.refused.extend(batch.refused)
        return done


class _Order(msgspec.Struct, kw_only=True, frozen=True):
    """Who wants it and why; ``schedule`` when no person decided it."""

    by: str
    reason: str
    schedule: Schedule | None = None


class _StayingError(Exception):
    """Some of a batch have to stay, as is seen once nobody else can change anything."""

    def __init__(self, refused: list[NotErased]) -> None:
        super().__init__()
        self.refused = refused


class _Job(msgspec.Struct, kw_only=True):
    """One batch while it is worked on."""

    by: str
    reason: str
    order: _Order
    absorbed: dict[UUID, list[UUID]]
    known: Known = None  # type: ignore[assignment]
    counts: list[TableCount] = msgspec.field(default_factory=list)
    reaches: list[Reach] = msgspec.field(default_factory=list)

    def customers(self) -> list[UUID]:
        return list(self.absorbed)

    def every(self) -> list[UUID]:
        return [id for customer, rest in self.absorbed.items() for id in (customer, *rest)]

    def texts(self) -> frozenset[str]:
        return frozenset(str(id) for id in self.every())


def _without(customers: Sequence[UUID], refused: Sequence[NotErased]) -> list[UUID]:
    out = {each.customer for each in refused}
    return [id for id in customers if id not in out]


def _counted(reach: Reach) -> list[TableCount]:
    counts = [
        TableCount(table=table, act="delete", rows=len(keys))
        for table, keys in sorted(reach.doomed.items())
    ]
    for table, keys in sorted(reach.hanging.items()):
        counts.append(TableCount(table=table, act="anonymise", rows=len(keys)))
    for table, columns in sorted(reach.nameless.items()):
        rows: set[Any] = set().union(*columns.values())
        counts.append(TableCount(table=table, act="anonymise", rows=len(rows)))
    return counts


def _join(together: Reach, reach: Reach) -> None:
    """A row that goes with one goes, whoever else it names."""
    for table, keys in reach.doomed.items():
        together.doomed.setdefault(table, set()).update(keys)
    for table, columns in reach.nameless.items():
        for column, keys in columns.items():
            together.nameless.setdefault(table, {}).setdefault(column, set()).update(keys)
    for table, keys in reach.hanging.items():
        together.hanging.setdefault(table, set()).update(keys)
    for place, keys in reach.loosened.items():
        together.loosened.setdefault(place, set()).update(keys)


def _held(customer: UUID, holds: Sequence[LegalHold]) -> NotErased:
    hold = holds[0]
    why = (
        f"expected a customer without a legal hold, got {len(holds)} on {customer}: {hold.id} "
        f"since {hold.since:%Y-%m-%d} ({hold.reason}); lift it first, or wait until it ends"
    )
    return NotErased(customer=customer, code="legal-hold", why=why)


def _notes(known: Known) -> list[str]:
    if not known.shared:
        return []
    note = (
        f"{known.shared} name(s) or address(es) belong to others as well: texts about others keep "
        "them, because nobody can tell who is meant"
    )
    return [note]


def _with_shared_work(receipt: Erasure, counts: list[TableCount], together: int) -> Erasure:
    notes = list(receipt.notes)
    if counts and together > 1:
        notes.append(f"files, quotations and the log were gone through for {together} at once")
    return msgspec.structs.replace(receipt, tables=[*receipt.tables, *counts], notes=notes)


def _fact(receipt: Erasure) -> NewEvent:
    payload = facts.CustomerErased(receipt.id, receipt.customer, receipt.ids)
    return NewEvent(type=facts.ERASED, payload=payload, customer=receipt.customer)


def _event(row: Row) -> Row:
    """An archived event with its number as the database has it."""
    number: Any = int(row[0] or 0)
    return (number, *row[1:])


def _archived(
    redactor: Redactor, own: Marks, certain: Marks, ids: frozenset[str]
) -> Callable[[str, Row], Row]:
    """What becomes of an archived row: columns as :mod:`relatum.archive.kinds` has them."""

    def redact(kind: str, row: Row) -> Row:
        if kind == "core_event":
            payload, context = redactor.of(row[1] or "", row[3] or "", row[6] or "", row[7])
            return (*row[:6], payload, context)
        payload = row[8] or ""
        if row[3] not in ids:
            return (*row[:8], scrubbed_text(payload, ids, certain), *row[9:])
        subject, actor = [text and own.blank(text) for text in row[12:14]]
        after = blanked_text(payload, own)
        return (*row[:3], None, *row[4:8], after, *row[9:11], None, subject, actor, None)

    return redact
