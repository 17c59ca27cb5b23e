"""Merges as they are asked for, previewed and read."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

Side = Literal["survivor", "absorbed"]
#: Why a value is proposed: only one side has one; both have the same; it was verified; it is the
#: more recent one; it came from the better source; nothing speaks for the other; somebody chose it.
Rule = Literal["only", "equal", "verified", "recent", "source", "survivor", "chosen"]
Choices = dict[Annotated[str, Meta(max_length=80)], Side]
Reason = Annotated[str, Meta(max_length=500)]


class MergeRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A customer to be absorbed by the one of the address.

    ``choices`` maps fields (``display_name``, ``kind``, ``owner``, ``team``, ``fields.city``,
    ``primary.phone``) to the side whose value is kept; what is left out goes by the rules.
    """

    absorbed: UUID
    choices: Choices = {}
    reason: Reason = ""


class UndoRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Why a merge is undone."""

    reason: Reason = ""


class FieldChoice(msgspec.Struct, kw_only=True, frozen=True):
    """One field of two customers.

    Attributes:
        survivor, absorbed: the values as the viewer sees them.
        side: whose value is kept.
        rule: why.
    """

    name: str
    survivor: Any
    absorbed: Any
    side: Side
    rule: Rule


class MovedRows(msgspec.Struct, kw_only=True, frozen=True):
    """How many rows of a table are moved, and how many are set aside for their twins."""

    table: str
    moved: int = 0
    set_aside: int = 0


class MergePreview(msgspec.Struct, kw_only=True, frozen=True):
    """What a merge would do."""

    survivor: UUID
    absorbed: UUID
    fields: list[FieldChoice]
    rows: list[MovedRows]


class Merge(msgspec.Struct, kw_only=True, frozen=True):
    """A merge.

    Attributes:
        customer: where the absorbed one lives now: the survivor, or who absorbed that one.
        name: what the absorbed one was called.
        choices: for every field in which they differed, the side whose value was kept.
    """

    id: UUID
    customer: UUID
    survivor: UUID
    absorbed: UUID
    name: str
    choices: dict[str, Side]
    reason: str
    evidence: dict[str, Any]
    by: str
    merged_at: dt.datetime
    undone_by: str | None = None
    undone_at: dt.datetime | None = None
    undone_because: str = ""


class UndoneField(msgspec.Struct, kw_only=True, frozen=True):
    """A field that the merge changed.

    ``kept``: it was changed again since, so it stays as it is now instead of going back.
    """

    name: str
    now: Any
    back: Any
    kept: bool


class UndoPreview(msgspec.Struct, kw_only=True, frozen=True):
    """What undoing a merge would do.

    Attributes:
        again: later merges that are undone for a moment and made again, so that the state is as if
            this one had never been.
    """

    merge: Merge
    fields: list[UndoneField]
    rows: list[MovedRows]
    again: list[UUID]
