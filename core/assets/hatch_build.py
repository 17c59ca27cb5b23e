"""Packs the front-end files when a wheel, an sdist or the editable install is built."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "src"))

from relatum_assets import packing  # noqa: E402 - found through the line above


class PackFiles(BuildHookInterface[Any]):
    """See :mod:`relatum_assets.packing`."""

    def dependencies(self) -> list[str]:
        """Node from the package index, where it is needed and the machine has none."""
        return [] if packing.is_packed(ROOT) or packing.machines_npm() else [packing.NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Pack; hatchling then finds the files among the artifacts."""
        packing.pack(ROOT)
