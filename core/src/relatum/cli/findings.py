"""What ``relatum doctor`` says of one thing it looked at."""

from __future__ import annotations

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. An ``error`` needs somebody; a ``note`` may."""

    check: str
    result: Literal["ok", "note", "error"]
    message: str
    mend: str = ""


def ok(check: str, message: str) -> Finding:
    """It is well."""
    return Finding(check=check, result="ok", message=message)


def note(check: str, message: str, mend: str) -> Finding:
    """Somebody may want to look."""
    return Finding(check=check, result="note", message=message, mend=mend)


def wrong(check: str, message: str, mend: str) -> Finding:
    """Somebody has to look."""
    return Finding(check=check, result="error", message=message, mend=mend)
