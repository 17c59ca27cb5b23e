"""Every acceptance criterion of security has a test of its name."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
GUIDE = HERE.parents[1] / "docs" / "guides" / "security.md"
NAME = re.compile(r"def test_ac_sec_(\d\d)_\w+")


def test_each_of_the_twelve_has_a_test() -> None:
    found = {name for file in HERE.glob("test_*.py") for name in NAME.findall(file.read_text())}
    assert found == {f"{number:02}" for number in range(1, 13)}


def test_the_guide_names_files_that_are_there() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert set(re.findall(r"AC-SEC-(\d+)", text)) == {str(number) for number in range(1, 13)}
    named = set(re.findall(r"`(test_\w+\.py)`", text))
    assert len(named) > 8
    assert named <= {file.name for file in HERE.glob("test_*.py")}
