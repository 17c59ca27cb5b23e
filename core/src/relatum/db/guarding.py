"""What one viewer sees of the database: shadows that stand in for tables.

While a guard is set, a table name in any statement means the guard's shadow of it. Statements that
nobody wrote with a guard in mind (of a plugin, of Piccolo) are guarded all the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import msgspec

#: Stands in for what somebody may not see, and is refused where something is saved.
MASK = "•••"


class Shadow(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in for one table.

    Attributes:
        select: a SELECT with ``?`` marks that yields every column of the table under its name.
            ``{table}`` is where the real table goes, ``{real}.name`` is any other real table
            (``{real}`` is the schema). A plain name after FROM or JOIN means a shadow and must
            stand in ``needs``: a statement could otherwise put rows of its own in its place.
        params: for the marks.
        needs: tables whose shadows ``select`` names; they come before this one.
        key: the primary key's column, by which writes are limited to visible rows.
        hides_rows: whether rows are left out; when not, the shadow masks columns only.
        masked: columns that ``select`` yields otherwise than they are stored. A statement that
            writes must not name them: what it saved or gave back would be wrong or too much.
        refers: columns that must point at visible rows when a row is written, and at which table.
        watched: columns whose reading is told to the guard's ``noticed``.
    """

    select: str
    params: tuple[Any, ...] = ()
    needs: tuple[str, ...] = ()
    key: str = "id"
    hides_rows: bool = True
    masked: frozenset[str] = frozenset()
    refers: Mapping[str, str] = {}
    watched: frozenset[str] = frozenset()


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """All shadows of one viewer.

    Attributes:
        shape: equal shapes give equal SQL (parameters may differ); rewritten statements are kept
            by it.
        shadows: by table name.
        masks: whether any column is masked; then text with the mask is refused where it is saved.
        noticed: called before each statement that reads a watched column.
    """

    shape: str
    shadows: Mapping[str, Shadow]
    masks: bool = False
    noticed: Callable[[], None] | None = None


_guard: ContextVar[Guard | None] = ContextVar("relatum_guard", default=None)


def current_guard() -> Guard | None:
    """The guard of this moment; ``None`` sees everything."""
    return _guard.get()


@contextlib.contextmanager
def guarded_by(guard: Guard | None) -> Iterator[None]:
    """See the database through ``guard`` inside the block."""
    token = _guard.set(guard)
    try:
        yield
    finally:
        _guard.reset(token)


def as_the_house() -> contextlib.AbstractContextManager[None]:
    """See everything inside the block: for what core must know whoever asks (is this id taken?).

    Its results must not reach the viewer.
    """
    return guarded_by(None)
