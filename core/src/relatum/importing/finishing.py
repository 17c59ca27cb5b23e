"""What a target may answer when it closes a file."""

from __future__ import annotations

from collections.abc import Iterable

from relatum.hooks.declarations import Finding, Written


class Finished(list[Finding]):
    """Findings, and what was written while closing (links between rows of the file)."""

    def __init__(self, findings: Iterable[Finding] = (), *, written: Written) -> None:
        super().__init__(findings)
        self.written = written
