"""The look: contrast in both themes, the size of what is sent, parts that are listed."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import brotli
import pytest

import relatum.web
from relatum.web.own_files import tight
from relatum.web.static_files import FOLDER

WEB = Path(relatum.web.__file__).parent
SHEET = (FOLDER / "relatum.css").read_text("utf-8")
UI = (WEB / "templates" / "relatum" / "ui.html").read_text("utf-8")
LARGEST = 6 * 1024
GROUNDS = ("ground", "raised", "sunken")
TONES = ("good", "warning", "bad", "info", "accent", "violet", "teal", "quiet")

Colour = tuple[float, float, float]


def tokens(theme: int) -> dict[str, Colour]:
    """The colours of a theme: 0 is light, 1 dark."""
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", SHEET)
    return {name: colour((light, dark)[theme]) for name, light, dark in pairs}


def colour(text: str) -> Colour:
    digits = text.removeprefix("#")
    digits = "".join(2 * each for each in digits) if len(digits) == 3 else digits
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def linear(channel: float) -> float:
    """WCAG 2.2, relative luminance."""
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def contrast(first: Colour, second: Colour) -> float:
    """WCAG 2.2, contrast ratio."""
    weights = (0.2126, 0.7152, 0.0722)
    lights = [
        sum(weight * linear(channel) for weight, channel in zip(weights, each, strict=True))
        for each in (first, second)
    ]
    return (max(lights) + 0.05) / (min(lights) + 0.05)


def mixed(ink: Colour, share: float, ground: Colour) -> Colour:
    """Near enough to ``color-mix(in oklab, …)`` for colours this close."""
    red, green, blue = (share * a + (1 - share) * b for a, b in zip(ink, ground, strict=True))
    return red, green, blue


def test_contrast_is_reckoned_as_it_should_be() -> None:
    assert contrast(colour("#fff"), colour("#000")) == pytest.approx(21)
    # the grey that is known to be the lightest for text on white
    assert contrast(colour("#fff"), colour("#767676")) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1])
def test_text_is_legible_on_every_ground(theme: int) -> None:
    known = tokens(theme)
    assert len(known) > 10
    for ink, ground in product(("text", "quiet", "accent"), GROUNDS):
        assert contrast(known[ink], known[ground]) >= 4.5, (ink, ground)
    for tone in TONES:
        assert contrast(known[tone], mixed(known[tone], 0.13, known["raised"])) >= 4.5, tone
    assert contrast(colour("#fff"), known["fill"]) >= 4.5
    for background in re.findall(r"\.tone\d \{ background: (#\w+)", SHEET):
        assert contrast(colour("#fff"), colour(background)) >= 4.5, background


def test_the_sheet_of_every_page_is_small() -> None:
    assert len(brotli.compress(tight(SHEET.encode()))) < LARGEST


def test_sheets_name_no_foreign_host_and_shout_rarely() -> None:
    for path in FOLDER.glob("*.css"):
        text = path.read_text("utf-8")
        assert not re.search(r"@import|url\(|https?:", text), path.name
        assert text.count("!important") <= 8, path.name
        assert text.count("{") == text.count("}"), path.name


def test_sheets_lose_nothing_but_blanks() -> None:
    for path in FOLDER.glob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
        sent = tight(path.read_bytes()).decode()
        assert re.sub(r"\s|;(?=\s*})", "", text) == re.sub(r"\s", "", sent), path.name
        assert re.findall(r'"[^"]*"', text) == re.findall(r'"[^"]*"', sent), path.name


#: Used by other parts alone.
INNER = {"attributes", "described", "faults", "hinted", "label"}


def test_every_part_is_listed_at_the_top() -> None:
    made = set(re.findall(r"\{%-? macro (\w+)\(", UI)) - INNER
    top = re.sub(r"\{% raw %\}.*?\{% endraw %\}", "", UI[: UI.index("#}")])
    listed = set(re.findall(r"\b([a-z_]+)\(", top))
    words = set(re.findall(r"\b[a-z_]+\b", top))
    assert len(made) > 50
    assert made - words == set(), "a part is not listed"
    assert listed - made == set(), "a part is listed that is not there"
