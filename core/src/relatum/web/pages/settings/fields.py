"""Custom fields of customers: declaring them, and changing of them what may be changed."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.customers.types import FieldDraft
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call
from relatum.values.problems import Conflict, InvalidInput, NotFound, Problem, RelatumError
from relatum.values.sensitivity import Sensitivity
from relatum.values.text import fold
from relatum.web.flashes import declare_flashes
from relatum.web.forms import Form, sent
from relatum.web.languages import language_of, marked
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.wording import declare_sentences

WRITE = {"permission": "core.fields.write", **PAGE}
HERE = "/settings/fields"
Purpose = Annotated[str, Meta(max_length=40)]
Title = Annotated[str, Meta(max_length=100)]
FieldType = Literal["text", "integer", "decimal", "date", "boolean", "choice"]

declare_flashes(
    {
        "field-declared": marked("The field is there. It stands on the page of every customer."),
    }
)
declare_sentences(
    {
        "no-field-title": marked("Give the field a title, in Vietnamese or in English."),
        "no-choices": marked("Write the values to choose from, one on each line."),
        "field-taken": marked("There is a field with this key already. Choose another key."),
        "bad-field-key": marked(
            "Write the key with small letters, digits and underscores, beginning with a letter."
        ),
    }
)


class FieldForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A field to declare or to change."""

    key: Annotated[str, Meta(max_length=60)] = ""
    type: FieldType = "text"
    title_vi: Title = ""
    title_en: Title = ""
    choices: Annotated[str, Meta(max_length=10_000)] = ""
    applies_to: Literal["person", "organisation", "both"] = "both"
    sensitivity: Sensitivity | None = None
    purposes: Annotated[list[Purpose], Meta(max_length=20)] = []


@get(HERE, opt=WRITE, include_in_schema=False)
async def show_fields(request: Call) -> Html:
    """Every declared field."""
    request.refuse_query(("lang",))
    fields = await request.house.customers.fields()
    return await page(
        request,
        "relatum/settings_fields.html",
        here="fields",
        fields=fields,
        purposes=dict(_purposes(request)),
    )


@get("/settings/fields/new", opt=WRITE, include_in_schema=False)
async def show_new_field(request: Call) -> Html:
    """The form for a new field."""
    request.refuse_query(("lang",))
    return await _page(request, Form("field", {"type": "text", "applies_to": "both"}), None)


@post("/settings/fields/new", opt=WRITE, include_in_schema=False)
async def declare_field(request: Call) -> Answer[Any]:
    """Declare it."""
    form = Form("field")
    try:
        draft = _draft(form.take(await sent(request), FieldForm), None)
        if draft.key in {each.key for each in await request.house.customers.fields()}:
            raise Conflict("There is such a field.", problems=[_problem("field-taken", "/key")])
        request.house.processing.refuse_unknown(draft.purposes or [])
        await request.house.customers.declare_fields([draft])
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, form, None)
    return Redirect(HERE, flash="field-declared")


@get("/settings/fields/{key:str}", opt=WRITE, include_in_schema=False)
async def show_field(request: Call, key: FromPath[str]) -> Html:
    """The form for a field that is there."""
    request.refuse_query(("lang",))
    field = await _field(request, key)
    held = {**msgspec.structs.asdict(field), "choices": "\n".join(field.choices)}
    return await _page(request, Form("field", held), field)


@post("/settings/fields/{key:str}", opt=WRITE, include_in_schema=False)
async def change_field(request: Call, key: FromPath[str]) -> Answer[Any]:
    """Change its titles, choices, for whom it is, and how sensitive it is."""
    form = Form("field")
    field = await _field(request, key)
    try:
        draft = _draft(form.take(await sent(request), FieldForm), field)
        request.house.processing.refuse_unknown(draft.purposes or [])
        await request.house.customers.declare_fields([draft])
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, form, field)
    return Redirect(HERE, flash="saved")


def _draft(asked: FieldForm, before: FieldDraft | None) -> FieldDraft:
    """What the form says; key and type of a field never change."""
    title = asked.title_vi.strip() or asked.title_en.strip()
    if not title:
        raise InvalidInput("no title", problems=[_problem("no-field-title", "/title_vi")])
    key = before.key if before is not None else asked.key.strip() or key_of(title)
    if not _KEY.fullmatch(key):
        raise InvalidInput("no key", problems=[_problem("bad-field-key", "/key")])
    type_ = before.type if before is not None else asked.type
    choices = [line.strip() for line in asked.choices.splitlines() if line.strip()]
    if type_ == "choice" and not choices:
        raise InvalidInput("no choices", problems=[_problem("no-choices", "/choices")])
    return FieldDraft(
        key=key,
        type=type_,
        title_vi=asked.title_vi.strip(),
        title_en=asked.title_en.strip(),
        choices=list(dict.fromkeys(choices)) if type_ == "choice" else [],
        applies_to=asked.applies_to,
        sensitivity=asked.sensitivity,
        purposes=asked.purposes,
    )


def key_of(title: str) -> str:
    """A key made of a title: ``Ngày sinh`` becomes ``ngay_sinh``."""
    words = re.findall(r"[a-z0-9]+", fold(title))
    key = "_".join(words)[:60].rstrip("_")
    return key if not key[:1].isdigit() else f"f_{key}"[:60]


_KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")


def _problem(code: str, where: str) -> Problem:
    return Problem(code=code, message="the field cannot be declared like this", where=where)


async def _field(request: Call, key: str) -> FieldDraft:
    found = [each for each in await request.house.customers.fields() if each.key == key]
    if not found:
        raise NotFound("expected the key of a custom field, got another text")
    return found[0]


def _purposes(request: Call) -> list[tuple[str, str]]:
    """Ids and names of every purpose, by name."""
    language = language_of(request)
    titles = request.house.processing.purposes
    return sorted(
        ((id, title.in_language(language)) for id, title in titles.items()),
        key=lambda each: fold(each[1]),
    )


async def _page(request: Call, form: Form, field: FieldDraft | None) -> Html:
    return await page(
        request,
        "relatum/settings_field.html",
        here="fields",
        forms=(form,),
        address=HERE if field is None else f"{HERE}/{field.key}",
        declared=field,
        purposes=_purposes(request),
    )


ROUTES = [show_fields, show_new_field, declare_field, show_field, change_field]
