"""Pipelines, stages and lost reasons."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

Key = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,59}$")]
Title = Annotated[str, Meta(min_length=1, max_length=100)]
OtherTitle = Annotated[str, Meta(max_length=100)]
Probability = Annotated[int, Meta(ge=0, le=10_000)]
RottingDays = Annotated[int, Meta(ge=1, le=3650)]
Position = Annotated[int, Meta(ge=0, le=10_000)]
Outcome = Literal["open", "won", "lost"]

MOST_STAGES = 50


class StageDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A stage to be made.

    Attributes:
        probability: of winning, in basis points; a won stage is 10,000 and a lost one 0.
        rotting_days: without activity until a deal rots here; the plugin's setting when left out.
    """

    key: Key
    title: Title
    title_vi: OtherTitle = ""
    outcome: Outcome = "open"
    probability: Probability | None = None
    rotting_days: RottingDays | None = None


class PipelineDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A pipeline to be made, with its stages in their order."""

    key: Key
    title: Title
    title_vi: OtherTitle = ""
    stages: Annotated[list[StageDraft], Meta(min_length=3, max_length=MOST_STAGES)]


class PipelineEdit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What is to change of a pipeline; a field left out stays as it is."""

    title: Title | UnsetType = UNSET
    title_vi: OtherTitle | UnsetType = UNSET
    position: Position | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class StageEdit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What is to change of a stage. Its key and outcome stay: deals rest on them."""

    title: Title | UnsetType = UNSET
    title_vi: OtherTitle | UnsetType = UNSET
    position: Position | UnsetType = UNSET
    probability: Probability | UnsetType = UNSET
    rotting_days: RottingDays | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET


class Stage(msgspec.Struct, kw_only=True, frozen=True):
    """A stage as read; ``probability`` is in basis points."""

    id: UUID
    pipeline: str
    key: str
    title: str
    title_vi: str
    position: int
    outcome: str
    probability: int
    rotting_days: int | None
    active: bool


class Pipeline(msgspec.Struct, kw_only=True, frozen=True):
    """A pipeline as read, with its stages in their order."""

    id: UUID
    key: str
    title: str
    title_vi: str
    position: int
    active: bool
    stages: list[Stage]


class LostReasonDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A reason to be made."""

    key: Key
    title: Title
    title_vi: OtherTitle = ""
    position: Position = 100


class LostReasonEdit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What is to change of a reason."""

    title: Title | UnsetType = UNSET
    title_vi: OtherTitle | UnsetType = UNSET
    position: Position | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class LostReason(msgspec.Struct, kw_only=True, frozen=True):
    """A reason as read."""

    id: UUID
    key: str
    title: str
    title_vi: str
    position: int
    active: bool


def stage_part(stage: Stage) -> str:
    """What a stage is called among the parts of a forecast."""
    return f"{stage.pipeline}/{stage.key}"
