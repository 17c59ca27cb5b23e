"""Filters of templates, by language: values as people read them, nothing that could be markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from relatum.web import formats
from relatum.web.browsers import browser_of
from relatum.web.charts import plotted
from relatum.web.languages import Language, grouped
from relatum.web.reading import current_reading
from relatum.web.wording import Sentence, sentence_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from relatum.values.money import Money
    from relatum.values.problems import Problem
    from relatum.values.text import Text


def filters_in(language: Language) -> dict[str, Callable[..., Any]]:
    """The filters by their names."""
    return {
        "grouped": lambda number: grouped(number, language),
        **_formats(language),
        "coded": coded,
        "initials": initials,
        "tone_number": tone_number,
        "map_pairs": _pairs,
        "plainly": plainly,
        "browser": browser_of,
        "picture": picture,
        "said": lambda text: _said(text, language),
        "sentence": _sentences(language),
    }


def _sentences(language: Language) -> Callable[[Context, Problem], Sentence]:
    """Problems as sentences; a page of a plugin may have ``sentences`` of its own."""

    @pass_context
    def sentence(context: Context, problem: Problem) -> Sentence:
        return sentence_of(problem, language, context.get("sentences"))

    return sentence


def globals_in(language: Language) -> dict[str, Any]:
    """What templates find without being given it."""
    return {
        "language": language,
        "moment": lambda when, zone: formats.moment(when, language, zone),
    }


def _formats(language: Language) -> dict[str, Callable[..., Any]]:
    """Values as people write them; zone and currency are the page's unless they are given."""

    @pass_context
    def day(context: Context, when: dt.date | None, zone: str = "") -> str:
        return formats.day(when, language, zone or _zone(context))

    @pass_context
    def moment(context: Context, when: dt.datetime | None, zone: str = "") -> Markup:
        return formats.moment(when, language, zone or _zone(context))

    @pass_context
    def clock(context: Context, when: dt.datetime | None, zone: str = "") -> Markup:
        return formats.clock(when, language, zone or _zone(context))

    @pass_context
    def ago(context: Context, when: dt.datetime | None, zone: str = "") -> Markup:
        return formats.ago(when, language, zone or _zone(context))

    @pass_context
    def money(context: Context, amount: int | Money | None, currency: str = "") -> str:
        return formats.money(amount, currency or _currency(context), language)

    @pass_context
    def money_short(context: Context, amount: int | Money | None, currency: str = "") -> str:
        return formats.money_short(amount, currency or _currency(context), language)

    return {
        "day": day,
        "moment": moment,
        "clock": clock,
        "ago": ago,
        "money": money,
        "money_short": money_short,
        "percent": lambda share, places=0: formats.percent(share, language, places),
        "decimal": lambda value, places=1: formats.decimal(value, language, places),
        "phone": formats.phone,
        "plotted": lambda chart: plotted(chart, language),
        "bytes": lambda size: formats.size_text(size, language),
    }


def _zone(context: Context) -> str:
    """The viewer's, or of the company: what surrounds the page knows it, and so does a visit."""
    return current_reading().time_zone or _known(context, "time_zone")


def _currency(context: Context) -> str:
    return _known(context, "currency")


def _known(context: Context, name: str) -> str:
    for holder in ("shell", "visit"):
        if holder in context:
            return str(getattr(context[holder], name))
    raise LookupError(f"expected {name} as an argument where there is neither shell nor visit")


def coded(text: str) -> Markup:
    """A sentence of a docstring: what stands between backticks is code, the rest is text."""
    shown = Markup()
    for number, part in enumerate(_BACKTICKS.split(text)):
        shown += Markup("<code>{}</code>").format(part) if number % 2 else part
    return shown


def initials(name: str) -> str:
    """Of the last two words of a name: the given name is among them in Vietnamese."""
    words = [word for word in name.split() if word[0].isalpha()]
    return "".join(word[0] for word in words[-2:]).upper()


AVATAR_TONES = 8


def tone_number(name: str) -> int:
    """Which of the colours of avatars a name has, today and tomorrow."""
    return sum(name.encode()) % AVATAR_TONES


LONGEST_VALUE = 300


def plainly(
    value: object, names: Mapping[str, str] | None = None, *, longest: int | None = LONGEST_VALUE
) -> str:
    """A value of an event as text: short, and nothing for nothing.

    Args:
        names: of what is known by its id.
        longest: in characters; the rest is cut off. ``None`` cuts nothing.
    """
    if value is None or value in ("", [], {}):
        return "–"
    known = names or {}
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = ", ".join(known.get(each, each) for each in value)
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    text = known.get(text, text)
    return text if longest is None or len(text) <= longest else f"{text[:longest]}…"


def picture(svg: str) -> Markup:
    """A drawing made on the server, as it is; anything but plain paths is refused.

    Raises:
        ValueError: it holds something else.
    """
    if not _DRAWING.fullmatch(svg.strip()):
        raise ValueError("expected an <svg> of paths alone, got something else in it")
    return Markup(svg.strip())  # noqa: S704 - letters, digits and a few signs inside known tags


_ATTRIBUTES = r"""(?: (?:width|height|viewBox|class|transform|fill|stroke|d)="[\w .,()#-]*")*"""
_DRAWING = re.compile(
    rf"<svg{_ATTRIBUTES}>(?:<g{_ATTRIBUTES}>|</g>|<path{_ATTRIBUTES}/>|</path>)*</svg>"
)
_BACKTICKS = re.compile(r"`{1,2}([^`]+)`{1,2}")


def _pairs(items: Iterable[object], first: str, second: str) -> list[tuple[Any, Any]]:
    """Two attributes of each, for the options of a list."""
    return [(getattr(each, first), getattr(each, second)) for each in items]


def _said(text: Text, language: Language) -> str:
    return text.in_language(language)
