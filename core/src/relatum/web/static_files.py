"""The files that pages load: core's, those of plugins and the packed ones of others.

``/static/<owner>/<sum>/<path>``: the sum is of all the files of the owner together, so a module
that imports ``./palette.js`` gets the one that belongs to it, and every file may be kept for ever.
Files of ``relatum-assets`` carry their sums in their own names.
"""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import brotli

from relatum.web.own_files import lean
from relatum_assets import manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from relatum.http.compression import Coding

FOLDER = Path(__file__).parent / "static"
PREFIX = "/static"
CORE, ASSETS = "relatum", "assets"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
#: Already packed as tightly as they get.
PACKED = frozenset({".png", ".webp", ".woff2"})
DIGEST_LETTERS = 10
#: Below this the headers of compression cost what it saves.
SMALLEST_COMPRESSED = 256


class StaticFile:
    """One file, held in memory.

    Attributes:
        media_type: as browsers want to hear it.
        integrity: for the attribute of that name.
        compressed: by how it is, once it was; ``None`` where that saves nothing.
    """

    def __init__(self, content: bytes, suffix: str) -> None:
        self.content = content
        self.media_type = MEDIA_TYPES[suffix].encode()
        self.compressed: dict[Coding, bytes | None] = {}
        self._packed = suffix in PACKED or len(content) < SMALLEST_COMPRESSED

    @functools.cached_property
    def integrity(self) -> str:
        """SHA-384, as in ``integrity="sha384-…"``."""
        return f"sha384-{base64.b64encode(hashlib.sha384(self.content).digest()).decode()}"

    def compress(self, coding: Coding) -> bytes | None:
        """As tightly as it goes, which takes up to a tenth of a second; kept in ``compressed``."""
        made: bytes | None = None
        if not self._packed:
            tightly = brotli.compress if coding == "br" else _gzip
            made = tightly(self.content)
        self.compressed[coding] = made
        return made


class Shelf:
    """The files of one owner.

    Attributes:
        files: by path below the owner's folder.
        digest: of all of them.
    """

    def __init__(self, files: dict[str, StaticFile]) -> None:
        self.files = files
        total = hashlib.sha256()
        for name, file in sorted(files.items()):
            total.update(f"{name}\0{len(file.content)}\0".encode() + file.content)
        self.digest = total.hexdigest()[:DIGEST_LETTERS]

    def find(self, path: str) -> tuple[StaticFile | None, bool]:
        """A file by the rest of an address, and whether the address is its own for ever."""
        digest, _, name = path.partition("/")
        if name in self.files:
            return self.files[name], digest == self.digest
        return self.files.get(path), False


class StaticFiles:
    """The files of one house.

    Args:
        folder_of: the folder of a plugin's package, ``None`` for one that is off.
    """

    def __init__(self, folder_of: Callable[[str], Path | None]) -> None:
        self._folder_of = folder_of

    def url(self, name: str) -> str:
        """The address of a file.

        Args:
            name: ``relatum.css`` of core, ``assets/htmx.js`` or ``spa/board.js``.

        Raises:
            LookupError: there is none.
        """
        owner, path = _owner_and_path(name)
        if owner == ASSETS:
            asset = manifest().assets.get(path)
            if asset is not None:
                return f"{PREFIX}/{ASSETS}/{asset.name}"
        else:
            shelf = self.shelf(owner)
            if shelf is not None and path in shelf.files:
                return f"{PREFIX}/{owner}/{shelf.digest}/{path}"
        raise LookupError(f"expected the name of a static file, got {name!r}; see that it is there")

    def integrity(self, name: str) -> str:
        """The value of ``integrity`` for a file; raises as :meth:`url`."""
        owner, path = _owner_and_path(name)
        if owner == ASSETS and path in manifest().assets:
            return manifest().assets[path].integrity
        shelf = self.shelf(owner)
        if shelf is None or path not in shelf.files:
            raise LookupError(f"expected the name of a static file, got {name!r}")
        return shelf.files[path].integrity

    def find(self, owner: str, path: str) -> tuple[StaticFile | None, bool]:
        """A file by its address, and whether the address is its own for ever."""
        if owner == ASSETS:
            return _assets().get(path), True
        shelf = self.shelf(owner)
        return (None, False) if shelf is None else shelf.find(path)

    def shelf(self, owner: str) -> Shelf | None:
        """The files of core or of a plugin that is on."""
        if owner == CORE:
            return _shelf(FOLDER)
        folder = self._folder_of(owner)
        return None if folder is None else _shelf(folder / "static")


def icon_url(name: str) -> str:
    """Where an icon is drawn: a symbol in the one file of icons; a circle where it is missing."""
    packed = manifest()
    return f"{PREFIX}/{ASSETS}/{packed.assets['icons.svg'].name}#{packed.icon(name)}"


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, 9, mtime=0)


def _owner_and_path(name: str) -> tuple[str, str]:
    owner, slash, path = name.partition("/")
    return (owner, path) if slash else (CORE, name)


@functools.cache
def _shelf(folder: Path) -> Shelf:
    contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _below(folder)}
    if folder == FOLDER:
        contents = lean(contents)
    return Shelf({name: StaticFile(text, Path(name).suffix) for name, text in contents.items()})


@functools.cache
def _assets() -> dict[str, StaticFile]:
    return {
        asset.name: StaticFile(asset.path.read_bytes(), asset.path.suffix)
        for asset in manifest().assets.values()
    }


def _below(folder: Path) -> Iterable[Path]:
    """Files that browsers load; links that lead elsewhere are none."""
    if not folder.is_dir():
        return []
    found = (path for path in sorted(folder.rglob("*")) if path.suffix in MEDIA_TYPES)
    return [path for path in found if path.is_file() and not path.is_symlink()]
