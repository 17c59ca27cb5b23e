"""Deals: the only writer of deals, their lines and their stage history."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import msgspec

from relatum.api import (
    Conflict,
    NotFound,
    Plugin,
    Problem,
    Refusal,
    local_day,
    new_id,
    now,
    refuse,
)
from relatum_sales_pipeline.services import deal_facts, deal_rows
from relatum_sales_pipeline.services.book import Book
from relatum_sales_pipeline.services.deal_changes import Altered, Target, changed, merged, moved
from relatum_sales_pipeline.services.deal_checks import Known, check
from relatum_sales_pipeline.services.deal_reading import DealReader
from relatum_sales_pipeline.services.deal_rows import DealRow, Stored
from relatum_sales_pipeline.services.products import Products
from relatum_sales_pipeline.services.records import used_in
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.deals import Deal, DealChange, DealDraft, DealMove
from relatum_sales_pipeline.types.products import Product
from relatum_sales_pipeline.types.teams import Member, Team


class Rewrite(msgspec.Struct, frozen=True):
    """A deal and everything it is to say."""

    id: UUID
    draft: DealDraft
    keep_lines: bool = False


class Deals(DealReader):
    """Reads (see :class:`DealReader`) and writes deals."""

    def __init__(self, plugin: Plugin) -> None:
        super().__init__(plugin)
        self._events = plugin.house.events

    # -- creating --------------------------------------------------------------------------------

    async def check(self, drafts: Sequence[DealDraft]) -> list[Refusal]:
        """Every reason why a draft could not be created, without writing."""
        return await self.problems(drafts) + await self._taken(drafts)

    async def problems(self, drafts: Sequence[DealDraft]) -> list[Refusal]:
        """As :meth:`check`, for drafts whose deal may be there already."""
        known = await self.known(drafts)
        return [
            Refusal(index, problem)
            for index, draft in enumerate(drafts)
            for problem in check(draft, known, by="")[1]
        ]

    async def create(
        self, drafts: Sequence[DealDraft], *, by: str, ids: Sequence[UUID] | None = None
    ) -> list[UUID]:
        """Create all of them, or none.

        Args:
            ids: their ids, where they have some already (an export read back).

        Raises:
            InvalidInput: with every problem of every draft; ``where`` begins with its index.
        """
        ids = ids or [new_id() for _ in drafts]
        async with self._db.transaction():
            known = await self.known(drafts)
            stored: list[Stored] = []
            refusals: list[Refusal] = []
            for index, (id, draft) in enumerate(zip(ids, drafts, strict=True)):
                one, problems = check(draft, known, by=by, id=id)
                refusals += [Refusal(index, problem) for problem in problems]
                if one is not None:
                    stored.append(one)
            refuse(refusals + await self._taken(drafts), "deals")
            await deal_rows.insert(self._db, stored)
            told = [event for one in stored for event in deal_facts.created(one, known.book)]
            await self._events.append(told, by=by)
        return list(ids)

    # -- changing --------------------------------------------------------------------------------

    async def change(
        self, id: UUID, change: DealChange, *, by: str, version: int | None = None
    ) -> Deal:
        """Change one deal and return it.

        Args:
            version: the one the change was made from; a later one in the database is a conflict.

        Raises:
            NotFound: there is no such deal.
            Conflict: somebody changed the deal meanwhile; ``extra`` has both versions.
            InvalidInput: a value is not acceptable.
        """
        async with self._db.transaction():
            current = await self._locked([id])
            await self._expect(current[id].row, version, change)
            book = await Book.load(self._db)
            await self._alter([changed(current[id], change, book)], by=by)
            return await self.get(id)

    async def change_many(
        self, changes: Sequence[tuple[UUID, DealChange]], *, by: str
    ) -> list[UUID]:
        """Change many, or none; returns the ids of those that are different now.

        Raises:
            NotFound: an id is none of a deal.
            InvalidInput: with every problem; ``where`` begins with the index of the change.
        """
        async with self._db.transaction():
            current = await self._locked([id for id, _ in changes])
            book = await Book.load(self._db)
            targets = [changed(current[id], change, book) for id, change in changes]
            return [one.after.row.id for one in await self._alter(targets, by=by)]

    async def move(self, id: UUID, move: DealMove, *, by: str, version: int | None = None) -> Deal:
        """Move one deal to another stage and return it.

        Raises:
            NotFound, Conflict, InvalidInput: as :meth:`change`.
        """
        async with self._db.transaction():
            current = await self._locked([id])
            await self._expect(current[id].row, version, move)
            await self._alter([moved(current[id], move, await Book.load(self._db))], by=by)
            return await self.get(id)

    async def move_many(self, moves: Sequence[tuple[UUID, DealMove]], *, by: str) -> list[UUID]:
        """Move many, or none; returns the ids of those that went somewhere.

        Raises:
            NotFound, InvalidInput: as :meth:`change_many`.
        """
        async with self._db.transaction():
            current = await self._locked([id for id, _ in moves])
            book = await Book.load(self._db)
            targets = [moved(current[id], move, book) for id, move in moves]
            return [one.after.row.id for one in await self._alter(targets, by=by)]

    async def rewrite(self, rewrites: Sequence[Rewrite], *, by: str) -> list[Altered]:
        """Make existing deals say what the drafts say; unchanged ones are left alone.

        Raises:
            NotFound, InvalidInput: as :meth:`change_many`.
        """
        async with self._db.transaction():
            current = await self._locked([each.id for each in rewrites])
            targets = [
                Target(
                    current[each.id],
                    each.draft,
                    lines=None if each.keep_lines else list(each.draft.lines),
                    keep_team=each.draft.team_id is None
                    and each.draft.owner_id == current[each.id].row.owner_id,
                )
                for each in rewrites
            ]
            return await self._alter(targets, by=by)

    async def _alter(self, targets: Sequence[Target], *, by: str) -> list[Altered]:
        drafts = [target.draft for target in targets]
        known = await self.known(drafts)
        refusals: list[Refusal] = []
        altered: list[Altered] = []
        for index, target in enumerate(targets):
            wanted, problems = check(target.draft, known, by=by, id=target.current.row.id)
            refusals += [Refusal(index, problem) for problem in problems]
            if wanted is not None:
                after = merged(target, wanted, known, by)
                changes = deal_facts.differences(target.current, after)
                if changes:
                    altered.append(Altered(target.current, after, changes))
        refuse(refusals, "deals")
        await self._write(altered)
        told = [
            event
            for one in altered
            for event in deal_facts.changed(one.before, one.after, one.changes, known.book)
        ]
        await self._events.append(told, by=by)
        return altered

    async def _write(self, altered: Sequence[Altered]) -> None:
        await deal_rows.update(self._db, [one.after.row for one in altered])
        with_lines = [one for one in altered if "lines" in one.changes]
        await deal_rows.replace_lines(
            self._db,
            [one.after.row.id for one in with_lines],
            [line for one in with_lines for line in one.after.lines],
        )
        await deal_rows.insert_changes(
            self._db,
            [step for one in altered for step in one.after.history[len(one.before.history) :]],
        )

    # -- taking back (imports) -------------------------------------------------------------------

    async def stored(self, ids: Sequence[UUID]) -> dict[UUID, Stored]:
        """Deals with everything that belongs to them, locked until the transaction ends."""
        return await deal_rows.load(self._db, ids, lock=True)

    async def remove(self, ids: Sequence[UUID], *, by: str) -> None:
        """Take deals back, with what was recorded for their wins (undoing an import)."""
        async with self._db.transaction():
            gone = await self.stored(ids)
            await self._forget_wins(
                [(id, v) for id, one in gone.items() for v in range(1, one.row.version + 1)], by
            )
            await deal_rows.delete(self._db, list(gone))
            await self._events.append([deal_facts.removed(one.row) for one in gone.values()], by=by)

    async def restore(self, images: Sequence[Stored], *, by: str) -> None:
        """Put deals back to a former state, down to the version (undoing an import)."""
        async with self._db.transaction():
            current = await self.stored([image.row.id for image in images])
            book = await Book.load(self._db)
            await self._forget_wins(
                [
                    (image.row.id, version)
                    for image in images
                    for version in range(
                        image.row.version + 1, current[image.row.id].row.version + 1
                    )
                ],
                by,
            )
            ids = [image.row.id for image in images]
            await deal_rows.update(self._db, [image.row for image in images])
            lines = [line for image in images for line in image.lines]
            await deal_rows.replace_lines(self._db, ids, lines)
            steps = [step for image in images for step in image.history]
            await deal_rows.replace_history(self._db, ids, steps)
            told = [
                event
                for image in images
                for event in deal_facts.restored(current[image.row.id], image, book)
            ]
            await self._events.append(told, by=by)

    async def _forget_wins(self, versions: Sequence[tuple[UUID, int]], by: str) -> None:
        keys = [deal_facts.win_key(*each) for each in versions]
        keys += [deal_facts.unwin_key(*each) for each in versions]
        recorded = await self._house.interactions.ids_by_key(keys)
        if recorded:
            await self._house.interactions.remove(list(recorded.values()), by=by)

    # -- looking up ------------------------------------------------------------------------------

    async def known(self, drafts: Sequence[DealDraft]) -> Known:
        """What these drafts may refer to."""
        owners = {draft.owner_id for draft in drafts} - {None}
        teams = {draft.team_id for draft in drafts} - {None}
        products = list({line.product_id for draft in drafts for line in draft.lines})
        customers = list({draft.customer_id for draft in drafts if draft.customer_id})
        people, catalogue = Teams(self._plugin), Products(self._plugin)
        company = self._house.settings.company
        moment = now()
        return Known(
            book=await Book.load(self._db),
            members=await people.get_members([id for id in owners if id]),
            teams=set(await people.get_teams([id for id in teams if id])),
            products=set(await catalogue.get_many(products)),
            customers={each.id for each in await self._house.customers.get_many(customers)},
            prices=await catalogue.price_book(products),
            today=local_day(moment, company.time_zone),
            moment=moment,
            zone=company.time_zone,
            currency=self._plugin.settings.currency or company.currency,
        )

    async def ids_by_external(self, source: str, refs: Sequence[str]) -> dict[str, UUID]:
        """Outside reference → deal, for those that are known."""
        rows = await self._db.fetch_in(
            "SELECT external_ref, id FROM sales_pipeline_deal "
            "WHERE external_ref IN ({}) AND external_source = ?",
            list(dict.fromkeys(refs)),
            source,
        )
        return dict(rows)

    async def members_without_deals(self) -> list[str]:
        """Names of active members that own no deal at all."""
        rows = await self._db.fetch(
            "SELECT m.name FROM sales_pipeline_member m WHERE m.active = ? AND NOT EXISTS "
            "(SELECT 1 FROM sales_pipeline_deal d WHERE d.owner_id = m.id) ORDER BY m.name_key",
            True,
        )
        return [row[0] for row in rows]

    async def names_of(self, stored: Sequence[Stored]) -> dict[UUID, str]:
        """Names of the members, teams and products of these deals, by id."""
        people = Teams(self._plugin)
        owners = list({one.row.owner_id for one in stored if one.row.owner_id})
        teams = list({one.row.team_id for one in stored if one.row.team_id})
        products = list({line.product_id for one in stored for line in one.lines})
        named: list[Member | Team | Product] = [
            *(await people.get_members(owners)).values(),
            *(await people.get_teams(teams)).values(),
            *(await Products(self._plugin).get_many(products)).values(),
        ]
        return {each.id: each.name for each in named}

    async def in_use(self, ids: Sequence[UUID]) -> set[UUID]:
        """Those of the deals that a lead or a buying role points at."""
        places = (
            ("sales_pipeline_lead", "deal_id"),
            ("sales_pipeline_buying_role", "deal_id"),
        )
        return await used_in(self._db, places, ids)

    async def all_batches(self, size: int = 1000) -> AsyncIterator[list[Stored]]:
        """Every deal in the order of ids, in pieces."""
        last = UUID(int=0)
        while True:
            rows = await self._db.fetch(
                "SELECT id FROM sales_pipeline_deal WHERE id > ? ORDER BY id LIMIT ?", last, size
            )
            if not rows:
                return
            ids = [row[0] for row in rows]
            stored = await deal_rows.load(self._db, ids)
            yield [stored[id] for id in ids]
            last = ids[-1]

    async def _taken(self, drafts: Sequence[DealDraft]) -> list[Refusal]:
        """Outside references that another deal has, in the database or in the batch."""
        refs = [(draft.external_source, draft.external_ref) for draft in drafts]
        rows = await self._db.fetch_in(
            "SELECT external_source, external_ref, id FROM sales_pipeline_deal "
            "WHERE external_ref IN ({})",
            list({ref for _, ref in refs if ref}),
        )
        taken = {(source, ref): str(id) for source, ref, id in rows}
        refusals = []
        for index, key in enumerate(refs):
            if key[1] is None:
                continue
            if key in taken:
                refusals.append(Refusal(index, _taken_problem(key[1], taken[key])))
            taken[key] = f"number {index} of this batch"
        return refusals

    async def _locked(self, ids: Sequence[UUID]) -> dict[UUID, Stored]:
        current = await self.stored(ids)
        missing = [id for id in ids if id not in current]
        if missing:
            raise NotFound(
                f"expected ids of deals, got {len(missing)} that no deal has, "
                f"the first {missing[0]}"
            )
        return current

    async def _expect(self, row: DealRow, version: int | None, yours: msgspec.Struct) -> None:
        if version is not None and version != row.version:
            raise Conflict(
                f"expected version {row.version} of this deal, got a change made from version "
                f"{version}; look at both and send the change again from the new one",
                extra={"current": await self.get(row.id), "yours": yours},
            )


def _taken_problem(ref: str, owner: str) -> Problem:
    return Problem(
        code="reference-taken",
        message="another deal has this outside reference",
        where="/external_ref",
        expected="a reference that no deal of the same source has",
        got=ref[:80],
        mend=f"It belongs to deal {owner}; change that one instead.",
    )
