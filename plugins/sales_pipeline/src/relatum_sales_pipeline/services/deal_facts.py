"""What the event log is told about a deal that came, changed or went. No I/O."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import NewEvent
from relatum_sales_pipeline import events as facts
from relatum_sales_pipeline.services.book import Book
from relatum_sales_pipeline.services.deal_rows import DealRow, LineRow, Stored

#: Columns that say how a row is kept, not what it says.
KEPT = {
    "id",
    "search",
    "stage_since",
    "last_activity_at",
    "version",
    "created_at",
    "updated_at",
}
#: Changes of these correct what a deal was won for.
OF_A_WIN = {"customer_id", "amount", "currency", "closed_on"}

Changes = dict[str, tuple[Any, Any]]


def differences(before: Stored, after: Stored) -> Changes:
    """Each column that differs, with its value before and after; ``lines`` as one."""
    changes: Changes = {}
    for name in DealRow.__struct_fields__:
        pair = (getattr(before.row, name), getattr(after.row, name))
        if name not in KEPT and pair[0] != pair[1]:
            changes[name] = pair
    lines = (contents(before.lines), contents(after.lines))
    if lines[0] != lines[1]:
        changes["lines"] = lines
    return changes


def contents(lines: list[LineRow]) -> list[tuple[UUID, int, int | None]]:
    """What lines say: product, quantity in thousandths, unit amount."""
    return [(line.product_id, line.quantity, line.unit_amount) for line in lines]


def created(stored: Stored, book: Book) -> list[NewEvent]:
    """Facts of a new deal."""
    row = stored.row
    stage = book.stage(row.stage_id)
    came = facts.DealCreated(
        deal_id=row.id,
        customer_id=row.customer_id,
        pipeline=stage.pipeline,
        stage=stage.key,
        outcome=stage.outcome,
    )
    return [_event(facts.DEAL_CREATED, came, row), *_arrived(row, stage.outcome, book)]


def changed(
    before: Stored, after: Stored, changes: Mapping[str, Any], book: Book
) -> list[NewEvent]:
    """Facts of a deal that was changed or moved."""
    old, new = before.row, after.row
    was, is_ = book.stage(old.stage_id).outcome, book.stage(new.stage_id).outcome
    told = [*_plain_changes(old, new, changes, book)]
    corrected = was == is_ == "won" and OF_A_WIN & set(changes)
    if was == "won" and (is_ != "won" or corrected):
        reopened = facts.DealReopened(**_win(old) | {"version": new.version})
        told.append(_event(facts.DEAL_REOPENED, reopened, old))
    if old.stage_id != new.stage_id or corrected:
        told += _arrived(new, is_, book)
    return told


def restored(before: Stored, after: Stored, book: Book) -> list[NewEvent]:
    """Facts of a deal that was put back to a former state.

    Wins are not told again: what had been recorded for them is put back at the same time.
    """
    return [*_plain_changes(before.row, after.row, differences(before, after), book)]


def removed(row: DealRow) -> NewEvent:
    """The fact that a deal was taken back."""
    return _event(facts.DEAL_REMOVED, facts.DealRemoved(deal_id=row.id), row)


def win_key(deal: UUID, version: int) -> str:
    """Idempotency key of the purchase that a win becomes."""
    return f"sales_pipeline.won:{deal}:{version}"


def unwin_key(deal: UUID, version: int) -> str:
    """Idempotency key of the cancellation that a lost win becomes."""
    return f"sales_pipeline.unwon:{deal}:{version}"


def _plain_changes(
    old: DealRow, new: DealRow, changes: Mapping[str, Any], book: Book
) -> list[NewEvent]:
    told = []
    plain = {name: pair for name, pair in changes.items() if name != "stage_id"}
    if plain:
        told.append(
            _event(facts.DEAL_CHANGED, facts.DealChanged(deal_id=new.id, changes=plain), new)
        )
    if old.stage_id != new.stage_id:
        left, entered = book.stage(old.stage_id), book.stage(new.stage_id)
        moved = facts.DealStageChanged(
            deal_id=new.id,
            pipeline=entered.pipeline,
            from_stage=left.key,
            to_stage=entered.key,
            from_outcome=left.outcome,
            to_outcome=entered.outcome,
            at=new.stage_since,
        )
        told.append(_event(facts.DEAL_STAGE_CHANGED, moved, new))
    return told


def _arrived(row: DealRow, outcome: str, book: Book) -> list[NewEvent]:
    if outcome == "won":
        return [_event(facts.DEAL_WON, facts.DealWon(**_win(row)), row)]
    if outcome == "lost":
        lost = facts.DealLost(
            deal_id=row.id,
            reason=book.reason_key(row.lost_reason_id),
            competitor=row.competitor,
            closed_on=_closed(row),
        )
        return [_event(facts.DEAL_LOST, lost, row)]
    return []


def _win(row: DealRow) -> dict[str, Any]:
    return {
        "deal_id": row.id,
        "version": row.version,
        "name": row.name,
        "customer_id": row.customer_id,
        "amount": row.amount,
        "currency": row.currency,
        "closed_on": _closed(row),
    }


def _closed(row: DealRow) -> dt.date:
    return row.closed_on or row.stage_since.date()


def _event(type_: str, payload: msgspec.Struct, row: DealRow) -> NewEvent:
    return NewEvent(type=type_, payload=payload, customer=row.customer_id)
