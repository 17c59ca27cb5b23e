"""For every test of the repository."""

import gc
import os

import pytest
from hypothesis import settings

# A busy machine is slow now and then; a test that hangs is ended by its time limit.
settings.register_profile("relatum", deadline=None)
settings.load_profile("relatum")

MOST_PROCESSES = 8


#: New objects between collections of garbage; Python's own 700 is for programs that make few.
NEW_OBJECTS = 20_000


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: nobody looks through it for garbage. Nearly
    every test opens a house and makes an application, and half of that time went there.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 10, 10)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For ``-n auto``: one more than cores, because many tests wait for processes they started."""
    return min((os.cpu_count() or 1) + 1, MOST_PROCESSES)
