"""Whether drafts and changes can be accepted: every reason why not, for all of them at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from relatum.customers.changes import mask_problems
from relatum.customers.finding import owners_of
from relatum.customers.rows import Checker, Ready
from relatum.customers.types import Customer, CustomerDraft
from relatum.db.guarding import as_the_house, current_guard
from relatum.hooks.declarations import Refusal
from relatum.values.problems import Problem

if TYPE_CHECKING:
    from relatum.customers.fields import CustomFields
    from relatum.db.database import Database


class Acceptance:
    """Checks drafts against the company's country, its custom fields, and what others have."""

    def __init__(self, db: Database, fields: CustomFields, *, country: str) -> None:
        self._db = db
        self._fields = fields
        self._country = country

    async def of_new(self, drafts: Sequence[CustomerDraft]) -> tuple[list[Ready], list[Refusal]]:
        """New customers as they would be stored, and every reason why one cannot be."""
        checker = await self._checker()
        ready: list[Ready] = []
        refusals: list[Refusal] = []
        masks = masks_columns()
        for index, draft in enumerate(drafts):
            one, problems = checker.ready(draft)
            problems += mask_problems(draft) if masks else []
            refusals += [Refusal(index, problem) for problem in problems]
            if one is not None:
                ready.append(one)
        refusals += await self._taken(
            [draft.external_ids for draft in drafts], [None] * len(drafts)
        )
        return ready, refusals

    async def of_changed(
        self, changes: Sequence[tuple[Customer, CustomerDraft]]
    ) -> tuple[list[tuple[Customer, Ready]], list[Refusal]]:
        """Customers with what each is to become, and every reason why one cannot."""
        checker = await self._checker()
        wanted: list[tuple[Customer, Ready]] = []
        refusals: list[Refusal] = []
        for index, (current, draft) in enumerate(changes):
            ready, problems = checker.ready(draft, current.fields)
            refusals += [Refusal(index, problem) for problem in problems]
            if ready is not None:
                wanted.append((current, ready))
        refusals += await self._taken(
            [ready.external_ids for _, ready in wanted], [current.id for current, _ in wanted]
        )
        return wanted, refusals

    async def _checker(self) -> Checker:
        declared = {field.key: field for field in await self._fields.all()}
        return Checker(declared, country=self._country)

    async def _taken(
        self, wanted: Sequence[dict[str, str]], owners: Sequence[UUID | None]
    ) -> list[Refusal]:
        """External ids that belong to somebody else already, in the database or in the batch."""
        by_source: defaultdict[str, list[str]] = defaultdict(list)
        for ids in wanted:
            for source, value in ids.items():
                by_source[source].append(value)
        with as_the_house():
            taken = {
                (source, value): owner
                for source, values in by_source.items()
                for value, owner in (await owners_of(self._db, source, values)).items()
            }
        seen = await self._seen(taken.values())
        refusals = []
        first: dict[tuple[str, str], int] = {}
        for index, ids in enumerate(wanted):
            for key in ids.items():
                owner = taken.get(key)
                if owner is not None and owner != owners[index]:
                    whose = f"customer {owner}" if owner in seen else "another customer"
                    refusals.append(Refusal(index, _taken_problem(key, whose)))
                elif first.setdefault(key, index) != index:
                    refusals.append(Refusal(index, _taken_problem(key, f"item {first[key]}")))
        return refusals

    async def _seen(self, ids: Iterable[UUID]) -> set[UUID]:
        """Those that the viewer may know of."""
        wanted = list(dict.fromkeys(ids))
        if current_guard() is None or not wanted:
            return set(wanted)
        found = await self._db.fetch_in("SELECT id FROM core_customer WHERE id IN ({})", wanted)
        return {row[0] for row in found}


def masks_columns() -> bool:
    """Whether the viewer is shown marks in place of some values."""
    guard = current_guard()
    return guard is not None and guard.masks


def _taken_problem(key: tuple[str, str], owner: str) -> Problem:
    source, value = key
    return Problem(
        code="external-id-taken",
        message=f"external id {value!r} of {source!r} belongs to somebody else",
        where=f"/external_ids/{source}",
        expected="an id that no other customer has",
        got=f"the id of {owner}",
        mend="Change that customer instead, or give another id.",
    )
