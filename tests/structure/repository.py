"""The repository as data: its files, its distributions, its plugins."""

from __future__ import annotations

import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Problem:
    """One broken rule, with the place and the mend."""

    place: str
    rule: str

    def __str__(self) -> str:
        return f"{self.place}: {self.rule}"


def report(problems: list[Problem]) -> str:
    return "\n".join(map(str, problems))


def files(root: Path = ROOT) -> list[Path]:
    """Every file that is committed or about to be: tracked, or new and not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout
    paths = (root / name for name in listed.decode().split("\0") if name)
    return sorted({path for path in paths if path.is_file() and not path.is_symlink()})


def distributions(root: Path = ROOT) -> list[Path]:
    """The folders of all distributions."""
    return [root / "core", root / "core" / "assets", root / "sdk", *plugins(root)]


def plugins(root: Path = ROOT) -> list[Path]:
    """The folders of all plugins; a folder without a single file of its own is none."""
    return sorted({path.parent for path in root.glob("plugins/*/pyproject.toml")})


def package(distribution: Path) -> Path:
    """The only package of a distribution, such as core/src/relatum."""
    found = sorted(path for path in (distribution / "src").glob("relatum*") if path.is_dir())
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise LookupError(f"{distribution}/src holds one package relatum…; found: {names}")
    return found[0]


def read_toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
