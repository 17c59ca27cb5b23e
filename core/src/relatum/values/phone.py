"""Phone numbers: any spelling in, one E.164 form out (ITU-T E.164; rules of libphonenumber).

Viet Nam gave its fixed lines new area codes in 2017 (decision 2036/QĐ-BTTTT of 2016) and moved its
11-digit mobile numbers to 10 digits in 2018 (decision 798/QĐ-BTTTT); numbers still written the old
way come out as the new ones. What is a mobile number of today stays one, though it was a fixed line
once (``037 3851 234``, Thanh Hoá), unless brackets show an area code (``(08) 3822 1234``).
"""

import re
from functools import cache

import msgspec
import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumber, PhoneNumberType

from relatum.values.problems import Problem

_RENUMBERED_2018 = {
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
    "162": "32",
    "163": "33",
    "164": "34",
    "165": "35",
    "166": "36",
    "167": "37",
    "168": "38",
    "169": "39",
    "186": "56",
    "188": "58",
    "199": "59",
}
# Four provinces kept theirs: Phú Thọ 210, Vĩnh Phúc 211, Hoà Bình 218, Hà Giang 219.
_AREAS = (
    "22:212 231:213 20:214 230:215 29:216 52:232 53:233 54:234 510:235 511:236 37:237 38:238 "
    "39:239 33:203 240:204 25:205 26:206 27:207 280:208 281:209 320:220 321:221 241:222 "
    "31:225 351:226 36:227 350:228 30:229 780:290 781:291 710:292 711:293 74:294 76:296 "
    "77:297 79:299 4:24 8:28 61:251 62:252 64:254 55:255 56:256 57:257 58:258 68:259 60:260 "
    "501:261 500:262 63:263 59:269 70:270 651:271 72:272 73:273 650:274 75:275 66:276 67:277"
)
_AREAS_2017 = dict(pair.split(":") for pair in _AREAS.split())


class Phone(msgspec.Struct, frozen=True):
    """What a phone number was read as: ``e164`` is None exactly when there is a ``problem``.

    ``kind`` is ``mobile``, ``fixed``, ``fixed-or-mobile``, ``toll-free``, ``premium``,
    ``shared-cost``, ``voip``, ``personal``, ``pager``, ``company`` (one number for a whole
    company), ``voicemail``, or empty with a problem.
    """

    e164: str | None
    kind: str = ""
    problem: Problem | None = None
    extension: str = ""


def normalise_phone(raw: str, country: str = "VN", *, where: str = "") -> Phone:
    """Read a number as a person in ``country`` (ISO 3166-1 alpha-2) would dial it.

    Takes blanks, dots, dashes and brackets, the trunk zero (also as ``+84 (0)90…``), ``00`` and a
    country code without ``+``, and extensions (``ext. 12``, ``máy lẻ 12``). Never raises.
    """
    if country == "VN":
        plain = _PLAIN_MOBILE.fullmatch(raw.translate(_SEPARATORS))
        if plain is not None:
            mobile = _new_mobile(plain[1])
            if _vietnamese_mobiles().fullmatch(mobile):
                return Phone(f"+84{mobile}", "mobile")
    return read_phone(raw, country, where=where)


def read_phone(raw: str, country: str, *, where: str = "") -> Phone:
    """The same answer as :func:`normalise_phone`, always by way of libphonenumber (0.1 ms)."""
    if _several_numbers(raw):
        return _unreadable("several-numbers", raw, country, where)
    dialled = _INTERNAL_EXTENSION.sub(" ext. ", raw)
    if country == "VN":
        dialled = _AREA_IN_BRACKETS.sub(r"(02\1) ", dialled)
    try:
        number = phonenumbers.parse(dialled, country)
    except NumberParseException as refusal:
        return _unreadable(
            _PARSE_PROBLEMS.get(refusal.error_type, "not-a-phone"), raw, country, where
        )
    number = _renumbered(number)
    kind = _KINDS.get(phonenumbers.number_type(number))
    if kind is None:
        return _unreadable(_length_problem(number), raw, country, where)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Phone(e164, kind, None, number.extension or "")


def renumbered_start(digits: str) -> str:
    """The beginning of a Vietnamese number, digits alone, as it begins since 2018.

    ``016812`` → ``03812``, ``8416812`` → ``843812``; others stay as they are.
    """
    for trunk in ("0", "84"):
        if digits.startswith(trunk):
            national = digits[len(trunk) :]
            prefix = _RENUMBERED_2018.get(national[:3])
            if prefix is not None:
                return trunk + prefix + national[3:]
    return digits


def format_phone(e164: str, country: str = "VN") -> str:
    """An E.164 number as people in ``country`` write it: ``0901 234 567``, ``+1 212-736-5000``."""
    try:
        number = phonenumbers.parse(e164, None)
    except NumberParseException:
        return e164
    at_home = phonenumbers.country_code_for_region(country) == number.country_code
    style = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(number, style.NATIONAL if at_home else style.INTERNATIONAL)


@cache
def _vietnamese_mobiles() -> re.Pattern[str]:
    """Which nine digits libphonenumber takes for a mobile number of Viet Nam."""
    metadata = PhoneMetadata.metadata_for_region("VN")
    mobile = metadata.mobile if metadata else None
    return re.compile(mobile.national_number_pattern or "(?!)" if mobile else "(?!)")


# Plain numbers: country code or trunk zero or neither, then today's nine or the old ten digits.
_PLAIN_MOBILE = re.compile(r"(?:\+84|0084|84|0)?([35789][0-9]{8}|1[0-9]{9})")
_SEPARATORS = dict.fromkeys(map(ord, " .-\u00a0"))
_INTERNAL_EXTENSION = re.compile(r"[\s,;(-]*(?:máy lẻ|may le|số nội bộ|nội bộ|noi bo)\W*", re.I)
# Hà Nội and Hồ Chí Minh City, whose numbers had eight digits.
_AREA_IN_BRACKETS = re.compile(r"^\s*\(0([48])\)\s*(?=(?:[0-9][ .-]?){8}(?:\s*ext|\s*$))")
_NUMBER_BREAK = re.compile(r"[/;,|\n]|\s(?:hoặc|hay|và|or|and)\s", re.I)

_KINDS = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed-or-mobile",
    PhoneNumberType.TOLL_FREE: "toll-free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "shared-cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company",
    PhoneNumberType.VOICEMAIL: "voicemail",
}
_PARSE_PROBLEMS = {
    NumberParseException.INVALID_COUNTRY_CODE: "unknown-country-code",
    NumberParseException.TOO_SHORT_NSN: "phone-too-short",
    NumberParseException.TOO_SHORT_AFTER_IDD: "phone-too-short",
    NumberParseException.TOO_LONG: "phone-too-long",
}
_MESSAGES = {
    "several-numbers": ("There are several phone numbers in one field", "Keep one number a field."),
    "not-a-phone": ("This is not a phone number", "Write the digits of the number."),
    "unknown-country-code": (
        "The number begins with a country code that does not exist",
        "Begin with + and the country code, or with 0 inside the country.",
    ),
    "phone-too-short": ("The phone number is too short", "Add the digits that are missing."),
    "phone-too-long": ("The phone number is too long", "Remove the digits that are too many."),
    "phone-not-assigned": (
        "No phone number begins like this",
        "Check the first digits; area and operator codes have changed over the years.",
    ),
}


def _new_mobile(national: str) -> str:
    prefix = _RENUMBERED_2018.get(national[:3]) if len(national) == 10 else None
    return national if prefix is None else prefix + national[3:]


def _new_landline(national: str) -> str:
    """Area codes of one digit had numbers of eight digits behind them, all others of seven."""
    for length in {9: (1, 2), 10: (3,)}.get(len(national), ()):
        area = _AREAS_2017.get(national[:length])
        if area is not None and len(area + national[length:]) == 10:
            return area + national[length:]
    return national


def _renumbered(number: PhoneNumber) -> PhoneNumber:
    if number.country_code != 84 or number.italian_leading_zero:
        return number
    mobile = _new_mobile(str(number.national_number))
    today = PhoneNumber(84, int(mobile), extension=number.extension)
    if phonenumbers.is_valid_number(today):
        return today
    fixed = PhoneNumber(84, int(_new_landline(mobile)), extension=number.extension)
    return fixed if phonenumbers.is_valid_number(fixed) else today


def _several_numbers(raw: str) -> bool:
    parts = _NUMBER_BREAK.split(raw[:250])
    return sum(sum(map(str.isdigit, part)) >= 8 for part in parts) > 1


def _length_problem(number: PhoneNumber) -> str:
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason == phonenumbers.ValidationResult.TOO_SHORT:
        return "phone-too-short"
    if reason == phonenumbers.ValidationResult.TOO_LONG:
        return "phone-too-long"
    return "phone-not-assigned"


def _unreadable(code: str, raw: str, country: str, where: str) -> Phone:
    message, mend = _MESSAGES[code]
    problem = Problem(
        code=code,
        message=message,
        where=where,
        expected=_example(country),
        got=repr(raw)[:80],
        mend=mend,
    )
    return Phone(None, "", problem)


def _example(country: str) -> str:
    if country == "VN":
        return "a number such as 090 123 4567 or +84 90 123 4567"
    return f"a number of {country} or one that begins with + and a country code"
