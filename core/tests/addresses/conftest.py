"""The tables of a small country, as files and in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.tests.addresses.country import write_tables
from relatum.addresses.files import read_folder
from relatum.addresses.gazetteer import Gazetteer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tables(tmp_path / "units")


@pytest.fixture
def gazetteer(folder: Path) -> Gazetteer:
    units = read_folder(folder)
    return Gazetteer(units.units, units.changes)
