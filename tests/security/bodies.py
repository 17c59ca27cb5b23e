"""What a write is sent with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

#: What a form without fields sends.
_BUTTON = {"csrf": ""}


@dataclass(frozen=True)
class Known:
    """What bodies may name: ids of the world by table, and a text that nothing has yet."""

    ids: Mapping[str, str]
    new: str

    def customer(self) -> str:
        return self.ids["core_customer"]


@dataclass(frozen=True)
class Body:
    """One body.

    Attributes:
        make: from what is known; ``None`` sends nothing.
        ok: what the owner is answered.
        kind: how it is sent; of a ``file`` the content is made.
    """

    make: Callable[[Known], Any] | None
    ok: tuple[int, ...] = (200, 201, 202, 204)
    kind: Literal["json", "form", "file", "raw"] = "json"

    def sent(self, ids: Mapping[str, str]) -> dict[str, Any]:
        """The arguments of a request with it."""
        if self.make is None:
            return {"data": _BUTTON} if self.kind == "form" else {}
        made = self.make(fresh(ids)) or _BUTTON
        if self.kind == "file":
            return {"data": _BUTTON, "files": {"file": ("khach.csv", made)}}
        return {{"json": "json", "form": "data", "raw": "content"}[self.kind]: made}


def fresh(ids: Mapping[str, str]) -> Known:
    """With a new text, so that what is made twice does not collide."""
    return Known(ids, f"n{uuid4().hex[:12]}")


def just(
    body: Any, *, ok: tuple[int, ...] = Body.ok, kind: Literal["json", "form"] = "json"
) -> Body:
    """The same body each time."""
    return Body(lambda known: body, ok=ok, kind=kind)
