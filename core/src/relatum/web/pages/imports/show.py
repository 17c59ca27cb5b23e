"""One import on its way: tried out, brought in, taken back, and what came of it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath

from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.values.problems import RelatumError
from relatum.web.formats import money
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import Language, language_of
from relatum.web.layout import Redirect, page
from relatum.web.pages.imports.fields import title_of, value_title
from relatum.web.pages.imports.names import BUSY, READ, STATES, WRITE, names_of, share_done
from relatum.web.pages.imports.wording import reason_of, sentences_of
from relatum.web.template_filters import plainly

if TYPE_CHECKING:
    from relatum.importing.requests.types import ImportRequest
    from relatum.importing.results import ProposalSummary

#: Findings that are listed one by one.
MOST_FINDINGS = 100


class Confirmed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Proposals that are meant, by their numbers."""

    proposals: list[int] = []


@get("/imports/{import_id:str}", opt=READ, include_in_schema=False)
async def show_import(request: Call, import_id: FromPath[str]) -> Html | Answer[Any]:
    """How far an import is and what came of it."""
    request.refuse_query(("lang",))
    return await import_page(request, id_in_path(import_id, "import"), Form("act"))


@post("/imports/{import_id:str}/preview", opt=WRITE, include_in_schema=False)
async def preview_import(request: Call, import_id: FromPath[str]) -> Answer[Any]:
    """Try it out."""
    return await _act(request, import_id, "preview")


@post("/imports/{import_id:str}/apply", opt=WRITE, include_in_schema=False)
async def apply_import(request: Call, import_id: FromPath[str]) -> Answer[Any]:
    """Bring it in, or go on with it."""
    return await _act(request, import_id, "apply")


@post("/imports/{import_id:str}/undo", opt=WRITE, include_in_schema=False)
async def undo_import(request: Call, import_id: FromPath[str]) -> Answer[Any]:
    """Take it back."""
    return await _act(request, import_id, "undo")


@post("/imports/{import_id:str}/stop", opt=WRITE, include_in_schema=False)
async def stop_import(request: Call, import_id: FromPath[str]) -> Answer[Any]:
    """Stop what is being done."""
    return await _act(request, import_id, "stop", flash="import-stopped")


@post("/imports/{import_id:str}/confirm", opt=WRITE, include_in_schema=False)
async def confirm_proposals(request: Call, import_id: FromPath[str]) -> Answer[Any]:
    """Say that proposals are meant, and try it out again."""
    id = id_in_path(import_id, "import")
    requests, viewer = request.house.import_requests, request.viewer
    form = Form("act")
    try:
        asked = form.take(await sent(request), Confirmed)
        found = await requests.get(id, viewer)
        shown = _open_proposals(found)
        plan = await requests.plans.get(id, viewer)
        meant = [shown[number] for number in asked.proposals if 0 <= number < len(shown)]
        files = [
            msgspec.structs.replace(entry, confirm=_confirming(entry.confirm, entry.path, meant))
            for entry in plan.files
        ]
        await requests.plans.change(id, msgspec.structs.replace(plan, files=files), viewer)
        await requests.preview(id, viewer)
    except RelatumError as error:
        form.refuse(error)
        return await import_page(request, id, form)
    return Redirect(f"/imports/{id}", flash="import-confirmed")


def _confirming(
    confirm: dict[str, dict[str, str]], path: str, meant: list[ProposalSummary]
) -> dict[str, dict[str, str]]:
    confirmed = {field: dict(values) for field, values in confirm.items()}
    for each in meant:
        if each.file == path and each.proposal is not None:
            confirmed.setdefault(each.field, {})[each.got] = each.proposal
    return confirmed


def _open_proposals(found: ImportRequest) -> list[ProposalSummary]:
    """Those that keep rows out until somebody says that they are meant."""
    summaries = found.preview.proposals if found.preview is not None else []
    return [each for each in summaries if each.decision == "kept out" and each.proposal]


async def _act(request: Call, import_id: str, what: str, *, flash: str = "") -> Answer[Any]:
    id = id_in_path(import_id, "import")
    form = Form("act")
    try:
        form.take(await sent(request), Nothing)
        await getattr(request.house.import_requests, what)(id, request.viewer)
    except RelatumError as error:
        form.refuse(error)
        return await import_page(request, id, form)
    return Redirect(f"/imports/{id}", flash=flash)


async def import_page(request: Call, id: UUID, form: Form) -> Html:
    """The page of one import, whatever state it is in."""
    house, language = request.house, language_of(request)
    found = await house.import_requests.get(id, request.viewer)
    names = await names_of(house, [found.by])
    shelf = house.registry.import_targets
    plan = await house.import_requests.plans.get(id, request.viewer)
    meant = [t for t in shelf if t.id in {entry.target for entry in plan.files}]
    return await page(
        request,
        "relatum/import.html",
        here="imports",
        forms=tuple(form if form.name == name else Form(name) for name in ("act", "mended")),
        address=f"/imports/{id}",
        fragments={"import": "relatum/import_state.html"},
        asked=found,
        who=names.get(found.by, ""),
        busy=found.state in BUSY,
        done=share_done(found.progress),
        proposals=_open_proposals(found),
        targets={each.id: each.title.in_language(language) for each in shelf},
        field_title=lambda target, name: title_of(shelf.get(target), name, language),
        shown=lambda value: _shown(value, language),
        reason=functools.partial(reason_of, language=language, own=sentences_of(meant)),
        states=STATES,
        most_findings=MOST_FINDINGS,
        mends=[name for name in found.rejected if not name.endswith((".jsonl", ".toml"))],
        reports=[name for name in found.rejected if name.endswith(".findings.jsonl")],
    )


def _shown(value: object, language: Language) -> str:
    """A value of a record as people read it."""
    if isinstance(value, dict) and value.keys() == {"amount", "currency"}:
        return money(value["amount"], value["currency"], language)
    return value_title(value, language) if isinstance(value, str) and value else plainly(value)


ROUTES = [
    show_import,
    preview_import,
    apply_import,
    undo_import,
    stop_import,
    confirm_proposals,
]
