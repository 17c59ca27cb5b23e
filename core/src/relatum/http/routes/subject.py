"""``/api/v1/customers/{id}/subject-exports``: everything that is held about one person."""

from __future__ import annotations

from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath, JSONBody

from relatum.access.links import LinkQuery
from relatum.customers.subject.types import SubjectExport, SubjectRequest
from relatum.http.answers import Answer, address
from relatum.http.calls import Call, id_in_path
from relatum.http.downloads import Download

SUBJECT = "core.customers.subject_export"
TAGS = ["subject exports"]


class ListedSubjectExports(msgspec.Struct, frozen=True):
    """The newest archives of one person that were asked for."""

    items: list[SubjectExport]


class SubjectExportLink(msgspec.Struct, frozen=True):
    """Where the file is, for 15 minutes and for whoever asked for this link."""

    url: str


@post(
    "/customers/{customer_id:str}/subject-export",
    opt={"permission": SUBJECT},
    tags=TAGS,
    status_code=202,
)
async def request_subject_export(
    request: Call, customer_id: FromPath[str], data: JSONBody[SubjectRequest]
) -> Answer[SubjectExport]:
    """Ask for everything that is held about a person, as one archive. It is written in the
    background, and holds all of it, whatever the caller sees of the customer."""
    request.refuse_query()
    id = id_in_path(customer_id, "customer")
    identity = request.identity
    person = identity.name if identity is not None else request.actor
    export = await request.house.subjects.request(id, data, viewer=request.viewer, person=person)
    place = f"/api/v1/customers/{id}/subject-exports/{export.id}"
    return Answer(export, status=202, headers=[(b"location", place.encode())])


@get("/customers/{customer_id:str}/subject-exports", opt={"permission": SUBJECT}, tags=TAGS)
async def list_subject_exports(
    request: Call, customer_id: FromPath[str]
) -> Answer[ListedSubjectExports]:
    """The archives of a person that were asked for, the newest first."""
    request.refuse_query()
    id = id_in_path(customer_id, "customer")
    return Answer(ListedSubjectExports(await request.house.subjects.of(id, request.viewer)))


@get(
    "/customers/{customer_id:str}/subject-exports/{subject_export_id:str}",
    opt={"permission": SUBJECT},
    tags=TAGS,
)
async def read_subject_export(
    request: Call, customer_id: FromPath[str], subject_export_id: FromPath[str]
) -> Answer[SubjectExport]:
    """One archive and how far it is."""
    request.refuse_query()
    customer, id = _ids(customer_id, subject_export_id)
    return Answer(await request.house.subjects.get(id, request.viewer, customer))


@post(
    "/customers/{customer_id:str}/subject-exports/{subject_export_id:str}/link",
    opt={"permission": SUBJECT},
    tags=TAGS,
    status_code=200,
)
async def link_subject_export(
    request: Call, customer_id: FromPath[str], subject_export_id: FromPath[str]
) -> Answer[SubjectExportLink]:
    """A link to an archive that one asked for oneself, good for 15 minutes and for oneself."""
    request.refuse_query()
    customer, id = _ids(customer_id, subject_export_id)
    subjects = request.house.subjects
    await subjects.get(id, request.viewer, customer)
    path = f"/api/v1/customers/{customer}/subject-exports/{id}/file"
    return Answer(SubjectExportLink(await subjects.link(id, request.viewer, path)))


@get(
    "/customers/{customer_id:str}/subject-exports/{subject_export_id:str}/file",
    opt={"permission": SUBJECT, "query": LinkQuery},
    tags=TAGS,
    media_type="application/octet-stream",
)
async def download_subject_export(
    request: Call, customer_id: FromPath[str], subject_export_id: FromPath[str]
) -> Answer[None]:
    """The archive, by a link that `POST …/link` gave."""
    query = request.query_as(LinkQuery)
    customer, id = _ids(customer_id, subject_export_id)
    subjects = request.house.subjects
    await subjects.get(id, request.viewer, customer)
    file = await subjects.open(id, request.viewer, address(request.scope), query)
    return Download(file.path, file.name)


@delete(
    "/customers/{customer_id:str}/subject-exports/{subject_export_id:str}",
    opt={"permission": SUBJECT},
    tags=TAGS,
    status_code=204,
)
async def delete_subject_export(
    request: Call, customer_id: FromPath[str], subject_export_id: FromPath[str]
) -> None:
    """Delete an archive that one asked for oneself, before its time."""
    request.refuse_query()
    customer, id = _ids(customer_id, subject_export_id)
    await request.house.subjects.get(id, request.viewer, customer)
    await request.house.subjects.delete(id, request.viewer)


def _ids(customer_id: str, export_id: str) -> tuple[UUID, UUID]:
    return id_in_path(customer_id, "customer"), id_in_path(export_id, "subject export")


ROUTES = [
    request_subject_export,
    list_subject_exports,
    read_subject_export,
    link_subject_export,
    download_subject_export,
    delete_subject_export,
]
