from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.structure.repository import ROOT, distributions

CONSTRAINTS = ROOT / "constraints.txt"


@pytest.fixture(scope="session")
def wheels(shared: Path) -> dict[str, Path]:
    """The wheel of every distribution by the name of its folder, built from its own sdist."""
    folders = {folder.name: shared / "wheels" / folder.name for folder in distributions()}
    with once(shared / "wheels") as first:
        for distribution in distributions() if first else ():
            target = folders[distribution.name]
            run([sys.executable, "-m", "build", "--no-isolation", "-o", target, distribution])
    return {name: one_wheel(folder) for name, folder in folders.items()}


@pytest.fixture(scope="session")
def installed(wheels: dict[str, Path], shared: Path) -> Path:
    """The folder of the commands of a new environment with core and the sales pipeline."""
    folder = shared / "venv"
    with once(folder) as first:
        if first:
            venv.create(folder)
            chosen = [wheels[name] for name in ("core", "assets", "sales_pipeline")]
            python = folder / "bin" / "python"
            pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
            run([*pip, "install", "--quiet", "--no-compile", "-c", CONSTRAINTS, *chosen])
            run([*pip, "check"])
    return folder / "bin"


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run, the same one in each of its processes."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@contextlib.contextmanager
def once(folder: Path) -> Iterator[bool]:
    """Whether the block is the first of this run to make the folder; others wait for its end."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder.with_suffix(".made")
        yield not made.exists()
        made.touch()


def one_wheel(folder: Path) -> Path:
    (wheel,) = folder.glob("*.whl")
    return wheel


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
