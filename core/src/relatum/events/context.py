"""On whose request, and why: what the log notes beside the facts themselves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from uuid import UUID

import msgspec

LONGEST_WHY = 300


class Context(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why and how something came about.

    Attributes:
        why: the reason somebody gave, at most 300 characters.
        actor: who asked for it, when it is done in the name of something else (an import).
        request: id of the request.
        token: the API token used.
        session: the session used.
    """

    why: str = ""
    actor: str = ""
    request: str = ""
    token: UUID | None = None
    session: UUID | None = None


_NONE = Context()
_current: ContextVar[Context] = ContextVar("relatum_context", default=_NONE)


def current_context() -> Context:
    """The context of this moment; empty in background work and commands."""
    return _current.get()


@contextlib.contextmanager
def because(
    why: str = "",
    *,
    actor: str = "",
    request: str = "",
    token: UUID | None = None,
    session: UUID | None = None,
) -> Iterator[None]:
    """Note this with everything that is appended to the log inside the block.

    What is not given stays as the surrounding block says. A longer ``why`` is cut.
    """
    outer = _current.get()
    reset = _current.set(
        Context(
            why=why[:LONGEST_WHY] or outer.why,
            actor=actor or outer.actor,
            request=request or outer.request,
            token=token or outer.token,
            session=session or outer.session,
        )
    )
    try:
        yield
    finally:
        _current.reset(reset)


_encode = msgspec.json.Encoder().encode


def context_text(by: str) -> str | None:
    """The current context as it is stored beside an event by ``by``; ``None`` when it is empty."""
    context = _current.get()
    if context.actor == by:
        context = msgspec.structs.replace(context, actor="")
    return None if context == _NONE else _encode(context).decode()
