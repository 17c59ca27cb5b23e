"""Where the real files are, and what is left out where SciPy is not installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
collect_ignore_glob = [] if find_spec("scipy") else ["test_*.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if collect_ignore_glob:
        terminalreporter.write_line("plugins/analytics was not tested: SciPy is not installed")


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real files; the test says so and ends where it is not there."""
    if not DATA.is_dir():
        pytest.skip("the data folder ../shared/data is not there")
    return DATA
