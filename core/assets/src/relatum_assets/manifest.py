"""The manifest that is written when the files are packed, read."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

FILES = Path(__file__).parent / "files"
#: Drawn where an icon is asked for that is not packed.
NEUTRAL_ICON = "circle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file.

    Attributes:
        path: where it lies; its name holds a part of its sum, so it may be kept for ever.
        media_type: as browsers want to hear it.
        integrity: for the attribute of that name.
        package: of npm, from which it comes.
    """

    path: Path
    media_type: str
    integrity: str
    package: str

    @property
    def name(self) -> str:
        """``htmx.1a2b3c4d5e.js``."""
        return self.path.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """Under which terms a package is passed on, with its words."""

    package: str
    version: str
    licence: str
    text: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is packed.

    Attributes:
        assets: by the plain name: ``htmx.js``, ``sortable.js``, ``icons.svg``.
        icons: names of the symbols in ``icons.svg``.
    """

    assets: dict[str, Asset]
    icons: frozenset[str]
    licences: tuple[Licence, ...]

    def icon(self, name: str) -> str:
        """The symbol for an icon; a neutral one where it is not packed."""
        return name if name in self.icons else NEUTRAL_ICON


@functools.cache
def manifest() -> Manifest:
    """What is packed in this installation.

    Raises:
        FileNotFoundError: nothing was packed: the package was not built, only copied.
    """
    path = FILES / "manifest.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"expected {path}, which is written when relatum-assets is built, found none; install "
            "it with pip (in the repository: make assets)"
        )
    read = json.loads(path.read_text(encoding="utf-8"))
    return Manifest(
        assets={
            name: Asset(
                path=FILES / each["file"],
                media_type=each["media_type"],
                integrity=each["integrity"],
                package=each["package"],
            )
            for name, each in read["assets"].items()
        },
        icons=frozenset(read["icons"]),
        licences=tuple(
            Licence(
                package=each["package"],
                version=each["version"],
                licence=each["licence"],
                text=FILES / each["file"],
            )
            for each in read["licences"]
        ),
    )
