"""For every test of the repository."""

import os

import pytest
from hypothesis import settings

# A busy machine is slow now and then; a test that hangs is ended by its time limit.
settings.register_profile("relatum", deadline=None)
settings.load_profile("relatum")

MOST_PROCESSES = 8


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For ``-n auto``: one more than cores, because many tests wait for processes they started."""
    return min((os.cpu_count() or 1) + 1, MOST_PROCESSES)
