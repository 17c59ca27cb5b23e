"""Where the real files are, and the command on a fresh data folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"


def folder_of(name: str) -> Path:
    """A set of real files; the test says so and ends where it is not there."""
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"the data folder ../shared/data/{name} is not there")
    return folder


@pytest.fixture
def relatum(tmp_path: Path) -> Callable[..., Any]:
    """Runs ``relatum …`` on an empty, migrated data folder; JSON when asked for."""
    environment = {key: text for key, text in os.environ.items() if not key.startswith("RELATUM_")}
    environment["RELATUM_HOME"] = str(tmp_path / "home")

    def run(*arguments: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "relatum.cli.main", *arguments],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=540,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout) if "--json" in arguments else done.stdout

    run("migrate", "--apply")
    return run


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The file that the command wrote, to be read with nothing but sqlite3."""
    return tmp_path / "home" / "relatum.sqlite3"
