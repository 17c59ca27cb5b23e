"""What crosses the border of imports that people ask for."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.customers.types import SourceName
from relatum.importing.results import Outcome, Preview, Progress, State, Undone
from relatum.values.problems import Problem

#: ``ready`` to be previewed or applied, also after a preview.
ImportState = Literal["ready", "previewing", "applying", "applied", "failed", "undoing", "undone"]


class ImportFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file that was brought and what it is used for.

    Attributes:
        target: where its records go; a plan says it itself.
        name: as the plan names it; as it was uploaded otherwise.
    """

    upload: UUID
    target: Annotated[str, Meta(max_length=120)] | None = None
    name: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


class ImportDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An import to be made.

    Attributes:
        files: in the order in which they are read.
        plan: TOML as ``relatum import --plan`` takes it. Without one it is guessed from headings,
            and every file says its target.
        name: the source that external ids belong to, for a plan that is guessed.
    """

    files: Annotated[list[ImportFile], Meta(min_length=1, max_length=50)]
    plan: Annotated[str, Meta(max_length=200_000)] | None = None
    name: SourceName | None = None


class ImportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An import that somebody asked for, and what came of it.

    Attributes:
        plan: TOML, to be corrected and sent again.
        progress: while it runs, and only from the process that runs it.
        rejected: names of files with rows and lines that were kept out.
        journal: how far the journal says it is; ``None`` while nothing was written.
    """

    id: UUID
    state: ImportState
    name: str
    title: str
    account: UUID | None
    by: str
    plan: str
    files: list[str]
    preview: Preview | None
    outcome: Outcome | None
    undone: Undone | None
    error: str
    problems: list[Problem]
    progress: Progress | None = None
    rejected: list[str] = []
    journal: State | None = None
    created_at: dt.datetime
    updated_at: dt.datetime
