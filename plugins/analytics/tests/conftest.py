"""Where the real files are."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real files; the test says so and ends where it is not there."""
    if not DATA.is_dir():
        pytest.skip("the data folder ../shared/data is not there")
    return DATA
