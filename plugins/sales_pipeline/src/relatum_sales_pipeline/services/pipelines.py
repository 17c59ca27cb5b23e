"""Pipelines, stages and lost reasons: data that the company shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from relatum.api import Conflict, NotFound, Plugin, new_id
from relatum_sales_pipeline.services.book import Book, stage_of
from relatum_sales_pipeline.services.findings import Findings
from relatum_sales_pipeline.services.records import given_fields, update
from relatum_sales_pipeline.services.rotting import ROTTING_DEALS
from relatum_sales_pipeline.types.pipelines import (
    LostReasonDraft,
    LostReasonEdit,
    Pipeline,
    PipelineDraft,
    PipelineEdit,
    Stage,
    StageDraft,
    StageEdit,
)

WHOLE = 10_000
DEFAULT_PROBABILITY = {"open": 5_000, "won": WHOLE, "lost": 0}
STAGE_COLUMNS = (
    "id",
    "pipeline_id",
    "key",
    "title",
    "title_vi",
    "position",
    "outcome",
    "probability",
    "rotting_days",
    "active",
)


class Pipelines:
    """The only writer of pipelines, stages and lost reasons."""

    def __init__(self, plugin: Plugin) -> None:
        self._db = plugin.house.db
        self._jobs = plugin.house.jobs

    async def book(self) -> Book:
        """Everything there is."""
        return await Book.load(self._db)

    async def get(self, key: str) -> Pipeline:
        """One pipeline.

        Raises:
            NotFound: there is none with this key.
        """
        return _found(await self.book(), key)

    async def create(self, draft: PipelineDraft) -> Pipeline:
        """Make a pipeline with its stages.

        Raises:
            InvalidInput: without an open, a won and a lost stage, or with a key used twice.
            Conflict: the key is taken.
        """
        _check_stages(draft.stages)
        titles = _titles(draft.title, draft.title_vi, "pipeline")
        async with self._db.transaction():
            book = await self.book()
            if book.pipeline(draft.key):
                raise _taken("pipeline", draft.key)
            id = new_id()
            await self._db.insert(
                "sales_pipeline_pipeline",
                ("id", "key", "title", "title_vi", "position", "active"),
                [(id, draft.key, *titles, len(book.pipelines) + 1, True)],
            )
            rows = [_stage_row(id, n, stage) for n, stage in enumerate(draft.stages, start=1)]
            await self._db.insert("sales_pipeline_stage", STAGE_COLUMNS, rows)
            return await self.get(draft.key)

    async def change(self, key: str, edit: PipelineEdit) -> Pipeline:
        """Change titles, order, or whether new deals may use it.

        Raises:
            NotFound: there is none with this key.
        """
        async with self._db.transaction():
            pipeline = await self.get(key)
            await self._update("sales_pipeline_pipeline", pipeline.id, edit)
            return await self.get(key)

    async def add_stage(self, key: str, draft: StageDraft, position: int | None = None) -> Stage:
        """Add a stage; at the end of the open ones when no position is given.

        Raises:
            NotFound: there is no such pipeline.
            Conflict: it has a stage of that key.
        """
        _titles(draft.title, draft.title_vi, "stage")
        async with self._db.transaction():
            pipeline = await self.get(key)
            if stage_of(pipeline, draft.key):
                raise _taken("stage", draft.key)
            same = [s.position for s in pipeline.stages if s.outcome == draft.outcome]
            place = position if position is not None else max(same, default=0) + 1
            await self._db.execute(
                "UPDATE sales_pipeline_stage SET position = position + 1 "
                "WHERE pipeline_id = ? AND position >= ?",
                pipeline.id,
                place,
            )
            await self._db.insert(
                "sales_pipeline_stage", STAGE_COLUMNS, [_stage_row(pipeline.id, place, draft)]
            )
            return _found_stage(await self.get(key), draft.key)

    async def change_stage(self, key: str, stage: str, edit: StageEdit) -> Stage:
        """Change a stage. Deals that rot by its new days are told of soon, not tomorrow.

        Raises:
            NotFound: there is no such pipeline or stage.
            InvalidInput: a won or lost stage with another probability than 1 or 0.
        """
        async with self._db.transaction():
            current = _found_stage(await self.get(key), stage)
            if edit.probability is not UNSET:
                _check_probability(current.outcome, edit.probability)
            await self._update("sales_pipeline_stage", current.id, edit)
            if edit.rotting_days is not UNSET:
                await self._jobs.enqueue(ROTTING_DEALS, unique="days")
            return _found_stage(await self.get(key), stage)

    async def create_reason(self, draft: LostReasonDraft) -> Book:
        """Add a reason for losing.

        Raises:
            Conflict: the key is taken.
        """
        titles = _titles(draft.title, draft.title_vi, "lost reason")
        async with self._db.transaction():
            if (await self.book()).reason(draft.key):
                raise _taken("lost reason", draft.key)
            await self._db.insert(
                "sales_pipeline_lost_reason",
                ("id", "key", "title", "title_vi", "position", "active"),
                [(new_id(), draft.key, *titles, draft.position, True)],
            )
            return await self.book()

    async def change_reason(self, key: str, edit: LostReasonEdit) -> Book:
        """Change a reason.

        Raises:
            NotFound: there is none with this key.
        """
        async with self._db.transaction():
            reason = (await self.book()).reason(key)
            if reason is None:
                raise NotFound(f"expected the key of a lost reason, got {key!r}; there is none")
            await self._update("sales_pipeline_lost_reason", reason.id, edit)
            return await self.book()

    async def _update(self, table: str, id: UUID, edit: msgspec.Struct) -> None:
        given = given_fields(edit)
        titles = _titles(given.get("title", "-"), given.get("title_vi", ""), "title")
        clean = dict(zip(("title", "title_vi"), titles, strict=True))
        await update(
            self._db, table, id, {**given, **{k: v for k, v in clean.items() if k in given}}
        )


def _found(book: Book, key: str) -> Pipeline:
    pipeline = book.pipeline(key)
    if pipeline is None:
        known = ", ".join(p.key for p in book.pipelines)
        raise NotFound(f"expected the key of a pipeline ({known}), got {key!r}; there is none")
    return pipeline


def _found_stage(pipeline: Pipeline, key: str) -> Stage:
    stage = stage_of(pipeline, key)
    if stage is None:
        known = ", ".join(s.key for s in pipeline.stages)
        raise NotFound(f"expected the key of a stage ({known}), got {key!r}; there is none")
    return stage


def _taken(noun: str, key: str) -> Conflict:
    return Conflict(f"expected a key that no other {noun} has, got {key!r}; choose another")


def _titles(title: str, title_vi: str, noun: str) -> tuple[str, str]:
    found = Findings()
    titles = (
        found.line(title, what="title", most=100, where="/title", needed=True),
        found.line(title_vi, what="Vietnamese title", most=100, where="/title_vi"),
    )
    found.refuse(f"The {noun}")
    return titles


def _check_stages(stages: Sequence[StageDraft]) -> None:
    found = Findings()
    for outcome in ("open", "won", "lost"):
        if not any(stage.outcome == outcome for stage in stages):
            found.add(
                "no-such-stage",
                f"the pipeline has no {outcome} stage",
                where="/stages",
                expected="at least one open, one won and one lost stage",
                mend=f"Add one with outcome {outcome}.",
            )
    seen: set[str] = set()
    for n, stage in enumerate(stages):
        if stage.key in seen:
            found.add(
                "duplicate-key",
                "two stages have the same key",
                where=f"/stages/{n}/key",
                expected="each key once",
                got=stage.key,
                mend="Rename one.",
            )
        seen.add(stage.key)
        for name in ("title", "title_vi"):
            found.line(getattr(stage, name), what=name, most=100, where=f"/stages/{n}/{name}")
    found.refuse("The pipeline")
    for stage in stages:
        if stage.probability is not None:
            _check_probability(stage.outcome, stage.probability)


def _check_probability(outcome: str, probability: int) -> None:
    found = Findings()
    if outcome != "open" and probability != DEFAULT_PROBABILITY[outcome]:
        found.add(
            "bad-probability",
            f"a {outcome} stage has a probability that cannot be",
            where="/probability",
            expected=f"{DEFAULT_PROBABILITY[outcome]} for a {outcome} stage",
            got=str(probability),
            mend="Leave it out.",
        )
    found.refuse("The stage")


def _stage_row(pipeline: UUID, position: int, stage: StageDraft) -> tuple[Any, ...]:
    probability = stage.probability
    if probability is None:
        probability = DEFAULT_PROBABILITY[stage.outcome]
    return (
        new_id(),
        pipeline,
        stage.key,
        stage.title.strip(),
        stage.title_vi.strip(),
        position,
        stage.outcome,
        probability,
        stage.rotting_days,
        True,
    )
