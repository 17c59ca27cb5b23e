"""The guide to addresses: its commands print what stands there, its code runs as it stands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from relatum.cli.main import main
from tests.real_data.conftest import folder_of

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "addresses.md").read_text("utf-8")
CONSOLE = re.findall(r"^```console\n\$ relatum (.+?)\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
CODE = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def test_there_is_something_to_run() -> None:
    assert (len(CONSOLE), len(CODE)) == (2, 1)


def test_code() -> None:
    exec(compile(CODE[0], "addresses.md", "exec"), {})  # noqa: S102 - the guide's own code


def test_commands(
    relatum_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert relatum_home.is_dir()
    tables = folder_of("vi_admin_units")
    monkeypatch.setenv("RELATUM_SAFE_MODE", "1")
    assert main(["migrate", "--apply"]) == 0
    capsys.readouterr()
    for command, printed in CONSOLE:
        words = [str(tables) if word == "units/" else word for word in shlex.split(command)]
        assert main(words) == 0, command
        assert capsys.readouterr().out.startswith(printed)
    assert main(["addresses", "read", "P. Ngọc Hà, Q. Ba Đình, HN", "--json"]) == 0
    assert '"outcome": "several"' in capsys.readouterr().out
    assert main(["addresses", "load", str(relatum_home)]) == 1
    assert "got neither" in capsys.readouterr().err
