"""``/api/v1/uploads``: files for imports."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException
from litestar.params import FromPath
from msgspec import Meta

from relatum.http.answers import Answer
from relatum.http.calls import Call, id_in_path
from relatum.importing.uploads.types import Upload
from relatum.values.problems import MalformedRequest

WRITE = "core.imports.write"
TAGS = ["imports"]
_PIECE = 256 * 1024


class UploadQuery(msgspec.Struct, frozen=True):
    """What a file that is sent as the body itself is called."""

    name: Annotated[str, Meta(max_length=500)] = ""


class UploadsQuery(msgspec.Struct, frozen=True):
    """How many uploads to list."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class ListedUploads(msgspec.Struct, frozen=True):
    """The newest uploads."""

    items: list[Upload]


@get("/uploads", opt={"permission": WRITE, "query": UploadsQuery}, tags=TAGS)
async def find_uploads(request: Call) -> Answer[ListedUploads]:
    """The caller's files, the newest first."""
    query = request.query_as(UploadsQuery)
    found = await request.house.uploads.find(request.viewer, limit=query.limit)
    return Answer(ListedUploads(found))


@post("/uploads", opt={"permission": WRITE, "query": UploadQuery}, tags=TAGS)
async def upload(request: Call) -> Answer[Upload]:
    """Send a file: as the body itself with `?name=`, or as the part `file` of a form.

    What it is is found out from its content: CSV, JSON lines or an XLSX workbook.
    """
    name = request.query_as(UploadQuery).name
    pieces = request.stream()
    said = (request.header(b"content-type") or "").lower()
    if said.startswith("multipart/form-data"):
        part = await _part(request)
        name, pieces = name or part.filename, _read(part)
    kept = await request.house.uploads.take(pieces, name, request.viewer)
    location = (b"location", f"/api/v1/uploads/{kept.id}".encode())
    return Answer(kept, status=201, headers=[location])


@get("/uploads/{upload_id:str}", opt={"permission": WRITE}, tags=TAGS)
async def read_upload(request: Call, upload_id: FromPath[str]) -> Answer[Upload]:
    """One of the caller's files."""
    request.refuse_query()
    id = id_in_path(upload_id, "upload")
    [found] = await request.house.uploads.get_many([id], request.viewer)
    return Answer(found)


@delete("/uploads/{upload_id:str}", opt={"permission": WRITE}, tags=TAGS, status_code=204)
async def delete_upload(request: Call, upload_id: FromPath[str]) -> None:
    """Delete one of the caller's files before its time."""
    request.refuse_query()
    await request.house.uploads.delete(id_in_path(upload_id, "upload"), request.viewer)


async def _part(request: Call) -> UploadFile:
    try:
        form = await request.form()
    except (ClientException, ValueError) as error:
        raise MalformedRequest(f"The form cannot be read: {error}.") from error
    part = form.get("file")
    if not isinstance(part, UploadFile):
        raise MalformedRequest("expected a form with a file in its part file, got none; add it")
    return part


async def _read(part: UploadFile) -> AsyncGenerator[bytes, None]:
    while piece := await part.read(_PIECE):
        yield piece


ROUTES = [find_uploads, upload, read_upload, delete_upload]
