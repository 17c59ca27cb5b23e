"""Money: whole minor units and a currency code (ISO 4217). Never floats, never mixed currencies."""

import re
import unicodedata
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Literal

import msgspec
from babel.core import get_global
from babel.numbers import format_currency, get_currency_precision, get_currency_symbol

from relatum.values.problems import InvalidInput, Problem

MAX_AMOUNT = 2**63 - 1
"""Largest amount in minor units either database can hold."""

Weight = int | Decimal | Fraction | float


class Money(msgspec.Struct, frozen=True):
    """``amount`` minor units of ``currency``: ``Money(1250, "USD")`` is $12.50."""

    amount: int
    currency: str


def is_currency(code: str) -> bool:
    """Whether ``code`` is an ISO 4217 code in capital letters, of today or of the past."""
    return code in get_global("all_currencies")


@lru_cache(maxsize=512)
def exponent(currency: str) -> int:
    """Decimals of a currency: 0 for VND, 2 for USD, 3 for KWD (CLDR).

    Raises:
        InvalidInput: there is no such currency.
    """
    if not is_currency(currency):
        raise _refused(
            "unknown-currency", "There is no such currency", currency, "an ISO 4217 code"
        )
    return get_currency_precision(currency)


def add(first: Money, *others: Money) -> Money:
    """The sum of amounts of one currency.

    Raises:
        InvalidInput: the currencies differ; converting is a decision with a rate and a day.
    """
    total = first.amount
    for other in others:
        if other.currency != first.currency:
            raise _refused(
                "mixed-currencies",
                "Amounts of different currencies cannot be added",
                f"{first.currency} and {other.currency}",
                "amounts of one currency",
            )
        total += other.amount
    return Money(total, first.currency)


def allocate(total: Money, weights: Sequence[Weight]) -> list[Money]:
    """Split ``total`` by ``weights`` so that the parts add up to it exactly.

    Raises:
        InvalidInput: no weight, a negative one, or none above zero.
    """
    return [Money(part, total.currency) for part in allocate_units(total.amount, weights)]


def allocate_units(total: int, weights: Sequence[Weight]) -> list[int]:
    """Largest remainder (Hamilton) on whole units; equal remainders favour the earlier part.

    A negative total is split like its positive counterpart. Raises as :func:`allocate`.
    """
    try:
        shares = [weight if isinstance(weight, int) else Fraction(weight) for weight in weights]
    except (ValueError, OverflowError):
        shares = []
    whole = sum(shares)
    if not shares or min(shares) < 0 or whole == 0:
        raise _refused(
            "bad-weights",
            "An amount cannot be split by these weights",
            repr(list(weights))[:80],
            "weights of zero or more, at least one above zero",
        )
    parts, remainders = [], []
    for place, share in enumerate(shares):
        part, rest = divmod(abs(total) * share, whole)
        parts.append(int(part))
        remainders.append((-rest, place))
    for _, place in sorted(remainders)[: abs(total) - sum(parts)]:
        parts[place] += 1
    return parts if total >= 0 else [-part for part in parts]


def parse_money(
    text: str,
    currency: str,
    *,
    decimal: Literal[".", ","] | None = None,
    rounded: bool = False,
    where: str = "",
) -> Money:
    """Read an amount exactly, with or without grouping and the currency's own sign or code.

    ``decimal`` says which mark separates decimals; without it the text must leave no doubt:
    ``1.234`` is refused for USD, and is 1234 for VND, which has no decimals. ``rounded`` allows
    more decimals than the currency has and rounds halves away from zero. Vietnamese number words
    at the end count: ``12,5 triệu``, ``2 tỷ``, ``500k``; ``1.500 triệu`` leaves a doubt.

    Raises:
        InvalidInput: no number, ambiguous, too many decimals, another currency, out of range.
    """
    places = exponent(currency)
    if len(text) <= _PLAIN_DIGITS and text.isascii() and text.isdigit():
        return Money(int(text) * 10**places, currency)
    stripped, negative = _bare_number(text, currency, where)
    stripped, zeros = _without_word(stripped)
    whole, fraction = _split_decimals(stripped, decimal, places or zeros, text, where)
    if not rounded and len(fraction.rstrip("0")) > places + zeros:
        raise _refused(
            "too-many-decimals",
            f"{currency} has {places} decimals, the amount has more",
            text,
            f"at most {places} decimals",
            where,
        )
    exact = Decimal(f"{whole}.{fraction or '0'}").scaleb(places + zeros)
    amount = int(exact.to_integral_value(ROUND_HALF_UP))
    if amount > MAX_AMOUNT:
        raise _refused(
            "amount-too-large", "The amount is too large", text, "at most 19 digits", where
        )
    return Money(-amount if negative else amount, currency)


def format_money(money: Money, language: str) -> str:
    """The amount as people write it: ``12.500.000 ₫`` (``vi``), ``₫12,500,000`` (``en``).

    The blank is a no-break space, as in CLDR.
    """
    vietnamese = language[:2] == "vi"
    if money.currency == "VND":
        grouped = f"{abs(money.amount):,}"
        sign = "-" if money.amount < 0 else ""
        if vietnamese:
            return f"{sign}{grouped.replace(',', '.')}\u00a0₫"
        return f"{sign}₫{grouped}"
    places = exponent(money.currency)
    value = Decimal(money.amount).scaleb(-places)
    return format_currency(value, money.currency, locale="vi" if vietnamese else "en")


_NUMBER = re.compile(r"[0-9]+(?:[.,'’ ][0-9]+)*|[.,][0-9]+")
#: Words behind a number, and the zeros they stand for.
_WORDS = {
    **dict.fromkeys(("nghìn", "ngàn", "k"), 3),
    **dict.fromkeys(("triệu", "tr"), 6),
    **dict.fromkeys(("tỷ", "tỉ"), 9),
}
_WITH_WORD = re.compile(rf"(?P<number>.*\d) ?(?P<word>{'|'.join(_WORDS)})", re.IGNORECASE)
_LONGEST = 60
_PLAIN_DIGITS = 14  # with at most four decimals below MAX_AMOUNT


def _bare_number(text: str, currency: str, where: str) -> tuple[str, bool]:
    """Digits and marks of an amount, and whether it is negative."""
    bare = re.sub(r"[\s\u00a0\u202f\u2009]+", " ", text).strip().replace("−", "-")
    if len(bare) > _LONGEST:
        raise _refused("not-an-amount", "This is too long for an amount", text, "an amount", where)
    brackets = bare.startswith("(") and bare.endswith(")")
    if brackets:
        bare = bare[1:-1].strip()
    minus = bare.count("-")
    bare = bare.replace("-", "", 1).strip() if bare.startswith("-") else bare
    bare = _without_sign(bare, currency)
    bare = bare.removeprefix("-").strip() if minus == 1 else bare
    if not _NUMBER.fullmatch(_without_word(bare)[0]) or (brackets and minus):
        raise _refused(
            "not-an-amount",
            f"This is not an amount in {currency}",
            text,
            f"digits, or digits with {currency}",
            where,
        )
    return bare, brackets or minus == 1


def _without_word(bare: str) -> tuple[str, int]:
    """The number before a word such as ``triệu``, and the zeros that the word stands for."""
    found = _WITH_WORD.fullmatch(unicodedata.normalize("NFC", bare))
    return (found["number"], _WORDS[found["word"].lower()]) if found else (bare, 0)


def _without_sign(bare: str, currency: str) -> str:
    lowered = bare.lower()
    for sign in _signs(currency):
        if lowered.startswith(sign):
            return bare[len(sign) :].strip()
        if lowered.endswith(sign):
            return bare[: -len(sign)].strip()
    return bare


@lru_cache(maxsize=512)
def _signs(currency: str) -> tuple[str, ...]:
    signs = {currency, get_currency_symbol(currency, "en"), get_currency_symbol(currency, "vi")}
    if currency == "VND":
        signs |= {"vnđ", "đ", "đồng", "₫"}
    return tuple(sorted({sign.lower() for sign in signs}, key=lambda sign: (-len(sign), sign)))


def _split_decimals(
    bare: str, decimal: str | None, places: int, text: str, where: str
) -> tuple[str, str]:
    """Whole digits and decimal digits."""
    mark = decimal or _decimal_mark(bare, places, text, where)
    whole, found, fraction = bare.partition(mark) if mark else (bare, "", "")
    if not _grouped(whole) or (found and not fraction.isdigit()):
        raise _refused(
            "not-an-amount",
            "The dots and commas of this amount do not fit together",
            text,
            "groups of three digits and one decimal mark",
            where,
        )
    return re.sub("[^0-9]", "", whole) or "0", fraction


def _decimal_mark(bare: str, places: int, text: str, where: str) -> str:
    """The decimal mark of a number that leaves no doubt about it; empty when it has none."""
    marks = [char for char in bare if char in ".,"]
    if not marks:
        return ""
    last = marks[-1]
    if marks.count(last) > 1:
        return ""
    if len(set(marks)) > 1 or " " in bare or "'" in bare or "’" in bare:
        return last
    whole, _, fraction = bare.partition(last)
    if len(fraction) != 3 or len(whole) > 3 or whole.startswith("0") or not whole:
        return last
    if places == 0:
        return ""
    raise _refused(
        "ambiguous-amount",
        f"This can be {whole}{fraction} or {whole} and {fraction} thousandths",
        text,
        "an amount that can be read in one way only",
        where,
        "Say which mark separates decimals, or write two decimals.",
    )


def _grouped(whole: str) -> bool:
    marks = {char for char in whole if not char.isdigit()}
    if not marks:
        return True
    groups = whole.split(marks.pop())
    sizes = [len(group) for group in groups]
    return not marks and 1 <= sizes[0] <= 3 and all(size == 3 for size in sizes[1:])


def _refused(
    code: str, message: str, got: str, expected: str, where: str = "", mend: str = "Correct it."
) -> InvalidInput:
    shown = repr(got)[:80]
    problem = Problem(
        code=code, message=message, where=where, expected=expected, got=shown, mend=mend
    )
    return InvalidInput(f"{message} ({shown}); expected {expected}.", problems=[problem])
