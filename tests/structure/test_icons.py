"""Icons: every one that is asked for is packed, and none that nobody asks for."""

from __future__ import annotations

import re

import pytest

from tests.structure.repository import ROOT, files

LIST = ROOT / "core" / "assets" / "icons.txt"
#: ``icon("search")``, ``symbol="plus"``, ``icon="bed"``.
ASKED = re.compile(r"""\b(?:icon\(|symbol=|icon=)\s*["']([a-z0-9]+(?:-[a-z0-9]+)*)["']""")
NAMED = re.compile(r"""["']([a-z0-9]+(?:-[a-z0-9]+)*)["']""")
#: Drawn where an icon is missing; see relatum_assets.manifest.
NEUTRAL = "circle"


def listed() -> set[str]:
    lines = (line.partition("#")[0].strip() for line in LIST.read_text("utf-8").splitlines())
    return {line for line in lines if line}


@pytest.fixture(scope="module")
def sources() -> list[str]:
    """What can name an icon: templates and modules, tests left out."""
    found = [
        path.read_text(encoding="utf-8")
        for path in files()
        if path.suffix in (".html", ".py") and "tests" not in path.parts
    ]
    assert len(found) > 100
    return found


def test_every_icon_that_is_asked_for_is_packed(sources: list[str]) -> None:
    asked = {name for text in sources for name in ASKED.findall(text)}
    assert len(asked) > 30
    assert asked - listed() == set(), "not in core/assets/icons.txt"


def test_no_icon_is_packed_for_nobody(sources: list[str]) -> None:
    named = {name for text in sources for name in NAMED.findall(text)}
    assert listed() - named - {NEUTRAL} == set(), "nobody names it: take it out of icons.txt"


def test_names_are_found_where_they_stand() -> None:
    text = (
        """{{ ui.icon("a-1") }}{{ ui.button(_("x"), symbol="b") }} Entry(icon='c-d') icon(name)"""
    )
    assert ASKED.findall(text) == ["a-1", "b", "c-d"]
