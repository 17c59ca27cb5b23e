"""What of core's own files is sent: nothing that only those who read them need.

A step that builds them would do more; this keeps the files that are written the files that run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The module that every page loads, with all that it imports.
ENTRY = "relatum.js"


def lean(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files as they are sent, by name.

    Style sheets and modules without comments and indents; ``relatum.js`` with the modules that it
    imports in it, which are no files of their own then.
    """
    cut = {name: _cut(name, text) for name, text in files.items()}
    inside = modules_of(ENTRY, cut)
    kept = {name: text for name, text in cut.items() if name not in inside}
    return kept | {ENTRY: joined([cut[name] for name in inside])}


def _cut(name: str, text: bytes) -> bytes:
    if name.endswith(".css"):
        return tight(text)
    return bare(text) if name.endswith(".js") else text


def tight(sheet: bytes) -> bytes:
    """A style sheet of ours without comments and the blanks that part its rules."""
    plain = _SPACE.sub(b"", _COMMENT.sub(b"", sheet))
    return _AROUND.sub(rb"\1", plain).replace(b";}", b"}")


def bare(script: bytes) -> bytes:
    """A module without ``/** … */``, lines that are comments, and what indents the others.

    For modules of ours: no text in them spans lines or holds what looks like a comment.
    """
    lines = (line.strip() for line in _DOCUMENTATION.sub(b"", script).splitlines())
    return b"".join(line + b"\n" for line in lines if line and not line.startswith(b"//"))


def modules_of(name: str, scripts: Mapping[str, bytes]) -> list[str]:
    """A module and those that it imports, each after what it imports itself."""
    found: list[str] = []
    for imported in _FROM.findall(scripts[name]):
        for each in modules_of(imported.decode(), scripts):
            if each not in found:
                found.append(each)
    return [*found, name]


def joined(scripts: list[bytes]) -> bytes:
    """One module of several whose names at the top differ; it exports what they export."""
    return b"".join(_FROM.sub(b"", script) for script in scripts)


_COMMENT = re.compile(rb"/\*.*?\*/", re.DOTALL)
_SPACE = re.compile(rb"\s*\n\s*")
_AROUND = re.compile(rb" ?([{};]) ?")
_DOCUMENTATION = re.compile(rb"/\*\*.*?\*/[ \t]*", re.DOTALL)
#: A module that is loaded with the one that names it; ``import("./palette.js")`` comes later.
_FROM = re.compile(rb"""^(?:import|export)\b[^"();=]*"\./([\w-]+\.js)";\n""", re.MULTILINE)
