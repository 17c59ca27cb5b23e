"""Events as they are appended and as handlers get them."""

from __future__ import annotations

import builtins
import datetime as dt
from typing import Any, TypeVar
from uuid import UUID

import msgspec

P = TypeVar("P", bound=msgspec.Struct)


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A fact about to be appended, in the transaction that made it true.

    Attributes:
        type: a declared event type's id.
        payload: an instance of the type's payload Struct.
        customer: whom it is about; events of one customer are handled in order.
    """

    type: str
    payload: msgspec.Struct
    customer: UUID | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact in the log.

    Attributes:
        seq: its place in the log; grows, with gaps.
        by: who made it true: ``person:…``, ``plugin:…``, ``import:…`` or ``system``.
    """

    seq: int
    type: str
    version: int
    customer: UUID | None
    recorded_at: dt.datetime
    by: str
    payload: msgspec.Raw

    def read(self, payload: builtins.type[P]) -> P:
        """The payload as the Struct it was appended as (unknown older fields keep defaults)."""
        return msgspec.json.decode(self.payload, type=payload)

    def data(self) -> dict[str, Any]:
        """The payload as plain data, for types nobody knows any more."""
        return msgspec.json.decode(self.payload)  # type: ignore[no-any-return]
