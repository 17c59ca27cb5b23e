"""Targets of all teams: what was reached of them, and setting many at once."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, cast
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.api import (
    Amount,
    Conflict,
    Form,
    InvalidInput,
    Plugin,
    Problem,
    Redirect,
    RelatumError,
    Text,
    Visit,
    WebPage,
    is_currency,
    local_day,
    month,
    now,
)
from relatum_sales_pipeline.permissions import REPORTS_READ, SETUP_WRITE
from relatum_sales_pipeline.screens.reading import ROOT, address, amount_of, month_name, typed
from relatum_sales_pipeline.screens.rows import rows_href
from relatum_sales_pipeline.services.targets import Targets, bounds, months_from
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.targets import Progress, TargetEdit
from relatum_sales_pipeline.types.teams import Team
from relatum_sales_pipeline.wording import SENTENCES

SEEN_MONTHS = 6
#: Months before this one that are shown at first.
PAST_MONTHS = 2
TEAMS_AT_ONCE = 40
PATH = f"{ROOT}/targets"
Cell = Annotated[str, Meta(max_length=40)]
#: What a form began with: version and amount of each of its fields.
Base = dict[str, tuple[int, int | None]]


class TargetFilter(msgspec.Struct, kw_only=True):
    """What stands in the address of the targets."""

    first: Annotated[str, Meta(max_length=7)] = ""
    currency: Annotated[str, Meta(max_length=3)] = ""
    edit: bool = False
    start: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class View(msgspec.Struct, kw_only=True):
    """Which months, teams and currency a page is about."""

    asked: TargetFilter
    filter: Form
    months: list[str]
    currency: str
    teams: list[Team]
    more: bool
    progress: list[Progress]


class Both(msgspec.Struct, frozen=True):
    """One target in both versions, as the page says them."""

    field: str
    team: str
    month: str
    before: str
    theirs: str
    yours: str


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """A team (or all, or none) in a month, as it is shown."""

    target: int | None
    won: int
    amount: int
    href: str


async def _view(plugin: Plugin, visit: Visit) -> View:
    form, asked = visit.query(TargetFilter)
    this = month(local_day(now(), visit.time_zone))
    months = months_from(_first(asked.first) or _shifted(this, -PAST_MONTHS), SEEN_MONTHS)
    currency = asked.currency if is_currency(asked.currency) else _currency(plugin, visit)
    form.hold({"currency": currency})
    progress = await Targets(plugin).progress(months, currency)
    concerned = {each.team_id for each in progress if each.target is not None or each.won}
    every = [t for t in await Teams(plugin).all_teams() if t.active or t.id in concerned]
    teams = every[asked.start : asked.start + TEAMS_AT_ONCE]
    more = asked.start + TEAMS_AT_ONCE < len(every)
    return View(
        asked=asked,
        filter=form,
        months=months,
        currency=currency,
        teams=teams,
        more=more,
        progress=progress,
    )


def _first(text: str) -> str:
    """A month that the page can begin with, or nothing."""
    year, _, number = text.partition("-")
    whole = len(text) == 7 and year.isascii() and (year + number).isdecimal()
    inside = whole and number.isascii() and 1 <= int(number) <= 12 and 1900 <= int(year) <= 2200
    return text if inside else ""


def _shifted(first: str, count: int) -> str:
    number = int(first[:4]) * 12 + int(first[5:7]) - 1 + count
    return f"{number // 12:04}-{number % 12 + 1:02}"


def _currency(plugin: Plugin, visit: Visit) -> str:
    return str(plugin.settings.currency or visit.currency)


def _field(team: UUID, month: str) -> str:
    return f"t{team.hex}_{month.replace('-', '')}"


# -- showing -------------------------------------------------------------------------------------


async def load(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    view = await _view(plugin, visit)
    base = _base(view)
    amounts = {name: amount for name, (_, amount) in base.items()}
    form = Form("targets", {**_typed(amounts, view, visit), "base": _packed(base)})
    return await _page(plugin, visit, view, form)


async def _page(
    plugin: Plugin, visit: Visit, view: View, form: Form, both: Sequence[Both] = ()
) -> dict[str, Any]:
    may_write = visit.may(SETUP_WRITE)
    codes = {*await Targets(plugin).currencies(), view.currency, _currency(plugin, visit)}
    first = view.months[0]
    return {
        "filter": view.filter,
        "targets": form,
        "months": [(each, month_name(each, visit)) for each in view.months],
        "teams": view.teams,
        "reached": _reached(view),
        "stray": any(each.team_id is None for each in view.progress),
        "field": _field,
        "edited": may_write and (view.asked.edit or form.status != 200),
        "both": both,
        "currency": view.currency,
        "currencies": [(code, code) for code in sorted(codes)],
        "earlier": address(visit, first=_shifted(first, -SEEN_MONTHS)),
        "later": address(visit, first=_shifted(first, SEEN_MONTHS)),
        "fewer": address(visit, start=max(0, view.asked.start - TEAMS_AT_ONCE))
        if view.asked.start
        else "",
        "more": address(visit, start=view.asked.start + TEAMS_AT_ONCE) if view.more else "",
        "whole": not view.asked.start and not view.more,
        "here_again": address(visit),
        "edit_href": address(visit, edit="on"),
        "shown_href": _shown(visit),
        "may_write": may_write,
        "sentences": SENTENCES,
        "here": "sales_pipeline.forecast",
        "root": ROOT,
    }


def _shown(visit: Visit) -> str:
    """The page without the form."""
    return address(visit, edit="").replace("&edit=", "").replace("?edit=", "?").rstrip("?")


def _reached(view: View) -> dict[tuple[str, str], Reached]:
    """By id of the team (``all``, ``none``) and month; ``all`` is everybody, also off this page."""
    found = {}
    for name in view.months:
        rows = {each.team_id: each for each in view.progress if each.month == name}
        for team in view.teams:
            found[str(team.id), name] = _one(
                [rows[team.id]] if team.id in rows else [], view, name, team=team.id
            )
        nobody = rows.get(None)
        found["none", name] = _one([nobody] if nobody else [], view, name, nobody="team")
        found["all", name] = _one(list(rows.values()), view, name)
    return found


def _one(rows: Sequence[Progress], view: View, name: str, **which: object) -> Reached:
    first, last = bounds(name)
    targets = [each.target for each in rows if each.target is not None]
    return Reached(
        target=sum(targets) if targets else None,
        won=sum(each.won for each in rows),
        amount=sum(each.amount for each in rows),
        href=rows_href(
            "won", currency=view.currency, closed_from=first, closed_until=last, **which
        ),
    )


# -- setting -------------------------------------------------------------------------------------


async def act(plugin: Plugin, visit: Visit) -> Any:
    """Set what was changed in the form; what others changed meanwhile is shown beside it."""
    view = await _view(plugin, visit)
    every = tuple(team.id for team in await Teams(plugin).all_teams())
    form, sent = await visit.form("targets", _form_of(every, tuple(view.months)))
    if sent is None:
        return await _page(plugin, visit, view, form)
    given: dict[str, str] = msgspec.structs.asdict(sent)
    try:
        base = _unpacked(given["base"])
        amounts = _amounts(base, given, view, visit)
        edits = _edits(base, amounts, every, view.months)
    except RelatumError as error:
        form.refuse(error)
        return await _page(plugin, visit, view, form)
    try:
        await Targets(plugin).save(view.currency, edits)
    except Conflict as error:
        form.refuse(error)
        late = cast("list[TargetEdit]", error.extra["yours"])
        return await _conflict(plugin, visit, form, _Sent(base, amounts, late))
    except RelatumError as error:
        form.refuse(error)
        return await _page(plugin, visit, view, form)
    says, values = "sales_pipeline.targets_set", {"count": len(edits)}
    return Redirect(f"{PATH}{_shown(visit)}", flash=says, values=values)


class _Sent(msgspec.Struct, frozen=True):
    """What a form began with, what it is to be, and which of that came too late."""

    base: Base
    amounts: Mapping[str, int | None]
    late: Sequence[TargetEdit]


@functools.lru_cache(maxsize=16)
def _form_of(teams: tuple[UUID, ...], months: tuple[str, ...]) -> type[msgspec.Struct]:
    """The form: what it began with, an amount for each team and month, and which version wins."""
    fields: list[Any] = [("base", Annotated[str, Meta(max_length=200_000)])]
    for team in teams:
        for each in months:
            fields.append((_field(team, each), Cell, ""))
            fields.append((f"which_{_field(team, each)}", Cell, ""))
    return msgspec.defstruct("Targets", fields, kw_only=True, forbid_unknown_fields=True)


def _amounts(
    base: Base, given: Mapping[str, str], view: View, visit: Visit
) -> dict[str, int | None]:
    """What the fields are to be.

    Raises:
        InvalidInput: with every field that cannot be read.
    """
    amounts: dict[str, int | None] = {}
    problems: list[Problem] = []
    for name, (_, before) in base.items():
        if given.get(f"which_{name}") == "theirs" or name not in given:
            amounts[name] = before
            continue
        try:
            amount = amount_of(given[name], view.currency, visit, f"/{name}")
            amounts[name] = amount.amount if amount else None
        except InvalidInput as error:
            problems += error.problems
            continue
        if amount is not None and amount.amount < 0:
            problems.append(_negative(name))
    if problems:
        raise InvalidInput("The targets cannot be set.", problems=problems)
    return amounts


def _edits(
    base: Base, amounts: Mapping[str, int | None], teams: Sequence[UUID], months: Sequence[str]
) -> list[TargetEdit]:
    """The fields that were changed."""
    return [
        TargetEdit(team_id=team, month=each, amount=amounts[name], version=base[name][0])
        for team in teams
        for each in months
        if (name := _field(team, each)) in base and amounts[name] != base[name][1]
    ]


async def _conflict(plugin: Plugin, visit: Visit, form: Form, sent: _Sent) -> dict[str, Any]:
    """Both versions; the form holds what only one of them changed, and yours where both did."""
    view = await _view(plugin, visit)
    theirs = _base(view)
    merged: dict[str, int | None] = {}
    for name, (_, amount) in theirs.items():
        changed = name in sent.base and sent.amounts[name] != sent.base[name][1]
        merged[name] = sent.amounts[name] if changed else amount
    form.hold({**_typed(merged, view, visit), "base": _packed(theirs)})
    names = {team.id: team.name for team in await Teams(plugin).all_teams()}
    held = await Targets(plugin).held(view.currency, view.months)

    def said(amount: int | None) -> str:
        return "–" if amount is None else visit.money(amount, view.currency)

    both = []
    for each in sent.late:
        name, now_held = _field(each.team_id, each.month), held.get((each.team_id, each.month))
        both.append(
            Both(
                field=name,
                team=names[each.team_id],
                month=month_name(each.month, visit),
                before=said(sent.base[name][1]),
                theirs=said(now_held.amount if now_held else None),
                yours=said(each.amount),
            )
        )
    return await _page(plugin, visit, view, form, both)


def _base(view: View) -> Base:
    """What the fields of the teams of this page hold."""
    held = {(each.team_id, each.month): each for each in view.progress}
    base: Base = {}
    for team in view.teams:
        for name in view.months:
            known = held.get((team.id, name))
            base[_field(team.id, name)] = (known.version, known.target) if known else (0, None)
    return base


def _packed(base: Base) -> str:
    return msgspec.json.encode(base).decode()


def _unpacked(text: str) -> Base:
    """What a form began with.

    Raises:
        InvalidInput: it is none of ours.
    """
    try:
        return msgspec.json.decode(text, type=Base)
    except msgspec.DecodeError:
        problem = Problem(
            code="unknown-field",
            message="this is no form of ours",
            where="/base",
            mend="Open the form again.",
        )
        raise InvalidInput("The targets cannot be set.", problems=[problem]) from None


def _typed(amounts: Mapping[str, int | None], view: View, visit: Visit) -> dict[str, str]:
    return {
        name: "" if amount is None else typed(Amount(amount, view.currency), visit)
        for name, amount in amounts.items()
    }


def _negative(name: str) -> Problem:
    return Problem(
        code="negative-value",
        message="this cannot be a target",
        where=f"/{name}",
        expected="zero or more",
        mend="Correct it.",
    )


PAGES = [
    WebPage(
        id="sales_pipeline.targets",
        path="/targets",
        title=Text(en="Targets", vi="Chỉ tiêu"),
        permission=REPORTS_READ,
        act_permission=SETUP_WRITE,
        template="sales_pipeline/targets.html",
        load=load,
        act=act,
        says={
            "sales_pipeline.targets_set": Text(
                en="Targets that were changed: %(count)s.", vi="Số chỉ tiêu đã sửa: %(count)s."
            )
        },
    ),
]
