"""The guide to writing a plugin, done as it says: files, commands, and the tests it ends with."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.structure.imports import plugin_problems
from tests.structure.repository import ROOT, report

GUIDE = ROOT / "docs" / "guides" / "writing_a_plugin.md"
FILE = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.+)$", re.MULTILINE)
SCRIPTS = Path(sys.executable).parent


def written(folder: Path) -> list[str]:
    """Write every file that the guide shows; returns their names."""
    names = []
    for name, text in FILE.findall(GUIDE.read_text(encoding="utf-8")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        names.append(name)
    return names


def environment(folder: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RELATUM_", "PICCOLO_"))
    }
    path = f"{SCRIPTS}{os.pathsep}{kept['PATH']}"
    home = str(folder / "home")
    return {**kept, "PATH": path, "RELATUM_HOME": home, "PYTHONDONTWRITEBYTECODE": "1"}


def install_into(site: Path) -> str:
    options = "--quiet --no-deps --no-index --no-build-isolation --disable-pip-version-check"
    return f"{shlex.quote(sys.executable)} -m pip install {options} --target {site} ."


@pytest.mark.long
def test_guide_leads_to_a_plugin_that_works(tmp_path: Path) -> None:
    folder = tmp_path / "relatum-loyalty"
    assert len(written(folder)) == 12
    site = tmp_path / "site"
    env = environment(tmp_path)
    ran = []
    for shown in COMMAND.findall(GUIDE.read_text(encoding="utf-8")):
        # not into the environment that runs this test
        command = install_into(site) if shown == "pip install ." else shown
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}\n{done.stderr}"
        ran.append(command)
        if site.exists():
            env["PYTHONPATH"] = str(site)
    assert len(ran) == 12
    read, problems = plugin_problems(site / "relatum_loyalty")
    assert read > 5
    assert not problems, report(problems)


def test_every_block_of_code_is_a_file_a_command_or_an_excerpt() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w*)$", text, re.MULTILINE)
    opened = blocks[::2]
    files = len(FILE.findall(text))
    assert opened.count("python") + opened.count("toml") == files + 1, "one excerpt of relatum.toml"
