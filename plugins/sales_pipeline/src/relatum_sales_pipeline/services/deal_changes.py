"""From a change or a move of a deal to what the deal becomes. No I/O."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import msgspec
from msgspec import UNSET

from relatum.api import Amount, new_id
from relatum_sales_pipeline.services.book import Book
from relatum_sales_pipeline.services.deal_checks import THOUSAND, Known
from relatum_sales_pipeline.services.deal_facts import Changes
from relatum_sales_pipeline.services.deal_rows import ChangeRow, DealRow, LineRow, Stored
from relatum_sales_pipeline.types.deals import DealChange, DealDraft, DealMove, LineDraft


class Target(msgspec.Struct):
    """A deal and what it is to become."""

    current: Stored
    draft: DealDraft
    #: ``None``: the lines stay as they are, without looking prices up again
    lines: list[LineDraft] | None = None
    keep_team: bool = True
    note: str = ""


class Altered(msgspec.Struct):
    """A deal before and after, and what differs."""

    before: Stored
    after: Stored
    changes: Changes


def draft_of(current: Stored, book: Book) -> DealDraft:
    """A stored deal as the draft that would make it."""
    row = current.row
    stage = book.stage(row.stage_id)
    return DealDraft(
        name=row.name,
        customer_id=row.customer_id,
        pipeline=stage.pipeline,
        stage=stage.key,
        owner_id=row.owner_id,
        team_id=row.team_id,
        lines=[line_draft(line) for line in current.lines],
        value=None if row.amount is None else Amount(row.amount, row.currency),
        currency=row.currency,
        expected_close=row.expected_close,
        engaged_on=row.engaged_on,
        closed_on=row.closed_on,
        lost_reason=book.reason_key(row.lost_reason_id),
        competitor=row.competitor,
        external_source=row.external_source,
        external_ref=row.external_ref,
    )


def line_draft(line: LineRow) -> LineDraft:
    """A stored line as the draft that would make it."""
    return LineDraft(
        product_id=line.product_id,
        quantity=Decimal(line.quantity) / THOUSAND,
        unit_amount=line.unit_amount,
    )


def changed(current: Stored, change: DealChange, book: Book) -> Target:
    given = {name: getattr(change, name) for name in change.__struct_fields__}
    given = {name: value for name, value in given.items() if value is not UNSET}
    if given.get("value"):
        given["currency"] = None
    draft = msgspec.structs.replace(draft_of(current, book), **given)
    if "owner_id" in given and "team_id" not in given:
        draft = msgspec.structs.replace(draft, team_id=None)
    return Target(
        current,
        draft,
        lines=given.get("lines"),
        keep_team="owner_id" not in given and "team_id" not in given,
    )


def moved(current: Stored, move: DealMove, book: Book) -> Target:
    draft = draft_of(current, book)
    same = draft.stage == move.stage
    value = draft.value if move.value is UNSET else move.value
    draft = msgspec.structs.replace(
        draft,
        stage=move.stage,
        closed_on=move.closed_on or (draft.closed_on if same else None),
        lost_reason=move.lost_reason or (draft.lost_reason if same else None),
        competitor=draft.competitor if move.competitor is UNSET else move.competitor,
        value=value,
        currency=None if value else draft.currency,
    )
    return Target(current, draft, note=move.note)


def merged(target: Target, wanted: Stored, known: Known, by: str) -> Stored:
    """The deal after the change: what is wanted, and what only a new deal would bring."""
    old = target.current.row
    history = list(target.current.history)
    since = old.stage_since
    if wanted.row.stage_id != old.stage_id:
        since = max(_moment_of(wanted.row, known), since)
        history.append(
            ChangeRow(
                id=new_id(),
                deal_id=old.id,
                position=len(history),
                from_stage_id=old.stage_id,
                to_stage_id=wanted.row.stage_id,
                changed_at=since,
                changed_by=by,
                note=target.note,
            )
        )
    row = msgspec.structs.replace(
        wanted.row,
        external_source=wanted.row.external_source or old.external_source,
        external_ref=wanted.row.external_ref or old.external_ref,
        team_id=old.team_id if target.keep_team else wanted.row.team_id,
        stage_since=since,
        last_activity_at=old.last_activity_at,
        version=old.version + 1,
        created_at=old.created_at,
    )
    lines = target.current.lines if target.lines is None else wanted.lines
    return Stored(row, lines, history)


def _moment_of(row: DealRow, known: Known) -> dt.datetime:
    return known.moment if row.closed_on is None else known.day_start(row.closed_on)
