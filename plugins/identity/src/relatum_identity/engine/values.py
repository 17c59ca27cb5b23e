"""Values of one field in the form in which they are compared; what cannot be read is missing."""

from __future__ import annotations

import re

from relatum.api import fold

#: Viet Nam's eleven-digit mobile numbers and what they became in 2018 (798/QĐ-BTTTT).
RENUMBERED_2018 = {
    "120": "70",
    "121": "79",
    "122": "77",
    "126": "76",
    "128": "78",
    "123": "83",
    "124": "84",
    "125": "85",
    "127": "81",
    "129": "82",
    **{f"16{digit}": f"3{digit}" for digit in range(2, 10)},
    "186": "56",
    "188": "58",
    "199": "59",
}
_DIGITS = re.compile(r"\D+")
_ADDRESS_WORD = re.compile(
    r"[0-9]+(?:st|nd|rd|th)\b|[0-9]+[a-z]?\b(?:/[0-9]+[a-z]?)*|[0-9]+|[a-z]+"
)
_SHORT = {
    "d": "duong",
    "p": "phuong",
    "q": "quan",
    "h": "huyen",
    "tp": "thanh pho",
    "tx": "thi xa",
    "tt": "thi tran",
    "st": "street",
    "rd": "road",
    "ave": "avenue",
    "av": "avenue",
    "blvd": "boulevard",
    "blv": "boulevard",
    "dr": "drive",
    "pl": "place",
    "n": "north",
    "s": "south",
    "e": "east",
    "w": "west",
    "first": "1st",
    "second": "2nd",
    "third": "3rd",
    "fourth": "4th",
    "fifth": "5th",
    "sixth": "6th",
    "seventh": "7th",
    "eighth": "8th",
    "ninth": "9th",
    "tenth": "10th",
}
#: Words that say what a part is, not which.
_GENERIC = frozenset(
    {"so", "nha", "duong", "pho", "phuong", "quan", "huyen", "thanh", "thi", "xa", "tran", "tinh"}
    | {"ap", "thon", "to", "khu", "street", "road", "avenue", "boulevard", "drive", "place"}
)


def read_phone(raw: str) -> str:
    """``+84…`` for numbers of Viet Nam in any spelling, else ``+`` and the digits."""
    digits = _DIGITS.sub("", raw)
    if len(digits) < 6:
        return ""
    if raw.lstrip().startswith("+") or digits.startswith("00"):
        digits = digits.removeprefix("00")
        if not digits.startswith("84"):
            return f"+{digits}"
    national = digits.removeprefix("84") if len(digits) > 10 else digits
    national = national.removeprefix("0")
    if len(national) == 10 and national[:3] in RENUMBERED_2018:
        national = RENUMBERED_2018[national[:3]] + national[3:]
    return f"+84{national}"


def read_email(raw: str) -> str:
    """The address in small letters; empty without an ``@`` inside."""
    address = raw.strip().casefold()
    local, at, domain = address.partition("@")
    return address if at and local and domain else ""


def read_date(raw: str) -> str:
    """``YYYYMMDD`` from ISO dates with or without dashes; empty for anything else."""
    digits = _DIGITS.sub("", raw[:10])
    return digits if len(digits) == 8 else ""


def read_plain(raw: str) -> str:
    """Without case, marks and double blanks."""
    return fold(raw)


def read_identifier(raw: str) -> str:
    """Letters and digits only, without case."""
    return re.sub(r"[^a-z0-9]+", "", fold(raw))


def read_address(raw: str) -> str:
    """Words without marks and abbreviations, house number first when there is one."""
    words = [
        long for word in _ADDRESS_WORD.findall(fold(raw)) for long in _SHORT.get(word, word).split()
    ]
    telling = [word for word in words if word not in _GENERIC] or words
    return " ".join(telling)


def house_number(address: str) -> str:
    """The first word of a read address that has a digit."""
    return next((word for word in address.split() if word[0].isdigit()), "")


def read_text(raw: str) -> str:
    """Words of letters and digits, without case and marks."""
    return " ".join(re.findall(r"[^\W_]+", fold(raw).replace("'", "")))
