"""What people choose from: countries, currencies and time zones, by their names."""

from __future__ import annotations

import functools
from zoneinfo import available_timezones

from relatum.values.text import sort_key
from relatum.web.languages import Language

#: Chosen most often here; they stand first.
_NEAR = ("VN", "KH", "LA", "TH", "SG", "MY", "ID", "PH", "CN", "JP", "KR", "TW")
_USUAL = ("VND", "USD", "EUR", "JPY", "KRW", "CNY", "SGD", "THB")
_REGIONS = ("Asia/", "Africa/", "America/", "Australia/", "Europe/", "Pacific/", "Atlantic/")


@functools.cache
def countries(language: Language) -> list[tuple[str, str]]:
    """Code and name of every country whose phone numbers are understood."""
    from babel import Locale
    from phonenumbers import SUPPORTED_REGIONS

    names = Locale.parse(language).territories
    pairs = [(code, names.get(code, code)) for code in SUPPORTED_REGIONS]
    return _near_first(pairs, _NEAR)


@functools.cache
def currencies(language: Language) -> list[tuple[str, str]]:
    """Code and name of every currency of today."""
    from babel import Locale
    from babel.numbers import list_currencies

    names = Locale.parse(language).currencies
    known = sorted(list_currencies(locale="en") & set(names))
    pairs = [(code, f"{code} · {names[code]}") for code in known if len(code) == 3]
    return _near_first(pairs, _USUAL)


@functools.cache
def time_zones() -> list[str]:
    """Every IANA time zone that names a place; that of Viet Nam first."""
    places = sorted(each for each in available_timezones() if each.startswith(_REGIONS))
    return ["Asia/Ho_Chi_Minh", *(each for each in places if each != "Asia/Ho_Chi_Minh"), "UTC"]


def _near_first(pairs: list[tuple[str, str]], near: tuple[str, ...]) -> list[tuple[str, str]]:
    order = {code: number for number, code in enumerate(near)}
    return sorted(pairs, key=lambda pair: (order.get(pair[0], len(near)), sort_key(pair[1])))
