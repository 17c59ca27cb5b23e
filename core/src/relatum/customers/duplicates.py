"""Customers that may be the same one: asked before another is made, or changed into one.

Plugins judge (``relatum_find_duplicates``); where none does, equal contact points and names that
are alike are what is told.

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
from relatum.customers.types import (
    ContactPoint,
    ContactPointDraft,
    CustomerDraft,
    CustomerKind,
    CustomerQuery,
)
from relatum.db.pages import cursor_at, sort_from
from relatum.hooks.declarations import LikelyDuplicate
from relatum.values.email import normalise_email
from relatum.values.phone import normalise_phone
from relatum.values.text import Text, fold

if TYPE_CHECKING:
    from relatum.customers.opinions import Opinions
    from relatum.db.database import Database

Reason = Literal["phone", "email", "external_id", "same_name", "similar_name"]

#: Customers that are looked at on either side of a name in the order of names.
NEIGHBOURS = 60
#: The share of letters (in any order of words) from which on two names are similar, of 100.
SIMILAR = 88.0
#: From this probability on one who is likely the same is not passed over unsaid.
LIKELY = 0.5
#: Drafts that plugins are asked about at once.
ASKED_AT_ONCE = 100
#: A contact point of more customers says nothing about one of them.
MOST_SHARING = 20
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
    fields: dict[str, Any] = {}


class Likeness(msgspec.Struct, frozen=True, kw_only=True):
    """A customer who may be the same one, and why; contact points as the viewer sees them.

    Attributes:
        reasons: what core sees for itself.
        judged: whether plugins were asked; then ``probability`` and ``why`` are what they say, if
            they say anything of this one.
    """

    id: UUID
    kind: str
    display_name: str
    contact_points: list[ContactPoint]
    owner: UUID | None
    reasons: list[Reason]
    score: float
    judged: bool = False
    probability: float | None = None
    sure: bool = False
    why: list[Text] = []

    @property
    def strong(self) -> bool:
        """Whether it is likely the same; without a judgement, whether more than the name is."""
        if self.judged:
            likely = self.probability is not None and self.probability >= LIKELY
            return self.sure or likely or "external_id" in self.reasons
        return any(reason != "similar_name" for reason in self.reasons)


class Duplicates:
    """Finds customers that are like a draft."""

    def __init__(
        self, db: Database, *, country: str, thin: ranges.Thin, opinions: Opinions
    ) -> None:
        self._db = db
        self._opinions = opinions
        self._country = country
        self._thin = thin

    async def of(
        self, sought: Sought, *, other_than: UUID | None = None, most: int = 5
    ) -> list[Likeness]:
        """The customers most like it, the likeliest first.

        Args:
            other_than: the one that is being changed.
        """
        said = await self._opinions.of([_draft_of(sought)])
        reasons: dict[UUID, dict[Reason, float]] = {}
        rows: dict[UUID, tuple[Any, ...]] = {}
        for id, reason in await self._by_reach(sought):
            reasons.setdefault(id, {})[reason] = _STRONG[reason]
        for row, reason, score in [] if said is not None else await self._by_name(sought):
            rows[row[0]] = row
            reasons.setdefault(row[0], {})[reason] = score
        opinions = {one.customer: one for one in said or [] if one.customer is not None}
        for id in opinions:
            reasons.setdefault(id, {})
        if other_than is not None:
            reasons.pop(other_than, None)
        best = sorted(reasons, key=lambda id: (*_rank(reasons[id], opinions.get(id)), id))[:most]
        rows |= await self._rows([id for id in best if id not in rows])
        return [
            _likeness(rows[id], reasons[id], opinions.get(id), judged=said is not None)
            for id in best
            if id in rows
        ]

    async def among(self, drafts: Sequence[CustomerDraft]) -> list[LikelyDuplicate]:
        """For many drafts: the customers, and the earlier drafts, they are likely the same as.

        Where no plugin answers: those with the same phone or e-mail, sure when the names are equal
        but for case, marks and order.
        """
        found: list[LikelyDuplicate] = []
        for start in range(0, len(drafts), ASKED_AT_ONCE):
            some = drafts[start : start + ASKED_AT_ONCE]
            said = await self._opinions.of(some)
            if said is None:
                said = await self._plainly(some)
            found += [
                msgspec.structs.replace(
                    one,
                    index=one.index + start,
                    draft=None if one.draft is None else one.draft + start,
                )
                for one in said
            ]
        return found

    async def _plainly(self, drafts: Sequence[CustomerDraft]) -> list[LikelyDuplicate]:
        reach = [
            {value for p in draft.contact_points if (value := self._plain(p))} for draft in drafts
        ]
        rows = await self._db.fetch_in(
            "SELECT normalised, customer_id FROM core_contact_point "
            "WHERE normalised IN ({}) AND kind IN ('phone', 'email')",
            sorted(set().union(*reach)),
        )
        holders: dict[str, list[UUID]] = {}
        for value, id in rows:
            holders.setdefault(value, []).append(id)
        names: dict[UUID, str] = dict(
            await self._db.fetch_in(
                "SELECT id, display_name FROM core_customer WHERE id IN ({})",
                list({id for _, id in rows}),
            )
        )
        earlier: dict[str, int] = {}
        found: list[LikelyDuplicate] = []
        for index, draft in enumerate(drafts):
            found += [
                _plain_likeness(index, draft, names[id], customer=id)
                for id in _few(reach[index], holders)
                if id in names
            ]
            for place in sorted({earlier[value] for value in reach[index] if value in earlier}):
                other = drafts[place].display_name
                found.append(_plain_likeness(index, draft, other, draft_index=place))
            for value in reach[index]:
                earlier.setdefault(value, index)
        return found

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


def _draft_of(sought: Sought) -> CustomerDraft:
    return CustomerDraft(
        display_name=sought.display_name,
        kind=sought.kind,
        contact_points=list(sought.contact_points),
        external_ids=sought.external_ids,
        fields=sought.fields,
    )


def _few(values: set[str], holders: dict[str, list[UUID]]) -> list[UUID]:
    """Who has one of these, when not everybody does."""
    some = [
        id
        for value in sorted(values)
        if len(holders.get(value, ())) <= MOST_SHARING
        for id in holders.get(value, ())
    ]
    return list(dict.fromkeys(some))


def _plain_likeness(
    index: int,
    draft: CustomerDraft,
    name: str,
    *,
    customer: UUID | None = None,
    draft_index: int | None = None,
) -> LikelyDuplicate:
    words, others = (" ".join(sorted(fold(each).split())) for each in (draft.display_name, name))
    same = words == others
    reasons = [Text(en="same phone or e-mail", vi="trùng số điện thoại hoặc e-mail")]
    if same:
        reasons.append(Text(en="same name", vi="trùng tên"))
    return LikelyDuplicate(
        index=index, customer=customer, draft=draft_index, sure=same, reasons=tuple(reasons)
    )


def _rank(reasons: dict[Reason, float], said: LikelyDuplicate | None) -> tuple[float, float]:
    """The likeliest first: what has an id in common, what is judged likely, the rest."""
    probability = said.probability or 0.0 if said is not None else 0.0
    return -max(probability, float("external_id" in reasons)), -sum(reasons.values())


def _likeness(
    row: tuple[Any, ...],
    reasons: dict[Reason, float],
    said: LikelyDuplicate | None,
    *,
    judged: bool,
) -> Likeness:
    customer = reading.customer_of(row)
    return Likeness(
        id=customer.id,
        kind=customer.kind,
        display_name=customer.display_name,
        contact_points=customer.contact_points,
        owner=customer.owner,
        reasons=sorted(reasons, key=lambda reason: -reasons[reason]),
        score=sum(reasons.values()),
        judged=judged,
        probability=said.probability if said else None,
        sure=bool(said and said.sure),
        why=list(said.reasons) if said else [],
    )
