"""Pipelines, stages and lost reasons."""

from __future__ import annotations

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from relatum.api import Answer, Call, Plugin
from relatum_sales_pipeline.permissions import SETUP_READ, SETUP_WRITE
from relatum_sales_pipeline.routes.verbs import get, patch, post
from relatum_sales_pipeline.services.pipelines import Pipelines
from relatum_sales_pipeline.types.pipelines import (
    LostReason,
    LostReasonDraft,
    LostReasonEdit,
    Pipeline,
    PipelineDraft,
    PipelineEdit,
    Stage,
    StageDraft,
    StageEdit,
)


class ListedPipelines(msgspec.Struct, frozen=True):
    """Every pipeline with its stages."""

    items: list[Pipeline]


class ListedStages(msgspec.Struct, frozen=True):
    """Every stage, by pipeline and position."""

    items: list[Stage]


class ListedReasons(msgspec.Struct, frozen=True):
    """Every lost reason."""

    items: list[LostReason]


@get("/pipelines", opt={"permission": SETUP_READ})
async def read_pipelines(request: Call, plugin: NamedDependency[Plugin]) -> Answer[ListedPipelines]:
    """Every pipeline with its stages, in their order."""
    request.refuse_query()
    return Answer(ListedPipelines((await Pipelines(plugin).book()).pipelines))


@post("/pipelines", opt={"permission": SETUP_WRITE})
async def create_pipeline(
    request: Call, plugin: NamedDependency[Plugin], data: JSONBody[PipelineDraft]
) -> Answer[Pipeline]:
    """Make a pipeline with its stages."""
    request.refuse_query()
    return Answer(await Pipelines(plugin).create(data), status=201)


@get("/pipelines/{key:str}", opt={"permission": SETUP_READ})
async def read_pipeline(
    request: Call, plugin: NamedDependency[Plugin], key: FromPath[str]
) -> Answer[Pipeline]:
    """One pipeline with its stages."""
    request.refuse_query()
    return Answer(await Pipelines(plugin).get(key))


@patch("/pipelines/{key:str}", opt={"permission": SETUP_WRITE})
async def change_pipeline(
    request: Call,
    plugin: NamedDependency[Plugin],
    key: FromPath[str],
    data: JSONBody[PipelineEdit],
) -> Answer[Pipeline]:
    """Change titles, order, or whether new deals may use it."""
    request.refuse_query()
    return Answer(await Pipelines(plugin).change(key, data))


@get("/stages", opt={"permission": SETUP_READ})
async def read_stages(request: Call, plugin: NamedDependency[Plugin]) -> Answer[ListedStages]:
    """The stages of all pipelines."""
    request.refuse_query()
    book = await Pipelines(plugin).book()
    return Answer(ListedStages([stage for each in book.pipelines for stage in each.stages]))


@post("/pipelines/{key:str}/stages", opt={"permission": SETUP_WRITE})
async def create_stage(
    request: Call,
    plugin: NamedDependency[Plugin],
    key: FromPath[str],
    data: JSONBody[StageDraft],
) -> Answer[Stage]:
    """Add a stage, after the others of its outcome."""
    request.refuse_query()
    return Answer(await Pipelines(plugin).add_stage(key, data), status=201)


@patch("/pipelines/{key:str}/stages/{stage:str}", opt={"permission": SETUP_WRITE})
async def change_stage(
    request: Call,
    plugin: NamedDependency[Plugin],
    key: FromPath[str],
    stage: FromPath[str],
    data: JSONBody[StageEdit],
) -> Answer[Stage]:
    """Change a stage; its key and outcome stay."""
    request.refuse_query()
    return Answer(await Pipelines(plugin).change_stage(key, stage, data))


@get("/lost-reasons", opt={"permission": SETUP_READ})
async def read_reasons(request: Call, plugin: NamedDependency[Plugin]) -> Answer[ListedReasons]:
    """Why deals are lost."""
    request.refuse_query()
    return Answer(ListedReasons((await Pipelines(plugin).book()).reasons))


@post("/lost-reasons", opt={"permission": SETUP_WRITE})
async def create_reason(
    request: Call, plugin: NamedDependency[Plugin], data: JSONBody[LostReasonDraft]
) -> Answer[LostReason | None]:
    """Add a reason."""
    request.refuse_query()
    return Answer((await Pipelines(plugin).create_reason(data)).reason(data.key), status=201)


@patch("/lost-reasons/{key:str}", opt={"permission": SETUP_WRITE})
async def change_reason(
    request: Call,
    plugin: NamedDependency[Plugin],
    key: FromPath[str],
    data: JSONBody[LostReasonEdit],
) -> Answer[LostReason | None]:
    """Change a reason, or switch it off."""
    request.refuse_query()
    return Answer((await Pipelines(plugin).change_reason(key, data)).reason(key))


ROUTES = [
    read_pipelines,
    create_pipeline,
    read_pipeline,
    change_pipeline,
    read_stages,
    create_stage,
    change_stage,
    read_reasons,
    create_reason,
    change_reason,
]
