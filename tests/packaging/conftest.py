from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.structure.repository import ROOT, distributions

CONSTRAINTS = ROOT / "constraints.txt"


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel of every distribution by the name of its folder, built from its own sdist."""
    built = {}
    for distribution in distributions():
        target = tmp_path_factory.mktemp(distribution.name)
        run([sys.executable, "-m", "build", "--no-isolation", "-o", target, distribution])
        (built[distribution.name],) = target.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the commands of a new environment with core and the sales pipeline."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, with_pip=True)
    chosen = [wheels["core"], wheels["sales_pipeline"]]
    pip = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    run([*pip, "install", "--quiet", "-c", CONSTRAINTS, *chosen])
    run([*pip, "check"])
    return folder / "bin"


def run(command: Sequence[str | Path], folder: Path | None = None, **environment: str) -> str:
    """Run to the end, by default outside of this repository; what it printed."""
    done = subprocess.run(
        command,
        cwd=folder or tempfile.gettempdir(),
        env=clean_environment() | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    printed = f"{done.stdout}{done.stderr}"
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{printed}"
    return done.stdout


def clean_environment() -> dict[str, str]:
    """The environment of this process without what belongs to this repository and this run."""
    hidden = ("PYTHON", "VIRTUAL_ENV", "RELATUM_", "COV_", "PYTEST_")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
