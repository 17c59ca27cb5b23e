"""Who is looking: what they may do and which customers they see."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Literal
from uuid import UUID

import msgspec

from relatum.hooks.declarations import PUBLIC, SIGNED_IN
from relatum.values.sensitivity import SENSITIVITIES, Sensitivity

__all__ = [
    "ANONYMOUS",
    "PUBLIC",
    "SEES_ALL",
    "SEES_NOTHING",
    "SIGNED_IN",
    "SYSTEM",
    "Sight",
    "Viewer",
    "acting_as",
    "current_viewer",
]


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """Which customers and which sensitive fields somebody sees, ready to be compiled.

    Attributes:
        everything: every customer; then the rest says nothing.
        owners: accounts whose customers are seen.
        teams: teams whose customers are seen.
        rules: numbers of stored rules whose customers are seen.
        masked: classes of fields that are masked.
    """

    everything: bool = False
    owners: tuple[UUID, ...] = ()
    teams: tuple[UUID, ...] = ()
    rules: tuple[int, ...] = ()
    masked: frozenset[Sensitivity] = frozenset(SENSITIVITIES)


SEES_ALL = Sight(everything=True, masked=frozenset())
SEES_NOTHING = Sight()


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody (or something) that acts.

    Attributes:
        actor: as the event log writes it: ``person:<id>``, ``service:<id>``, ``system``,
            ``anonymous``.
        kind: of the actor.
        account: the account behind it.
        permissions: held through roles, and through the scopes of a token as far as it has any.
        may_everything: holds every permission (owners, the system).
        sight: what is seen.
        token: the API token used, if one was.
        session: the session used, if one was.
    """

    actor: str
    kind: Literal["system", "anonymous", "person", "service"]
    account: UUID | None = None
    permissions: frozenset[str] = frozenset()
    may_everything: bool = False
    sight: Sight = SEES_NOTHING
    token: UUID | None = None
    session: UUID | None = None

    def may(self, permission: str) -> bool:
        """Whether this permission is held."""
        if permission == PUBLIC:
            return True
        if permission == SIGNED_IN:
            return self.kind != "anonymous"
        return self.may_everything or permission in self.permissions


SYSTEM = Viewer(actor="system", kind="system", may_everything=True, sight=SEES_ALL)
ANONYMOUS = Viewer(actor="anonymous", kind="anonymous")

_current: ContextVar[Viewer] = ContextVar("relatum_viewer", default=SYSTEM)


def current_viewer() -> Viewer:
    """Who acts at this moment; background work and commands are the system."""
    return _current.get()


@contextlib.contextmanager
def acting_as(viewer: Viewer) -> Iterator[None]:
    """Let this viewer act inside the block. The guard of rows is set by ``sight.looking_as``."""
    token = _current.set(viewer)
    try:
        yield
    finally:
        _current.reset(token)
