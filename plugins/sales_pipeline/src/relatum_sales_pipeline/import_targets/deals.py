"""The import target ``sales_pipeline.deals``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

import msgspec

from relatum.api import (
    Amount,
    Finding,
    ImportScope,
    InvalidInput,
    Numbered,
    Plugin,
    Prepared,
    Problem,
    Text,
    Written,
    export_keys,
    new_id,
)
from relatum_sales_pipeline.import_targets.deal_lookups import Lookups
from relatum_sales_pipeline.import_targets.deal_reading import Read, read_all
from relatum_sales_pipeline.import_targets.deal_records import (
    ALIASES,
    DealRecord,
    LineRecord,
    PassageRecord,
)
from relatum_sales_pipeline.permissions import DEALS_READ, DEALS_WRITE
from relatum_sales_pipeline.services.book import Book
from relatum_sales_pipeline.services.deal_changes import draft_of, line_draft
from relatum_sales_pipeline.services.deal_rows import Stored
from relatum_sales_pipeline.services.deals import Deals, Rewrite
from relatum_sales_pipeline.types.deals import DealDraft
from relatum_sales_pipeline.wording import SENTENCES

TABLE = "sales_pipeline_deal"
#: Field of a draft → field of the record, for the places of problems.
PLACES = {
    "customer_id": "account",
    "owner_id": "agent",
    "team_id": "team",
    "lines": "product",
    "value": "value",
}


class DealsTarget:
    """Deals, recognised by ``external_ref`` within the source, or by ``id``.

    Options of the plan: ``pipeline``, the key or title of the one that rows without one belong to.
    A cell that is empty leaves what a known deal has.
    """

    id = "sales_pipeline.deals"
    title = Text(en="Deals", vi="Cơ hội bán hàng")
    record: type[msgspec.Struct] = DealRecord
    key: tuple[str, ...] = ("external_ref",)
    permission = DEALS_READ
    write_permission = DEALS_WRITE
    sentences: Mapping[str, Text] = SENTENCES
    aliases: Mapping[str, tuple[str, ...]] = ALIASES

    async def prepare(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> Prepared:
        reads = await read_all(plugin, records, scope)
        prepared = Prepared()
        for read in reads:
            prepared.findings += read.findings
            prepared.proposals += read.proposals
        good = [(read, read.draft) for read in reads if read.draft is not None]
        known = await _known(plugin, [read for read, _ in good])
        book = (await Lookups.of(plugin, scope)).book
        drafts = [
            _overlaid(draft, read.record, known[read.line], book) if read.line in known else draft
            for read, draft in good
        ]
        for refusal in await Deals(plugin).problems(drafts):
            line = good[refusal.index][0].line
            prepared.findings.append(Finding(line=line, problem=placed(refusal.problem)))
        return prepared

    async def write(
        self, plugin: Plugin, records: Sequence[Numbered], scope: ImportScope
    ) -> Written:
        reads = await read_all(plugin, records, scope)
        written = Written()
        for turn in _turns(reads):
            await _write_turn(plugin, turn, scope, written)
        return written

    async def finish(self, plugin: Plugin, scope: ImportScope) -> list[Finding]:
        """Say which agents no deal mentions."""
        idle = await Deals(plugin).members_without_deals()
        return [Finding(line=0, problem=_idle(name, dry=scope.dry), weight="note") for name in idle]

    async def undo(self, plugin: Plugin, written: Written, scope: ImportScope) -> list[Problem]:
        deals = Deals(plugin)
        by = f"import:{scope.id}"
        images = msgspec.convert(written.before.get(TABLE, []), list[Image])
        current = await deals.stored([image.id for image in images])
        untouched = [
            image.deal
            for image in reversed(images)
            if image.id in current and current[image.id].row.version == image.deal.row.version + 1
        ]
        await deals.restore(untouched, by=by)
        restored = {deal.row.id for deal in untouched}
        kept = [_kept(i.id, "changed") for i in images if i.id in current and i.id not in restored]
        return kept + await _remove(deals, written.created.get(TABLE, []), by)

    async def export(self, plugin: Plugin) -> AsyncIterator[list[DealRecord]]:
        house = plugin.house
        deals = Deals(plugin)
        book = await Book.load(house.db)
        async for batch in deals.all_batches():
            named = [one.row.customer_id for one in batch if one.row.customer_id is not None]
            names = await deals.names_of(batch)
            keys = await export_keys(house.db, named)
            yield [_exported(one, book, names, keys) for one in batch]


class Image(msgspec.Struct):
    """A deal before an import changed it."""

    id: UUID
    deal: Stored


# -- which deals are known -----------------------------------------------------------------------


async def _known(plugin: Plugin, reads: Sequence[Read]) -> dict[int, Stored]:
    """Line → the deal that the record is, for those that are there already."""
    deals = Deals(plugin)
    by_source: dict[str, list[str]] = {}
    for read in reads:
        if read.draft and read.draft.external_source and read.draft.external_ref:
            by_source.setdefault(read.draft.external_source, []).append(read.draft.external_ref)
    ids: dict[tuple[str | None, str | None], UUID] = {}
    for source, refs in by_source.items():
        found = await deals.ids_by_external(source, refs)
        ids |= {(source, ref): id for ref, id in found.items()}
    given = [read.record.id for read in reads if read.record.id is not None]
    stored = await deals.stored([*ids.values(), *given])
    known = {}
    for read in reads:
        id = read.record.id if read.record.id in stored else None
        if id is None and read.draft is not None:
            id = ids.get((read.draft.external_source, read.draft.external_ref))
        if id is not None:
            known[read.line] = stored[id]
    return known


def _overlaid(draft: DealDraft, record: DealRecord, current: Stored, book: Book) -> DealDraft:
    """What a known deal becomes: what the record says, and for the rest what it was."""
    before = draft_of(current, book)
    kept = {
        name: getattr(before, name)
        for name in ("customer_id", "owner_id", "expected_close", "engaged_on")
        if getattr(draft, name) is None
    }
    if record.name is None:
        kept["name"] = before.name
    if record.competitor is None:
        kept["competitor"] = before.competitor
    if draft.lost_reason is None and draft.stage == before.stage:
        kept["lost_reason"] = before.lost_reason
    if draft.value is None and record.currency in (None, before.currency):
        kept |= {"value": before.value, "currency": before.currency}
    if not draft.lines:
        kept["lines"] = before.lines
    return msgspec.structs.replace(draft, **kept, history=[])


def _same_lines(draft: DealDraft, current: Stored) -> bool:
    """Whether the lines of a record are those the deal has; prices may have been looked up."""
    if len(draft.lines) != len(current.lines):
        return False
    return all(
        wanted.product_id == line.product_id
        and wanted.quantity == line_draft(line).quantity
        and wanted.unit_amount in (None, line.unit_amount)
        for wanted, line in zip(draft.lines, current.lines, strict=True)
    )


# -- writing -------------------------------------------------------------------------------------


def _turns(reads: Sequence[Read]) -> list[list[tuple[int, Read]]]:
    """The batch in turns, so that one that names a deal twice does one after the other."""
    turns: list[list[tuple[int, Read]]] = []
    times: dict[object, int] = {}
    for place, read in enumerate(reads):
        record = read.record
        key: object = (record.source, record.external_ref) if record.external_ref else record.id
        turn = times.get(key, 0) if key is not None else 0
        if key is not None:
            times[key] = turn + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append((place, read))
    return turns


async def _write_turn(
    plugin: Plugin, turn: Sequence[tuple[int, Read]], scope: ImportScope, written: Written
) -> None:
    """Records that all name different deals, with their places in the batch."""
    deals, by = Deals(plugin), f"import:{scope.id}"
    drafts = [(place, read, read.draft) for place, read in turn if read.draft is not None]
    known = await _known(plugin, [read for _, read, _ in drafts])
    new = [(place, read, draft) for place, read, draft in drafts if read.line not in known]
    with _Places([place for place, _, _ in new]):
        ids = await deals.create(
            [draft for _, _, draft in new],
            ids=[read.record.id or new_id() for _, read, _ in new],
            by=by,
        )
    written.created.setdefault(TABLE, []).extend(ids)
    written.created_count += len(ids)
    book = (await Lookups.of(plugin, scope)).book
    old = [(place, read, draft) for place, read, draft in drafts if read.line in known]
    rewrites = [_rewrite(read, draft, known[read.line], book) for _, read, draft in old]
    with _Places([place for place, _, _ in old]):
        altered = await deals.rewrite(rewrites, by=by)
    images = [Image(one.before.row.id, one.before) for one in altered]
    written.before.setdefault(TABLE, []).extend(msgspec.to_builtins(images))
    written.updated_count += len(altered)
    written.unchanged_count += len(old) - len(altered)


def _rewrite(read: Read, draft: DealDraft, current: Stored, book: Book) -> Rewrite:
    overlaid = _overlaid(draft, read.record, current, book)
    return Rewrite(current.row.id, overlaid, keep_lines=_same_lines(overlaid, current))


class _Places:
    """Turns the places of a refusal into those of the records of the batch."""

    def __init__(self, places: Sequence[int]) -> None:
        self._places = places

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, InvalidInput) and error.problems:
            problems = [self._moved(problem) for problem in error.problems]
            raise InvalidInput(error.detail, problems=problems) from None

    def _moved(self, problem: Problem) -> Problem:
        index, _, rest = problem.where.lstrip("/").partition("/")
        if not index.isdecimal() or int(index) >= len(self._places):
            return problem
        moved = placed(msgspec.structs.replace(problem, where=f"/{rest}"))
        return msgspec.structs.replace(moved, where=f"/{self._places[int(index)]}{moved.where}")


def placed(problem: Problem) -> Problem:
    """A problem of a draft, with the field of the record it is about."""
    field = problem.where.strip("/").partition("/")[0]
    return msgspec.structs.replace(problem, where=f"/{PLACES.get(field, field)}")


# -- taking back ---------------------------------------------------------------------------------


async def _remove(deals: Deals, created: Sequence[UUID], by: str) -> list[Problem]:
    stored = await deals.stored(created)
    used = await deals.in_use(list(stored))
    changed = {id for id, one in stored.items() if one.row.version != 1}
    await deals.remove([id for id in stored if id not in used | changed], by=by)
    kept = [_kept(id, "changed") for id in stored if id in changed]
    return kept + [_kept(id, "used") for id in stored if id in used - changed]


def _kept(id: UUID, why: str) -> Problem:
    reasons = {
        "changed": "somebody changed it after the import",
        "used": "something that came later points at it",
    }
    return Problem(
        code="kept",
        message=f"the deal stays as it is: {reasons[why]}",
        where=f"deal {id}",
        expected="a deal that only the import touched",
        mend="Look at it, and take back by hand what is not wanted.",
    )


# -- export --------------------------------------------------------------------------------------


def _exported(
    one: Stored, book: Book, names: Mapping[UUID, str], keys: Mapping[UUID, str]
) -> DealRecord:
    row = one.row
    stage = book.stage(row.stage_id)
    lines = [line_draft(line) for line in one.lines]
    return DealRecord(
        id=row.id,
        external_ref=row.external_ref,
        source=row.external_source,
        name=row.name,
        agent=names[row.owner_id] if row.owner_id else None,
        team=names[row.team_id] if row.team_id else None,
        account=keys[row.customer_id] if row.customer_id else None,
        pipeline=stage.pipeline,
        stage=stage.key,
        lines=[
            LineRecord(
                product=names[line.product_id],
                quantity=line.quantity,
                unit_amount=line.unit_amount,
            )
            for line in lines
        ],
        value=None if row.amount is None else Amount(row.amount, row.currency),
        currency=row.currency,
        engaged_on=row.engaged_on,
        closed_on=row.closed_on,
        expected_close=row.expected_close,
        lost_reason=book.reason_key(row.lost_reason_id),
        competitor=row.competitor or None,
        history=[
            PassageRecord(stage=book.stage(step.to_stage_id).key, at=step.changed_at)
            for step in one.history
        ],
    )


def _idle(name: str, *, dry: bool) -> Problem:
    where = "no deal that was tried out" if dry else "no deal"
    return Problem(
        code="agent-without-deals",
        message=f"{where} mentions the agent {name!r}",
        where="agent",
        expected="at least one deal",
        got="none",
        mend="Nothing needs to be done when that is right.",
    )
