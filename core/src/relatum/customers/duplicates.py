"""Customers that may be the same one: asked before another is made, or changed into one.

Everything is looked for through the guard of the moment: somebody who is not seen is not found,
and a contact point that is masked matches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec
from rapidfuzz import fuzz

from relatum.customers import ranges, reading
from relatum.customers.rows import sort_key_of
from relatum.customers.types import ContactPoint, ContactPointDraft, CustomerKind, CustomerQuery
from relatum.db.pages import cursor_at, sort_from
from relatum.values.email import normalise_email
from relatum.values.phone import normalise_phone
from relatum.values.text import fold

if TYPE_CHECKING:
    from relatum.db.database import Database

Reason = Literal["phone", "email", "external_id", "same_name", "similar_name"]

#: Customers that are looked at on either side of a name in the order of names.
NEIGHBOURS = 60
#: The share of letters (in any order of words) from which on two names are similar, of 100.
SIMILAR = 88.0
#: Shorter names are like too many.
SHORTEST = 3
_STRONG: dict[Reason, float] = {
    "external_id": 400.0,
    "phone": 300.0,
    "email": 300.0,
    "same_name": 150.0,
}


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of somebody who may be there already."""

    display_name: str = ""
    kind: CustomerKind = "person"
    contact_points: Sequence[ContactPointDraft] = ()
    external_ids: dict[str, str] = {}


class Likeness(msgspec.Struct, frozen=True, kw_only=True):
    """A customer who may be the same one, and why; contact points as the viewer sees them."""

    id: UUID
    kind: str
    display_name: str
    contact_points: list[ContactPoint]
    owner: UUID | None
    reasons: list[Reason]
    score: float

    @property
    def strong(self) -> bool:
        """Whether more than the name is alike."""
        return any(reason != "similar_name" for reason in self.reasons)


class Duplicates:
    """Finds customers that are like a draft."""

    def __init__(self, db: Database, *, country: str, thin: ranges.Thin) -> None:
        self._db = db
        self._country = country
        self._thin = thin

    async def of(
        self, sought: Sought, *, other_than: UUID | None = None, most: int = 5
    ) -> list[Likeness]:
        """The customers most like it, the likeliest first.

        Args:
            other_than: the one that is being changed.
        """
        reasons: dict[UUID, dict[Reason, float]] = {}
        rows: dict[UUID, tuple[Any, ...]] = {}
        for id, reason in await self._by_reach(sought):
            reasons.setdefault(id, {})[reason] = _STRONG[reason]
        for row, reason, score in await self._by_name(sought):
            rows[row[0]] = row
            reasons.setdefault(row[0], {})[reason] = score
        if other_than is not None:
            reasons.pop(other_than, None)
        best = sorted(reasons, key=lambda id: (-sum(reasons[id].values()), id))[:most]
        rows |= await self._rows([id for id in best if id not in rows])
        return [_likeness(rows[id], reasons[id]) for id in best if id in rows]

    async def _by_reach(self, sought: Sought) -> list[tuple[UUID, Reason]]:
        """Those with the same phone, e-mail or external id."""
        wanted = [(p.kind, value) for p in sought.contact_points if (value := self._plain(p))]
        found: list[tuple[UUID, Reason]] = []
        if wanted:
            rows = await self._db.fetch_in(
                "SELECT customer_id, kind, normalised FROM core_contact_point "
                "WHERE normalised IN ({}) AND kind IN ('phone', 'email')",
                list(dict.fromkeys(value for _, value in wanted)),
            )
            pairs = set(wanted)
            found += [
                (id, "phone" if kind == "phone" else "email")
                for id, kind, value in rows
                if (kind, value) in pairs
            ]
        for source, value in sought.external_ids.items():
            rows = await self._db.fetch(
                "SELECT customer_id FROM core_external_id WHERE source = ? AND external_id = ?",
                source,
                value,
            )
            found += [(id, "external_id") for (id,) in rows]
        return found

    def _plain(self, point: ContactPointDraft) -> str:
        """A phone number or an address as it is stored; empty when nobody could find it."""
        if point.kind == "phone":
            return normalise_phone(point.raw, self._country).e164 or ""
        if point.kind == "email":
            return (normalise_email(point.raw).address or "").lower()
        return ""

    async def _by_name(self, sought: Sought) -> list[tuple[tuple[Any, ...], Reason, float]]:
        """Those near in the order of names that are called the same or nearly."""
        name = fold(sought.display_name)
        if len(name) < SHORTEST:
            return []
        found: list[tuple[tuple[Any, ...], Reason, float]] = []
        for row in await self._near(sought):
            other = fold(row[2])
            alike = fuzz.token_sort_ratio(name, other)
            if name == other:
                found.append((row, "same_name", _STRONG["same_name"]))
            elif alike >= SIMILAR:
                found.append((row, "similar_name", alike))
        return found

    async def _near(self, sought: Sought) -> list[tuple[Any, ...]]:
        """Rows on both sides of where the name stands in the order of names."""
        key = sort_key_of(sought.display_name.strip(), sought.kind, self._country)
        rows: list[tuple[Any, ...]] = []
        for order in ("display_name", "-display_name"):
            sort = sort_from(order, reading.SORTS)
            # With the least id: forward begins with the same name, back before it.
            cursor = cursor_at(sort, key, UUID(int=0))
            query = CustomerQuery(sort=order, limit=NEIGHBOURS, cursor=cursor)
            found, _ = await ranges.page_of(self._db, query, country=self._country, thin=self._thin)
            rows += found
        return rows

    async def _rows(self, ids: Sequence[UUID]) -> dict[UUID, tuple[Any, ...]]:
        select = reading.SELECT[self._db.kind]
        found = await self._db.fetch_in(f"{select} WHERE id IN ({{}})", ids)
        return {row[0]: row for row in found}


def _likeness(row: tuple[Any, ...], reasons: dict[Reason, float]) -> Likeness:
    customer = reading.customer_of(row)
    return Likeness(
        id=customer.id,
        kind=customer.kind,
        display_name=customer.display_name,
        contact_points=customer.contact_points,
        owner=customer.owner,
        reasons=sorted(reasons, key=lambda reason: -reasons[reason]),
        score=sum(reasons.values()),
    )
