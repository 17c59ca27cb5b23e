"""For every test of the repository."""

import gc
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is slow now and then; a test that hangs is ended by its time limit.
settings.register_profile("relatum", deadline=None)
settings.load_profile("relatum")

MOST_PROCESSES = 8


#: New objects between collections of garbage; Python's own 700 is for programs that make few.
NEW_OBJECTS = 20_000


#: Much of it takes a minute, and all of it belongs to every run.
EARLY = Path(__file__).parent / "tests" / "security"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests come first, so that no process ends with one while others wait."""
    long = {
        item.path for item in items if item.get_closest_marker("long") or EARLY in item.path.parents
    }
    items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: nobody looks through it for garbage. Nearly
    every test opens a house and makes an application, and half of that time went there.
    """
    if "litestar" in sys.modules:  # else nothing here makes an application
        from tests.remembering import remember

        remember()
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 10, 10)


def pytest_runtest_logfinish() -> None:
    """After each test, its fixtures included."""
    if "tests.remembering" in sys.modules:
        from tests.remembering import forget_copies

        forget_copies()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For ``-n auto``: one more than cores, because many tests wait for processes they started."""
    return min((os.cpu_count() or 1) + 1, MOST_PROCESSES)
