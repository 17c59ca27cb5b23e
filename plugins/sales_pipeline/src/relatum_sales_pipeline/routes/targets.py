"""Targets of teams, and what was won of them."""

from __future__ import annotations

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from relatum.api import (
    Answer,
    Call,
    InvalidInput,
    Plugin,
    Problem,
    expected_version,
    id_in_path,
    local_day,
    month,
    now,
    of_one,
    versioned,
)
from relatum_sales_pipeline.permissions import REPORTS_READ, SETUP_WRITE
from relatum_sales_pipeline.routes.verbs import get, put
from relatum_sales_pipeline.services.targets import MOST_MONTHS, Targets, months_from
from relatum_sales_pipeline.types.targets import (
    Month,
    Progress,
    Target,
    TargetDraft,
    TargetEdit,
    TargetQuery,
)


class Reached(msgspec.Struct, frozen=True):
    """Targets of some months in one currency, and what was won."""

    currency: str
    items: list[Progress]


@get("/targets", opt={"permission": REPORTS_READ, "query": TargetQuery})
async def read_targets(request: Call, plugin: NamedDependency[Plugin]) -> Answer[Reached]:
    """What teams are to win and what they have won, month by month."""
    query = request.query_as(TargetQuery)
    company = plugin.house.settings.company
    this = month(local_day(now(), company.time_zone))
    first = query.first or query.last or this
    last = query.last or query.first or this
    count = (int(last[:4]) - int(first[:4])) * 12 + int(last[5:]) - int(first[5:]) + 1
    if not 1 <= count <= MOST_MONTHS or first < "0001":
        raise _bad_months(first, last)
    currency = query.currency or plugin.settings.currency or company.currency
    months = months_from(first, count)
    return Answer(Reached(currency, await Targets(plugin).progress(months, currency)))


@put(
    "/targets/{team_id:str}/{month:str}/{currency:str}",
    opt={"permission": SETUP_WRITE, "versioned": True},
)
async def set_target(
    request: Call,
    plugin: NamedDependency[Plugin],
    team_id: FromPath[str],
    month: FromPath[str],
    currency: FromPath[str],
    data: JSONBody[TargetDraft],
) -> Answer[Target]:
    """Set what a team is to win in a month; with `If-Match` only if nobody else changed it."""
    request.refuse_query()
    edit = TargetEdit(
        team_id=id_in_path(team_id, "team"),
        month=_month_in_path(month),
        amount=data.amount,
        version=expected_version(request),
    )
    try:
        target = await Targets(plugin).save_one(currency, edit)
    except InvalidInput as error:
        raise of_one(error) from error
    return versioned(request, target, target.version)


def _month_in_path(text: str) -> str:
    try:
        found = msgspec.convert(text, Month)
    except msgspec.ValidationError:
        found = ""
    if found < "0001":
        raise InvalidInput(
            "The month cannot be read.",
            problems=[_bad_month("/month", text[:20])],
        )
    return found


def _bad_months(first: str, last: str) -> InvalidInput:
    problem = Problem(
        code="bad-months",
        message="these months cannot be answered together",
        where="/last",
        expected=f"1 to {MOST_MONTHS} months, the last not before the first",
        got=f"{first} to {last}",
        mend="Ask for fewer.",
    )
    return InvalidInput("The months cannot be answered.", problems=[problem])


def _bad_month(where: str, got: str) -> Problem:
    return Problem(
        code="bad-month",
        message="this is no month",
        where=where,
        expected="a month such as 2026-11",
        got=got,
        mend="Correct it.",
    )


ROUTES = [read_targets, set_target]
