"""What several pages read and say alike: titles, choices, amounts that people typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from relatum.api import Amount, InvalidInput, NotFound, Plugin, Visit, parse_id, parse_money
from relatum_sales_pipeline.reports.forecast import LATER, NO_DATE, OVERDUE
from relatum_sales_pipeline.services.book import Book
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.pipelines import Pipeline

ROOT = "/p/sales_pipeline"
Pairs = list[tuple[str, str]]
#: Tones of stages by their outcome; open ones take turns.
TONES = {"won": "good", "lost": "bad"}
TURNS = ("info", "violet", "warning", "teal", "accent")


class Titled(Protocol):
    """A stage, a pipeline or a reason."""

    @property
    def title(self) -> str: ...
    @property
    def title_vi(self) -> str: ...


def titled(what: Titled, visit: Visit) -> str:
    """The title in the language of the page."""
    return (visit.language == "vi" and what.title_vi) or what.title


def stage_tones(book: Book) -> dict[UUID, str]:
    """The colour of each stage."""
    tones: dict[UUID, str] = {}
    for pipeline in book.pipelines:
        for number, stage in enumerate(pipeline.stages):
            tones[stage.id] = TONES.get(stage.outcome, TURNS[number % len(TURNS)])
    return tones


def stage_titles(book: Book, visit: Visit) -> dict[tuple[str, str], str]:
    """Title by keys of pipeline and stage."""
    return {(stage.pipeline, stage.key): titled(stage, visit) for stage in book.stages}


def tones_by_key(book: Book) -> dict[tuple[str, str], str]:
    """Colour by keys of pipeline and stage."""
    tones = stage_tones(book)
    return {(stage.pipeline, stage.key): tones[stage.id] for stage in book.stages}


def pipeline_pairs(book: Book, visit: Visit) -> Pairs:
    """Active pipelines, to choose one."""
    return [(each.key, titled(each, visit)) for each in book.pipelines if each.active]


def stage_pairs(pipeline: Pipeline, visit: Visit, *, open_only: bool = False) -> Pairs:
    """Active stages of a pipeline, to choose one."""
    return [
        (stage.key, titled(stage, visit))
        for stage in pipeline.stages
        if stage.active and (stage.outcome == "open" or not open_only)
    ]


def reason_pairs(book: Book, visit: Visit) -> Pairs:
    """Active lost reasons, to choose one."""
    return [(each.key, titled(each, visit)) for each in book.reasons if each.active]


async def people(plugin: Plugin) -> tuple[Pairs, Pairs]:
    """Active members and teams, to choose one."""
    teams = Teams(plugin)
    members = [(str(each.id), each.name) for each in await teams.all_members() if each.active]
    named = [(str(each.id), each.name) for each in await teams.all_teams() if each.active]
    return members, named


def chosen_pipeline(book: Book, key: str | None) -> Pipeline:
    """The pipeline that was asked for, or the first.

    Raises:
        NotFound: there is none at all.
    """
    found = (book.pipeline(key) if key else None) or book.default
    if found is None:
        raise NotFound("expected a pipeline, got none; make one in the settings")
    return found


def id_of(visit: Visit, noun: str) -> UUID:
    """The id in the path of the page.

    Raises:
        NotFound: it is none.
    """
    text = str(visit.path.get("id", ""))
    found = one_id(text)
    if found is None:
        raise NotFound(f"expected the id of a {noun}, got {text[:80]!r}; there is none")
    return found


def one_id(text: str | None) -> UUID | None:
    """An id that was chosen; ``None`` where there is none, or none that can be."""
    if not text:
        return None
    try:
        return parse_id(text)
    except InvalidInput:
        return None


def amount_of(text: str, currency: str, visit: Visit, where: str) -> Amount | None:
    """An amount that was typed; ``None`` for nothing.

    Raises:
        InvalidInput: it cannot be read as money.
    """
    if not text.strip():
        return None
    mark = "," if visit.language == "vi" else "."
    money = parse_money(text.strip(), currency, decimal=mark, where=where)  # type: ignore[arg-type]
    return Amount(money.amount, money.currency)


def typed(amount: Amount | None, visit: Visit) -> str:
    """An amount as a field holds it, in the marks of the language."""
    if amount is None:
        return ""
    shown = visit.money(amount.amount, amount.currency)
    return "".join(mark for mark in shown if mark.isdigit() or mark in ".,-").strip(".,")


def by_id(pairs: Iterable[tuple[str, str]]) -> Callable[[str], str]:
    """Name of an id."""
    names = dict(pairs)
    return lambda id: names.get(id, "")


def sums_text(sums: Sequence[Amount]) -> list[tuple[int, str]]:
    """Amounts as pairs for the filters of templates."""
    return [(each.amount, each.currency) for each in sums]


def address(visit: Visit, **changed: object) -> str:
    """The same page with other values in its address, from the first page of its list on."""
    kept = [
        (name, value)
        for name, value in parse_qsl(visit.call.scope["query_string"].decode("latin-1"))
        if name not in changed and name not in ("cursor", "lang")
    ]
    return "?" + urlencode([*kept, *changed.items()])


def month_name(part: str, visit: Visit) -> str:
    """A month as people write it, or what stands for one."""
    named = {
        OVERDUE: visit.text("overdue"),
        LATER: visit.text("later"),
        NO_DATE: visit.text("no date"),
    }
    return named.get(part) or f"{part[5:7]}/{part[:4]}"
