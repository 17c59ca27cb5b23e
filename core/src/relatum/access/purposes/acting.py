"""The plugin that is at work at this moment, and what is withheld from it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

import msgspec

from relatum.db.guarding import Guard, guarded_by
from relatum.values.sensitivity import Sensitivity


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """What of customers is not for somebody's purpose.

    Attributes:
        withheld: keys of custom fields; their values are as if they were not there.
        masked: classes of sensitive fields that are masked.
    """

    withheld: frozenset[str] = frozenset()
    masked: frozenset[Sensitivity] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.withheld or self.masked)


NO_LIMIT = Limit()


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin at work.

    Attributes:
        purpose: the one it works for just now; empty for whichever it declares.
    """

    plugin: str
    version: str
    purpose: str = ""


class AtWork(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin at work, with what that means.

    Attributes:
        house: the guard of what the plugin sees of everything, whoever looks.
    """

    acting: Acting
    limit: Limit = NO_LIMIT
    house: Guard | None = None


_at_work: ContextVar[AtWork | None] = ContextVar("relatum_at_work", default=None)


def at_work() -> AtWork | None:
    """The plugin whose code runs; ``None`` for core's own."""
    return _at_work.get()


@contextlib.contextmanager
def working_as(work: AtWork) -> Iterator[None]:
    """Let a plugin be at work inside the block."""
    token = _at_work.set(work)
    try:
        yield
    finally:
        _at_work.reset(token)


def as_the_house() -> contextlib.AbstractContextManager[None]:
    """See every customer inside the block, whoever looks: for work in the name of the house.

    Its results must not reach the viewer. What is withheld from a plugin for its purpose stays so.
    """
    work = _at_work.get()
    return guarded_by(None if work is None else work.house)
