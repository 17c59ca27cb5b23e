"""Turning refusals of single drafts into one error."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from relatum.hooks.declarations import Refusal
from relatum.values.problems import InvalidInput


def refuse(refusals: Sequence[Refusal], noun: str) -> None:
    """Raise when there are refusals: one error with all problems, each with its index.

    Raises:
        InvalidInput: ``where`` of each problem begins with the index of its draft.
    """
    if not refusals:
        return
    problems = [
        msgspec.structs.replace(refusal.problem, where=f"/{refusal.index}{refusal.problem.where}")
        for refusal in refusals
    ]
    count = len({refusal.index for refusal in refusals})
    raise InvalidInput(f"{count} of the {noun} cannot be accepted.", problems=problems)
