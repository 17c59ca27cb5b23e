"""The guide to likely doubles: its code runs, and what it says of rules and settings is so."""

from __future__ import annotations

import contextlib
import io
import re
import tomllib

import msgspec

from relatum_identity.engine import deciding
from relatum_identity.permissions import PERMISSIONS
from relatum_identity.settings import Settings
from relatum_identity.types import Question
from tests.structure.repository import ROOT

GUIDE = (ROOT / "docs" / "guides" / "identity.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def test_any_two_files() -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(block("python"), "identity.md", "exec"), {})  # noqa: S102
    [line] = out.getvalue().splitlines()
    assert line.startswith("0 1 0.9")
    assert "day_month_swapped" in line


def test_the_settings_are_taken() -> None:
    settings = tomllib.loads(block("toml"))["plugins"]["identity"]
    assert msgspec.convert(settings, Settings).auto_merge


def test_the_question_is_one() -> None:
    question = msgspec.json.decode(block("json"), type=Question)
    assert [each.display_name for each in question.items] == ["Hùng Nguyễn"]


def test_every_rule_and_permission_is_named() -> None:
    source = deciding.rule_of.__code__.co_consts
    rules = {
        const
        for const in source
        if isinstance(const, str) and re.fullmatch(r"[a-z]+(_[a-z]+)+", const)
    }
    assert rules - {"one_digit"} == set(re.findall(r"^\| `([a-z_]+)` \|", GUIDE, re.MULTILINE))
    assert {each.id for each in PERMISSIONS} == set(
        re.findall(r"^\| `([a-z_]+\.[a-z_.]+)` \|", GUIDE, re.MULTILINE)
    )
