"""Settings of selling: pipelines and stages, lost reasons, products, teams and their members."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta

from relatum.api import (
    Conflict,
    Entry,
    Form,
    NotFound,
    Plugin,
    Redirect,
    RelatumError,
    Text,
    Visit,
    WebPage,
    fold,
)
from relatum_sales_pipeline.permissions import SETUP_READ, SETUP_WRITE
from relatum_sales_pipeline.screens.deal_form import refuse_one
from relatum_sales_pipeline.screens.reading import ROOT, one_id, titled
from relatum_sales_pipeline.services.book import Book
from relatum_sales_pipeline.services.pipelines import Pipelines
from relatum_sales_pipeline.services.products import Products
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.pipelines import (
    LostReasonDraft,
    LostReasonEdit,
    PipelineDraft,
    PipelineEdit,
    StageDraft,
    StageEdit,
)
from relatum_sales_pipeline.types.products import ProductDraft
from relatum_sales_pipeline.types.teams import MemberDraft, TeamDraft

Title = Annotated[str, Meta(min_length=1, max_length=100)]
Other = Annotated[str, Meta(max_length=100)]
Key = Annotated[str, Meta(max_length=60)]


class StageForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A stage: a new one where ``stage`` is empty."""

    pipeline: Key
    stage: Key = ""
    title: Title
    title_vi: Other = ""
    probability: Annotated[int, Meta(ge=0, le=100)] = 0
    rotting_days: Annotated[int, Meta(ge=1, le=3650)] | None = None
    position: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    active: bool = False


class PipelineForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A pipeline: a new one where ``pipeline`` is empty."""

    pipeline: Key = ""
    title: Title
    title_vi: Other = ""
    active: bool = False


class ReasonForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A lost reason: a new one where ``reason`` is empty."""

    reason: Key = ""
    title: Title
    title_vi: Other = ""
    active: bool = False


class ProductForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A new product."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    code: Annotated[str, Meta(max_length=60)] = ""
    series: Other = ""


class TeamForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A new team."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    region: Other = ""


class MemberForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A new member of a team."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    team: str = ""


async def load(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    book = await Pipelines(plugin).book()
    teams = Teams(plugin)
    return {
        "book": book,
        "titles": {each.id: titled(each, visit) for each in _titled(book)},
        "products": await Products(plugin).all(),
        "teams": await teams.all_teams(),
        "members": await teams.all_members(),
        "default_days": plugin.settings.rotting_days,
        **{
            name: Form(name)
            for name in ("stage", "pipeline", "reason", "product", "team", "member")
        },
        "may_write": visit.may(SETUP_WRITE),
        "here": "sales_pipeline.setup",
        "root": ROOT,
    }


def _titled(book: Book) -> list[Any]:
    return [*book.pipelines, *book.stages, *book.reasons]


def new_key(title: str, taken: set[str]) -> str:
    """A key that says the title, which nothing has yet."""
    plain = re.sub(r"[^a-z0-9]+", "_", fold(title)).strip("_")[:50]
    key = plain if plain[:1].isalpha() else f"k_{plain}".rstrip("_")
    number, free = 2, key
    while free in taken:
        free, number = f"{key}_{number}", number + 1
    return free


async def _save_stage(plugin: Plugin, sent: StageForm, by: str) -> None:
    pipelines = Pipelines(plugin)
    if not sent.stage:
        pipeline = await pipelines.get(sent.pipeline)
        draft = StageDraft(
            key=new_key(sent.title, {each.key for each in pipeline.stages}),
            title=sent.title,
            title_vi=sent.title_vi,
            probability=sent.probability * 100,
            rotting_days=sent.rotting_days,
        )
        await pipelines.add_stage(sent.pipeline, draft, sent.position)
        return
    stages = (await pipelines.get(sent.pipeline)).stages
    outcome = next((each.outcome for each in stages if each.key == sent.stage), "open")
    edit = StageEdit(
        title=sent.title,
        title_vi=sent.title_vi,
        position=UNSET if sent.position is None else sent.position,
        probability=sent.probability * 100 if outcome == "open" else UNSET,
        rotting_days=sent.rotting_days if outcome == "open" else UNSET,
        active=sent.active,
    )
    await pipelines.change_stage(sent.pipeline, sent.stage, edit)


async def _save_pipeline(plugin: Plugin, sent: PipelineForm, by: str) -> None:
    pipelines = Pipelines(plugin)
    if sent.pipeline:
        edit = PipelineEdit(title=sent.title, title_vi=sent.title_vi, active=sent.active)
        await pipelines.change(sent.pipeline, edit)
        return
    taken = {each.key for each in (await pipelines.book()).pipelines}
    stages = [
        StageDraft(key="first", title="First contact", title_vi="Tiếp cận", probability=1000),
        StageDraft(key="offer", title="Offer", title_vi="Báo giá", probability=5000),
        StageDraft(key="won", title="Won", title_vi="Thắng", outcome="won"),
        StageDraft(key="lost", title="Lost", title_vi="Thua", outcome="lost"),
    ]
    key = new_key(sent.title, taken)
    draft = PipelineDraft(key=key, title=sent.title, title_vi=sent.title_vi, stages=stages)
    await pipelines.create(draft)


async def _save_reason(plugin: Plugin, sent: ReasonForm, by: str) -> None:
    pipelines = Pipelines(plugin)
    if sent.reason:
        edit = LostReasonEdit(title=sent.title, title_vi=sent.title_vi, active=sent.active)
        await pipelines.change_reason(sent.reason, edit)
        return
    key = new_key(sent.title, set((await pipelines.book()).reason_keys))
    draft = LostReasonDraft(key=key, title=sent.title, title_vi=sent.title_vi)
    await pipelines.create_reason(draft)


async def _save_product(plugin: Plugin, sent: ProductForm, by: str) -> None:
    code = sent.code.strip() or None
    draft = ProductDraft(name=sent.name, code=code, series=sent.series)
    await Products(plugin).create([draft], by=by)


async def _save_team(plugin: Plugin, sent: TeamForm, by: str) -> None:
    await Teams(plugin).create_teams([TeamDraft(name=sent.name, region=sent.region)])


async def _save_member(plugin: Plugin, sent: MemberForm, by: str) -> None:
    draft = MemberDraft(name=sent.name, team_id=one_id(sent.team))
    await Teams(plugin).create_members([draft])


def _saving(
    name: str, kind: type[Any], save: Callable[[Plugin, Any, str], Awaitable[None]]
) -> Callable[[Plugin, Visit], Awaitable[Any]]:
    """What answers one form of the page."""

    async def act(plugin: Plugin, visit: Visit) -> Any:
        form, sent = await visit.form(name, kind)
        if sent is not None:
            try:
                await save(plugin, sent, visit.call.actor)
            except (Conflict, NotFound) as error:
                form.refuse(error)
            except RelatumError as error:
                refuse_one(form, error)
            else:
                return Redirect(f"{ROOT}/setup#{name}s", flash="sales_pipeline.saved")
        return {**await load(plugin, visit), name: form}

    return act


TITLE = Text(en="Selling", vi="Bán hàng")
SAVES: tuple[tuple[str, type[Any], Any], ...] = (
    ("stage", StageForm, _save_stage),
    ("pipeline", PipelineForm, _save_pipeline),
    ("reason", ReasonForm, _save_reason),
    ("product", ProductForm, _save_product),
    ("team", TeamForm, _save_team),
    ("member", MemberForm, _save_member),
)
PAGES = [
    WebPage(
        id="sales_pipeline.setup",
        path="/setup",
        title=TITLE,
        permission=SETUP_READ,
        template="sales_pipeline/setup.html",
        load=load,
        entry=Entry(icon="columns-3", group="settings", order=60),
    ),
    *(
        WebPage(
            id=f"sales_pipeline.save_{name}",
            path=f"/setup/{name}",
            title=TITLE,
            permission=SETUP_WRITE,
            template="sales_pipeline/setup.html",
            act=_saving(name, kind, save),
        )
        for name, kind, save in SAVES
    ),
]
