"""``/api/v1/interactions``: recording what happened and finding it again."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody

from relatum.db.pages import Page
from relatum.http.answers import Answer, paged
from relatum.http.batches import BatchResult, of_one, take_batch
from relatum.http.calls import Call, id_in_path
from relatum.interactions.types import Interaction, InteractionDraft, InteractionQuery
from relatum.values.problems import InvalidInput
from relatum.values.text import Text

READ = "core.interactions.read"
WRITE = "core.interactions.write"
TAGS = ["interactions"]


class InteractionBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Interactions to be recorded together."""

    items: list[InteractionDraft]


class KindShown(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of interaction and the JSON schema of its payload."""

    id: str
    title: Text
    version: int
    icon: str
    payload: dict[str, Any]


class ListedKinds(msgspec.Struct, frozen=True):
    """The kinds that can be recorded now."""

    items: list[KindShown]


@get("/interactions", opt={"permission": READ, "query": InteractionQuery}, tags=TAGS)
async def find_interactions(request: Call) -> Answer[Page[Interaction]]:
    """Interactions that fit, one page at a time, newest first."""
    page = await request.house.interactions.find(request.query_as(InteractionQuery))
    return paged(request, page)


@post("/interactions", opt={"permission": WRITE}, tags=TAGS)
async def record_interaction(
    request: Call, data: JSONBody[InteractionDraft]
) -> Answer[Interaction]:
    """Record one interaction; one with a known `idempotency_key` answers the first."""
    request.refuse_query()
    interactions = request.house.interactions
    try:
        (id,) = await interactions.record([data], by=request.actor)
    except InvalidInput as error:
        raise of_one(error) from error
    location = (b"location", f"/api/v1/interactions/{id}".encode())
    return Answer(await interactions.get(id), status=201, headers=[location])


@post(
    "/interactions/batch",
    opt={"permission": WRITE, "body": InteractionBatch, "flags": ("partial",)},
    tags=TAGS,
)
async def record_interactions(request: Call) -> Answer[BatchResult]:
    """Record many interactions: all or none, or with `?partial=true` the acceptable ones."""
    interactions = request.house.interactions
    return await take_batch(
        request,
        InteractionDraft,
        interactions.check,
        lambda drafts: interactions.record(drafts, by=request.actor),
    )


@get("/interactions/{interaction_id:str}", opt={"permission": READ}, tags=TAGS)
async def read_interaction(request: Call, interaction_id: FromPath[str]) -> Answer[Interaction]:
    """One interaction; it never changes."""
    request.refuse_query()
    id = id_in_path(interaction_id, "interaction")
    return Answer(await request.house.interactions.get(id))


@get("/interaction-kinds", opt={"permission": READ}, tags=TAGS)
async def read_kinds(request: Call) -> Answer[ListedKinds]:
    """The kinds of interaction of core and of the plugins that are on."""
    request.refuse_query()
    kinds = sorted(request.house.registry.interaction_kinds, key=lambda kind: kind.id)
    shown = [
        KindShown(
            id=kind.id,
            title=kind.title,
            version=kind.version,
            icon=kind.icon,
            payload=msgspec.json.schema(kind.payload),
        )
        for kind in kinds
    ]
    return Answer(ListedKinds(shown))


ROUTES = [
    find_interactions,
    record_interaction,
    record_interactions,
    read_interaction,
    read_kinds,
]
