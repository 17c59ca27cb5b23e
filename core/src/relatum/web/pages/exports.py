"""Exports: asking for one, deciding about those of others, fetching the file."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.access.viewer import current_viewer
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.importing.exports.types import ExportDraft, Why
from relatum.importing.plan import FileKind
from relatum.values.problems import RelatumError
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import marked
from relatum.web.layout import PAGE, Redirect, page

WRITE = {"permission": "core.exports.write", **PAGE}
APPROVE = {"permission": "core.exports.approve", **PAGE}
HERE = "/exports"
MOST_SHOWN = 100

STATES: dict[str, tuple[str, str]] = {
    "queued": (marked("queued"), ""),
    "running": (marked("running"), ""),
    "waiting": (marked("waits for a second person"), "warning"),
    "ready": (marked("ready"), "good"),
    "refused": (marked("refused"), "bad"),
    "lapsed": (marked("lapsed"), "bad"),
    "failed": (marked("failed"), "bad"),
    "deleted": (marked("deleted"), ""),
}


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What somebody wants to take out, and what for."""

    target: Annotated[str, Meta(max_length=120)]
    format: FileKind
    why: Why


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why a request is let go or refused."""

    why: Annotated[str, Meta(max_length=300)] = ""


@get(HERE, opt=WRITE, include_in_schema=False)
async def show_exports(request: Call) -> Html:
    """One's own exports; everybody's for those who approve."""
    request.refuse_query(("lang",))
    return await _exports_page(request, Form("export", {"format": "xlsx"}))


@post(HERE, opt=WRITE, include_in_schema=False)
async def request_export(request: Call) -> Answer[Any]:
    """Ask for an export."""
    form = Form("export")
    try:
        asked = form.take(await sent(request), Request)
        draft = ExportDraft(target=asked.target, format=asked.format, why=asked.why)
        identity = request.scope["state"].get("identity")
        await request.house.exports.request(
            draft,
            viewer=current_viewer(),
            person=identity.name if identity is not None else request.actor,
        )
    except RelatumError as error:
        form.refuse(error)
        return await _exports_page(request, form)
    return Redirect(HERE, flash="export-requested")


@post("/exports/{export_id:str}/approve", opt=APPROVE, include_in_schema=False)
async def approve_export(request: Call, export_id: FromPath[str]) -> Answer[Any]:
    """Let somebody else's export go."""
    return await _decide(request, export_id, approve=True)


@post("/exports/{export_id:str}/refuse", opt=APPROVE, include_in_schema=False)
async def refuse_export(request: Call, export_id: FromPath[str]) -> Answer[Any]:
    """Refuse somebody else's export."""
    return await _decide(request, export_id, approve=False)


@post("/exports/{export_id:str}/fetch", opt=WRITE, include_in_schema=False)
async def fetch_export(request: Call, export_id: FromPath[str]) -> Answer[Any]:
    """On to the file, by a link that is good for a quarter of an hour."""
    id = id_in_path(export_id, "export")
    form = Form("decision")
    try:
        form.take(await sent(request), Nothing)
        link = await request.house.exports.link(id, current_viewer(), f"/api/v1/exports/{id}/file")
    except RelatumError as error:
        form.refuse(error)
        return await _exports_page(request, form)
    return Redirect(link)


@post("/exports/{export_id:str}/delete", opt=WRITE, include_in_schema=False)
async def delete_export(request: Call, export_id: FromPath[str]) -> Answer[Any]:
    """Delete the file before its time."""
    form = Form("decision")
    try:
        form.take(await sent(request), Nothing)
        await request.house.exports.delete(id_in_path(export_id, "export"), current_viewer())
    except RelatumError as error:
        form.refuse(error)
        return await _exports_page(request, form)
    return Redirect(HERE, flash="removed")


async def _decide(request: Call, export_id: str, *, approve: bool) -> Answer[Any]:
    id = id_in_path(export_id, "export")
    exports = request.house.exports
    form = Form("decision")
    try:
        asked = form.take(await sent(request), Decision)
        decide = exports.approve if approve else exports.refuse
        await decide(id, current_viewer(), why=asked.why)
    except RelatumError as error:
        form.refuse(error)
        return await _exports_page(request, form)
    return Redirect(HERE, flash="export-approved" if approve else "export-refused")


async def _exports_page(request: Call, form: Form) -> Html:
    house = request.house
    viewer = current_viewer()
    blank = [Form("export", {"format": "xlsx"}), Form("decision")]
    exports = await house.exports.find(viewer, limit=MOST_SHOWN)
    waiting = [
        each for each in exports if each.state == "waiting" and each.account != viewer.account
    ]
    return await page(
        request,
        "relatum/exports.html",
        here="exports",
        forms=tuple(form if form.name == each.name else each for each in blank),
        address=HERE,
        waiting=waiting if viewer.may("core.exports.approve") else [],
        exports=[each for each in exports if each not in waiting],
        targets={each.id: each.title for each in house.registry.import_targets},
        choices=[each for each in house.registry.import_targets if viewer.may(each.permission)],
        formats=[(each, each) for each in get_args(FileKind)],
        states=STATES,
        limit=house.settings.exports.approval_above,
    )


ROUTES = [
    show_exports,
    request_export,
    approve_export,
    refuse_export,
    fetch_export,
    delete_export,
]
