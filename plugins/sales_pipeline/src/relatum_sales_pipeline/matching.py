"""How names are compared: without regard to case and blanks, but with their marks.

"Ân" and "An" are two people; "GTX  pro" and "GTX Pro" are one product.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from relatum.api import nearest

T = TypeVar("T")


def name_key(name: str) -> str:
    """The form in which a name is compared and kept unique. Idempotent."""
    folded = unicodedata.normalize("NFC", name).casefold()
    return " ".join(unicodedata.normalize("NFC", folded).split())


class Names(Generic[T]):
    """Things by name; several names may mean the same thing."""

    def __init__(self, named: Iterable[tuple[str, T]]) -> None:
        self._things: dict[str, T] = {}
        self._written: dict[str, str] = {}
        self._proposals: dict[str, str | None] = {}
        for name, thing in named:
            self._things.setdefault(name_key(name), thing)
            self._written.setdefault(name_key(name), name)

    def get(self, name: str) -> T | None:
        """What has this name."""
        return self._things.get(name_key(name))

    def nearest(self, name: str) -> str | None:
        """The known name that was probably meant; looked for once for each name."""
        if name not in self._proposals:
            self._proposals[name] = nearest(name, self._written.values())
        return self._proposals[name]

    @property
    def written(self) -> Mapping[str, str]:
        """Every name as it is written, by the form it is compared in."""
        return self._written
