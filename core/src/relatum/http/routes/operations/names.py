"""What the routes of this room share: permissions, their tag, and who is told how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer

READ = "core.operations.read"
WRITE = "core.operations.write"
TAGS = ["operations"]


def told(error: str, viewer: Viewer) -> str:
    """An error as somebody may read it: its text may name customers whom not everybody sees, so
    it is for those who may also mend it; others are told its kind."""
    return error if viewer.may(WRITE) else error.partition(":")[0]
