"""``/api/v1/customers/{id}/merges`` and ``/api/v1/merges``: one of two, and back."""

from __future__ import annotations

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody

from relatum.customers.merging.types import (
    Merge,
    MergePreview,
    MergeRequest,
    UndoPreview,
    UndoRequest,
)
from relatum.http.answers import Answer
from relatum.http.calls import Call, id_in_path

READ = "core.customers.read"
MERGE = "core.customers.merge"
TAGS = ["merges"]


class ListedMerges(msgspec.Struct, frozen=True):
    """Everything there is, without pages."""

    items: list[Merge]


@get(
    "/customers/{customer_id:str}/merge-preview/{other_id:str}",
    opt={"permission": MERGE},
    tags=TAGS,
)
async def preview_merge(
    request: Call, customer_id: FromPath[str], other_id: FromPath[str]
) -> Answer[MergePreview]:
    """What merging another customer into this one would do: whose value is kept of each field and
    why, and how many rows would move. Nothing is written."""
    request.refuse_query()
    survivor, absorbed = id_in_path(customer_id, "customer"), id_in_path(other_id, "customer")
    return Answer(await request.house.merging.preview(survivor, absorbed))


@post("/customers/{customer_id:str}/merges", opt={"permission": MERGE}, tags=TAGS)
async def merge_customers(
    request: Call, customer_id: FromPath[str], data: JSONBody[MergeRequest]
) -> Answer[Merge]:
    """Merge another customer into this one; it can be taken back."""
    request.refuse_query()
    merge = await request.house.merging.merge(
        id_in_path(customer_id, "customer"),
        data.absorbed,
        by=request.actor,
        choices=data.choices,
        reason=data.reason,
    )
    location = (b"location", f"/api/v1/merges/{merge.id}".encode())
    return Answer(merge, status=201, headers=[location])


@get("/customers/{customer_id:str}/merges", opt={"permission": READ}, tags=TAGS)
async def list_merges(request: Call, customer_id: FromPath[str]) -> Answer[ListedMerges]:
    """Merges into this customer, those that were undone too, the newest first."""
    request.refuse_query()
    id = id_in_path(customer_id, "customer")
    found = await request.house.merging.of(id)
    if not found:
        await request.house.customers.get(id)
    return Answer(ListedMerges(found))


@get("/merges/{merge_id:str}", opt={"permission": READ}, tags=TAGS)
async def read_merge(request: Call, merge_id: FromPath[str]) -> Answer[Merge]:
    """One merge."""
    request.refuse_query()
    return Answer(await request.house.merging.get(id_in_path(merge_id, "merge")))


@get("/merges/{merge_id:str}/undo", opt={"permission": MERGE}, tags=TAGS)
async def preview_undo(request: Call, merge_id: FromPath[str]) -> Answer[UndoPreview]:
    """What undoing a merge would do: what goes back, and what stays because it was changed since.
    Nothing is written."""
    request.refuse_query()
    return Answer(await request.house.merging.preview_undo(id_in_path(merge_id, "merge")))


@post("/merges/{merge_id:str}/undo", opt={"permission": MERGE}, tags=TAGS, status_code=200)
async def undo_merge(
    request: Call, merge_id: FromPath[str], data: JSONBody[UndoRequest]
) -> Answer[Merge]:
    """Take a merge back: both are again as they would be without it."""
    request.refuse_query()
    id = id_in_path(merge_id, "merge")
    return Answer(await request.house.merging.unmerge(id, by=request.actor, reason=data.reason))


ROUTES = [
    preview_merge,
    merge_customers,
    list_merges,
    read_merge,
    preview_undo,
    undo_merge,
]
