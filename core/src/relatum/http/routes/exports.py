"""``/api/v1/exports``: taking data out, with a second person above a number of records."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from relatum.access.links import LinkQuery
from relatum.http.answers import Answer, address
from relatum.http.calls import Call, id_in_path
from relatum.http.downloads import Download
from relatum.importing.exports.types import Export, ExportDecision, ExportDraft, ExportState
from relatum.values.text import Text

WRITE = "core.exports.write"
APPROVE = "core.exports.approve"
TAGS = ["exports"]


class ExportQuery(msgspec.Struct, frozen=True):
    """Which exports to list."""

    states: list[ExportState] = []
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class ListedExports(msgspec.Struct, frozen=True):
    """The newest exports."""

    items: list[Export]


class ExportLink(msgspec.Struct, frozen=True):
    """Where the file is, for 15 minutes and for whoever asked for this link."""

    url: str


class TargetShown(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of data, and whether the caller may take it out and bring it in."""

    id: str
    title: Text
    fields: list[str]
    filters: list[str]
    may_export: bool
    may_import: bool


class ListedTargets(msgspec.Struct, frozen=True):
    """The kinds of data of core and of the plugins that are on."""

    items: list[TargetShown]


@get("/import-targets", opt={"permission": "signed-in"}, tags=["exports", "imports"])
async def read_targets(request: Call) -> Answer[ListedTargets]:
    """What can be taken out and brought in, with the names of fields and filters."""
    request.refuse_query()
    viewer = request.viewer
    shown = [
        TargetShown(
            id=target.id,
            title=target.title,
            fields=[field.encode_name for field in msgspec.structs.fields(target.record)],
            filters=request.house.exports.filters_of(target),
            may_export=viewer.may(WRITE) and viewer.may(target.permission),
            may_import=viewer.may("core.imports.write") and viewer.may(target.write_permission),
        )
        for target in sorted(request.house.registry.import_targets, key=lambda each: each.id)
    ]
    return Answer(ListedTargets(shown))


@get("/exports", opt={"permission": WRITE, "query": ExportQuery}, tags=TAGS)
async def find_exports(request: Call) -> Answer[ListedExports]:
    """The caller's exports, the newest first; everybody's for those who approve."""
    query = request.query_as(ExportQuery)
    exports = request.house.exports
    found = await exports.find(request.viewer, states=query.states, limit=query.limit)
    return Answer(ListedExports(found))


@post("/exports", opt={"permission": WRITE}, tags=TAGS, status_code=202)
async def request_export(request: Call, data: JSONBody[ExportDraft]) -> Answer[Export]:
    """Ask for an export. It holds what the caller sees, and is written in the background."""
    request.refuse_query()
    identity = request.identity
    person = identity.name if identity is not None else request.actor
    export = await request.house.exports.request(data, viewer=request.viewer, person=person)
    location = (b"location", f"/api/v1/exports/{export.id}".encode())
    return Answer(export, status=202, headers=[location])


@get("/exports/{export_id:str}", opt={"permission": WRITE}, tags=TAGS)
async def read_export(request: Call, export_id: FromPath[str]) -> Answer[Export]:
    """One export and how far it is."""
    request.refuse_query()
    id = id_in_path(export_id, "export")
    return Answer(await request.house.exports.get(id, request.viewer))


@post("/exports/{export_id:str}/approve", opt={"permission": APPROVE}, tags=TAGS, status_code=200)
async def approve_export(
    request: Call, export_id: FromPath[str], data: JSONBody[ExportDecision]
) -> Answer[Export]:
    """Let a waiting export go; never one that one asked for oneself."""
    request.refuse_query()
    id = id_in_path(export_id, "export")
    return Answer(await request.house.exports.approve(id, request.viewer, why=data.why))


@post("/exports/{export_id:str}/refuse", opt={"permission": APPROVE}, tags=TAGS, status_code=200)
async def refuse_export(
    request: Call, export_id: FromPath[str], data: JSONBody[ExportDecision]
) -> Answer[Export]:
    """Refuse a waiting export of somebody else."""
    request.refuse_query()
    id = id_in_path(export_id, "export")
    return Answer(await request.house.exports.refuse(id, request.viewer, why=data.why))


@post("/exports/{export_id:str}/link", opt={"permission": WRITE}, tags=TAGS, status_code=200)
async def link_export(request: Call, export_id: FromPath[str]) -> Answer[ExportLink]:
    """A link to the file of one's own export, good for 15 minutes and for oneself."""
    request.refuse_query()
    id = id_in_path(export_id, "export")
    path = f"/api/v1/exports/{id}/file"
    return Answer(ExportLink(await request.house.exports.link(id, request.viewer, path)))


@get(
    "/exports/{export_id:str}/file",
    opt={"permission": WRITE, "query": LinkQuery},
    tags=TAGS,
    media_type="application/octet-stream",
)
async def download_export(request: Call, export_id: FromPath[str]) -> Answer[None]:
    """The file, by a link that `POST …/link` gave."""
    query = request.query_as(LinkQuery)
    id = id_in_path(export_id, "export")
    file = await request.house.exports.open(id, request.viewer, address(request.scope), query)
    return Download(file.path, file.name)


@delete("/exports/{export_id:str}", opt={"permission": WRITE}, tags=TAGS, status_code=204)
async def delete_export(request: Call, export_id: FromPath[str]) -> None:
    """Delete the file of one's own export before its time."""
    request.refuse_query()
    await request.house.exports.delete(id_in_path(export_id, "export"), request.viewer)


ROUTES = [
    read_targets,
    find_exports,
    request_export,
    read_export,
    approve_export,
    refuse_export,
    link_export,
    download_export,
    delete_export,
]
