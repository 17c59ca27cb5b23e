"""What a column probably holds, by its cells: for headings that say nothing that is known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

Resemblance = Literal["email", "phone", "website"]

#: So many cells of ten must look alike, and so many there must be at least.
_OF_TEN = 8
_LEAST = 2
_LOOKS: tuple[tuple[Resemblance, re.Pattern[str]], ...] = (
    ("email", re.compile(r"[^\s@]{1,64}@[^\s@.]+(?:\.[^\s@.]+)+")),
    ("website", re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)),
    # Vietnamese numbers, and international ones of any country
    ("phone", re.compile(r"(?:\+|00)\d(?:[ .()-]*\d){7,13}|0(?:[ .()-]*\d){8,10}")),
)


def resemblance(cells: Sequence[str]) -> Resemblance | None:
    """What most of the cells that are not empty look like; ``None`` when they do not agree."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if len(filled) < _LEAST:
        return None
    for kind, look in _LOOKS:
        alike = sum(look.fullmatch(cell) is not None for cell in filled)
        if alike * 10 >= len(filled) * _OF_TEN:
            return kind
    return None
