"""Rendering templates: one environment for each language, everything escaped, nothing undefined."""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from markupsafe import Markup

from relatum.values.time import zone_of
from relatum.web.browsers import browser_of
from relatum.web.languages import Language, day_text, grouped, translations
from relatum.web.wording import sentence_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from jinja2 import Environment

    from relatum.values.text import Text

HERE = Path(__file__).parent
STATIC = HERE / "static"
STATIC_PATH = "/static/relatum"
MEDIA_TYPES = {".css": b"text/css; charset=utf-8", ".svg": b"image/svg+xml"}


def render(template: str, language: Language, **values: Any) -> str:
    """A page in a language.

    Args:
        template: its full name, ``relatum/home.html``.
    """
    return _environment(language).get_template(template).render(values)


@functools.cache
def static_files() -> dict[str, tuple[bytes, bytes]]:
    """The files that pages load: name → media type and content."""
    files = {path.name: path for path in sorted(STATIC.iterdir()) if path.suffix in MEDIA_TYPES}
    return {name: (MEDIA_TYPES[path.suffix], path.read_bytes()) for name, path in files.items()}


@functools.cache
def static_url(name: str) -> str:
    """The address of a static file; it changes with the content, so it may be kept for ever."""
    digest = hashlib.sha256(static_files()[name][1]).hexdigest()[:12]
    return f"{STATIC_PATH}/{name}?v={digest}"


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


def plainly(value: object, names: Mapping[str, str] | None = None) -> str:
    """A value of an event as text: short, and nothing for nothing.

    Args:
        names: of what is known by its id.
    """
    if value is None or value in ("", [], {}):
        return "–"
    known = names or {}
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = ", ".join(known.get(each, each) for each in value)
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    text = known.get(text, text)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


LONGEST_VALUE = 300


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


def _moment(when: dt.datetime, zone: str, language: Language) -> Markup:
    """A moment by the company's clock; programs find the exact one in the attribute."""
    local = when.astimezone(zone_of(zone))
    shown = f"{day_text(local, language)} {local.hour:02}:{local.minute:02}"
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat("T", "seconds"), shown)


@functools.cache
def _environment(language: Language) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    texts = translations(language)
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        texts.gettext, texts.ngettext, newstyle=True
    )
    environment.filters["grouped"] = lambda number: grouped(number, language)
    environment.filters["coded"] = coded
    environment.filters["initials"] = initials
    environment.filters["map_pairs"] = _pairs
    environment.filters["plainly"] = plainly
    environment.filters["browser"] = browser_of
    environment.filters["picture"] = picture
    environment.filters["said"] = lambda text: _said(text, language)
    environment.filters["sentence"] = lambda problem: sentence_of(problem, language)
    environment.globals.update(
        language=language,
        static_url=static_url,
        moment=lambda when, zone: _moment(when, zone, language),
    )
    return environment
