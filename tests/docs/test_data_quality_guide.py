"""The guide to data quality: its code runs, and what it says of rules and settings is so."""

from __future__ import annotations

import contextlib
import io
import re
import tomllib

import msgspec

from relatum_data_quality.permissions import PERMISSIONS
from relatum_data_quality.rules.catalogue import RULES
from relatum_data_quality.settings import Settings
from relatum_data_quality.types import OutsideBatch
from tests.structure.repository import ROOT

GUIDE = (ROOT / "docs" / "guides" / "data_quality.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def test_the_rules_alone() -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(block("python"), "data_quality.md", "exec"), {})  # noqa: S102
    lines = out.getvalue().splitlines()
    assert any(line.endswith("NguyÔn V¨n Hïng -> Nguyễn Văn Hùng") for line in lines)
    assert any(line.endswith("0168 123 4567 -> 0381234567") for line in lines)


def test_the_settings_are_taken() -> None:
    settings = tomllib.loads(block("toml"))["plugins"]["data_quality"]
    assert msgspec.convert(settings, Settings).off == ["data_quality.no_birth"]


def test_the_batch_is_one() -> None:
    batch = msgspec.json.decode(block("json"), type=OutsideBatch)
    assert [each.handled for each in batch.records] == [["left_out"], []]


def test_every_rule_and_permission_is_named() -> None:
    assert [each.id.partition(".")[2] for each in RULES] == re.findall(
        r"^\| `([a-z_0-9]+)` \|", GUIDE, re.MULTILINE
    )
    assert {each.id for each in PERMISSIONS} == set(
        re.findall(r"^\| `([a-z_]+\.[a-z_.]+)` \|", GUIDE, re.MULTILINE)
    )
    assert f"{len(RULES)} rules look at customers" in GUIDE
