"""Exports: asking for one, deciding about those of others, fetching the file."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any, get_args

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.access.viewer import current_viewer
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.http.queries import pairs_of
from relatum.importing.exports.types import Export, ExportDraft, Why
from relatum.importing.plan import FileKind
from relatum.values.problems import InvalidInput, Problem, RelatumError
from relatum.values.time import zone_of
from relatum.web.export_filters import PREFIX, FilterField, fields_for, filters_from
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import language_of, marked
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.reading import zone_here

if TYPE_CHECKING:
    from relatum.hooks.declarations import ImportTarget

WRITE = {"permission": "core.exports.write", **PAGE}
APPROVE = {"permission": "core.exports.approve", **PAGE}
HERE = "/exports"
MOST_SHOWN = 100

STATES: dict[str, tuple[str, str]] = {
    "queued": (marked("queued"), ""),
    "running": (marked("running"), "info"),
    "waiting": (marked("waits for a second person"), "warning"),
    "ready": (marked("ready"), "good"),
    "refused": (marked("refused"), "bad"),
    "lapsed": (marked("lapsed"), ""),
    "failed": (marked("failed"), "bad"),
    "deleted": (marked("deleted"), ""),
}
FORMATS = {"xlsx": "Excel (XLSX)", "csv": "CSV", "jsonl": "JSON lines"}


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What somebody wants to take out, and what for; filters come beside it."""

    target: Annotated[str, Meta(max_length=120)]
    format: FileKind
    why: Why


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why a request is let go or refused."""

    why: Annotated[str, Meta(max_length=300)] = ""


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """The form for a new export as it is shown."""

    target: str
    title: str
    fields: list[FilterField]
    filtered: bool


@get(HERE, opt=WRITE, include_in_schema=False)
async def show_exports(request: Call) -> Html:
    """One's own exports; everybody's for those who approve.

    The address may say what is to be taken out and by which filters, so that a list can lead here.
    """
    pairs = [pair for pair in pairs_of(request.scope["query_string"]) if pair[0] != "lang"]
    known = {"target", *(name for name, _ in pairs if name.startswith(PREFIX))}
    request.refuse_query((*known, "lang"))
    return await _exports_page(request, Form("export", {"format": "xlsx", **dict(pairs)}))


@post(HERE, opt=WRITE, include_in_schema=False)
async def request_export(request: Call) -> Answer[Any]:
    """Ask for an export."""
    form = Form("export")
    pairs = await sent(request)
    filters = [pair for pair in pairs if pair[0].startswith(PREFIX)]
    try:
        asked = form.take([pair for pair in pairs if pair not in filters], Request)
        target = request.house.registry.import_targets.get(asked.target)
        identity = request.identity
        await request.house.exports.request(
            ExportDraft(
                target=asked.target,
                format=asked.format,
                filters=filters_from(target, filters, zone=_zone(request)),
                why=asked.why,
            ),
            viewer=current_viewer(),
            person=identity.name if identity is not None else request.actor,
        )
    except RelatumError as error:
        form.keep(dict(filters))
        form.refuse(_named(error))
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


def _named(error: RelatumError) -> RelatumError:
    """The same error, with each filter by the name of its field in the form."""
    if not isinstance(error, InvalidInput):
        return error
    problems = [_of_field(each) for each in error.problems]
    return InvalidInput(error.detail, problems=problems)


def _of_field(problem: Problem) -> Problem:
    place = problem.where.removeprefix("/filters/")
    where = f"/{PREFIX}{place}" if place != problem.where else problem.where
    return msgspec.structs.replace(problem, where=where)


def _zone(request: Call) -> dt.tzinfo:
    return zone_of(zone_here(request.house))


async def _exports_page(request: Call, form: Form) -> Html:
    house = request.house
    viewer = current_viewer()
    blank = [Form("export", {"format": "xlsx"}), Form("decision")]
    forms = tuple(form if form.name == each.name else each for each in blank)
    exports = await house.exports.find(viewer, limit=MOST_SHOWN)
    others = [each for each in exports if _waits_for(each, viewer.account)]
    waiting = others if viewer.may("core.exports.approve") else []
    choices = [each for each in house.registry.import_targets if viewer.may(each.permission)]
    return await page(
        request,
        "relatum/exports.html",
        here="exports",
        forms=forms,
        address=HERE,
        fragments={"exports": "relatum/exports_list.html"},
        waiting=waiting,
        exports=[each for each in exports if each not in waiting],
        busy=any(each.state in ("queued", "running") for each in exports),
        targets={each.id: each.title for each in house.registry.import_targets},
        choices=[(each.id, each.title) for each in choices],
        new=_new(request, forms[0], choices),
        formats=[(each, FORMATS[each]) for each in get_args(FileKind)],
        states=STATES,
        limit=house.settings.exports.approval_above,
    )


def _waits_for(export: Export, account: object) -> bool:
    return export.state == "waiting" and export.account != account


def _new(request: Call, form: Form, choices: list[ImportTarget]) -> Filled | None:
    """The form for what is chosen, or for the first that there is."""
    if not choices:
        return None
    wanted = str(form.value("target"))
    target = next((each for each in choices if each.id == wanted), choices[0])
    language = language_of(request)
    kinds = [
        (kind.id, kind.title.in_language(language))
        for kind in request.house.registry.interaction_kinds
    ]
    fields = fields_for(target, language, kinds)
    return Filled(
        target=target.id,
        title=target.title.in_language(language),
        fields=fields,
        filtered=any(form.value(field.name) for field in fields),
    )


ROUTES = [
    show_exports,
    request_export,
    approve_export,
    refuse_export,
    fetch_export,
    delete_export,
]
