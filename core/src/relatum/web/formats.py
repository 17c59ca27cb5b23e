"""Numbers, amounts and moments as people write them: by language, or as whoever looks chose.

Everything by whole numbers: no amount passes through a float. VND, of which there is most, takes a
direct path; other currencies ask CLDR.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING

from babel.numbers import get_currency_symbol
from markupsafe import Markup

from relatum.values.money import Money, exponent, format_money
from relatum.values.time import zone_of
from relatum.web.languages import clock_text, day_text, decimal_mark, grouped

if TYPE_CHECKING:
    from relatum.web.languages import Language

#: Powers of ten with their short and long names.
_SCALES = {
    "vi": ((9, "T", "tỷ"), (6, "Tr", "triệu")),
    "en": ((12, "T", "trillion"), (9, "B", "billion"), (6, "M", "million"), (3, "K", "thousand")),
}
_BLANK = "\u00a0"
#: Wide enough for the largest float.
_WIDE = Context(prec=400)
#: Marks between digits, not those of a currency's sign.
_MARKS = re.compile(r"(?<=\d)[.,](?=\d)")
NOTHING = "–"
_NO_MOMENT = Markup("–")


def decimal(value: float | Decimal, language: Language, places: int = 1) -> str:
    """A number with at most so many decimals, without noughts at the end: ``1.234,5``."""
    exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _WIDE)
    whole, _, rest = f"{abs(exact):f}".partition(".")
    rest = rest.rstrip("0")
    sign = "-" if exact < 0 else ""
    mark = decimal_mark(language)
    return f"{sign}{grouped(int(whole), language)}{mark + rest if rest else ''}"


def percent(share: float | Decimal | None, language: Language, places: int = 0) -> str:
    """A share of one as per cent: 0.125 is ``13%``."""
    return NOTHING if share is None else f"{decimal(Decimal(str(share)) * 100, language, places)}%"


def money(amount: int | Money | None, currency: str, language: Language) -> str:
    """An amount in full: ``12.500.000 ₫``.

    Args:
        amount: in minor units, or with a currency of its own.
    """
    if amount is None:
        return NOTHING
    whole = amount if isinstance(amount, Money) else Money(amount, currency)
    return _in_full(whole, language)


def money_short(amount: int | Money | None, currency: str, language: Language) -> str:
    """An amount for the corner of an eye: ``12,5 Tr ₫``, ``2,5 T ₫``; ``₫12.5M``, ``₫2.5B``.

    In full below a million (a thousand in English). Rounded to a tenth, halves away from zero.
    """
    if amount is None:
        return NOTHING
    whole = amount if isinstance(amount, Money) else Money(amount, currency)
    figure, scale, _ = _scaled(whole, language)
    if not scale:
        return _in_full(whole, language)
    sign, digits = ("-", figure[1:]) if figure.startswith("-") else ("", figure)
    symbol = _symbol(whole.currency, language)
    if language == "vi":
        return f"{figure}{_BLANK}{scale}{_BLANK}{symbol}"
    return f"{sign}{symbol}{digits}{scale}"


def money_words(amount: int | Money | None, currency: str, language: Language) -> str:
    """As :func:`money_short` with the word in full: ``2,5 tỷ``; empty below a million."""
    if amount is None:
        return ""
    whole = amount if isinstance(amount, Money) else Money(amount, currency)
    if abs(whole.amount) < 10 ** (6 + exponent(whole.currency)):
        return ""
    figure, _, word = _scaled(whole, language)
    return f"{figure}{_BLANK}{word}"


def number_short(value: float, language: Language) -> str:
    """A number for the axis of a chart: ``12,5 N``, ``3 Tr``; ``12.5K``, ``3M``."""
    for power, scale in ((9, "T" if language == "vi" else "B"), (6, "Tr"), (3, "N")):
        short = {"Tr": "M", "N": "K"}.get(scale, scale) if language == "en" else scale
        if abs(value) >= 10**power:
            gap = _BLANK if language == "vi" else ""
            return f"{decimal(Decimal(str(value)).scaleb(-power), language)}{gap}{short}"
    return decimal(value, language, 2 if abs(value) < 1 else 1)


def day(when: dt.date | None, language: Language, zone: str) -> str:
    """A day; of a moment, the one by the clock of the zone."""
    if when is None:
        return NOTHING
    return day_text(
        when.astimezone(zone_of(zone)) if isinstance(when, dt.datetime) else when, language
    )


def moment(when: dt.datetime | None, language: Language, zone: str) -> Markup:
    """A moment by a clock; programs find the exact one in the attribute."""
    if when is None:
        return _NO_MOMENT
    return _time(when, zone, moment_text(when, language, zone))


def clock(when: dt.datetime | None, language: Language, zone: str) -> Markup:
    """The time of a day that is said elsewhere: ``14:05``."""
    if when is None:
        return _NO_MOMENT
    return _time(when, zone, clock_words(when, language, zone))


def clock_words(when: dt.datetime, language: Language, zone: str) -> str:
    """The time of a day as plain text."""
    return clock_text(when.astimezone(zone_of(zone)), language)


def ago(
    when: dt.datetime | None, language: Language, zone: str, *, now: dt.datetime | None = None
) -> Markup:
    """How long ago a moment was, or how far off it is; the moment itself when one points at it."""
    if when is None:
        return _NO_MOMENT
    seconds = ((now or dt.datetime.now(dt.UTC)) - when).total_seconds()
    shown = _distance(abs(seconds), language, later=seconds < 0)
    return _time(when, zone, shown, title=moment_text(when, language, zone))


@functools.lru_cache(maxsize=4096)
def phone(number: str | None, country: str = "VN") -> str:
    """A number as people of a country write it: ``0912 345 678``; foreign ones with their code.

    What is not a number in E.164 stays as it is.
    """
    if not number:
        return NOTHING
    if not number.startswith("+") or not number[1:].isdigit():
        return number
    import phonenumbers

    try:
        read = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    home = phonenumbers.region_code_for_country_code(read.country_code or 0) == country
    style = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(read, style.NATIONAL if home else style.INTERNATIONAL)


def _scaled(amount: Money, language: Language) -> tuple[str, str, str]:
    """The figure, and the short and long name of its scale; both empty for small amounts."""
    exact = Decimal(amount.amount).scaleb(-exponent(amount.currency))
    lowest = _SCALES[language][-1][0]
    for power, short, word in _SCALES[language]:
        # 999.96 million is said to be 1 billion, not 1,000 million
        leeway = Decimal(0) if power == lowest else Decimal(5).scaleb(power - 5)
        if abs(exact) >= 10**power - leeway:
            return decimal(exact.scaleb(-power), language), short, word
    return "", "", ""


@functools.lru_cache(maxsize=256)
def _symbol(currency: str, language: Language) -> str:
    return "₫" if currency == "VND" else get_currency_symbol(currency, locale=language)


def moment_text(when: dt.datetime, language: Language, zone: str) -> str:
    """A moment by a clock as plain text: ``22/11/2026 14:05``."""
    local = when.astimezone(zone_of(zone))
    return f"{day_text(local, language)} {clock_text(local, language)}"


def _in_full(amount: Money, language: Language) -> str:
    text = format_money(amount, language)
    if decimal_mark(language) == ("," if language == "vi" else "."):
        return text
    return _MARKS.sub(lambda found: "," if found[0] == "." else ".", text)


def _time(when: dt.datetime, zone: str, shown: str, title: str = "") -> Markup:
    exact = when.astimezone(zone_of(zone)).isoformat("T", "seconds")
    if title:
        return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, title, shown)
    return Markup('<time datetime="{}">{}</time>').format(exact, shown)


_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SPANS = (
    (365 * _DAY, "năm", "year"),
    (30 * _DAY, "tháng", "month"),
    (7 * _DAY, "tuần", "week"),
    (_DAY, "ngày", "day"),
    (_HOUR, "giờ", "hour"),
    (_MINUTE, "phút", "minute"),
)


def _distance(seconds: float, language: Language, *, later: bool) -> str:
    for length, vietnamese, english in _SPANS:
        count = int(seconds // length)
        if count:
            if language == "vi":
                return f"{count} {vietnamese} {'nữa' if later else 'trước'}"
            span = f"{count} {english}{'' if count == 1 else 's'}"
            return f"in {span}" if later else f"{span} ago"
    return "vừa xong" if language == "vi" else "just now"


def size_text(size: int, language: Language) -> str:
    """A number of bytes: ``512 B``, ``16 MB``, ``1,5 GB`` in Vietnamese; a kB is 1024 bytes."""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    whole = unit == "B" or value >= 10 or value == int(value)
    return f"{decimal(value, language, 0 if whole else 1)} {unit}"
