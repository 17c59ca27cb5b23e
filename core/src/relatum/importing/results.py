"""What an import says: before (preview), while it runs (progress) and after (outcome)."""

from __future__ import annotations

import datetime as dt
from typing import Literal
from uuid import UUID

import msgspec

from relatum.values.problems import Problem

#: Findings that are kept in memory; the file of findings has them all.
MOST_SHOWN = 500
#: Sorts of findings that are counted.
MOST_GROUPS = 200

State = Literal["running", "applied", "undoing", "undone"]
Decision = Literal["confirmed", "accepted", "kept out"]


class Counts(msgspec.Struct, kw_only=True):
    """Rows of one file, or of all.

    ``rows`` = ``created`` + ``updated`` + ``unchanged`` + ``rejected`` + ``skipped`` (left out by a
    rule of the plan) + ``repeated`` (more of the same by ``distinct``); ``notes`` went in.
    """

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    skipped: int = 0
    repeated: int = 0
    notes: int = 0

    def add(self, other: Counts) -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class LineFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Something about one line: an ``error`` kept it out, a ``note`` let it in."""

    file: str
    line: int
    column: str
    value: str
    weight: Literal["error", "note"]
    problem: Problem

    def __str__(self) -> str:
        return f"{self.file}, {self.problem}"

    @property
    def alike(self) -> tuple[str, str, str, str]:
        """The same for findings of one sort."""
        return self.file, self.column, self.weight, self.problem.code


class FindingGroup(msgspec.Struct, kw_only=True):
    """Findings alike: how many, and the first of them."""

    count: int = 0
    first: LineFinding


class Findings(msgspec.Struct):
    """All findings by what they are, and the first of them one by one."""

    total: int = 0
    groups: list[FindingGroup] = []
    first: list[LineFinding] = []

    def add(self, finding: LineFinding) -> None:
        self.total += 1
        if len(self.first) < MOST_SHOWN:
            self.first.append(finding)
        key = finding.alike
        for group in self.groups:
            if group.first.alike == key:
                group.count += 1
                return
        if len(self.groups) < MOST_GROUPS:
            self.groups.append(FindingGroup(count=1, first=finding))

    def join(self, others: Findings) -> None:
        """Add those of another file; groups of different files are never alike."""
        self.total += others.total
        self.first += others.first[: MOST_SHOWN - len(self.first)]
        self.groups += others.groups[: MOST_GROUPS - len(self.groups)]


class ProposalSummary(msgspec.Struct, kw_only=True):
    """A value that matched nothing known, what is nearest, and what became of its rows."""

    file: str
    field: str
    column: str
    got: str
    proposal: str | None
    decision: Decision
    rows: int = 0
    lines: list[int] = []


class FileReport(msgspec.Struct, kw_only=True):
    """One file: how it was read and what came of its rows.

    In a preview, ``first`` holds its first records as they were mapped, and ``rehearsed`` says
    whether it was tried out whole against the database. ``in_parts``: it was tried out batch by
    batch, so that rows do not find those of batches before them; without both it was only read and
    mapped.
    """

    path: str
    target: str
    encoding: str = ""
    delimiter: str = ""
    headings: list[str] = []
    unused: list[str] = []
    dates: dict[str, str] = {}
    counts: Counts = msgspec.field(default_factory=Counts)
    mend: str | None = None
    first: list[dict[str, object]] = []
    rehearsed: bool = True
    in_parts: bool = False


class Preview(msgspec.Struct, kw_only=True):
    """What an import would do; nothing was written.

    ``blocked``: ``problems`` keep it from being applied (else they are merely odd).
    """

    name: str
    blocked: bool
    problems: list[Problem]
    files: list[FileReport]
    counts: Counts
    findings: Findings
    proposals: list[ProposalSummary]


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far an import has come. ``fraction`` is of the bytes of the current file."""

    file: str
    files_done: int
    files: int
    rows: int
    fraction: float


class Outcome(msgspec.Struct, kw_only=True):
    """What an import did."""

    id: UUID
    name: str
    state: State
    continued: bool
    files: list[FileReport]
    counts: Counts
    findings: Findings
    proposals: list[ProposalSummary]
    folder: str
    seconds: float = 0.0


class Undone(msgspec.Struct, kw_only=True):
    """How many rows undoing took back, and those that stay because they were changed since."""

    id: UUID
    name: str
    taken_back: int
    kept: list[Problem]


class Entry(msgspec.Struct, kw_only=True, frozen=True):
    """One import in the journal; ``progress`` while it runs.

    ``asked``: somebody asked for it here, not at the command line, so it can be looked at.
    """

    id: UUID
    name: str
    title: str
    state: str
    by: str
    started_at: dt.datetime
    finished_at: dt.datetime | None
    undone_at: dt.datetime | None
    files: list[str]
    counts: Counts
    progress: Progress | None = None
    asked: bool = False
