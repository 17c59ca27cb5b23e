"""Erasures as they are asked for, previewed and receipted. None of them holds personal data."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.values.text import Text

Reason = Annotated[str, Meta(min_length=1, max_length=500)]


class ErasureRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Why a customer is erased; ``confirm`` is the id of the customer once more."""

    reason: Reason
    confirm: UUID


class TableCount(msgspec.Struct, kw_only=True, frozen=True):
    """What happens to rows of one table, or files of one folder.

    Attributes:
        table: its name in the database; ``files:<folder>`` for files of the installation.
        act: ``delete``: they go. ``anonymise``: they stay with amounts and times, without names.
            ``redact``: events of the log keep their place and lose what they said. ``scrub``: of
            somebody else, where a quoted name, number or address is replaced by a mark.
    """

    table: str
    act: Literal["delete", "anonymise", "redact", "scrub"]
    rows: int


class KeptByLaw(msgspec.Struct, kw_only=True, frozen=True):
    """Columns that the law obliges to keep; they are set apart, and seen by nobody else.

    Attributes:
        law: the rule and its source.
        until: when the last of these rows may go.
    """

    table: str
    columns: list[str]
    rows: int
    law: str
    until: dt.date


class HeldBackup(msgspec.Struct, kw_only=True, frozen=True):
    """A backup that still holds the customer.

    Attributes:
        expires_at: about when it is rotated away; ``None`` when backups are kept for ever.
    """

    file: str
    made_at: dt.datetime
    expires_at: dt.datetime | None


class LegalHold(msgspec.Struct, kw_only=True, frozen=True):
    """Why a customer cannot be erased for now."""

    id: UUID
    reason: str
    placed_by: str
    since: dt.datetime


class ErasurePreview(msgspec.Struct, kw_only=True, frozen=True):
    """What erasing a customer would do.

    Attributes:
        absorbed: ids of customers merged into this one; they are erased with it.
        holds: legal holds; while there is one, erasing is refused.
        business: what is not over yet with the customer. It keeps a schedule from erasing them, and
            nobody who decides it.
        tables: what goes or loses its name. Quotations elsewhere are counted by the erasure.
    """

    customer: UUID
    absorbed: list[UUID]
    holds: list[LegalHold]
    business: list[Text]
    tables: list[TableCount]
    kept: list[KeptByLaw]
    backups: list[HeldBackup]


class Erasure(msgspec.Struct, kw_only=True, frozen=True):
    """The receipt of one erasure.

    Attributes:
        customer: the id that the customer had; it names nobody any more.
        ids: that id and those of everybody absorbed by it.
        notes: what could not be told with certainty and was left, in words.
    """

    id: UUID
    customer: UUID
    ids: list[UUID]
    erased_at: dt.datetime
    by: str
    reason: str
    tables: list[TableCount]
    kept: list[KeptByLaw]
    backups: list[HeldBackup]
    notes: list[str] = []


class NotErased(msgspec.Struct, kw_only=True, frozen=True):
    """A customer of a batch that stays, and why.

    Attributes:
        code: by a schedule also ``open-business``, ``not-told`` (a plugin did not say whether
            something is open) and ``not-due`` (the schedule itself says no).
    """

    customer: UUID
    code: Literal["unknown", "legal-hold", "merged", "open-business", "not-told", "not-due"]
    why: str


class ErasureBatch(msgspec.Struct, kw_only=True, frozen=True):
    """What came of erasing many."""

    erased: list[Erasure]
    refused: list[NotErased]
