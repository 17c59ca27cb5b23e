"""What the checks of declarations share: ids, titles, functions, and how a fault is told."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from relatum.values.problems import Problem
from relatum.values.text import Text

#: ``<plugin>.<noun>``, deeper if need be
DECLARED_ID = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")


def bad(item: Any, field: str, expected: str, mend: str = "") -> Problem:
    """One field of a declaration that cannot be used."""
    value = getattr(item, field)
    return Problem(
        code="bad-declaration",
        message=f"{type(item).__name__} {getattr(item, 'id', '')!r} cannot be used",
        where=field,
        expected=expected,
        got=repr(value)[:80],
        mend=mend or f"correct {field}",
    )


def id_faults(item: Any) -> Iterator[Problem]:
    """The id is ``<plugin>.<noun>``."""
    if not isinstance(item.id, str) or not DECLARED_ID.fullmatch(item.id):
        yield bad(item, "id", "<plugin>.<noun> in small letters, digits and _")


def title_faults(item: Any) -> Iterator[Problem]:
    """The title is there in both languages."""
    if not (isinstance(item.title, Text) and item.title.en and item.title.vi):
        yield bad(item, "title", "Text(en=…, vi=…) with both languages")


def permission_faults(item: Any, *, also: tuple[str, ...] = ()) -> Iterator[Problem]:
    """The permission is the id of one; ``also`` are words that may stand for it."""
    given = item.permission
    if not isinstance(given, str) or not (given in also or DECLARED_ID.fullmatch(given)):
        yield bad(item, "permission", "the id of a permission")


def coroutine_faults(item: Any, field: str, arguments: int) -> Iterator[Problem]:
    """The field is an ``async def`` that can be called with that many arguments."""
    function = getattr(item, field)
    if not inspect.iscoroutinefunction(function):
        yield bad(item, field, "an async def")
        return
    try:
        inspect.signature(function).bind(*[None] * arguments)
    except TypeError:
        yield bad(item, field, f"an async def that takes {arguments} argument(s)")


def is_struct(value: object) -> bool:
    """Whether it is a subclass of Struct."""
    return isinstance(value, type) and issubclass(value, msgspec.Struct)
