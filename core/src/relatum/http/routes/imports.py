"""``/api/v1/imports``: bringing uploaded files in, watching that, taking it back."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from relatum.http.answers import Answer
from relatum.http.calls import Call, id_in_path
from relatum.http.downloads import Download
from relatum.importing.requests.types import ImportDraft, ImportRequest
from relatum.importing.results import Entry

READ = "core.imports.read"
WRITE = "core.imports.write"
TAGS = ["imports"]


class ListedImports(msgspec.Struct, frozen=True):
    """The newest imports."""

    items: list[Entry]


class ImportsQuery(msgspec.Struct, frozen=True):
    """How many imports to list."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50


@get("/imports", opt={"permission": READ, "query": ImportsQuery}, tags=TAGS)
async def read_imports(request: Call) -> Answer[ListedImports]:
    """The newest imports and what became of each: one's own, or all for who sees everything."""
    query = request.query_as(ImportsQuery)
    found = await request.house.import_requests.find(request.viewer, limit=query.limit)
    return Answer(ListedImports(found))


@post("/imports", opt={"permission": WRITE}, tags=TAGS)
async def create_import(request: Call, data: JSONBody[ImportDraft]) -> Answer[ImportRequest]:
    """A plan for uploaded files: given, or guessed from their headings. Nothing is written yet."""
    request.refuse_query()
    made = await request.house.import_requests.create(data, request.viewer)
    location = (b"location", f"/api/v1/imports/{made.id}".encode())
    return Answer(made, status=201, headers=[location])


@get("/imports/{import_id:str}", opt={"permission": READ}, tags=TAGS)
async def read_import(request: Call, import_id: FromPath[str]) -> Answer[ImportRequest]:
    """An import that was asked for here: its plan, how far it is, what came of it."""
    request.refuse_query()
    id = id_in_path(import_id, "import")
    return Answer(await request.house.import_requests.get(id, request.viewer))


@post("/imports/{import_id:str}/preview", opt={"permission": WRITE}, tags=TAGS, status_code=202)
async def preview_import(request: Call, import_id: FromPath[str]) -> Answer[ImportRequest]:
    """Try the import out in the background; `GET /imports/{id}` has the preview then."""
    request.refuse_query()
    id = id_in_path(import_id, "import")
    found = await request.house.import_requests.preview(id, request.viewer)
    return Answer(found, status=202)


@post("/imports/{import_id:str}/apply", opt={"permission": WRITE}, tags=TAGS, status_code=202)
async def apply_import(request: Call, import_id: FromPath[str]) -> Answer[ImportRequest]:
    """Bring the data in, in the background; one that failed goes on where it was."""
    request.refuse_query()
    id = id_in_path(import_id, "import")
    found = await request.house.import_requests.apply(id, request.viewer)
    return Answer(found, status=202)


@post("/imports/{import_id:str}/undo", opt={"permission": WRITE}, tags=TAGS, status_code=202)
async def undo_import(request: Call, import_id: FromPath[str]) -> Answer[ImportRequest]:
    """Take the import back in the background; rows that were changed since stay."""
    request.refuse_query()
    id = id_in_path(import_id, "import")
    found = await request.house.import_requests.undo(id, request.viewer)
    return Answer(found, status=202)


@get(
    "/imports/{import_id:str}/rejected/{name:str}",
    opt={"permission": READ},
    tags=TAGS,
    media_type="application/octet-stream",
)
async def download_rejected(
    request: Call, import_id: FromPath[str], name: FromPath[str]
) -> Answer[None]:
    """A file of rows that were kept out, to be mended and imported again."""
    request.refuse_query()
    id = id_in_path(import_id, "import")
    path = await request.house.import_requests.rejected(id, name, request.viewer)
    return Download(path, path.name)


ROUTES = [
    read_imports,
    create_import,
    read_import,
    preview_import,
    apply_import,
    undo_import,
    download_rejected,
]
