"""Links between customers: who is whose contact, parent, household, referrer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from relatum.customers import events as facts
from relatum.customers.types import Link, LinkDraft
from relatum.events.types import NewEvent
from relatum.values.ids import new_id
from relatum.values.problems import InvalidInput, NotFound, Problem

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.events.log import EventLog

SELECT = (
    "SELECT l.id, l.source_id, s.display_name, l.target_id, t.display_name, l.kind, l.role, "
    "l.since, l.until FROM core_customer_link l "
    "JOIN core_customer s ON s.id = l.source_id JOIN core_customer t ON t.id = l.target_id"
)
COLUMNS = ("id", "source_id", "target_id", "kind", "role", "since", "until")


class Links:
    """The only writer of links."""

    def __init__(self, db: Database, events: EventLog) -> None:
        self._db = db
        self._events = events

    async def of(self, customer: UUID) -> list[Link]:
        """Every link that begins or ends at a customer."""
        found = await self._db.fetch(
            f"{SELECT} WHERE l.source_id = ? OR l.target_id = ? ORDER BY l.id", customer, customer
        )
        return [_link(row) for row in found]

    async def get_many(self, ids: Sequence[UUID]) -> list[Link]:
        """These links; ids of none are left out."""
        found = await self._db.fetch_in(f"{SELECT} WHERE l.id IN ({{}}) ORDER BY l.id", ids)
        return [_link(row) for row in found]

    async def all_batches(self, size: int = 1000) -> AsyncIterator[list[Link]]:
        """Every link in the order of ids, in pieces."""
        last = UUID(int=0)
        while True:
            found = await self._db.fetch(
                f"{SELECT} WHERE l.id > ? ORDER BY l.id LIMIT ?", last, size
            )
            if not found:
                return
            yield [_link(row) for row in found]
            last = found[-1][0]

    async def create(self, drafts: Sequence[LinkDraft], *, by: str) -> list[UUID]:
        """Create links; one that exists already is left as it is. Returns the ids of new ones.

        Raises:
            InvalidInput: a link from a customer to itself, or one that ends before it begins.
            NotFound: an end is no customer.
        """
        async with self._db.transaction():
            await self._check(drafts)
            known = await self._known(drafts)
            new = {
                key: draft
                for draft in drafts
                if (key := (draft.source, draft.target, draft.kind)) not in known
            }
            ids = {key: new_id() for key in new}
            await self._db.insert(
                "core_customer_link",
                COLUMNS,
                [
                    (ids[key], d.source, d.target, d.kind, d.role, d.since, d.until)
                    for key, d in new.items()
                ],
            )
            await self._events.append(
                [
                    NewEvent(
                        type=facts.LINKED,
                        payload=facts.CustomersLinked(ids[key], d.source, d.target, d.kind),
                        customer=d.source,
                    )
                    for key, d in new.items()
                ],
                by=by,
            )
        return list(ids.values())

    async def _check(self, drafts: Sequence[LinkDraft]) -> None:
        problems = [
            problem for n, draft in enumerate(drafts) if (problem := _problem(draft, f"/{n}"))
        ]
        if problems:
            raise InvalidInput("Some links cannot be made.", problems=problems)
        ends = list({end for draft in drafts for end in (draft.source, draft.target)})
        found = await self._db.fetch_in("SELECT id FROM core_customer WHERE id IN ({})", ends)
        missing = set(ends) - {row[0] for row in found}
        if missing:
            raise NotFound(
                f"expected ids of customers at both ends, got {next(iter(missing))}, which nobody "
                "has; create the customer first"
            )

    async def _known(self, drafts: Sequence[LinkDraft]) -> set[tuple[UUID, UUID, str]]:
        found = await self._db.fetch_in(
            "SELECT source_id, target_id, kind FROM core_customer_link WHERE source_id IN ({})",
            list({draft.source for draft in drafts}),
        )
        return {(source, target, kind) for source, target, kind in found}

    async def remove(self, ids: Sequence[UUID], *, by: str) -> int:
        """Remove links; returns how many there were."""
        async with self._db.transaction():
            gone = await self.get_many(ids)
            await self._db.execute_many(
                "DELETE FROM core_customer_link WHERE id = ?", [(link.id,) for link in gone]
            )
            await self._events.append(
                [
                    NewEvent(
                        type=facts.UNLINKED,
                        payload=facts.CustomersUnlinked(
                            link.id, link.source, link.target, link.kind
                        ),
                        customer=link.source,
                    )
                    for link in gone
                ],
                by=by,
            )
        return len(gone)


def _problem(draft: LinkDraft, where: str) -> Problem | None:
    if draft.source == draft.target:
        return Problem(
            code="link-to-itself",
            message="a customer cannot be linked to itself",
            where=where,
            expected="two different customers",
            got=str(draft.source),
            mend="Mend one end.",
        )
    if draft.since and draft.until and draft.until < draft.since:
        return Problem(
            code="ends-before-it-begins",
            message="the link ends before it begins",
            where=f"{where}/until",
            expected=f"a day on or after {draft.since}",
            got=str(draft.until),
            mend="Mend one of the days.",
        )
    return None


def _link(row: tuple[object, ...]) -> Link:
    return Link(**dict(zip(Link.__struct_fields__, row, strict=True)))  # type: ignore[arg-type]
