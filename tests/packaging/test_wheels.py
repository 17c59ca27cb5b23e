from __future__ import annotations

from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.structure.repository import ROOT, distributions, files, package, read_toml

NAMES = [distribution.name for distribution in distributions()]


@pytest.fixture(params=NAMES)
def distribution(request: pytest.FixtureRequest) -> Path:
    by_name = {path.name: path for path in distributions()}
    return by_name[str(request.param)]


@pytest.fixture
def wheel(distribution: Path, wheels: dict[str, Path]) -> ZipFile:
    return ZipFile(wheels[distribution.name])


def test_holds_every_file_of_its_package(distribution: Path, wheel: ZipFile) -> None:
    source = package(distribution)
    wanted = {str(path.relative_to(source.parent)) for path in files() if source in path.parents}
    packed = set(wheel.namelist())
    assert len(wanted) > 1
    assert wanted <= packed, f"not in the wheel: {sorted(wanted - packed)}"


def test_holds_nothing_else(distribution: Path, wheel: ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    own = package(distribution).name
    assert {top for top in tops if not top.endswith(".dist-info")} == {own}
    assert not [name for name in wheel.namelist() if name.endswith((".pyc", ".sqlite3"))]


def test_metadata_is_that_of_the_project(distribution: Path, wheel: ZipFile) -> None:
    project = read_toml(distribution / "pyproject.toml")["project"]
    metadata = read_metadata(wheel)
    assert metadata["Name"] == project["name"]
    assert metadata["Version"] == project["version"]
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    readme = (distribution / "README.md").read_text(encoding="utf-8")
    assert readme.strip() in str(metadata.get_payload())


def test_carries_its_licence(wheel: ZipFile) -> None:
    (path,) = (name for name in wheel.namelist() if name.endswith("licenses/LICENSE"))
    assert wheel.read(path) == (ROOT / "LICENSE").read_bytes()


def test_entry_points_are_those_declared(distribution: Path, wheel: ZipFile) -> None:
    project = read_toml(distribution / "pyproject.toml")["project"]
    declared = dict(project.get("entry-points", {}))
    if "scripts" in project:
        declared["console_scripts"] = project["scripts"]
    found = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert len(found) == bool(declared)
    packed = "".join(wheel.read(path).decode() for path in found)
    for group, points in declared.items():
        assert f"[{group}]" in packed
        for name, target in points.items():
            assert f"{name} = {target}" in packed


def read_metadata(wheel: ZipFile) -> Message:
    (path,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(path).decode("utf-8"))
