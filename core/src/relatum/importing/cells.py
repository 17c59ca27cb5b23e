"""Single cells: from text to numbers, amounts, truth and JSON, or an error that says why not."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Literal

import msgspec

from relatum.values.money import exponent, parse_money
from relatum.values.problems import InvalidInput, Problem

#: From the text of a cell (not empty) to a value.
Reader = Callable[[str], Any]
DecimalMark = Literal[".", ","] | None
_SHOWN = 80
#: Quantities and prices repeat; this many products are remembered.
_REMEMBERED = 20_000


class CellError(Exception):
    """A cell cannot be what its field needs."""

    def __init__(self, code: str, message: str, *, expected: str, got: str, mend: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.expected = expected
        self.got = got
        self.mend = mend or "Correct it."

    def problem(self, field: str) -> Problem:
        """The error with the field it is about as its place."""
        return Problem(
            code=self.code,
            message=self.message,
            where=f"/{field.replace('.', '/')}",
            expected=self.expected,
            got=repr(self.got)[:_SHOWN],
            mend=self.mend,
        )


def number_reader(decimal: DecimalMark) -> Reader:
    """Numbers as text that msgspec converts: no grouping, a dot before decimals.

    Without ``decimal`` only plain numbers are read: ``1,234`` may be 1234 or 1.234.
    """
    shape = _NUMBERS[decimal]
    group = {".": ",", ",": "."}.get(decimal or "", "")

    def read(text: str) -> str:
        if shape.fullmatch(text) is None:
            raise CellError(
                "not-a-number",
                "This is not a number",
                expected="a number such as 1234.5"
                if decimal != ","
                else "a number such as 1.234,5",
                got=text,
                mend='Correct it; grouped numbers need decimal = "." or "," in the plan.',
            )
        if group:
            text = text.replace(group, "").replace(" ", "").replace("\u00a0", "")
        return text.replace(",", ".") if decimal == "," else text

    return read


_NUMBERS = {
    None: re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"),
    ".": re.compile(r"[+-]?(?:[0-9]{1,3}(?:[, \u00a0][0-9]{3})+|[0-9]+)(?:\.[0-9]+)?"),
    ",": re.compile(r"[+-]?(?:[0-9]{1,3}(?:[. \u00a0][0-9]{3})+|[0-9]+)(?:,[0-9]+)?"),
}


def amount_reader(currency: str, decimal: DecimalMark) -> Reader:
    """Amounts of money, exactly; more decimals than the currency has are refused."""

    def read(text: str) -> dict[str, Any]:
        try:
            money = parse_money(text, currency, decimal=decimal)
        except InvalidInput as refusal:
            problem = refusal.problems[0]
            raise CellError(
                problem.code,
                problem.message,
                expected=problem.expected,
                got=text,
                mend=problem.mend,
            ) from None
        return {"amount": money.amount, "currency": money.currency}

    return read


def product_reader(currency: str, decimal: DecimalMark) -> Callable[..., dict[str, Any] | None]:
    """The product of cells as money: multiplied exactly, then rounded once to whole minor units.

    Halves are rounded away from zero, as in commerce. One empty cell and there is no amount.
    """
    number = number_reader(decimal)
    places = exponent(currency)

    @functools.lru_cache(maxsize=_REMEMBERED)
    def read(*cells: str) -> dict[str, Any] | None:
        product = Decimal(1)
        for text in cells:
            if text == "":
                return None
            try:
                product *= Decimal(number(text))
            except InvalidOperation:
                raise CellError(
                    "not-a-number", "This is not a number", expected="a number", got=text
                ) from None
        amount = int(product.scaleb(places).to_integral_value(ROUND_HALF_UP))
        return {"amount": amount, "currency": currency}

    return read


def boolean_reader(text: str) -> bool:
    """Yes and no, in English and Vietnamese and as spreadsheets write them."""
    found = _TRUTH.get(text.casefold())
    if found is None:
        raise CellError(
            "not-yes-or-no",
            "This is neither yes nor no",
            expected="yes or no, true or false, 1 or 0, có or không",
            got=text,
        )
    return found


_TRUTH = {
    **dict.fromkeys(("true", "yes", "y", "1", "x", "on", "t", "có", "đúng", "đ"), True),
    **dict.fromkeys(("false", "no", "n", "0", "-", "off", "f", "không", "sai", "s"), False),
}


def json_reader(text: str) -> Any:
    """A cell that holds JSON."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise CellError(
            "not-json", f"This is not JSON: {error}", expected="JSON", got=text
        ) from None
