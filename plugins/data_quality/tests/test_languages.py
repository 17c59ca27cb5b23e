"""Everything that the pages say is there in Vietnamese, and nothing is translated in vain."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

import relatum_data_quality

ROOT = Path(relatum_data_quality.__file__).parent
CATALOGUES = sorted((ROOT / "locales/vi/LC_MESSAGES").glob("*.po"))
FUNCTIONS = ["_", "gettext", "ngettext"]


def used_by_templates() -> Iterator[str]:
    for path in sorted((ROOT / "templates").rglob("*.html")):
        with path.open("rb") as file:
            for _, _, message, _ in babel_extract(
                file, FUNCTIONS, [], {"newstyle_gettext": "true"}
            ):
                yield message[0] if isinstance(message, tuple) else message


def used_by_code() -> Iterator[str]:
    for path in sorted([*ROOT.glob("screens*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and (node.func.attr, getattr(node.func.value, "id", "")) == ("text", "visit")
                and isinstance(node.args[0], ast.Constant)
            ):
                yield str(node.args[0].value)


def translated() -> dict[str, list[str]]:
    found = {}
    for path in CATALOGUES:
        for message in read_po(io.BytesIO(path.read_bytes()), locale="vi"):
            if message.id:
                key = message.id if isinstance(message.id, str) else message.id[0]
                said = message.string
                found[key] = [said] if isinstance(said, str) else list(said)
    return found


def test_nothing_is_missing_and_nothing_is_left_over() -> None:
    used = {*used_by_templates(), *used_by_code()}
    known = translated()
    assert len(used) > 40
    assert sorted(used - set(known)) == []
    assert sorted(set(known) - used) == []
    assert [key for key, said in known.items() if not all(said)] == []


def test_holes_are_kept() -> None:
    import re

    hole = re.compile(r"%\((\w+)\)s")
    wrong = [
        key
        for key, said in translated().items()
        for text in said
        if set(hole.findall(text)) != set(hole.findall(key))
    ]
    assert wrong == []
