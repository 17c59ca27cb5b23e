"""The gate for outside data: all of a batch or nothing, and never over what was verified."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import (
    Conflict,
    ContactPoint,
    ContactPointDraft,
    Customer,
    CustomerChange,
    CustomerDraft,
    LikelyDuplicate,
    NotFound,
    Plugin,
    Problem,
    new_id,
    new_ids,
    normalise_email,
    normalise_phone,
    now,
)
from relatum_data_quality.rules.types import MASK, evaluate
from relatum_data_quality.scoring import completeness, fields_known
from relatum_data_quality.services.bound import not_given
from relatum_data_quality.services.evaluating import Evaluating, missing_of, rules_of
from relatum_data_quality.settings import Settings
from relatum_data_quality.types import Added, OutsideBatch, OutsideRecord, Proposal

#: Probability from which a likely double has to be handled.
LIKELY = 0.5
MOST_LISTED = 1000
_PROPOSAL = (
    "SELECT id, customer_id, source, field, value, state, made_at FROM data_quality_proposal"
)


class Enriching:
    """The only writer of proposals."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._db = plugin.house.db
        self._customers = plugin.house.customers
        self._settings: Settings = plugin.settings

    async def check(self, batch: OutsideBatch) -> list[Problem]:
        """Everything of a batch that nobody handled: doubles and incomplete or broken records."""
        taken = _taken(batch)
        drafts = [each.record for _, each in taken]
        said = await self._customers.duplicates.among(drafts)
        problems = [
            _doubled(taken, one)
            for one in said
            if (one.probability is None or one.probability >= LIKELY)
            and taken[one.index][1].customer is None
            and "distinct" not in taken[one.index][1].handled
        ]
        return problems + await self._unfit(taken)

    async def add(self, batch: OutsideBatch, *, by: str) -> Added:
        """Create those that are new, and propose values for those that are there.

        Raises:
            Conflict: something of the batch is not handled; ``extra`` has the whole list, and
                nothing was added.
            NotFound: a customer that a record names is not seen.
            InvalidInput: a record cannot be stored.
        """
        async with self._db.transaction():
            await self._db.hold("data_quality.enrichment")
            problems = await self.check(batch)
            if problems:
                places = {problem.where for problem in problems}
                raise Conflict(
                    f"expected a batch of which everything is handled, got {len(places)} of "
                    f"{len(batch.records)} records that are likely doubles or incomplete; nothing "
                    "was added: handle those on the list and send the batch again",
                    extra={"problems": msgspec.to_builtins(problems[:MOST_LISTED])},
                )
            taken = [each for _, each in _taken(batch)]
            new = [each.record for each in taken if each.customer is None]
            created = await self._customers.create(new, by=by) if new else []
            made, verified = await self._propose(batch.source, taken, by=by)
        return Added(
            created=created,
            proposals=made,
            verified=verified,
            left_out=len(batch.records) - len(taken),
        )

    async def open(self, customer: UUID | None = None, *, limit: int = 200) -> list[Proposal]:
        """Proposals that wait for a person, as far as the viewer sees what they are about."""
        where = "state = 'open'" + (" AND customer_id = ?" if customer else "")
        params: list[Any] = [customer] if customer else []
        rows = await self._db.fetch(
            f"{_PROPOSAL} WHERE {where} ORDER BY id LIMIT ?", *params, limit
        )
        return await self._shown([_proposal(row) for row in rows])

    async def _shown(self, proposals: list[Proposal]) -> list[Proposal]:
        """Who sees a customer's contact points masked sees those from outside so as well."""
        found = await self._customers.get_many(list({each.customer for each in proposals}))
        masked = {c.id for c in found for p in c.contact_points if MASK in p.raw}
        return [
            msgspec.structs.replace(each, value=MASK) if each.customer in masked else each
            for each in proposals
        ]

    async def decide(self, id: UUID, *, take: bool, by: str) -> Proposal:
        """Take a value over into the customer, or leave it.

        Raises:
            NotFound: there is no such proposal.
            Conflict: it was decided, or the customer has a verified value by now.
        """
        async with self._db.transaction():
            await self._db.hold("data_quality.enrichment")
            row = await self._db.fetch_one(f"{_PROPOSAL} WHERE id = ?", id)
            if row is None:
                raise NotFound(f"there is no proposal with the id {id}")
            proposal = _proposal(row)
            if proposal.state != "open":
                raise Conflict(f"expected an open proposal, got one that is {proposal.state}")
            if take:
                await self._take(proposal, by=by)
            await self._db.execute(
                "UPDATE data_quality_proposal SET state = ?, decided_at = ?, decided_by = ? "
                "WHERE id = ?",
                "taken" if take else "left",
                now(),
                by,
                id,
            )
        return msgspec.structs.replace(proposal, state="taken" if take else "left")

    async def _take(self, proposal: Proposal, *, by: str) -> None:
        customer = await self._customers.get(proposal.customer)
        kind, _, key = proposal.field.partition(":")
        if kind == "point":
            if _verified(customer, key):
                raise Conflict(
                    f"expected a customer without a verified {key}, got one with one; leave the "
                    "proposal, or remove the verified value first"
                )
            points = [
                ContactPointDraft(kind=p.kind, raw=p.raw, label=p.label, primary=p.primary)  # type: ignore[arg-type]
                for p in customer.contact_points
            ]
            points.append(ContactPointDraft(kind=key, raw=proposal.value))  # type: ignore[arg-type]
            change = CustomerChange(contact_points=points)
        else:
            if key in await not_given(self._plugin) or customer.fields.get(key) not in (None, ""):
                raise Conflict(
                    f"expected a customer whose {key} is empty and for the purposes of data "
                    "quality, got another one; leave the proposal, or change the customer by hand"
                )
            change = CustomerChange(fields={key: msgspec.json.decode(proposal.value)})
        await self._customers.change(proposal.customer, change, by=by)

    async def _unfit(self, taken: Sequence[tuple[int, OutsideRecord]]) -> list[Problem]:
        """Records that lack too much, or hold what a rule knows to be wrong."""
        judged = [(n, each) for n, each in taken if "incomplete" not in each.handled]
        customers = [_as_customer(each.record) for _, each in judged]
        known = await Evaluating(self._plugin).known(())
        rules = [
            r
            for r in rules_of(self._settings)
            if r.dimension == "validity" and r.severity == "error"
        ]
        answers = evaluate(rules, customers, known)
        problems = []
        for (n, each), customer, broken in zip(judged, customers, answers, strict=True):
            weights = {f: w for f, w in self._settings.weights.items() if f != "need"}
            if customer.kind != "person":
                weights.pop("birth", None)
            share = completeness(fields_known(customer, known), weights)
            missing = missing_of(customer, known, weights)
            if each.customer is None and share < self._settings.incomplete_below:
                problems.append(_incomplete(n, share, missing))
            problems += [_broken(n, rule.title.en, rule.id) for rule, _ in broken]
        return problems

    async def _propose(
        self, source: str, taken: Sequence[OutsideRecord], *, by: str
    ) -> tuple[int, int]:
        about = [each for each in taken if each.customer is not None]
        ids = [each.customer for each in about if each.customer is not None]
        people = {each.id: each for each in await self._customers.get_many(ids)}
        missing = [id for id in ids if id not in people]
        if missing:
            raise NotFound(f"there is no customer with the id {missing[0]}")
        country = self._plugin.house.settings.company.country
        waiting = {(p.customer, p.field, p.value) for p in await self._waiting(ids)}
        bound = await not_given(self._plugin)
        rows, verified = [], 0
        for each in about:
            customer = people[each.customer]  # type: ignore[index]
            values, kept = _offered(customer, each.record, country, bound)
            verified += kept
            for field, value in values:
                if (customer.id, field, value) not in waiting:
                    waiting.add((customer.id, field, value))
                    rows.append((customer.id, source, field, value, "open", now(), by))
        await self._db.insert(
            "data_quality_proposal",
            ("id", "customer_id", "source", "field", "value", "state", "made_at", "made_by"),
            [(id, *row) for id, row in zip(new_ids(len(rows)), rows, strict=True)],
        )
        return len(rows), verified

    async def _waiting(self, ids: Sequence[UUID]) -> list[Proposal]:
        rows = await self._db.fetch_in(
            f"{_PROPOSAL} WHERE state = 'open' AND customer_id IN ({{}})", ids
        )
        return [_proposal(row) for row in rows]


def _taken(batch: OutsideBatch) -> list[tuple[int, OutsideRecord]]:
    return [(n, e) for n, e in enumerate(batch.records) if "left_out" not in e.handled]


def _offered(
    customer: Customer, record: CustomerDraft, country: str, bound: frozenset[str]
) -> tuple[list[tuple[str, str]], int]:
    """Values that the customer does not have, and how many were left out before verified ones."""
    values: list[tuple[str, str]] = []
    kept = 0
    there = {(p.kind, p.normalised or p.raw) for p in customer.contact_points}
    for point in record.contact_points:
        if (point.kind, _plain(point, country)) in there:
            continue
        if _verified(customer, point.kind):
            kept += 1
        else:
            values.append((f"point:{point.kind}", point.raw))
    for key, value in record.fields.items():
        # What is there already, out of the viewer's sight, or for other purposes and so not known
        # to be empty, is not written over.
        if value is not None and key not in bound and customer.fields.get(key) in (None, ""):
            values.append((f"field:{key}", msgspec.json.encode(value).decode()))
    return values, kept


def _plain(point: ContactPointDraft, country: str) -> str:
    if point.kind == "phone":
        return normalise_phone(point.raw, country).e164 or point.raw
    if point.kind == "email":
        return (normalise_email(point.raw).address or point.raw).lower()
    return point.raw


def _verified(customer: Customer, kind: str) -> bool:
    return any(
        p.kind == kind and (p.verified_at is not None or MASK in p.raw)
        for p in customer.contact_points
    )


def _as_customer(record: CustomerDraft) -> Customer:
    moment = now()
    return Customer(
        id=new_id(),
        kind=record.kind,
        display_name=record.display_name,
        roles=list(record.roles),
        tags=list(record.tags),
        contact_points=[
            ContactPoint(
                id=new_id(),
                kind=p.kind,
                raw=p.raw,
                normalised="",
                label=p.label,
                primary=p.primary,
                verified_at=None,
            )
            for p in record.contact_points
        ],
        fields=dict(record.fields),
        external_ids=dict(record.external_ids),
        version=1,
        created_at=moment,
        updated_at=moment,
        owner=record.owner,
    )


def _doubled(taken: Sequence[tuple[int, OutsideRecord]], one: LikelyDuplicate) -> Problem:
    place, _ = taken[one.index]
    whom = f"customer {one.customer}" if one.customer else f"record {taken[one.draft or 0][0]}"
    return Problem(
        code="likely-duplicate",
        message=f"record {place} is likely the same as {whom}",
        where=f"/records/{place}",
        expected="somebody who is not there yet, or the customer named",
        got=whom if one.probability is None else f"{whom}, {one.probability:.0%}",
        mend="Name the customer, or write distinct or left_out under handled.",
    )


def _incomplete(place: int, share: float, missing: Sequence[str]) -> Problem:
    return Problem(
        code="incomplete-record",
        message=f"record {place} lacks {', '.join(missing)}",
        where=f"/records/{place}",
        expected="a record that is complete enough",
        got=f"{share:.0%} complete",
        mend="Fill it, or write incomplete or left_out under handled.",
    )


def _broken(place: int, title: str, rule: str) -> Problem:
    return Problem(
        code="broken-record",
        message=f"record {place}: {title}",
        where=f"/records/{place}",
        expected="values that are right",
        got=rule,
        mend="Mend it, or write incomplete or left_out under handled.",
    )


def _proposal(row: tuple[Any, ...]) -> Proposal:
    names = ("id", "customer", "source", "field", "value", "state", "made_at")
    return msgspec.convert(dict(zip(names, row, strict=True)), Proposal)
