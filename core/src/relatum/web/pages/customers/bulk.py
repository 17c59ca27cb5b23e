"""Doing something with the chosen customers of the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.access.viewer import current_viewer
from relatum.customers.types import CustomerQuery, Role, Tag
from relatum.hooks.screens import BulkAction
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.importing.acting import demand
from relatum.importing.exports.types import ExportDraft, Why
from relatum.importing.plan import FileKind
from relatum.jobs.types import JobRun
from relatum.values.ids import new_id
from relatum.values.problems import InvalidInput, NotFound, Problem, RelatumError
from relatum.web.bulk_changes import (
    CHUNK,
    FIELDS,
    JOB,
    UNDO_JOB,
    WRITE,
    BulkChanges,
    BulkResult,
    BulkWork,
    UndoWork,
    undo_path,
)
from relatum.web.flashes import declare_flashes
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import Language, language_of, marked, translations
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.pages.customers.asked_fields import asked_by
from relatum.web.pages.customers.asking import HERE, asked_of, pairs_in, plain
from relatum.web.pages.customers.card import ROLES
from relatum.web.pages.customers.colleagues import colleagues
from relatum.web.reading import zone_here

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer

READ = {"permission": "core.customers.read", **PAGE}
EXPORT, EXPORT_RIGHT = "export", "core.exports.write"
#: Verbs of core: title, icon, permission.
VERBS: dict[str, tuple[str, str, str]] = {
    "owner": (marked("Give to somebody"), "user-plus", WRITE),
    "team": (marked("Give to a team"), "users", WRITE),
    "add_tag": (marked("Add a tag"), "tag", WRITE),
    "remove_tag": (marked("Remove a tag"), "tags", WRITE),
    "role": (marked("Set the role"), "id", WRITE),
    EXPORT: (marked("Export"), "download", EXPORT_RIGHT),
}

declare_flashes(
    {
        "many-changed": marked("Changed: %(count)s."),
        "many-undone": marked("Taken back: %(count)s."),
    }
)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What is chosen in the list, as every form of an action carries it along.

    Attributes:
        all: everybody who fits, whatever is chosen.
        listed: the query of the list's address.
    """

    action: Annotated[str, Meta(max_length=120)]
    id: Annotated[list[UUID], Meta(max_length=CHUNK)] = []
    all: Literal["", "1"] = ""
    listed: Annotated[str, Meta(max_length=5000)] = ""


class Owner(Choice, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Nobody when it is left empty."""

    value: UUID | None = None


class Tagging(Choice, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One tag."""

    value: Tag


class Roles(Choice, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The one role that they have from now on."""

    value: Role


class Exporting(Choice, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An export of them."""

    format: FileKind = "csv"
    why: Why


class Begin(Choice, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Nothing more than what is chosen."""


_FORMS: dict[str, type[Choice]] = {
    "owner": Owner,
    "team": Owner,
    "add_tag": Tagging,
    "remove_tag": Tagging,
    "role": Roles,
    EXPORT: Exporting,
}


def actions_of(request: Call, language: Language) -> list[tuple[str, str, str]]:
    """What the viewer may do with many customers: id, title, icon."""
    text, viewer = translations(language).gettext, current_viewer()
    core = [(id, text(title), icon) for id, (title, icon, may) in VERBS.items() if viewer.may(may)]
    declared = sorted(request.house.registry.bulk_actions, key=lambda each: (each.order, each.id))
    return core + [
        (each.id, each.title.in_language(language), each.icon or "bolt")
        for each in declared
        if viewer.may(each.permission)
    ]


@post("/customers/bulk", opt=READ, include_in_schema=False)
async def begin(request: Call) -> Answer[Any]:
    """Ask for what an action needs to know, and whether it is meant."""
    pairs = await sent(request)
    choice = _choice(pairs)
    form = Form("action", msgspec.to_builtins(choice) | {"format": "csv"})
    return await _action_page(request, choice, form)


@post("/customers/bulk/do", opt=READ, include_in_schema=False)
async def carry_out(request: Call) -> Answer[Any]:
    """Do it: at once up to a thousand, in the background beyond."""
    pairs = await sent(request)
    choice = _choice(pairs)
    form = Form("action", msgspec.to_builtins(choice))
    try:
        return await _carry_out(request, pairs, choice, form)
    except RelatumError as error:
        form.refuse(error, renamed=dict.fromkeys(("owner", "team", "tags", "roles"), "value"))
        return await _action_page(request, choice, form)


@get("/customers/bulk/{run_id:str}", opt=READ, include_in_schema=False)
async def show_run(request: Call, run_id: FromPath[str]) -> Html:
    """How far it is."""
    request.refuse_query(("lang",))
    run = await _own_run(request, run_id)
    result = msgspec.convert(run.result, BulkResult) if run.state == "succeeded" else None
    return await page(
        request,
        "relatum/customers_bulk_run.html",
        here="customers",
        fragments={"how-far": "relatum/customers_bulk_progress.html"},
        run=run,
        result=result,
        path=f"{HERE}/bulk/{run.id}",
    )


@post("/customers/bulk/{bulk_id:str}/undo", opt=READ, include_in_schema=False)
async def undo(request: Call, bulk_id: FromPath[str]) -> Answer[Any]:
    """Take it back where nobody has changed the customer since."""
    Form("undo").take(await sent(request), Nothing)
    viewer, bulk = current_viewer(), id_in_path(bulk_id, "change")
    demand(viewer, WRITE)
    changes = BulkChanges(request.house)
    if len(await changes.kept(bulk, viewer)) > 1 and viewer.account is not None:
        work = UndoWork(bulk=bulk, account=viewer.account, actor=viewer.actor)
        run = await request.house.jobs.enqueue(UNDO_JOB, work, key=str(viewer.account))
        return Redirect(f"{HERE}/bulk/{run}")
    count = await changes.undo(bulk, viewer)
    return Redirect(HERE, flash="many-undone", values={"count": count})


def _choice(pairs: list[tuple[str, str]]) -> Choice:
    """What is chosen; a form that was not made by the list is refused."""
    known = {"action", "id", "all", "listed"}
    given = [(name, value) for name, value in pairs if name in known]
    return Form("choice").take(given, Begin)


async def _carry_out(
    request: Call, pairs: list[tuple[str, str]], choice: Choice, form: Form
) -> Answer[Any]:
    viewer = current_viewer()
    action = _plugins_action(request, choice.action)
    kind = _FORMS.get(choice.action) or (action.fields if action and action.fields else Begin)
    own = [pair for pair in pairs if action is None or pair[0] not in Choice.__struct_fields__]
    given: Any = form.take(own, kind) if action is None or action.fields else None
    demand(viewer, action.permission if action else VERBS[choice.action][2])
    query = _query(choice, viewer, request)
    if choice.action == EXPORT:
        return await _export(request, given, query)
    ids = await request.house.customers.ids(query, most=CHUNK + 1)
    if not ids:
        raise _nobody()
    value = "" if action or given.value is None else str(given.value)
    language = language_of(request)
    work = BulkWork(
        bulk=new_id(),
        account=viewer.account or UUID(int=0),
        actor=viewer.actor,
        action=choice.action,
        value=value,
        values=msgspec.to_builtins(given) if action and given is not None else {},
        query=plain(query),
        language=language,
    )
    changes = BulkChanges(request.house)
    if len(ids) > CHUNK:
        return Redirect(f"{HERE}/bulk/{await changes.start(work)}")
    if action is not None:
        done = await changes.act(action, ids, given, language)
        return _changed(choice, done.count, done.undo)
    count = await changes.change(ids, choice.action, value, bulk=work.bulk)
    return _changed(choice, count, undo_path(work.bulk) if count else "")


def _changed(choice: Choice, count: int, undo: str) -> Redirect:
    return Redirect(_back(choice), flash="many-changed", values={"count": count}, undo=undo)


async def _export(request: Call, given: Exporting, query: CustomerQuery) -> Answer[Any]:
    draft = ExportDraft(
        target="core.customers", format=given.format, filters=plain(query), why=given.why
    )
    person = request.identity.name if request.identity is not None else request.actor
    await request.house.exports.request(draft, viewer=current_viewer(), person=person)
    return Redirect("/exports", flash="export-requested")


def _query(choice: Choice, viewer: Viewer, request: Call) -> CustomerQuery:
    """Everybody that is meant."""
    if choice.all:
        zone = zone_here(request.house)
        return asked_of(pairs_in(choice.listed)).query(viewer, zone)
    if not choice.id:
        raise _nobody()
    return CustomerQuery(ids=choice.id)


def _plugins_action(request: Call, id: str) -> BulkAction | None:
    """The action of a plugin; ``None`` for a verb of core."""
    return None if id in VERBS else request.house.registry.bulk_actions.get(id)


def _nobody() -> InvalidInput:
    problem = Problem(code="nobody-chosen", message="nobody is chosen", where="/id")
    return InvalidInput("Nobody is chosen.", problems=[problem])


def _back(choice: Choice) -> str:
    pairs = asked_of(pairs_in(choice.listed)).pairs()
    return f"{HERE}?{urlencode(pairs)}" if pairs else HERE


async def _action_page(request: Call, choice: Choice, form: Form) -> Html:
    house, viewer, language = request.house, current_viewer(), language_of(request)
    action = _plugins_action(request, choice.action)
    demand(viewer, action.permission if action else VERBS[choice.action][2])
    text = translations(language).gettext
    names = await colleagues(house, viewer, [])
    count = len(choice.id)
    if choice.all:
        count = await house.customers.count(_query(choice, viewer, request), most=CHUNK * 100)
    me = [(str(viewer.account), text("me"))] if viewer.account else []
    return await page(
        request,
        "relatum/customers_bulk.html",
        here="customers",
        address=HERE,
        forms=(form,),
        choice=choice,
        count=count,
        title=action.title.in_language(language) if action else text(VERBS[choice.action][0]),
        fields=asked_by(action, language),
        people=[*me, *names.owners],
        teams=names.offered,
        roles=[(id, text(title)) for id, title in ROLES.items()],
        back=_back(choice),
        undoable=choice.action in FIELDS,
    )


async def _own_run(request: Call, run_id: str) -> JobRun:
    run = await request.house.jobs.get(id_in_path(run_id, "change"))
    args = run.args if isinstance(run.args, dict) else {}
    if run.job not in (JOB, UNDO_JOB) or args.get("account") != str(current_viewer().account):
        raise NotFound(f"expected the id of a change of your own, got {run_id}; there is none")
    return run


ROUTES = [begin, carry_out, show_run, undo]
