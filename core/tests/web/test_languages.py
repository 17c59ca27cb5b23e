"""Which language a page is in, and that none of its texts was forgotten."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

import relatum.web
from relatum.web.languages import LOCALES, grouped, preferred, translations

WEB = Path(relatum.web.__file__).parent
METHODS = [("**.html", "jinja2.ext:babel_extract"), ("**.py", "python")]
# `text` is what the routes call gettext, `marked` texts are translated where they are shown
KEYWORDS = {"_": None, "gettext": None, "text": None, "marked": None}


def used_texts() -> set[str]:
    found = extract_from_dir(
        WEB, method_map=METHODS, keywords=KEYWORDS, options_map={"**.html": {"trimmed": "true"}}
    )
    return {message for _, _, message, _, _ in found if isinstance(message, str)}


def catalogue() -> dict[str, str]:
    with (LOCALES / "vi" / "LC_MESSAGES" / "relatum.po").open("rb") as file:
        return {str(each.id): str(each.string) for each in read_po(file) if each.id}


def test_every_text_is_translated_and_none_is_left_over() -> None:
    assert len(used_texts()) > 40
    assert used_texts() == set(catalogue())


def test_translations_are_whole() -> None:
    for english, vietnamese in catalogue().items():
        assert vietnamese, english
        holes = re.compile(r"%\(\w+\)s|<[^>]+>")
        assert sorted(holes.findall(english)) == sorted(holes.findall(vietnamese))
        assert english.endswith(".") == vietnamese.endswith(".")


def test_texts_come_in_their_language() -> None:
    assert translations("vi").gettext("Customers") == "Khách hàng"
    assert translations("en").gettext("Customers") == "Customers"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("vi-VN,vi;q=0.9,en;q=0.8", "vi"),
        ("en-GB,en;q=0.9", "en"),
        ("en;q=0.3, vi;q=0.7", "vi"),
        ("fr-FR,fr;q=0.9,en;q=0.1", "en"),
        ("VI", "vi"),
        ("vi;q=0", None),
        ("fr,de", None),
        ("", None),
        ("en;q=much", None),
        ("*", None),
    ],
)
def test_the_browser_is_asked(accepted: str, language: str | None) -> None:
    assert preferred(accepted) == language


@given(st.text())
def test_any_header_is_understood_or_not(accepted: str) -> None:
    assert preferred(accepted) in ("vi", "en", None)


def test_numbers() -> None:
    assert (grouped(1234567, "vi"), grouped(1234567, "en")) == ("1.234.567", "1,234,567")
    assert grouped(-999, "vi") == "-999"
