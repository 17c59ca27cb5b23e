"""Pipelines, stages and lost reasons as they stand, for looking things up without asking again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from relatum.api import Database
from relatum.api import fold as folded
from relatum_sales_pipeline.types.pipelines import LostReason, Pipeline, Stage

PIPELINES = (
    "SELECT id, key, title, title_vi, position, active FROM sales_pipeline_pipeline "
    "ORDER BY position, key"
)
STAGES = (
    "SELECT s.id, p.key, s.key, s.title, s.title_vi, s.position, s.outcome, s.probability, "
    "s.rotting_days, s.active, s.pipeline_id FROM sales_pipeline_stage s "
    "JOIN sales_pipeline_pipeline p ON p.id = s.pipeline_id ORDER BY s.position, s.key"
)
LOST_REASONS = (
    "SELECT id, key, title, title_vi, position, active FROM sales_pipeline_lost_reason "
    "ORDER BY position, key"
)


class Book:
    """All pipelines with their stages, and all lost reasons; a few dozen rows."""

    def __init__(self, pipelines: Sequence[Pipeline], reasons: Sequence[LostReason]) -> None:
        self.pipelines = list(pipelines)
        self.reasons = list(reasons)
        self._pipelines = {pipeline.key: pipeline for pipeline in pipelines}
        self._by_id = {pipeline.id: pipeline for pipeline in pipelines}
        self._stages = {stage.id: stage for p in pipelines for stage in p.stages}
        self._reasons = {reason.key: reason for reason in reasons}
        self._reasons_by_id = {reason.id: reason for reason in reasons}

    @classmethod
    async def load(cls, db: Database) -> Book:
        """Read everything in one hop."""
        pipelines, stages, reasons = await db.fetch_together(
            (PIPELINES, ()), (STAGES, ()), (LOST_REASONS, ())
        )
        by_pipeline: dict[UUID, list[Stage]] = {row[0]: [] for row in pipelines}
        for row in stages:
            by_pipeline[row[10]].append(_stage(row))
        return cls(
            [
                Pipeline(
                    id=id,
                    key=key,
                    title=title,
                    title_vi=title_vi,
                    position=position,
                    active=active,
                    stages=by_pipeline[id],
                )
                for id, key, title, title_vi, position, active in pipelines
            ],
            [_reason(row) for row in reasons],
        )

    @property
    def default(self) -> Pipeline | None:
        """The first active pipeline."""
        return next((pipeline for pipeline in self.pipelines if pipeline.active), None)

    def pipeline(self, key: str) -> Pipeline | None:
        return self._pipelines.get(key)

    def pipeline_by_id(self, id: UUID) -> Pipeline:
        return self._by_id[id]

    def stage(self, id: UUID) -> Stage:
        return self._stages[id]

    @property
    def stages(self) -> Iterable[Stage]:
        return self._stages.values()

    def reason(self, key: str) -> LostReason | None:
        return self._reasons.get(key)

    def reason_key(self, id: UUID | None) -> str | None:
        return None if id is None else self._reasons_by_id[id].key

    @property
    def reason_keys(self) -> list[str]:
        return list(self._reasons)


def stage_of(pipeline: Pipeline, key: str) -> Stage | None:
    """The stage with this key."""
    return next((stage for stage in pipeline.stages if stage.key == key), None)


def first_stage(pipeline: Pipeline) -> Stage:
    """Where deals of a pipeline begin: its first active open stage."""
    stages = [stage for stage in pipeline.stages if stage.outcome == "open"]
    return next((stage for stage in stages if stage.active), stages[0])


def engaging_stage(pipeline: Pipeline) -> Stage:
    """Where work on a deal begins: the second open stage, or the only one.

    A deal that reaches it, or a later one, has been engaged.
    """
    stages = [stage for stage in pipeline.stages if stage.outcome == "open"]
    return stages[1] if len(stages) > 1 else stages[0]


def stage_named(pipeline: Pipeline, name: str) -> Stage | None:
    """The stage whose key or title this is, without regard to case and marks."""
    wanted = folded(name)
    for stage in pipeline.stages:
        if wanted in {folded(stage.key), folded(stage.title), folded(stage.title_vi)} - {""}:
            return stage
    return None


def _stage(row: tuple[object, ...]) -> Stage:
    names = Stage.__struct_fields__
    return Stage(**dict(zip(names, row, strict=False)))  # type: ignore[arg-type]


def _reason(row: tuple[object, ...]) -> LostReason:
    names = LostReason.__struct_fields__
    return LostReason(**dict(zip(names, row, strict=True)))  # type: ignore[arg-type]
