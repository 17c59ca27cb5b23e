"""What no committed file may name: hosts of package registries and folders of one machine.

The backslashes and brackets of a pattern keep it from matching itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tests.structure.repository import Problem

REGISTRY = re.compile(
    r"pypi\.(?:org|python\.org)|pythonhosted\.org|registry\.(?:npmjs\.org|yarnpkg\.com)"
    r"|\bnpmjs\.com|\b(?:deb|security|ftp|packages)\.debian\.org|archive\.ubuntu\.com"
    r"|crates\.io|rubygems\.org|proxy\.golang\.org|--(?:extra-)?index-url|--find-link[s]"
)
MACHINE = re.compile(
    r"(?<![\w.~-])/(?:work|root|home/\w+|Users/\w+|opt/wheels|opt/pypi[\w-]*)(?:/|\b)(?![\w-])"
    r"|\b[A-Z]:\\Users\\"
)


def problems(files: Iterable[Path]) -> tuple[int, list[Problem]]:
    """Check the text files among `files`.

    Returns:
        The number of files that were read as text, and one problem per line that names something.
    """
    read = 0
    found: list[Problem] = []
    for path in files:
        text = _text(path)
        if text is not None:
            read += 1
            found += _in_text(path, text)
    return read, found


def _in_text(path: Path, text: str) -> Iterable[Problem]:
    for number, line in enumerate(text.splitlines(), start=1):
        if name := REGISTRY.search(line):
            yield Problem(f"{path}:{number}", f"names a package registry: {name[0]}")
        if name := MACHINE.search(line):
            yield Problem(f"{path}:{number}", f"names a folder of one machine: {name[0]}")


def _text(path: Path) -> str | None:
    content = path.read_bytes()
    return None if b"\0" in content[:8192] else content.decode("utf-8", errors="replace")
