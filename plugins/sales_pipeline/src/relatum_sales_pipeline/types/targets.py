"""What teams are to win, month by month."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum_sales_pipeline.types.deals import CurrencyCode

Month = Annotated[str, Meta(pattern="^[0-9]{4}-(0[1-9]|1[0-2])$")]
TargetAmount = Annotated[int, Meta(ge=0, le=10**17)]


class TargetDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What a team is to win in a month, in minor units; ``null`` takes the target away."""

    amount: TargetAmount | None


class TargetEdit(msgspec.Struct, kw_only=True, frozen=True):
    """One target to be set.

    Attributes:
        amount: minor units; ``None`` takes it away.
        version: the one it was changed from, 0 where there was none; ``None``: whatever there is.
    """

    team_id: UUID
    month: str
    amount: int | None
    version: int | None = None


class Target(msgspec.Struct, kw_only=True, frozen=True):
    """A target as read; ``amount`` is ``None`` where it was taken away."""

    team_id: UUID
    month: str
    currency: str
    amount: int | None
    version: int
    updated_at: dt.datetime


class Progress(msgspec.Struct, kw_only=True, frozen=True):
    """A target and what was won of it, in minor units.

    Attributes:
        team_id: ``None`` for what was won without a team.
        target: ``None`` where there is none.
        version: of the target; 0 where there never was one.
        won: how many deals; those without a value are among them and add nothing to ``amount``.
    """

    team_id: UUID | None
    month: str
    target: int | None
    version: int
    won: int
    amount: int


class TargetQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which months (both included; this one when left out) and which currency."""

    first: Month | None = None
    last: Month | None = None
    currency: CurrencyCode | None = None
