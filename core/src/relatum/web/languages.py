"""Which language a page is in, and its texts.

English texts are the message ids; the Vietnamese ones are in ``locales/vi/LC_MESSAGES/relatum.po``,
read as they are: there is no compiled file that could be forgotten.
"""

from __future__ import annotations

import datetime as dt
import functools
import gettext
import io
from pathlib import Path
from typing import TYPE_CHECKING, Literal

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


@functools.cache
def translations(language: Language) -> gettext.NullTranslations:
    """The texts of a language; English ones are their own ids."""
    if language == "en":
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with (LOCALES / language / "LC_MESSAGES" / "relatum.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def grouped(number: int, language: Language) -> str:
    """A whole number in groups of three: ``12.500`` in Vietnamese, ``12,500`` in English."""
    text = f"{number:,}"
    return text.replace(",", ".") if language == "vi" else text


def day_text(moment: dt.date, language: Language) -> str:
    """``22/11/2026`` in Vietnamese, ``22 Nov 2026`` in English."""
    if language == "vi":
        return f"{moment.day:02}/{moment.month:02}/{moment.year}"
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def _weight(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0) if text else 1.0
    except ValueError:
        return 0.0


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
