"""From records of deals to drafts: names looked up, and what is to be said about each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from relatum.api import Finding, ImportScope, Numbered, Plugin, Problem, Proposed
from relatum_sales_pipeline.import_targets.deal_lookups import Lookups, Meant
from relatum_sales_pipeline.import_targets.deal_records import DealRecord, LineRecord
from relatum_sales_pipeline.types.deals import DealDraft, LineDraft, Passage
from relatum_sales_pipeline.types.pipelines import Stage


class Read(msgspec.Struct):
    """A record with its names looked up; ``draft`` is ``None`` when it cannot go in."""

    line: int
    record: DealRecord
    draft: DealDraft | None
    findings: list[Finding]
    proposals: list[Proposed]


async def read_all(plugin: Plugin, records: Sequence[Numbered], scope: ImportScope) -> list[Read]:
    """The records of a batch with their names looked up; once for preparing and writing."""
    lookups = await Lookups.of(plugin, scope)
    await lookups.find_accounts(plugin, [numbered.record for numbered in records])
    before: dict[int, Read] = scope.memory.get("reads", {})
    reads = []
    for numbered in records:
        known = before.get(numbered.line)
        if known is None or known.record is not numbered.record:
            known = _read(numbered, lookups, scope)
        reads.append(known)
    scope.memory["reads"] = {read.line: read for read in reads}
    return reads


def _read(numbered: Numbered, lookups: Lookups, scope: ImportScope) -> Read:
    record: DealRecord = numbered.record
    reader = _Reader(numbered.line, record, lookups)
    draft = reader.draft(scope.source)
    return Read(numbered.line, record, draft, reader.findings, reader.proposals)


class _Reader:
    """Makes a draft of one record and collects what is to be said about it."""

    def __init__(self, line: int, record: DealRecord, lookups: Lookups) -> None:
        self.line = line
        self.record = record
        self.lookups = lookups
        self.findings: list[Finding] = []
        self.proposals: list[Proposed] = []
        self.good = True

    def draft(self, source: str) -> DealDraft | None:
        record, line, lookups = self.record, self.line, self.lookups
        pipeline = self.take(lookups.pipeline(line, record.pipeline))
        stage = self.take(lookups.stage(line, pipeline, record.stage)) if pipeline else None
        owner = self.take(lookups.agent(line, record.agent), needed=record.agent is not None)
        team = self.take(lookups.team(line, record.team), needed=record.team is not None)
        account = self.take(
            lookups.account(line, record.account), needed=record.account is not None
        )
        reason = self.take(
            lookups.lost_reason(line, record.lost_reason), needed=record.lost_reason is not None
        )
        lines = [self._line(each) for each in record.products]
        if stage is not None and stage.outcome != "open" and record.closed_on is None:
            self.refuse(_closed_without_day(stage))
        if not self.good or pipeline is None or stage is None:
            return None
        return DealDraft(
            name=record.name or _name_of(record),
            customer_id=account,
            pipeline=pipeline.key,
            stage=stage.key,
            owner_id=owner.id if owner else None,
            team_id=team.id if team else None,
            lines=[each for each in lines if each],
            value=record.value,
            currency=record.currency if record.value is None else None,
            expected_close=record.expected_close,
            engaged_on=record.engaged_on,
            closed_on=record.closed_on,
            lost_reason=reason.key if reason else None,
            competitor=record.competitor or "",
            external_source=(record.source or source) if record.external_ref else None,
            external_ref=record.external_ref,
            history=self._history(),
        )

    def take(self, meant: Meant[Any], *, needed: bool = True) -> Any:
        """What a name means, keeping what is to be said about it."""
        if meant.proposed is not None:
            self.proposals.append(meant.proposed)
        if meant.problem is not None:
            self.refuse(meant.problem)
        if meant.note is not None:
            self.findings.append(Finding(line=self.line, problem=meant.note, weight="note"))
        if meant.thing is None and needed:
            self.good = False
        return meant.thing

    def refuse(self, problem: Problem) -> None:
        self.good = False
        self.findings.append(Finding(line=self.line, problem=problem))

    def _line(self, line: LineRecord) -> LineDraft | None:
        product = self.take(self.lookups.product(self.line, line.product))
        if product is None:
            return None
        return LineDraft(
            product_id=product.id, quantity=line.quantity, unit_amount=line.unit_amount
        )

    def _history(self) -> list[Passage]:
        return [Passage(stage=each.stage, at=each.at) for each in self.record.history]


def _name_of(record: DealRecord) -> str:
    """A name for a deal that has none: what, for whom."""
    products = [line.product for line in record.products]
    parts = [products[0] if products else None, record.account]
    return " · ".join(part for part in parts if part)[:300] or record.external_ref or "Deal"


def _closed_without_day(stage: Stage) -> Problem:
    return Problem(
        code="closed-without-day",
        message=f"a deal that is {stage.outcome} has no day on which it was closed",
        where="/closed_on",
        expected="the day it was closed",
        got="nothing",
        mend="Fill the day in, or correct the stage.",
    )
