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
KEYWORDS = {"_": None, "gettext": None, "text": None, "marked": None, "ngettext": (1, 2)}


def used_texts() -> set[str]:
    found = extract_from_dir(
        WEB, method_map=METHODS, keywords=KEYWORDS, options_map={"**.html": {"trimmed": "true"}}
    )
    texts = (each[0] if isinstance(each, tuple) else each for _, _, each, _, _ in found)
    return {text for text in texts if isinstance(text, str)}


def catalogue() -> dict[str, str]:
    """All files together; a text has one translation, whichever parts of the house say it."""
    found: dict[str, str] = {}
    for path in sorted((LOCALES / "vi" / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            for each in read_po(file):
                if each.id:
                    english = each.id[0] if isinstance(each.id, tuple) else str(each.id)
                    strings = each.string if isinstance(each.string, tuple) else (each.string,)
                    vietnamese = str(strings[0])
                    assert found.setdefault(english, vietnamese) == vietnamese, (path, english)
    return found


def test_every_text_is_translated_and_none_is_left_over() -> None:
    used, translated = used_texts(), set(catalogue())
    assert len(used) > 40
    assert used - translated == set(), "not translated"
    assert translated - used == set(), "said nowhere"


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
