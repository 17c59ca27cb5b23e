"""Bringing files: choosing them, what is in them, and a plan that was made before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.importing.requests.types import ImportDraft, ImportFile
from relatum.values.ids import parse_id
from relatum.values.problems import InvalidInput, Problem, RelatumError
from relatum.web.forms import Form
from relatum.web.layout import Redirect, page
from relatum.web.pages.imports.names import HERE, WRITE
from relatum.web.pages.imports.wording import UPLOADS
from relatum.web.uploading import pieces_of, sent_with_files
from relatum.web.wording import declare_sentences

if TYPE_CHECKING:
    from litestar.datastructures import UploadFile

    from relatum.importing.uploads.types import Upload

NEW = "/imports/new"
MOST_FILES = 20

declare_sentences(UPLOADS)


class Brought(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What somebody says about the files they bring.

    Attributes:
        file: nothing; the files come beside the fields.
        target: what is in them; empty to find out.
        like: an import whose plan is used again.
    """

    file: str = ""
    target: Annotated[str, Meta(max_length=120)] = ""
    like: Annotated[str, Meta(max_length=40)] = ""


class Like(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which plan is to be used again."""

    like: Annotated[str, Meta(max_length=40)] = ""
    lang: str = ""


@get(NEW, opt=WRITE, include_in_schema=False)
async def choose_files(request: Call) -> Html:
    """The form for files."""
    asked = request.query_as(Like)
    return await _page(request, Form("bring", {"target": "", "like": asked.like}))


@post(NEW, opt=WRITE, include_in_schema=False)
async def bring_files(request: Call) -> Answer[Any]:
    """Take files, and make an import of them; nothing of it is written yet."""
    form = Form("bring")
    try:
        fields, files = await sent_with_files(request)
        asked = form.take(fields, Brought)
        uploads = await take_files(request, files)
        plans = request.house.import_requests.plans
        if asked.like:
            like = parse_id(asked.like, "import", where="/like")
            draft = await plans.draft_like(like, uploads, request.viewer)
        else:
            draft = await _draft(request, uploads, asked.target)
        made = await request.house.import_requests.create(draft, request.viewer)
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, form)
    return Redirect(f"/imports/{made.id}/mapping")


@post("/imports/{import_id:str}/mended", opt=WRITE, include_in_schema=False)
async def bring_mended(request: Call, import_id: FromPath[str]) -> Answer[Any]:
    """Take the rows that were kept out and are mended now, and import them by the same plan."""
    id = id_in_path(import_id, "import")
    requests = request.house.import_requests
    form = Form("mended")
    try:
        fields, files = await sent_with_files(request)
        form.take(fields, Brought)
        uploads = await take_files(request, files)
        draft = await requests.plans.draft_mended(id, uploads, request.viewer)
        made = await requests.create(draft, request.viewer)
        await requests.preview(made.id, request.viewer)
    except RelatumError as error:
        from relatum.web.pages.imports.show import import_page

        form.refuse(error)
        return await import_page(request, id, form)
    return Redirect(f"/imports/{made.id}")


async def take_files(request: Call, files: Sequence[UploadFile]) -> list[Upload]:
    """Keep the files of a form; all of them or none.

    Raises:
        InvalidInput: there is none, or too many, or one of them is none that an import reads.
        TooLarge: the account has too much lying here.
    """
    if not 0 < len(files) <= MOST_FILES:
        code = "no-file" if not files else "too-many-files"
        problem = Problem(
            code=code,
            message="this form brings files",
            where="/file",
            expected=f"1 to {MOST_FILES} files",
            got=str(len(files)),
        )
        raise InvalidInput("The form brings no file.", problems=[problem])
    kept: list[Upload] = []
    uploads = request.house.uploads
    for file in files:
        try:
            kept.append(await uploads.take(pieces_of(file), file.filename, request.viewer))
        except RelatumError as error:
            for upload in kept:
                await uploads.delete(upload.id, request.viewer)
            raise _about(file.filename, error) from error
    return kept


async def _draft(request: Call, uploads: Sequence[Upload], target: str) -> ImportDraft:
    plans = request.house.import_requests.plans
    ids = [upload.id for upload in uploads]
    targets = [target] * len(ids) if target else await plans.targets_of(ids, request.viewer)
    pairs = zip(ids, targets, strict=True)
    return ImportDraft(files=[ImportFile(upload=id, target=each) for id, each in pairs])


def _about(name: str, error: RelatumError) -> RelatumError:
    """The same error, about the field that brings the file."""
    if not isinstance(error, InvalidInput):
        return error
    problems = [
        msgspec.structs.replace(each, where="/file", got=name[:120]) for each in error.problems
    ]
    return InvalidInput(error.detail, problems=problems)


async def _page(request: Call, form: Form) -> Html:
    house, viewer = request.house, request.viewer
    targets = [each for each in house.registry.import_targets if viewer.may(each.write_permission)]
    kept = await house.import_requests.plans.kept(viewer)
    return await page(
        request,
        "relatum/import_new.html",
        here="imports",
        forms=(form,),
        address=NEW,
        targets=[(each.id, each.title) for each in targets],
        kept=kept,
        most_bytes=house.settings.server.max_body_bytes,
        back=HERE,
    )


ROUTES = [choose_files, bring_files, bring_mended]
