"""Which language a page is in, and its texts.

English texts are the message ids; the Vietnamese ones are in ``locales/vi/LC_MESSAGES``, one file
for each part of the house, read as they are: there is no compiled file that could be forgotten.
"""

from __future__ import annotations

import datetime as dt
import functools
import gettext
import io
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from relatum.web.reading import current_reading

if TYPE_CHECKING:
    from relatum.http.calls import Call

Language = Literal["vi", "en"]

LANGUAGES: tuple[Language, ...] = ("vi", "en")
COOKIE = "lang"
COOKIE_SECONDS = 365 * 24 * 3600
LOCALES = Path(__file__).parent / "locales"


def marked(message: str) -> str:
    """A text that is translated later, where the language is known."""
    return message


def language_of(request: Call) -> Language:
    """What ``?lang=``, the cookie, the browser and at last the company say."""
    for said in (
        request.query_params.get("lang"),
        request.cookies.get(COOKIE),
        preferred(request.header(b"accept-language") or ""),
    ):
        for language in LANGUAGES:
            if said == language:
                return language
    return request.house.settings.company.language


def preferred(accepted: str) -> Language | None:
    """The one of our languages that an ``Accept-Language`` header likes most, if any."""
    best: tuple[float, Language] | None = None
    for part in accepted.split(",")[:20]:
        tag, _, weight = part.strip().partition(";q=")
        language = tag[:2].lower()
        value = _weight(weight)
        for ours in LANGUAGES:
            if language == ours and value > 0 and (best is None or value > best[0]):
                best = (value, ours)
    return best[1] if best else None


def translations(language: Language) -> gettext.NullTranslations:
    """The texts of core in a language."""
    return catalogue(LOCALES, language)


@functools.cache
def catalogue(locales: Path, language: Language) -> gettext.NullTranslations:
    """The texts of all files of a folder in a language; English ones are their own ids.

    Args:
        locales: holds ``vi/LC_MESSAGES/*.po``; a folder without them has no texts.
    """
    if language == "en":
        return gettext.NullTranslations()
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    whole = Catalog(locale=language)
    for path in sorted((locales / language / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id:
                    whole[message.id] = message
    compiled = io.BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def grouped(number: int, language: Language) -> str:
    """A whole number in groups of three: ``12.500`` in Vietnamese, ``12,500`` in English."""
    text = f"{number:,}"
    return text.replace(",", ".") if decimal_mark(language) == "," else text


def decimal_mark(language: Language) -> str:
    """What stands before decimals; the other one stands between groups of three."""
    chosen = current_reading().numbers
    if chosen == "language":
        return "," if language == "vi" else "."
    return "," if chosen == "comma" else "."


def day_text(moment: dt.date, language: Language) -> str:
    """``22/11/2026`` in Vietnamese, ``22 Nov 2026`` in English, or as whoever looks likes it."""
    dates = current_reading().dates
    if dates == "iso":
        return f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
    if dates == "day_month" or (dates == "language" and language == "vi"):
        return f"{moment.day:02}/{moment.month:02}/{moment.year}"
    if language == "vi":
        return f"{moment.day} thg {moment.month}, {moment.year}"
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def clock_text(moment: dt.datetime, language: Language) -> str:
    """``14:05``, or ``2:05 PM`` (``2:05 CH``) for whoever likes it so."""
    if current_reading().clock != "12":
        return f"{moment.hour:02}:{moment.minute:02}"
    half = _HALVES[language][moment.hour >= 12]
    return f"{moment.hour % 12 or 12}:{moment.minute:02}\u00a0{half}"


def _weight(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0) if text else 1.0
    except ValueError:
        return 0.0


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HALVES: dict[Language, tuple[str, str]] = {"vi": ("SA", "CH"), "en": ("AM", "PM")}
