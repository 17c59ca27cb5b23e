"""Pairs: put down by sweeps, decided by people or, where the company wants it, by the sweep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import (
    Conflict,
    Database,
    InvalidInput,
    NotFound,
    Page,
    Plugin,
    cut,
    new_ids,
    now,
    paginate,
    sort_from,
    to_json,
)
from relatum_identity.engine.learning import RULES
from relatum_identity.types import Decision, Evidence, Kind, Pair, PairQuery, Proposal

SELECT = (
    "SELECT id, first_id, second_id, state, proposal, probability, weight, evidence, rule, "
    "rules_version, found_at, decided_at, decided_by, merge_id FROM identity_pair"
)
_SORTS = {"weight": ("weight", float)}
_COLUMNS = (
    "id",
    "first_id",
    "second_id",
    "state",
    "proposal",
    "probability",
    "weight",
    "evidence",
    "rule",
    "rules_version",
    "found_at",
)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A pair as a sweep found it."""

    first: UUID
    second: UUID
    proposal: Proposal
    probability: float
    weight: float
    evidence: dict[str, tuple[str, float]]
    rule: str


class Pairs:
    """The only writer of pairs."""

    def __init__(self, plugin: Plugin) -> None:
        self._db: Database = plugin.house.db
        self._merging = plugin.house.merging

    async def find(self, query: PairQuery) -> Page[Pair]:
        """Pairs of one state, the likeliest first."""
        page = paginate(
            SELECT,
            ["state = ?"],
            [query.state],
            sort=sort_from("-weight", _SORTS),
            id_column="id",
            limit=query.limit,
            cursor=query.cursor,
        )
        rows = await self._db.fetch(page.sql, *page.params)
        kept, cursor = cut(rows, page, value=6, id=0)
        return Page(items=[pair_of(row) for row in kept], next=cursor)

    async def get(self, id: UUID) -> Pair:
        """One pair.

        Raises:
            NotFound: there is none with this id, or one of its customers is not seen.
        """
        row = await self._db.fetch_one(f"{SELECT} WHERE id = ?", id)
        if row is None:
            raise NotFound(f"there is no pair with the id {id}")
        return pair_of(row)

    async def of(self, customer: UUID, *, limit: int) -> list[Pair]:
        """The candidates that a customer is in, the likeliest first."""
        rows = await self._db.fetch(
            f"{SELECT} WHERE state = 'candidate' AND (first_id = ? OR second_id = ?) "
            "ORDER BY weight DESC, id LIMIT ?",
            customer,
            customer,
            limit,
        )
        return [pair_of(row) for row in rows]

    async def together_with(self, customers: set[UUID]) -> set[UUID]:
        """These, and all that hang together with them by candidates that were put down."""
        every, edge = set(customers), set(customers)
        while edge:
            rows: list[tuple[Any, ...]] = []
            for one, other in (("first_id", "second_id"), ("second_id", "first_id")):
                rows += await self._db.fetch_in(
                    f"SELECT {other} FROM identity_pair "  # noqa: S608 - names of our own
                    f"WHERE {one} IN ({{}}) AND state = 'candidate'",
                    sorted(edge),
                )
            edge = {id for (id,) in rows} - every
            every |= edge
        return every

    async def replace_candidates(
        self, found: Sequence[Found], *, kind: Kind, of: set[UUID] | None = None
    ) -> int:
        """Put down what a sweep of one kind found, in the place of what earlier ones did.

        Pairs that were decided are left alone, whatever a sweep says of them; so are pairs of
        customers that are gone meanwhile.

        Args:
            of: the customers that were looked at; pairs in which none of them is stay. All of the
                kind when left out.

        Returns:
            How many candidates it put down.
        """
        async with self._db.transaction():
            await self._db.hold("identity.pairs")
            rows = await self._db.fetch(f"{SELECT} ORDER BY id")
            decided = {_key(row[1], row[2]) for row in rows if row[3] != "candidate"}
            before = {_key(row[1], row[2]): row for row in rows if row[3] == "candidate"}
            there = await self._there(found)
            fresh = [
                each
                for each in found
                if (key := _key(each.first, each.second)) not in decided and there >= set(key)
            ]
            kinds = await self._kinds(list(before.values()))
            old = [
                (row[0],)
                for row in before.values()
                if (of is None or row[1] in of or row[2] in of) and kinds.get(row[1], kind) == kind
            ]
            await self._db.execute_many("DELETE FROM identity_pair WHERE id = ?", old)
            ids = iter(new_ids(len(fresh)))
            await self._db.insert(
                "identity_pair", _COLUMNS, [_row(each, before, next(ids)) for each in fresh]
            )
        return len(fresh)

    async def _kinds(self, rows: Sequence[tuple[Any, ...]]) -> dict[UUID, str]:
        found = await self._db.fetch_in(
            "SELECT id, kind FROM core_customer WHERE id IN ({})", list({row[1] for row in rows})
        )
        return dict(found)

    async def _there(self, found: Sequence[Found]) -> set[UUID]:
        ids = list({id for each in found for id in (each.first, each.second)})
        rows = await self._db.fetch_in("SELECT id FROM core_customer WHERE id IN ({})", ids)
        return {id for (id,) in rows}

    async def decide(self, id: UUID, decision: Decision, *, by: str) -> Pair:
        """A person says that they are one, or that they are not, for good.

        Raises:
            NotFound: there is no such pair, or one of its customers is not seen.
            Conflict: it was decided before.
            InvalidInput: the survivor is neither of both.
        """
        async with self._db.transaction():
            await self._db.hold("identity.pairs")
            pair = await self.get(id)
            if pair.state != "candidate":
                raise Conflict(
                    f"expected a pair that nobody decided, got one that is {pair.state}; "
                    "take a merge back on the customer's page"
                )
            if decision.decision == "distinct":
                await self._close(pair, "distinct", by)
            else:
                survivor = decision.survivor or pair.first
                await self._merge(pair, survivor, "merged", by=by, reason=decision.reason)
            return await self.get(id)

    async def merge_sure(self, *, by: str) -> int:
        """Merge the candidates that are sure; returns how many."""
        rows = await self._db.fetch(
            f"{SELECT} WHERE state = 'candidate' AND proposal = 'auto' ORDER BY weight DESC, id"
        )
        merged = 0
        for row in rows:
            async with self._db.transaction():
                await self._db.hold("identity.pairs")
                fresh = await self._db.fetch_one(f"{SELECT} WHERE id = ?", row[0])
                # An earlier merge of this round made both one, or set the pair aside.
                if fresh is None or fresh[3] != "candidate" or fresh[1] == fresh[2]:
                    continue
                pair = pair_of(fresh)
                await self._merge(pair, pair.first, "auto_merged", by=by, reason="")
                merged += 1
        return merged

    async def taken_back(self, merges: Iterable[UUID]) -> None:
        """Remember that these merges were undone, so that no sweep repeats them."""
        await self._db.execute_many(
            "UPDATE identity_pair SET state = 'unmerged' WHERE merge_id = ?",
            [(id,) for id in merges],
        )

    async def _merge(self, pair: Pair, survivor: UUID, state: str, *, by: str, reason: str) -> None:
        if survivor not in {pair.first, pair.second}:
            raise InvalidInput(
                f"expected one of the pair's customers as survivor, got {survivor}; "
                f"choose {pair.first} or {pair.second}"
            )
        absorbed = pair.second if survivor == pair.first else pair.first
        evidence = {each.field: [each.level, each.bits] for each in pair.evidence}
        await self._close(pair, state, by)
        merge = await self._merging.merge(
            survivor,
            absorbed,
            by=by,
            reason=reason,
            evidence={
                "plugin": "identity",
                "rules": pair.rules_version,
                "probability": pair.probability,
                "fields": evidence,
            },
        )
        await self._db.execute(
            "UPDATE identity_pair SET merge_id = ? WHERE id = ?", merge.id, pair.id
        )

    async def _close(self, pair: Pair, state: str, by: str) -> None:
        await self._db.execute(
            "UPDATE identity_pair SET state = ?, decided_at = ?, decided_by = ? WHERE id = ?",
            state,
            now(),
            by,
            pair.id,
        )


def pair_of(row: tuple[Any, ...]) -> Pair:
    """A row of ``SELECT`` as it is read."""
    fields = msgspec.json.decode(row[7]) if isinstance(row[7], str) else row[7]
    evidence = [
        Evidence(field=name, level=level, bits=bits) for name, (level, bits) in fields.items()
    ]
    return Pair(
        id=row[0],
        first=row[1],
        second=row[2],
        state=row[3],
        proposal=row[4],
        probability=row[5],
        weight=row[6],
        evidence=evidence,
        rule=row[8],
        rules_version=row[9],
        found_at=row[10],
        decided_at=row[11],
        decided_by=row[12],
        merge=row[13],
    )


def _key(first: UUID, second: UUID) -> tuple[UUID, UUID]:
    return (first, second) if first < second else (second, first)


def _row(
    each: Found, before: dict[tuple[UUID, UUID], tuple[Any, ...]], fresh: UUID
) -> tuple[Any, ...]:
    """A candidate keeps its id and the time it was first found."""
    known = before.get(_key(each.first, each.second))
    return (
        known[0] if known else fresh,
        *_key(each.first, each.second),
        "candidate",
        each.proposal,
        each.probability,
        each.weight,
        to_json(each.evidence),
        each.rule,
        RULES,
        known[10] if known else now(),
    )
