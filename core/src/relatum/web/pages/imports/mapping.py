"""Which column of a file goes where: proposed, looked at beside its first cells, and corrected."""

from __future__ import annotations

import functools
from collections.abc import Mapping as Table
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.importing.choosing import NEW_FIELD
from relatum.importing.plan import Format
from relatum.values.problems import Conflict, RelatumError
from relatum.web.forms import Form, sent
from relatum.web.languages import language_of
from relatum.web.layout import Redirect, page
from relatum.web.pages.imports.chosen import Choosing, Chosen
from relatum.web.pages.imports.fields import CUSTOMERS, options_of
from relatum.web.pages.imports.names import STATES, WRITE
from relatum.web.pages.imports.views import FormValues, view_of
from relatum.web.pages.imports.wording import reason_of, sentences_of

ENCODINGS = ("utf-8", "utf-16", "windows-1258", "windows-1252")
DELIMITERS = ((",", ","), (";", ";"), ("\t", "Tab"), ("|", "|"))
DATES = ("dd/MM/yyyy", "MM/dd/yyyy", "yyyy-MM-dd", "dd/MM/yyyy HH:mm", "MM/dd/yyyy HH:mm")
FIELDS_WRITE = "core.fields.write"


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a file is to be read; what is empty is found out."""

    file: Annotated[int, Meta(ge=0, le=50)]
    target: Annotated[str, Meta(min_length=1, max_length=120)]
    encoding: Annotated[str, Meta(max_length=40)] = ""
    delimiter: Annotated[str, Meta(max_length=1)] = ""
    sheet: Annotated[str, Meta(max_length=100)] = ""
    date: Annotated[str, Meta(max_length=40)] = ""
    decimal: Literal["", ".", ","] = ""
    skip_lines: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    bare: bool = False


@get("/imports/{import_id:str}/mapping", opt=WRITE, include_in_schema=False)
async def show_mapping(request: Call, import_id: FromPath[str]) -> Html | Answer[Any]:
    """The columns of the files and where they go."""
    request.refuse_query(("lang",))
    id = id_in_path(import_id, "import")
    found = await request.house.import_requests.get(id, request.viewer)
    if found.state not in ("ready", "failed") or found.journal is not None:
        return Redirect(f"/imports/{id}")
    return await _page(request, id, Form("map"), {})


@post("/imports/{import_id:str}/mapping", opt=WRITE, include_in_schema=False)
async def choose_mapping(request: Call, import_id: FromPath[str]) -> Answer[Any]:
    """Keep what was chosen, and try it out."""
    id = id_in_path(import_id, "import")
    requests, viewer = request.house.import_requests, request.viewer
    form = Form("map")
    try:
        asked = form.take(await sent(request), Chosen)
        plan = await requests.plans.get(id, viewer)
        looks = await requests.plans.look(id, viewer)
        declared = await request.house.customers.fields()
        plan = Choosing(request.house.registry, plan, looks, declared, language_of(request)).chosen(
            asked
        )
        await requests.plans.change(id, plan, viewer)
        await requests.preview(id, viewer)
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, id, form, {})
    return Redirect(f"/imports/{id}")


@post("/imports/{import_id:str}/reading", opt=WRITE, include_in_schema=False)
async def choose_reading(request: Call, import_id: FromPath[str]) -> Answer[Any]:
    """Read a file differently, or for another kind of data."""
    id = id_in_path(import_id, "import")
    pairs = await sent(request)
    place = next((text for name, text in pairs if name == "file" and text.isdecimal()), "0")
    form = Form(f"reading{int(place[:3])}")
    try:
        asked = form.take(pairs, Reading)
        plans = request.house.import_requests.plans
        await plans.read_as(id, asked.file, asked.target, _format(asked), request.viewer)
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, id, Form("map"), {form.name: form})
    return Redirect(f"/imports/{id}/mapping")


def _format(asked: Reading) -> Format:
    return Format(
        delimiter=asked.delimiter or None,
        encoding=asked.encoding or None,
        header=not asked.bare,
        skip_lines=asked.skip_lines or 0,
        date=asked.date or None,
        decimal=asked.decimal or None,
        sheet=asked.sheet or None,
    )


async def _page(request: Call, id: UUID, form: Form, readings: Table[str, Form]) -> Html:
    requests = request.house.import_requests
    found = await requests.get(id, request.viewer)
    if found.state not in ("ready", "failed") or found.journal is not None:
        raise Conflict(f"expected an import that is being prepared, got one that is {found.state}")
    plan = await requests.plans.get(id, request.viewer)
    looks = await requests.plans.look(id, request.viewer)
    declared = [*await request.house.customers.fields(), *plan.fields]
    language = language_of(request)
    views, values = [], FormValues()
    for place, (entry, seen) in enumerate(zip(plan.files, looks, strict=True)):
        target = request.house.registry.import_targets.get(entry.target)
        options = options_of(target, declared, language)
        view = view_of(place, entry, seen, target, options, values, language)
        view.reading = readings.get(view.reading.name, view.reading)
        views.append(view)
    if not form.problems:
        form = Form("map", {"name": plan.name, "title": plan.title, **values.shown()})
    viewer = request.viewer
    targets = list(request.house.registry.import_targets)
    meant = [t for t in targets if t.id in {entry.target for entry in plan.files}]
    return await page(
        request,
        "relatum/import_mapping.html",
        here="imports",
        forms=(form, *(view.reading for view in views)),
        address=f"/imports/{id}/mapping",
        asked=found,
        views=views,
        targets=[
            (t.id, t.title.in_language(language)) for t in targets if viewer.may(t.write_permission)
        ],
        encodings=[(each, each) for each in ENCODINGS],
        delimiters=DELIMITERS,
        dates=[(each, each) for each in DATES],
        new_field=NEW_FIELD if viewer.may(FIELDS_WRITE) else "",
        customers=CUSTOMERS,
        reason=functools.partial(reason_of, language=language, own=sentences_of(meant)),
        states=STATES,
    )


ROUTES = [show_mapping, choose_mapping, choose_reading]
